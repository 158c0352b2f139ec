//! The whole pipeline in memory: its phases in their order, time virtual.

#![cfg(test)]

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use causeway::edits::Edit;
use causeway::exchange::{Answer, Body, Kind, Request};
use causeway::gateway::{serve, unanswered};
use causeway::host::memory::{MemoryHost, Reply, run};
use causeway::host::{Called, Callee, SendError};
use causeway::plan::{Plan, compile};
use proptest::prelude::*;

const CONFIG: &str = r#"{
  "servers": [
    { "alias": "plain", "url": "http://plain.test" },
    { "alias": "prefixed", "url": "https://prefixed.test:8443/v1/" },
    { "alias": "unset", "url": "$env.UNSET" }
  ],
  "serviceBindings": [{ "alias": "hooks", "binding": "HOOKS" }],
  "cors": { "allow_origins": ["https://app.test"], "allow_methods": ["GET"], "max_age": 60 },
  "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET", "algorithm": "HS256" },
  "paths": [
    { "method": "GET", "path": "/closed", "auth": true, "integration": { "type": "http", "server": "plain" },
      "pre_process": { "binding": "hooks", "function": "guard" } },
    { "method": "GET", "path": "/guarded", "auth": false, "integration": { "type": "http", "server": "plain" },
      "pre_process": { "binding": "hooks", "function": "guard" } },
    { "method": "GET", "path": "/stripped/{.+}", "auth": false, "integration": { "type": "http", "server": "prefixed" } },
    { "method": "GET", "path": "/whole/{id}", "auth": false, "integration": { "type": "http", "server": "prefixed" } },
    { "method": "GET", "path": "/mapped/{id}", "auth": false, "integration": { "type": "http", "server": "plain" },
      "mapping": { "query": { "id": "$request.path.id" }, "headers": { "X-User": "$request.jwt.sub" } } },
    { "method": "GET", "path": "/after", "auth": false, "timeout_ms": 100,
      "integration": { "type": "http", "server": "plain", "post_process": { "binding": "hooks", "function": "after" } } },
    { "method": "GET", "path": "/unset", "auth": false, "integration": { "type": "http", "server": "unset" } },
    { "method": "GET", "path": "/unset/answer", "auth": false, "response": { "key": "$env.UNSET" } },
    { "method": "GET", "path": "/unset/closed", "auth": true, "response": { "key": "$env.UNSET" } },
    { "method": "GET", "path": "/semicolon/{x}", "auth": false, "allow_in_path": ["semicolon"], "response": { "ok": true } },
    { "method": "GET", "path": "/only", "auth": false, "response": { "get": true } },
    { "method": "POST", "path": "/only", "auth": false, "response": { "post": true } },
    { "method": "ANY", "path": "/fall/{.+}", "auth": false, "response": { "any": true } },
    { "method": "GET", "path": "/fall/here", "auth": false, "response": { "get": true } }
  ]
}"#;

const SECRET: &str = "a secret of forty bytes, which is enough";
const PREFLIGHT: [(&str, &str); 2] = [
    ("origin", "https://app.test"),
    ("access-control-request-method", "GET"),
];

/// The config above as it is shipped, but for what its environment leaves unset.
fn plan() -> Plan {
    let compiled = compile(CONFIG);
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics
    );
    let env = |name: &str| (name == "JWT_SECRET").then(|| SECRET.to_owned());
    let bytes = compiled.blueprint.unwrap().to_bytes().unwrap();
    let read = |range: Range<usize>| bytes[range].to_vec();
    Plan::open(bytes.len(), &read, &env).unwrap().0
}

