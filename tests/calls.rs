//! Code beside the gateway: functions of bound workers, hooks, and services of the bundle. Whatever goes wrong with it
//! closes the path.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers are part of tests; clippy takes them for library code"
)]

mod support;

use std::time::Duration;

use peers::{Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::tokens::{self, SECRET};
use support::{assert_problem, gateway};

/// A worker with functions for every way in which a call can end.
const FUNCTIONS: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";

export default { fetch() { return new Response("the default export was asked", { status: 418 }); } };

export class Functions extends WorkerEntrypoint {
  yes() { return true; }
  no() { return false; }
  nothing() {}
  nil() { return null; }
  number() { return 1; }
  text() { return "true"; }
  list() { return [1, 2]; }
  object() { return { data: { id: 5 }, message: "made", statusCode: 201, secret: "not passed on" }; }
  bare() { return { data: 1 }; }
  failed() { return { error: { field: "name" }, message: "no name", statusCode: 422 }; }
  broken() { return { error: "broken" }; }
  strange() { return { data: 1, statusCode: 99 }; }
  throws() { throw new Error("thrown with hidden words"); }
  async rejects() { throw "a rejected string"; }
  response() {
    const headers = new Headers({ "Content-Type": "text/plain", "X-Hook": "1" });
    headers.append("Set-Cookie", "a=1");
    headers.append("Set-Cookie", "b=2");
    return new Response("from the function", { status: 202, headers });
  }
  refused() { return new Response("stop", { status: 403 }); }
  async tell(request, env, context) {
    return Response.json({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: await request.text(),
      env: JSON.parse(env),
      context: JSON.parse(context),
      more: arguments.length,
    });
  }
  async tell_then_yes(request, env, context) {
    console.log("HOOK " + JSON.stringify({ body: await request.text(), env, context: JSON.parse(context) }));
    return true;
  }
  async changed(response, env, context) {
    const text = await response.text();
    return new Response(text.toUpperCase(), { status: 203, headers: {
      "X-Status": String(response.status), "X-From": response.headers.get("x-from") ?? "",
      "X-Env": env, "X-Path": JSON.parse(context).path,
    } });
  }
}
"#;

/// The names of the functions that a guard may not answer like.
const NEITHER_TRUE_NOR_RESPONSE: [&str; 11] = [
    "no", "nothing", "nil", "number", "text", "list", "object", "bare", "throws", "rejects",
    "missing",
];

fn options() -> Options {
    Options::default()
        .service("FUNCTIONS", FUNCTIONS, Some("Functions"))
        .text("JWT_SECRET", SECRET)
        .text("PUBLIC_NAME", "a name")
        .text("OTHER_SECRET", "hidden-value")
}

/// A gateway with these paths, the bound worker under the alias `f`, and the upstream as `a`.
fn start(upstream: &Upstream, paths: Value) -> Gateway {
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "serviceBindings": [
            { "alias": "f", "binding": "FUNCTIONS" },
            { "alias": "unbound", "binding": "NOT_BOUND" },
        ],
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "defaults": { "auth": false },
        "paths": paths,
    });
    gateway(config, options())
}

fn hook(function: &str) -> Value {
    json!({ "binding": "f", "function": function })
}

/// A path for each function, which it answers.
fn answered_by(functions: &[&str]) -> Value {
    let path = |function: &&str| {
        json!({ "method": "ANY", "path": format!("/{function}"),
                "integration": { "type": "service_binding", "binding": "f", "function": function } })
    };
    functions.iter().map(path).collect()
}

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
        answered_by(&["object", "bare", "failed", "broken"]),
    );
    let cases = [
        (
            "/object",
            201,
            json!({ "status": "success", "message": "made", "data": { "id": 5 } }),
        ),
        ("/bare", 200, json!({ "status": "success", "data": 1 })),
        (
            "/failed",
            422,
            json!({ "status": "error", "message": "no name", "error": { "field": "name" } }),
        ),
        (
            "/broken",
            500,
            json!({ "status": "error", "error": "broken" }),
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
fn a_function_that_fails_answers_500_without_its_words() {
    let upstream = Upstream::start();
    let functions = [
        "throws", "rejects", "missing", "yes", "no", "nothing", "nil", "number", "text", "strange",
    ];
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
    let log = gateway.log();
    assert!(
        log.contains("thrown with hidden words"),
        "the operator is told: {log}"
    );
    assert!(log.contains("NOT_BOUND"), "{log}");
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
    assert_eq!(context.as_object().unwrap().len(), 4, "{context}");
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
    assert!(gateway.log().contains("UNSET_NAME"), "{}", gateway.log());
}

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

    assert!(gateway.workerd().wait_log("HOOK ", Duration::from_secs(5)));
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

#[test]
fn a_service_of_the_bundle_is_asked_like_a_worker() {
    let services = r#"
        export default new Map([
          ["echo", class {
            async fetch(request, env, ctx) {
              return Response.json({
                method: request.method, url: request.url, body: await request.text(), env, params: ctx.params,
              }, { status: 201, headers: { "X-Service": "echo" } });
            }
          }],
          ["throws", class { fetch() { throw new Error("hidden words"); } }],
          ["object", class { fetch() { return { data: 1 }; } }],
          ["nothing", class { fetch() {} }],
          ["true", class { fetch() { return true; } }],
        ]);
    "#;
    let names = ["echo", "throws", "object", "nothing", "true", "absent"];
    let aliases: Value = names
        .iter()
        .map(|name| json!({ "alias": name, "entrypoint": name }))
        .collect();
    let paths: Value = names
        .iter()
        .map(|name| {
            json!({ "method": "ANY", "path": format!("/{name}/{{id}}"), "auth": false,
                    "integration": { "type": "service", "binding": name, "env": ["PUBLIC_NAME"] } })
        })
        .collect();
    let config = json!({ "services": aliases, "paths": paths });
    let gateway = gateway(config, options().services(services));
    let answer = gateway.send(&Request::post("/echo/5?q=1", "the body"));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("x-service"), Some("echo"));
    assert_eq!(
        answer.json(),
        json!({
            "method": "POST", "url": "http://gateway.test/echo/5?q=1", "body": "the body",
            "env": { "PUBLIC_NAME": "a name" }, "params": { "id": "5" },
        })
    );
    for name in &names[1..] {
        let answer = gateway.get(&format!("/{name}/5"));
        assert_problem(&answer, 500, "hook_failed");
        assert!(!answer.text().contains("hidden"), "{}", answer.text());
    }
}
