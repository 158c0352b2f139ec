//! Tokens that the gateway proves its identity to servers with, end to end.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod clouds;
mod federation;
mod oauth2;
mod storage;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use peers::upstream::{Recorded, Script};
use peers::{Gateway, Options, Upstream};
use serde_json::{Value, json};

/// A key of RSA, and another one.
const KEY: &str = include_str!("../../src/auth/keys/private/rsa.pem");
const OLD_KEY: &str = include_str!("../../src/auth/keys/private/rsa2.pem");
const ISSUER: &str = "https://api.example.com";

/// A gateway with a server `NAME` and a path `/NAME` for each identity, all of them in front of one upstream, and with a
/// federation.
fn proving(upstream: &Upstream, identities: &[(&str, Value)]) -> Gateway {
    let mut config = json!({
        "federation": { "issuer": ISSUER, "keys": ["$secret.KEY", "$secret.OLD_KEY"], "subject": "gateway" },
        "servers": [], "paths": [],
    });
    for (name, identity) in identities {
        let server = json!({ "alias": name, "url": upstream.url(), "identity": identity });
        config["servers"].as_array_mut().unwrap().push(server);
        let path = json!({
            "method": "ANY", "path": format!("/{name}"), "integration": { "type": "http", "server": name },
        });
        config["paths"].as_array_mut().unwrap().push(path);
    }
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    let options = Options::default()
        .text("KEY", KEY)
        .text("OLD_KEY", OLD_KEY)
        .text("SECRET", "machine-secret")
        .text("BAD_SECRET", "another-secret");
    support::gateway(config, options)
}

/// Lets a cloud answer like this at a path.
fn answers(cloud: &Upstream, path: &str, status: u16, body: &Value) {
    let script = Script {
        status,
        lines: "Content-Type: application/json\r\n".into(),
        body: body.to_string(),
        pause: Duration::ZERO,
    };
    cloud.script(path, script);
}

fn token(token: &str) -> Value {
    json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 })
}

/// A member of the form that a cloud was sent.
fn form(asked: &Recorded, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(&asked.body);
    let (_, value) = pairs.find(|(n, _)| n == name)?;
    Some(value.into_owned())
}

/// What reached the upstream in `Authorization`, which is never more than one line.
fn shown(upstream: &Upstream) -> String {
    let lines = support::arrived(&upstream.last(), "authorization");
    let [line] = &lines[..] else {
        panic!("one line: {lines:?}")
    };
    line.clone()
}
