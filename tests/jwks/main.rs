//! Public keys end to end: where they come from, how seldom they are asked for, and what does not get in.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod attacks;
mod fetched;
mod hang_ups;
mod provider;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use peers::upstream::Script;
use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::gateway;
use support::issuer::{Pair, jwks};
use support::tokens::in_seconds;

/// The one path of the gateway, behind an authorizer of type `jwt` with these members.
fn protected(mut authorizer: Value) -> Gateway {
    authorizer["type"] = "jwt".into();
    let config = json!({
        "authorizer": authorizer,
        "paths": [{ "method": "GET", "path": "/", "auth": true, "response": { "ok": true } }],
    });
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    gateway(config, Options::default())
}

fn ask(gateway: &Gateway, token: &str) -> Answer {
    gateway.send(&Request::get("/").header("Authorization", &format!("Bearer {token}")))
}

/// `200`, or the status and code of a refusal.
fn outcome(gateway: &Gateway, token: &str) -> String {
    let answer = ask(gateway, token);
    match answer.status {
        200 => "200".to_owned(),
        status => format!("{status} {}", answer.json()["code"].as_str().unwrap()),
    }
}

/// Claims that are good for ten minutes, other ones each time.
fn claims() -> Value {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    json!({ "sub": "u1", "n": NUMBER.fetch_add(1, Ordering::Relaxed), "exp": in_seconds(600) })
}

/// Lets an upstream publish these keys at `/jwks`.
fn publish(upstream: &Upstream, keys: &[Value]) {
    let script = Script {
        status: 200,
        lines: "Content-Type: application/json\r\nCache-Control: max-age=300\r\n".into(),
        body: jwks(keys).to_string(),
        ..Script::default()
    };
    upstream.script("/jwks", script);
}

/// A gateway whose keys are this upstream's.
fn fetching(upstream: &Upstream) -> Gateway {
    protected(json!({ "jwks_uri": format!("{}/jwks", upstream.url()) }))
}

/// Every algorithm with its key.
fn every() -> Vec<(&'static str, Pair)> {
    use support::issuer::{ed25519, p256, p384, rsa};
    vec![
        ("RS256", rsa()),
        ("RS384", rsa()),
        ("RS512", rsa()),
        ("PS256", rsa()),
        ("PS384", rsa()),
        ("PS512", rsa()),
        ("ES256", p256()),
        ("ES384", p384()),
        ("EdDSA", ed25519()),
    ]
}
