//! Hooks before the action (`pre_process`): guards.

use peers::{Request, Upstream};
use serde_json::{Value, json};

use crate::support::assert_problem;
use crate::support::tokens::{self, SECRET};
use crate::{hook, start};

/// The names of the functions that a guard may not answer like.
const NEITHER_TRUE_NOR_RESPONSE: [&str; 11] = [
    "no", "nothing", "nil", "number", "text", "list", "object", "bare", "throws", "rejects",
    "missing",
];

#[test]
fn a_guard_that_says_true_lets_the_request_through() {
    let upstream = Upstream::start();
    let paths = json!([
        { "method": "POST", "path": "/proxied", "pre_process": hook("yes"),
          "integration": { "type": "http", "server": "a" } },
        { "method": "GET", "path": "/static", "pre_process": hook("yes"), "response": "static" },
        { "method": "GET", "path": "/called", "pre_process": hook("yes"),
          "integration": { "type": "service_binding", "binding": "f", "function": "response" } },
    ]);
    let gateway = start(&upstream, paths);
    let answer = gateway.send(&Request::post("/proxied", "the body"));
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.last().body, b"the body");
    assert_eq!(gateway.get("/static").json(), "static");
    assert_eq!(gateway.get("/called").status, 202);
}

#[test]
fn a_guard_s_response_is_the_answer() {
    let upstream = Upstream::start();
    let paths = json!([
        { "method": "ANY", "path": "/proxied", "pre_process": hook("refused"),
          "integration": { "type": "http", "server": "a" } },
        { "method": "GET", "path": "/static", "pre_process": hook("refused"), "response": "static" },
    ]);
    let gateway = start(&upstream, paths);
    for request in [
        Request::post("/proxied", "the body"),
        Request::get("/proxied"),
        Request::get("/static"),
    ] {
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 403);
        assert_eq!(answer.text(), "stop");
        assert!(answer.header("x-request-id").is_some());
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_guard_that_answers_anything_else_closes_the_path() {
    let upstream = Upstream::start();
    let mut paths = Vec::new();
    for function in NEITHER_TRUE_NOR_RESPONSE {
        for (kind, action) in [
            (
                "proxied",
                json!({ "integration": { "type": "http", "server": "a" } }),
            ),
            ("static", json!({ "response": "static" })),
            (
                "called",
                json!({ "integration": { "type": "service_binding", "binding": "f", "function": "response" } }),
            ),
        ] {
            let mut path = action;
            path["method"] = "GET".into();
            path["path"] = format!("/{kind}/{function}").into();
            path["pre_process"] = hook(function);
            paths.push(path);
        }
    }
    paths.push(json!({ "method": "GET", "path": "/proxied/unbound", "integration": { "type": "http", "server": "a" },
        "pre_process": { "binding": "unbound", "function": "yes" } }));
    let gateway = start(&upstream, json!(paths));
    for path in &paths {
        let target = path["path"].as_str().unwrap();
        assert_problem(&gateway.get(target), 500, "hook_failed");
    }
    assert!(
        upstream.requests().is_empty(),
        "an upstream was reached past a guard"
    );
}

#[test]
fn a_guard_of_an_unknown_alias_closes_the_path() {
    let upstream = Upstream::start();
    let paths = json!([
        { "method": "GET", "path": "/static", "response": 1, "pre_process": { "binding": "typo", "function": "yes" } },
        { "method": "GET", "path": "/open", "response": 1 },
    ]);
    let gateway = start(&upstream, paths);
    assert_problem(&gateway.get("/static"), 500, "config_error");
    assert_eq!(gateway.get("/open").status, 200);
}

#[test]
fn a_guard_is_asked_after_the_token_and_sees_its_claims_and_no_secret() {
    let upstream = Upstream::start();
    let paths = json!([{
        "method": "POST", "path": "/orders/{id}", "auth": true,
        "pre_process": { "binding": "f", "function": "tell_then_yes", "env": ["PUBLIC_NAME"] },
        "integration": { "type": "http", "server": "a" },
    }]);
    let gateway = start(&upstream, paths);
    let body = "a body for two ".repeat(2000);
    let request = Request::post("/orders/5", body.clone());
    assert_eq!(gateway.send(&request).status, 401);
    let request = request.header("Authorization", &tokens::bearer(json!({ "sub": "u1" })));
    let answer = gateway.send(&request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        upstream.last().body,
        body.as_bytes(),
        "the upstream's branch of the body"
    );

    assert!(gateway.logs("HOOK "));
    let log = gateway.log();
    let calls: Vec<&str> = log
        .lines()
        .filter_map(|l| l.split_once("HOOK "))
        .map(|(_, t)| t)
        .collect();
    assert_eq!(
        calls.len(),
        1,
        "the refused request was not asked about: {log}"
    );
    let told: Value = serde_json::from_str(calls[0]).unwrap();
    assert_eq!(told["body"], body, "the guard's branch of the body");
    assert_eq!(told["env"], r#"{"PUBLIC_NAME":"a name"}"#);
    assert_eq!(told["context"]["jwt"]["sub"], "u1");
    assert_eq!(told["context"]["params"], json!({ "id": "5" }));
    assert!(
        !log.contains("hidden-value") && !log.contains(SECRET),
        "{log}"
    );
}