/// A host that writes down whom it asks, in order. The upstream takes `took` milliseconds.
fn host(headers: &[(&str, &str)], took: u64) -> (MemoryHost, Rc<RefCell<Vec<String>>>) {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let (functions, upstream) = (asked.clone(), asked.clone());
    let host = MemoryHost::new(1_800_000_000_000, headers)
        .with_function(move |call, reply| {
            let Callee::Binding { function, .. } = call.callee else {
                unreachable!("no service is bound");
            };
            functions.borrow_mut().push(function.to_owned());
            Ok(match reply {
                Some(reply) => Called::Reply(reply),
                None => Called::Proceed,
            })
        })
        .with_peer(move |forward| {
            upstream.borrow_mut().push(forward.url.clone());
            let reply = Reply {
                status: 200,
                body: "hello".into(),
                ..Reply::default()
            };
            (took, Ok(reply))
        });
    (host, asked)
}

fn ask(plan: &Plan, host: &MemoryHost, method: &str, target: &str) -> Answer<Reply> {
    let url = format!("https://gateway.test{target}");
    run(serve(plan, host, Request::new(method, &url).unwrap()))
}

/// What an answer is: `200 URL` where it is to be fetched, else status and problem code.
fn summary(answer: &Answer<Reply>) -> String {
    match &answer.kind {
        Kind::Forward(forward) => format!("fetch {}", forward.url),
        Kind::Reply(reply) => format!("{} {}", reply.status, reply.body),
        Kind::Own { status, body } => {
            let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
            match body.get("code").and_then(serde_json::Value::as_str) {
                Some(code) => format!("{status} {code}"),
                None => format!("{status} {body}"),
            }
        }
    }
}

fn field(answer: &Answer<Reply>, name: &str) -> Option<String> {
    let fields = answer.edits.iter().filter_map(|edit| match edit {
        Edit::Set(n, value) if n == name => Some(value.to_owned()),
        _ => None,
    });
    fields.last()
}

