//! AWS in a process that checks signatures: moto, of the Python packages.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::client::Request;
use crate::workspace;

/// A running one, with a bucket `files`, a table `things`, a user who may use both, and a role. Dropping it ends the
/// process.
pub struct Aws {
    child: Child,
    known: Value,
}

impl Aws {
    /// Starts one by an interpreter of [`crate::python::ensure`].
    pub fn start(python: &Path) -> Aws {
        let mut child = Command::new(python)
            .arg(workspace::root().join("peers/moto_server.py"))
            // It ends with this process, however that ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let known = lines.find_map(|line| serde_json::from_str(&line).ok());
        Aws {
            child,
            known: known.expect("what it knows"),
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        self.text("url")
    }

    /// The user's.
    pub fn access_key_id(&self) -> &str {
        self.text("access_key_id")
    }

    /// The user's.
    pub fn secret_access_key(&self) -> &str {
        self.text("secret_access_key")
    }

    /// Of a role that the user may assume and that may get objects, and nothing else.
    pub fn role_arn(&self) -> &str {
        self.text("role_arn")
    }

    /// Lets the next request in unsigned. Where a token is exchanged, AWS asks for no signature; moto does.
    pub fn let_one_in(&self) {
        let address = self.url().trim_start_matches("http://");
        let answer =
            Request::post("/moto-api/reset-auth", "1").send(address.parse().expect("an address"));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn text(&self, name: &str) -> &str {
        self.known[name].as_str().expect("a text")
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
