//! Hooks after the action (`post_process`).

use peers::Upstream;
use serde_json::{Value, json};

use crate::support::assert_problem;
use crate::{hook, start};

#[test]
fn post_process_is_given_the_answer_and_makes_the_final_one() {
    let upstream = Upstream::start();
    let post = json!({ "binding": "f", "function": "changed", "env": ["PUBLIC_NAME"] });
    let paths = json!([
        { "method": "GET", "path": "/headers",
          "integration": { "type": "http", "server": "a", "post_process": post } },
        { "method": "GET", "path": "/called",
          "integration": { "type": "service_binding", "binding": "f", "function": "response", "post_process": post } },
    ]);
    let gateway = start(&upstream, paths);
    let answer = gateway.get("/headers?X-From=upstream");
    assert_eq!(answer.status, 203, "{}", answer.text());
    assert_eq!(answer.text(), "HEADERS\n");
    assert_eq!(answer.header("x-status"), Some("200"));
    assert_eq!(answer.header("x-from"), Some("upstream"));
    assert_eq!(answer.header("x-env"), Some(r#"{"PUBLIC_NAME":"a name"}"#));
    assert_eq!(answer.header("x-path"), Some("/headers"));
    let answer = gateway.get("/called");
    assert_eq!(answer.text(), "FROM THE FUNCTION");
    assert_eq!(answer.header("x-status"), Some("202"));
}

#[test]
fn post_process_that_fails_keeps_the_answer_back() {
    let upstream = Upstream::start();
    let functions = [
        "throws", "yes", "no", "nothing", "object", "text", "missing",
    ];
    let paths: Value = functions
        .iter()
        .map(|function| {
            json!({ "method": "GET", "path": format!("/{function}"),
                    "integration": { "type": "http", "server": "a", "post_process": hook(function) } })
        })
        .collect();
    let gateway = start(&upstream, paths);
    for function in functions {
        let answer = gateway.get(&format!("/{function}"));
        assert_problem(&answer, 500, "hook_failed");
        assert!(!answer.text().contains("target"), "{}", answer.text());
    }
    assert_eq!(upstream.requests().len(), functions.len());
}

#[test]
fn an_upstream_that_fails_is_told_before_post_process() {
    let upstream = Upstream::start();
    let paths = json!([{ "method": "GET", "path": "/{.+}",
        "integration": { "type": "http", "server": "a", "post_process": hook("changed") }, "timeout_ms": 300 }]);
    let gateway = start(&upstream, paths);
    assert_problem(&gateway.get("/close"), 502, "upstream_unreachable");
    let answer = gateway.get("/hold");
    assert_problem(&answer, 504, "upstream_timeout");
}