#[test]
fn every_request_has_its_answer() {
    let plan = plan();
    for (method, target, headers, expected) in [
        // Canonical path.
        ("GET", "/a%00b", &[][..], "400 path_control_character"),
        (
            "GET",
            "/closed/..;/only",
            &[],
            "400 path_disguised_dot_segment",
        ),
        ("GET", "/x/../only", &[], r#"200 {"get":true}"#),
        ("GET", "/%6fnly", &[], r#"200 {"get":true}"#),
        // A bad path goes before CORS, CORS before the match, and all of it before credentials.
        (
            "OPTIONS",
            "/%zz",
            &PREFLIGHT,
            "400 path_bad_percent_encoding",
        ),
        ("OPTIONS", "/nowhere", &PREFLIGHT, "204 null"),
        ("OPTIONS", "/closed", &PREFLIGHT, "204 null"),
        (
            "OPTIONS",
            "/closed",
            &[
                ("origin", "https://evil.test"),
                ("access-control-request-method", "GET"),
            ],
            "403 cors_origin_denied",
        ),
        (
            "OPTIONS",
            "/closed",
            &[("origin", "https://app.test")],
            "405 method_not_allowed",
        ),
        // Match.
        ("GET", "/nowhere", &[], "404 not_found"),
        ("GET", "/only/", &[], "404 not_found"),
        ("DELETE", "/only", &[], "405 method_not_allowed"),
        ("HEAD", "/only", &[], r#"200 {"get":true}"#),
        ("POST", "/only", &[], r#"200 {"post":true}"#),
        ("GET", "/fall/here", &[], r#"200 {"get":true}"#),
        ("PUT", "/fall/here", &[], r#"200 {"any":true}"#),
        ("PROPFIND", "/fall/here", &[], r#"200 {"any":true}"#),
        // What the matched path tolerates.
        ("GET", "/semicolon/a;b", &[], r#"200 {"ok":true}"#),
        ("GET", "/whole/a;b", &[], "400 path_semicolon"),
        ("GET", "/closed//", &[], "400 path_empty_segment"),
        ("GET", "/stripped/a//b", &[], "400 path_empty_segment"),
        // Credentials.
        ("GET", "/closed", &[], "401 AUTH_ERROR"),
        (
            "GET",
            "/closed",
            &[("authorization", "Bearer x")],
            "401 ERR_JWS_INVALID",
        ),
        // A fault of the config is told only to those who may use the path.
        ("GET", "/unset", &[], "500 config_error"),
        ("GET", "/unset/answer", &[], "500 config_error"),
        ("GET", "/unset/closed", &[], "401 AUTH_ERROR"),
        // Where it goes.
        (
            "GET",
            "/stripped/a/b?x=1&x=2",
            &[],
            "fetch https://prefixed.test:8443/v1/a/b?x=1&x=2",
        ),
        (
            "GET",
            "/stripped",
            &[],
            "fetch https://prefixed.test:8443/v1/",
        ),
        (
            "GET",
            "/stripped/?",
            &[],
            "fetch https://prefixed.test:8443/v1/?",
        ),
        (
            "GET",
            "/whole/%2e%2E",
            &[],
            "400 path_disguised_dot_segment",
        ),
        (
            "GET",
            "/whole/%c3%a9",
            &[],
            "fetch https://prefixed.test:8443/v1/whole/%C3%A9",
        ),
        (
            "GET",
            "/mapped/a%26b?id=0&y=1",
            &[],
            "fetch http://plain.test/mapped/a%26b?y=1&id=a%26b",
        ),
    ] {
        let (host, _) = host(headers, 0);
        let answer = ask(&plan, &host, method, target);
        assert_eq!(summary(&answer), expected, "{method} {target}");
    }
}

#[test]
fn nobody_is_asked_before_the_caller_is_known() {
    let plan = plan();
    for (target, expected) in [
        ("/closed", &[][..]),
        ("/guarded", &["guard"]),
        ("/after", &["http://plain.test/after", "after"]),
    ] {
        let (host, asked) = host(&[], 0);
        ask(&plan, &host, "GET", target);
        assert_eq!(*asked.borrow(), expected, "{target}");
    }
}

#[test]
fn a_hook_that_answers_keeps_the_request_from_the_upstream() {
    let plan = plan();
    let host = MemoryHost::new(0, &[]).with_function(|_, _| {
        let reply = Reply {
            status: 403,
            body: "no".into(),
            ..Reply::default()
        };
        Ok(Called::Reply(reply))
    });
    let answer = ask(&plan, &host, "GET", "/guarded");
    assert_eq!(summary(&answer), "403 no");
    assert!(host.sent().is_empty());
}

#[test]
fn only_true_lets_a_request_past_its_hook() {
    let plan = plan();
    for called in [
        Called::Object("{}".into()),
        Called::Other("undefined".into()),
        Called::Other("boolean".into()),
    ] {
        let host = MemoryHost::new(0, &[]).with_function(move |_, _| Ok(called.clone()));
        let answer = ask(&plan, &host, "GET", "/guarded");
        assert_eq!(summary(&answer), "500 hook_failed");
    }
    // No function is scripted: the call fails.
    let answer = ask(&plan, &MemoryHost::new(0, &[]), "GET", "/guarded");
    assert_eq!(summary(&answer), "500 hook_failed");
}

#[test]
fn an_upstream_whose_answer_is_post_processed_has_its_time() {
    let plan = plan();
    for (took, expected, asked_after) in [
        (100, "200 hello", &["http://plain.test/after", "after"][..]),
        (101, "504 upstream_timeout", &["http://plain.test/after"]),
    ] {
        let (host, asked) = host(&[], took);
        let answer = ask(&plan, &host, "GET", "/after");
        assert_eq!(summary(&answer), expected);
        assert_eq!(*asked.borrow(), asked_after);
    }
}

#[test]
fn an_upstream_that_gives_no_answer_is_a_problem_of_the_upstream() {
    for (error, status) in [
        (SendError::TimedOut, 504),
        (SendError::Unreachable("refused".into()), 502),
    ] {
        assert_eq!(unanswered(error).status, status);
    }
}

#[test]
fn refusals_carry_what_their_status_demands() {
    let plan = plan();
    for (method, target, name, expected) in [
        ("DELETE", "/only", "allow", "GET, HEAD, POST"),
        (
            "GET",
            "/closed",
            "www-authenticate",
            r#"Bearer realm="causeway""#,
        ),
        (
            "GET",
            "/nowhere",
            "content-type",
            "application/problem+json",
        ),
        (
            "GET",
            "/nowhere",
            "access-control-allow-origin",
            "https://app.test",
        ),
        (
            "GET",
            "/closed",
            "access-control-allow-origin",
            "https://app.test",
        ),
    ] {
        let (host, _) = host(&[("origin", "https://app.test")], 0);
        let answer = ask(&plan, &host, method, target);
        assert_eq!(field(&answer, name).as_deref(), Some(expected), "{target}");
    }
}

#[test]
fn a_request_that_no_upstream_could_be_sent_is_refused() {
    let plan = plan();
    let socket = ("upgrade", "WebSocket");
    let version = ("sec-websocket-version", "13");
    for (body, headers, expected) in [
        (Body::Chunked, &[][..], "411 length_required"),
        (
            Body::Sized,
            &[],
            "fetch https://prefixed.test:8443/v1/whole/1",
        ),
        (Body::None, &[socket], "426 websocket_version"),
        (Body::None, &[socket, version], "400 websocket_key"),
    ] {
        let (host, _) = host(headers, 0);
        let request = Request::new("GET", "https://gateway.test/whole/1").unwrap();
        let answer = run(serve(&plan, &host, request.with_body(body)));
        assert_eq!(summary(&answer), expected);
    }
}

#[test]
fn a_malformed_host_goes_nowhere() {
    let plan = plan();
    for authority in ["", "a b", "u@a", "a\\b", "a,b", "a\nb", "\u{e9}"] {
        let request = Request {
            method: "GET",
            scheme: "https",
            authority,
            target: "/only",
            body: Body::None,
        };
        let answer = run(serve(&plan, &MemoryHost::new(0, &[]), request));
        assert_eq!(summary(&answer), "400 invalid_host", "{authority:?}");
    }
}

/// Names that some phase looks at, with any value.
fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        Just("origin".to_owned()),
        Just("authorization".to_owned()),
        Just("connection".to_owned()),
        Just("upgrade".to_owned()),
        Just("cf-connecting-ip".to_owned()),
        Just("access-control-request-method".to_owned()),
        Just("access-control-request-headers".to_owned()),
        "[a-z-]{1,8}",
    ];
    prop::collection::vec((name, any::<String>()), 0..6)
}

fn targets() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "/(closed|guarded|stripped|whole|mapped|after|unset|only|fall)(/[a-z0-9%;./\\\\]{0,9}){0,3}(\\?.{0,9})?",
    ]
}

proptest! {
    #[test]
    fn any_request_at_all_is_answered(
        method in prop_oneof![Just("GET".to_owned()), Just("OPTIONS".to_owned()), any::<String>()],
        authority in prop_oneof![Just("gateway.test".to_owned()), any::<String>()],
        target in targets(),
        headers in fields(),
    ) {
        let plan = plan();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let (host, asked) = host(&headers, 0);
        let request = Request {
            method: &method,
            scheme: "https",
            authority: &authority,
            target: &target,
            body: Body::None,
        };
        let answer = run(serve(&plan, &host, request));
        prop_assert_eq!(answer.request_id.len(), 32);
        let closed = asked.borrow().iter().any(|url| url.starts_with("http://plain.test/closed"));
        prop_assert!(!closed, "a closed path was fetched");
        if let Kind::Forward(forward) = &answer.kind {
            prop_assert!(!forward.url.starts_with("http://plain.test/closed"));
            // What `fetch` makes of the URL is what was matched.
            let parsed = url::Url::parse(&forward.url).unwrap();
            let path = forward.url.splitn(4, '/').nth(3).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            prop_assert_eq!(parsed.path(), format!("/{path}"));
        }
    }
}
