//! API keys, user names and passwords end to end: who comes in, what everybody else is told, and what goes on to the
//! upstream.

#![cfg(test)]

mod api_keys;
mod basic;
mod command_line;
#[path = "../support/mod.rs"]
mod support;
mod withheld;

use causeway::auth::{KeyHasher, PasswordHash, make, stored_name};
use peers::{Answer, Gateway, Options, Upstream};
use serde_json::{Value, json};
use support::gateway;

const PASSWORD: &str = "correct: horse; bättery";

/// The key of a number, always the same.
fn key(number: u8) -> String {
    let mut next = number;
    let bytes = || {
        next = next.wrapping_mul(5).wrapping_add(number | 1);
        next
    };
    make("acme_live", bytes).expect("a prefix")
}

/// What is stored of a key, with more members.
fn stored(key: &str, pepper: Option<&str>, more: Value) -> Value {
    let hasher = KeyHasher::new(pepper).unwrap_or_else(|fault| panic!("{}", fault.message));
    let mut stored = json!({ "id": stored_name(key), "hash": hasher.written(&hasher.hash(key)) });
    let members = more.as_object().expect("an object").clone();
    stored.as_object_mut().expect("an object").extend(members);
    stored
}

/// A user with [`PASSWORD`].
fn user(name: &str) -> Value {
    let hash = PasswordHash::make(PASSWORD, b"sixteen bytes...", 10_000);
    json!({ "name": name, "password": hash.written(), "scopes": ["admin"] })
}

/// `/` behind these authorizers, any of which is enough; `/open` behind none.
fn protected(upstream: &Upstream, authorizers: Value, options: Options) -> Gateway {
    let names: Vec<&String> = authorizers.as_object().expect("an object").keys().collect();
    let to_upstream = json!({ "type": "http", "server": "a" });
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizers": authorizers,
        "paths": [
            { "method": "ANY", "path": "/", "auth": names, "integration": to_upstream, "mapping": { "headers": {
                "X-Sub": "$request.jwt.sub", "X-Key": "$request.jwt.key_id", "X-Scope": "$request.jwt.scope",
                "X-Plan": "$request.jwt.plan", "X-Groups": "$request.jwt.groups", "X-Region": "$request.jwt.region",
            } } },
            { "method": "ANY", "path": "/open", "auth": false, "integration": to_upstream },
        ],
    });
    gateway(config, options)
}

/// The whole answer of a refusal.
#[track_caller]
fn assert_refused(answer: &Answer, challenge: &str, code: &str, what: &str) {
    support::assert_problem(answer, 401, code);
    assert_eq!(answer.all("www-authenticate"), [challenge], "{what}");
}
