//! What the gateway proves to upstreams, end to end.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod aws;
mod fixed;
#[path = "../support/mod.rs"]
mod support;

use peers::Upstream;
use serde_json::{Value, json};

/// A config with one server for each identity, named `s0`, `s1` and so on, and a path `/s0/...` to each.
fn config(upstream: &Upstream, identities: &[Value]) -> String {
    let servers: Vec<Value> = identities
        .iter()
        .enumerate()
        .map(|(index, identity)| {
            let mut server = json!({ "alias": format!("s{index}"), "url": upstream.url() });
            if !identity.is_null() {
                server["identity"] = identity.clone();
            }
            server
        })
        .collect();
    let paths: Vec<Value> = (0..identities.len())
        .map(|index| {
            json!({
                "method": "ANY", "path": format!("/s{index}/{{.+}}"), "auth": false,
                "integration": { "type": "http", "server": format!("s{index}") },
            })
        })
        .collect();
    json!({ "servers": servers, "paths": paths }).to_string()
}
