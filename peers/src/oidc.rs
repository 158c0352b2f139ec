//! A certified OpenID provider: the npm package `oidc-provider`, run by the Node of `node_modules`.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Request;
use crate::npm;
use crate::workspace;

/// A running provider. Dropping it ends the process.
pub struct Oidc {
    child: Child,
    address: SocketAddr,
    token: &'static str,
}

impl Oidc {
    /// Starts one with keys of its own.
    pub fn start() -> Oidc {
        Oidc::with(&[], "/token")
    }

    /// The same with the URLs of an Auth0 tenant.
    pub fn auth0() -> Oidc {
        Oidc::with(&["auth0"], "/oauth/token")
    }

    /// One that another program starts, at a port. It answers when this returns.
    pub fn run(mut command: Command, port: u16) -> Oidc {
        let address = ([127, 0, 0, 1], port).into();
        let mut child = command.spawn().expect("the program starts");
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait().expect("its status");
            assert!(
                ended.is_none() && Instant::now() < until,
                "no provider: {ended:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Oidc {
            child,
            address,
            token: "/token",
        }
    }

    fn with(arguments: &[&str], token: &'static str) -> Oidc {
        npm::ensure().expect("the packages");
        npm::ensure_oidc().expect("oidc-provider");
        let mut child = Command::new(npm::bin().join("node"))
            .arg(workspace::root().join("peers/oidc/provider.mjs"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // It may warn of this and that before.
        let port: u16 = lines.find_map(|line| line.parse().ok()).expect("its port");
        Oidc {
            child,
            address: ([127, 0, 0, 1], port).into(),
            token,
        }
    }

    /// What `iss` of its tokens is: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An access token for a resource, which is its audience, signed by RS256 or ES256.
    pub fn access_token(&self, resource: &str, alg: &str) -> String {
        self.token(resource, "X-Alg", alg)
    }

    /// An access token for a resource that only the provider can read.
    pub fn opaque_token(&self, resource: &str) -> String {
        self.token(resource, "X-Format", "opaque")
    }

    /// Lets a token of the client `machine` be none any more.
    pub fn revoke(&self, token: &str) {
        let form = format!("token={token}&client_id=machine&client_secret=machine-secret");
        let answer = Request::new("POST", "/token/revocation")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form)
            .send(self.address);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn token(&self, resource: &str, header: &str, value: &str) -> String {
        let resource: String = url_encoded(resource);
        let form = format!(
            "grant_type=client_credentials&scope=read&client_id=machine&client_secret=machine-secret&resource={resource}"
        );
        let answer = Request::new("POST", self.token)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header(header, value)
            .body(form)
            .send(self.address);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.expect("an access token")
    }

    /// Gives it new keys; the old ones are gone.
    pub fn rotate(&self) {
        let answer = Request::new("POST", "/_rotate").send(self.address);
        assert_eq!(answer.status, 200);
    }

    /// Changes one of its settings, which are named in `peers/oidc/provider.mjs`.
    pub fn set(&self, name: &str, value: &str) {
        let target = format!("/_set?{name}={}", url_encoded(value));
        let answer = Request::new("POST", &target).send(self.address);
        assert_eq!(answer.status, 200);
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> u64 {
        let asked: Value = Request::get("/_asked").send(self.address).json();
        asked[path].as_u64().unwrap_or(0)
    }
}

impl Drop for Oidc {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How long a provider may take to start, and its packages to be installed.
const PATIENCE: Duration = Duration::from_secs(120);

fn url_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
