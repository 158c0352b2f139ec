//! Azure Storage in a process that checks tokens: the npm package `azurite`, run by the Node of `node_modules`.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::npm;
use crate::workspace;

/// A running one, without a container, over TLS: it takes no token otherwise. Dropping it ends the process.
///
/// Of a token it checks that it is a JWT of Entra's for this storage and in time. Its signature it does not check.
pub struct Azure {
    child: Child,
    /// It dies of an output that nobody could read.
    _output: BufReader<ChildStdout>,
    url: String,
}

impl Azure {
    pub fn start() -> Azure {
        npm::ensure().expect("the packages");
        npm::ensure_azurite().expect("azurite");
        let certificates = workspace::root().join("peers/certificates");
        let mut child = Command::new(npm::bin().join("node"))
            .arg(npm::azurite().join("node_modules/azurite/dist/src/blob/main.js"))
            .args(["--silent", "--inMemoryPersistence", "--disableTelemetry"])
            .args([
                "--oauth",
                "basic",
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                "0",
            ])
            .arg("--cert")
            .arg(certificates.join("server.pem"))
            .arg("--key")
            .arg(certificates.join("server.key"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node starts");
        let stdout = child.stdout.take().expect("its output");
        let mut output = BufReader::new(stdout);
        let mut lines = output.by_ref().lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, address) = line.split_once("successfully listens on ")?;
            Some(address.to_owned())
        });
        Azure {
            child,
            _output: output,
            url: format!("{}/{ACCOUNT}", address.expect("its address")),
        }
    }

    /// The storage account: `https://127.0.0.1:PORT/devstoreaccount1`, with a certificate of
    /// [`authority`](crate::tls::authority).
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The account that azurite has.
const ACCOUNT: &str = "devstoreaccount1";
