//! Paths that a function answers.

use peers::{Request, Upstream};
use serde_json::{Value, json};

use crate::support::assert_problem;
use crate::support::tokens::{self, SECRET};
use crate::{answered_by, start};

#[test]
fn a_function_s_response_is_passed_on() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, answered_by(&["response"]));
    let answer = gateway.get("/response");
    assert_eq!(answer.status, 202);
    assert_eq!(answer.text(), "from the function");
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("x-hook"), Some("1"));
    assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn a_function_s_object_is_put_into_the_envelope() {
    let upstream = Upstream::start();
    let gateway = start(
        &upstream,
        answered_by(&["object", "bare", "listing", "list", "failed", "broken"]),
    );
    let done = "Operation completed successfully.";
    let cases = [
        (
            "/object",
            201,
            json!({ "status": "success", "message": "made", "data": { "data": { "id": 5 }, "more": "passed on" } }),
        ),
        (
            "/bare",
            200,
            json!({ "status": "success", "message": done, "data": { "data": 1 } }),
        ),
        (
            "/listing",
            200,
            json!({ "status": "success", "message": done, "data": { "users": [{ "id": 1 }], "total": 1 } }),
        ),
        (
            "/list",
            200,
            json!({ "status": "success", "message": done, "data": { "0": 1, "1": 2 } }),
        ),
        (
            "/failed",
            422,
            json!({ "status": "error", "message": "no name", "error": { "field": "name" } }),
        ),
        (
            "/broken",
            500,
            json!({ "status": "error", "message": "An error occurred.", "error": "broken" }),
        ),
    ];
    for (target, status, body) in cases {
        let answer = gateway.get(target);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.json(), body, "{target}");
    }
}

#[test]
fn what_a_function_answers_besides_has_an_answer_of_its_own() {
    let upstream = Upstream::start();
    let functions = ["text", "nil", "nothing", "number", "yes", "no"];
    let gateway = start(&upstream, answered_by(&functions));
    for (function, status, body) in [
        ("text", 200, "true"),
        ("nil", 200, ""),
        ("nothing", 400, ""),
        ("number", 400, ""),
        ("yes", 400, ""),
        ("no", 400, ""),
    ] {
        let answer = gateway.get(&format!("/{function}"));
        assert_eq!(
            (answer.status, &*answer.text()),
            (status, body),
            "{function}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let told = r#""event":"answer_unusable","path":"/nothing","kind":"undefined""#;
    assert!(gateway.logs(told), "{}", gateway.log());
}

#[test]
fn a_function_that_fails_answers_500_without_its_words() {
    let upstream = Upstream::start();
    let functions = ["throws", "rejects", "missing", "strange"];
    let mut paths = answered_by(&functions);
    let unbound = json!({ "method": "GET", "path": "/unbound",
        "integration": { "type": "service_binding", "binding": "unbound", "function": "yes" } });
    paths.as_array_mut().unwrap().push(unbound);
    let gateway = start(&upstream, paths);
    for target in functions.iter().chain(&["unbound"]) {
        let answer = gateway.get(&format!("/{target}"));
        assert_problem(&answer, 500, "hook_failed");
        for word in [
            "hidden",
            "thrown",
            "rejected",
            "FUNCTIONS",
            "NOT_BOUND",
            "worker.mjs",
        ] {
            assert!(!answer.text().contains(word), "{target}: {}", answer.text());
        }
    }
    for told in ["thrown with hidden words", "NOT_BOUND"] {
        assert!(
            gateway.logs(told),
            "the operator is told: {}",
            gateway.log()
        );
    }
}

#[test]
fn a_function_gets_the_request_the_named_variables_and_the_context() {
    let upstream = Upstream::start();
    let paths = json!([{
        "method": "POST", "path": "/orders/{id}/{part}", "auth": true,
        "integration": { "type": "service_binding", "binding": "f", "function": "tell", "env": ["PUBLIC_NAME"] },
    }]);
    let gateway = start(&upstream, paths);
    let request = Request::post("/orders/4%20b/x?q=1", "the body")
        .header("X-Custom", "kept")
        .header("Connection", "X-Named")
        .header("X-Named", "gone")
        .header("X-Forwarded-For", "6.6.6.6")
        .header(
            "Authorization",
            &tokens::bearer(json!({ "sub": "u1", "roles": ["a"] })),
        );
    let answer = gateway.send(&request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    assert_eq!(told["method"], "POST");
    assert_eq!(told["url"], "http://gateway.test/orders/4%20b/x?q=1");
    assert_eq!(told["body"], "the body");
    assert_eq!(told["env"], json!({ "PUBLIC_NAME": "a name" }));
    assert_eq!(told["more"], 3);
    let context = &told["context"];
    assert_eq!(
        context["request_id"],
        answer.header("x-request-id").unwrap()
    );
    assert_eq!(context["path"], "/orders/{id}/{part}");
    assert_eq!(context["params"], json!({ "id": "4 b", "part": "x" }));
    assert_eq!(context["jwt"]["sub"], "u1");
    assert_eq!(context["jwt"]["roles"], json!(["a"]));
    // The same under the names that the predecessor's functions read.
    assert_eq!(context["jwtPayload"], context["jwt"]);
    assert_eq!(
        context["requestUrl"],
        "http://gateway.test/orders/4%20b/x?q=1"
    );
    assert_eq!(
        context["matchedPath"],
        json!({
            "config": { "method": "POST", "path": "/orders/{id}/{part}" },
            "matchResult": { "params": { "id": "4 b", "part": "x" } },
        })
    );
    assert_eq!(context.as_object().unwrap().len(), 7, "{context}");
    let has = |name: &str, value: &str| {
        let headers = told["headers"].as_array().unwrap();
        headers.iter().any(|h| *h == json!([name, value]))
    };
    assert!(has("x-custom", "kept"));
    assert!(!has("x-named", "gone"), "a field that Connection names");
    assert!(!has("x-forwarded-for", "6.6.6.6"), "a spoofed address");
    assert!(!answer.text().contains("hidden-value"));
    assert!(!answer.text().contains(SECRET));
}

#[test]
fn without_names_a_function_gets_no_variable_and_without_a_token_no_claims() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, answered_by(&["tell"]));
    let told = gateway.get("/tell").json();
    assert_eq!(told["env"], json!({}));
    assert_eq!(told["context"]["jwt"], Value::Null);
    assert_eq!(told["context"]["jwtPayload"], Value::Null);
    assert_eq!(told["context"]["params"], json!({}));
}

#[test]
fn a_variable_that_is_named_and_unset_closes_the_path() {
    let upstream = Upstream::start();
    let paths = json!([
        { "method": "GET", "path": "/call",
          "integration": { "type": "service_binding", "binding": "f", "function": "tell", "env": ["UNSET_NAME"] } },
        { "method": "GET", "path": "/guarded", "response": 1,
          "pre_process": { "binding": "f", "function": "yes", "env": ["UNSET_NAME"] } },
        { "method": "GET", "path": "/open", "response": 1 },
    ]);
    let gateway = start(&upstream, paths);
    assert_eq!(gateway.get("/open").status, 200);
    for target in ["/call", "/guarded"] {
        let answer = gateway.get(target);
        assert_problem(&answer, 500, "config_error");
        assert!(!answer.text().contains("UNSET_NAME"));
    }
    assert!(gateway.logs("UNSET_NAME"), "{}", gateway.log());
}
