//! Paths that a header field or the query tells apart.

#![cfg(test)]

mod support;

use peers::{Answer, Options, Request, Upstream, workspace};
use serde_json::json;
use support::tokens::{SECRET, in_seconds, sign};
use support::{assert_problem, gateway};

fn vary(answer: &Answer) -> Vec<&str> {
    answer.all("vary")
}

#[test]
fn conditions_choose_among_paths_and_fall_through() {
    let path = |when: serde_json::Value, word: &str| json!({ "method": "GET", "path": "/a/{id}", "when": when, "response": word });
    let config = json!({ "paths": [
        { "method": "GET", "path": "/a/{id}", "response": "plain" },
        path(json!({ "headers": { "X-Version": ["2", "2.1"] } }), "two"),
        path(json!({ "headers": { "X-Version": "2" }, "query": { "preview": true } }), "never: the one above is earlier"),
        path(json!({ "query": { "preview": true, "off": false } }), "preview"),
        // More specific, and so before all others where it holds.
        { "method": "GET", "path": "/a/me", "when": { "headers": { "X-Me": true } }, "response": "me" },
        { "method": "ANY", "path": "/a/me", "when": { "headers": { "X-Any": true } }, "response": "any" },
        // Nothing else is there for these.
        { "method": "GET", "path": "/only", "when": { "headers": { "X-Version": "2" } }, "response": "only" },
        { "method": "POST", "path": "/only", "response": "posted" },
        { "method": "GET", "path": "/alone", "when": { "query": { "a": "x y" } }, "response": "alone" },
    ] });
    let gateway = gateway(config, Options::default());
    let get = |target: &str, fields: &[(&str, &str)]| {
        let request = Request::get(target);
        gateway.send(&fields.iter().fold(request, |r, (n, v)| r.header(n, v)))
    };
    for (target, fields, word) in [
        ("/a/1", [].as_slice(), "plain"),
        ("/a/1", &[("x-version", "2")], "two"),
        ("/a/1", &[("X-VERSION", "2.1")], "two"),
        ("/a/1", &[("X-Version", "3")], "plain"),
        ("/a/1", &[("X-Version", "2, 2")], "plain"),
        ("/a/1", &[("X-Version", "2"), ("X-Version", "2")], "plain"),
        ("/a/1?preview", &[], "preview"),
        ("/a/1?preview=0&x=1", &[], "preview"),
        ("/a/1?preview&off", &[], "plain"),
        ("/a/1?preview", &[("X-Version", "2")], "two"),
        ("/a/me", &[], "plain"),
        ("/a/me", &[("X-Version", "2")], "two"),
        ("/a/me", &[("X-Any", "")], "any"),
        ("/a/me", &[("X-Any", "1"), ("X-Me", "1")], "me"),
        ("/only", &[("X-Version", "2")], "only"),
        ("/alone?a=x+y", &[], "alone"),
        ("/alone?b=1&%61=x%20y", &[], "alone"),
    ] {
        let answer = get(target, fields);
        assert_eq!(answer.status, 200, "{target} {fields:?}: {}", answer.text());
        assert_eq!(answer.json(), word, "{target} {fields:?}");
    }

    // Where the conditions hold, its methods count; where not, it is not there.
    let without = get("/only", &[]);
    assert_problem(&without, 405, "method_not_allowed");
    assert_eq!(without.header("allow"), Some("POST"));
    assert_problem(&get("/alone", &[]), 404, "not_found");
    assert_problem(&get("/alone?a=X+y", &[]), 404, "not_found");

    // Caches are told what the choice hung on, even where there was none.
    assert_eq!(vary(&get("/a/1", &[])), ["x-version"]);
    assert_eq!(vary(&get("/a/1", &[("X-Version", "2")])), ["x-version"]);
    assert_eq!(vary(&without), ["x-version"]);
    assert!(vary(&get("/alone?a=x+y", &[])).is_empty());
}

#[test]
fn each_of_the_paths_has_its_own_protection() {
    let setup = support::setup(json!({
        "authorizer": support::authorizer(),
        "paths": [
            { "method": "GET", "path": "/a", "auth": true, "response": "protected" },
            { "method": "GET", "path": "/a", "when": { "headers": { "X-Demo": "1" } }, "auth": false, "response": "demo" },
        ],
    }));
    assert_problem(&setup.gateway.get("/a"), 401, "AUTH_ERROR");
    let demo = Request::get("/a").header("X-Demo", "1");
    assert_eq!(setup.gateway.send(&demo).json(), "demo");
}

#[test]
fn callers_may_be_known_and_need_not_be() {
    let file = workspace::root().join("examples/optional-auth.json");
    let text = std::fs::read_to_string(file).unwrap();
    let upstream = Upstream::start();
    let config = text.replace("https://articles.internal.example.com", &upstream.url());
    assert_ne!(config, text);
    let gateway = gateway(config, Options::default().text("JWT_SECRET", SECRET));
    let signed = |offset: i64| sign(&json!({ "sub": "u1", "exp": in_seconds(offset) }));
    let (good, expired) = (signed(3600), signed(-3600));
    let bearer = |token: &str| format!("Bearer {token}");
    for (credential, status, user) in [
        (None, 200, ""),
        (Some(bearer(&good)), 200, "u1"),
        (Some(bearer(&expired)), 401, ""),
        (Some(bearer("x.y.z")), 401, ""),
        (Some("Basic YTpi".to_owned()), 401, ""),
    ] {
        let request = Request::get("/articles/7").header("X-User-Id", "admin");
        let request = request.header("x_user_id", "admin");
        let request = match &credential {
            Some(value) => request.header("Authorization", value),
            None => request,
        };
        let before = upstream.requests().len();
        let answer = gateway.send(&request);
        assert_eq!(answer.status, status, "{credential:?}: {}", answer.text());
        assert_eq!(vary(&answer), ["authorization"], "{credential:?}");
        let requests = upstream.requests();
        assert_eq!(requests.len() - before, usize::from(status == 200));
        if status == 200 {
            let arrived = &requests.last().unwrap().head;
            assert_eq!(arrived.header("x-user-id").unwrap_or_default(), user);
            assert_eq!(arrived.header("x_user_id"), None, "{credential:?}");
        }
    }
}
