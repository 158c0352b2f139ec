//! Callers whom somebody else knows, end to end: token introspection, forward authentication, presets of issuers.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod forward;
mod introspection;
mod presets;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use peers::upstream::Script;
use peers::{Answer, Gateway, Request, Upstream};

/// `200`, or the status and code of a refusal.
fn outcome(answer: &Answer) -> String {
    match answer.status {
        200 => "200".to_owned(),
        status => format!("{status} {}", answer.json()["code"].as_str().unwrap_or("")),
    }
}

fn with_token(gateway: &Gateway, target: &str, token: &str) -> Answer {
    gateway.send(&Request::get(target).header("Authorization", &format!("Bearer {token}")))
}

/// Lets an upstream answer like this at a path.
fn script(upstream: &Upstream, path: &str, status: u16, lines: &str, body: &str) {
    let script = Script {
        status,
        lines: lines.into(),
        body: body.into(),
        pause: Duration::ZERO,
    };
    upstream.script(path, script);
}
