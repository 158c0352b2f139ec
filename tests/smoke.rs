//! The worker starts and answers.

#![cfg(test)]

mod support;

use peers::Options;

#[test]
fn a_static_path_is_answered() {
    let config =
        r#"{ "paths": [{ "method": "GET", "path": "/health", "response": { "ok": true } }] }"#;
    let gateway = support::gateway(config, Options::default());
    let answer = gateway.get("/health");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"ok":true}"#);
}
