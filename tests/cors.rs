//! Cross-origin resource sharing (Fetch standard, section 3.3), as a browser sees it.

#![cfg(test)]

mod support;

use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::tokens::{self, SECRET};
use support::{assert_problem, gateway};

const APP: &str = "https://app.example.com";

const FIELDS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Open, protected and static paths behind a policy.
fn start(upstream: &Upstream, cors: Value) -> Gateway {
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "cors": cors,
        "authorizer": { "type": "jwt", "secret": SECRET },
        "defaults": { "auth": false },
        "paths": [
            { "method": "GET", "path": "/static", "response": 1 },
            { "method": "ANY", "path": "/any", "auth": true, "integration": { "type": "http", "server": "a" } },
            { "method": "OPTIONS", "path": "/options", "auth": true, "integration": { "type": "http", "server": "a" } },
            { "method": "GET", "path": "/protected", "auth": true, "integration": { "type": "http", "server": "a" } },
            { "method": "GET", "path": "/down", "integration": { "type": "http", "server": "a" }, "timeout_ms": 20000 },
            { "method": "GET", "path": "/p/{.+}", "integration": { "type": "http", "server": "a" } },
        ],
    });
    gateway(config, Options::default())
}

fn listed() -> Value {
    json!({
        "allow_origins": [APP, "https://*.example.org", "http://localhost:3000"],
        "allow_methods": ["GET", "PUT"],
        "allow_headers": ["Authorization", "X-Custom"],
        "expose_headers": ["X-Request-Id", "ETag"],
        "allow_credentials": true,
        "max_age": 600,
    })
}

fn from(origin: &str, target: &str) -> Request {
    Request::get(target).header("Origin", origin)
}

fn preflight(origin: &str, target: &str) -> Request {
    Request::new("OPTIONS", target)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "authorization,x-custom")
}

#[track_caller]
fn assert_no_cors(answer: &Answer) {
    for name in FIELDS {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// The members of all `Vary` lines.
fn vary(answer: &Answer) -> Vec<String> {
    let lines = answer.all("vary");
    let members = lines.iter().flat_map(|line| line.split(','));
    members.map(|m| m.trim().to_ascii_lowercase()).collect()
}

#[test]
fn a_preflight_is_answered_before_anybody_is_asked_for_credentials() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    // The policy is the gateway's: it holds where there is no path, too.
    for target in ["/protected", "/any", "/options", "/static", "/nowhere"] {
        let answer = gateway.send(&preflight(APP, target));
        assert_eq!(answer.status, 204, "{target}: {}", answer.text());
        assert!(answer.body.is_empty());
        let fields: Vec<_> = FIELDS.iter().map(|name| answer.header(name)).collect();
        let expected = [
            Some(APP),
            Some("true"),
            Some("GET, PUT"),
            Some("authorization, x-custom"),
            None,
            Some("600"),
        ];
        assert_eq!(fields, expected);
        assert!(vary(&answer).contains(&"origin".to_owned()));
        assert!(answer.header("x-request-id").is_some());
    }
    assert!(upstream.requests().is_empty(), "a preflight was sent on");
}

#[test]
fn a_preflight_from_another_origin_is_refused_without_cors_headers() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.com.evil.example",
    ] {
        for target in ["/protected", "/any", "/p/x", "/nowhere"] {
            let answer = gateway.send(&preflight(origin, target));
            assert_problem(&answer, 403, "cors_origin_denied");
            assert_no_cors(&answer);
            assert!(!answer.text().contains(origin));
            assert!(vary(&answer).contains(&"origin".to_owned()));
        }
    }
    assert!(upstream.requests().is_empty(), "a preflight was sent on");
}

#[test]
fn an_actual_request_is_answered_with_its_own_origin() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    for target in ["/static", "/p/x"] {
        let answer = gateway.send(&from(APP, target));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.all("access-control-allow-origin"), [APP]);
        assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
        assert_eq!(
            answer.all("access-control-expose-headers"),
            ["x-request-id, etag"]
        );
        assert_eq!(answer.header("access-control-allow-methods"), None);
        assert_eq!(answer.header("access-control-max-age"), None);
        assert!(vary(&answer).contains(&"origin".to_owned()));
    }
}

#[test]
fn an_actual_request_from_another_origin_is_served_but_may_not_be_read() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    for request in [
        from("https://evil.example", "/p/x"),
        from("null", "/p/x"),
        Request::get("/p/x"),
    ] {
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 200);
        assert_no_cors(&answer);
        assert!(
            vary(&answer).contains(&"origin".to_owned()),
            "caches mix answers up without it"
        );
    }
}

#[test]
fn a_star_in_front_of_a_domain_stands_for_whole_labels() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    let allowed = [
        "https://a.example.org",
        "https://a.b.example.org",
        "http://localhost:3000",
    ];
    let denied = [
        "https://example.org",
        "https://evilexample.org",
        "https://.example.org",
        "https://a..example.org",
        "http://a.example.org",
        "https://a.example.org:8443",
        "https://a.example.org.evil.example",
        "https://evil.example/.example.org",
        "https://evil.example?.example.org",
        "https://evil.example#.example.org",
        "https://u@a.example.org",
        "https://evil.example\\.example.org",
        "https://a.EXAMPLE.org",
        "http://localhost",
        "http://localhost:30000",
        "https://app.example.com/",
        "https://sub.app.example.com",
    ];
    let read = |origin: &str| {
        let answer = gateway.send(&from(origin, "/static"));
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    for origin in allowed {
        assert_eq!(read(origin).as_deref(), Some(origin));
        assert_eq!(gateway.send(&preflight(origin, "/static")).status, 204);
    }
    for origin in denied {
        assert_eq!(read(origin), None, "{origin}");
        assert_eq!(
            gateway.send(&preflight(origin, "/static")).status,
            403,
            "{origin}"
        );
    }
}

#[test]
fn every_origin_is_a_star_and_never_an_echo() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, json!({ "allow_origins": ["*"] }));
    for origin in ["https://anyone.example", "null"] {
        let answer = gateway.send(&from(origin, "/p/x"));
        assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let answer = gateway.send(&preflight(origin, "/p/x"));
        assert_eq!(answer.status, 204);
        assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        // Where nothing is listed, what is asked for is granted.
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("authorization,x-custom")
        );
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("PUT"), "{methods}");
    }
    assert!(upstream.requests().iter().all(|r| r.head.word(0) == "GET"));
}

#[test]
fn what_the_upstream_says_about_origins_does_not_pass() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    let target = "/p/headers?Access-Control-Allow-Origin=*&Access-Control-Allow-Credentials=true\
                  &Access-Control-Expose-Headers=X-Internal&Vary=Accept-Encoding&X-Kept=1";
    for origin in ["https://evil.example", "null"] {
        let answer = gateway.send(&from(origin, target));
        assert_eq!(answer.header("x-kept"), Some("1"));
        assert_no_cors(&answer);
    }
    assert_no_cors(&gateway.send(&Request::get(target)));
    let answer = gateway.send(&from(APP, target));
    assert_eq!(answer.all("access-control-allow-origin"), [APP]);
    assert_eq!(
        answer.all("access-control-expose-headers"),
        ["x-request-id, etag"]
    );
    assert_eq!(vary(&answer), ["accept-encoding", "origin"]);
}

#[test]
fn without_a_policy_the_upstream_speaks_for_itself() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "paths": [{ "method": "ANY", "path": "/{.+}", "integration": { "type": "http", "server": "a" } }],
    });
    let gateway = gateway(config, Options::default());
    let answer = gateway.send(&from(APP, "/headers?Access-Control-Allow-Origin=*"));
    assert_eq!(answer.all("access-control-allow-origin"), ["*"]);
    let answer = gateway.send(&preflight(APP, "/x"));
    assert_eq!(answer.status, 200);
    assert_eq!(upstream.last().head.word(0), "OPTIONS");
}

#[test]
fn a_request_with_options_that_is_no_preflight_is_routed_like_any_other() {
    let upstream = Upstream::start();
    let gateway = start(&upstream, listed());
    let token = tokens::bearer(json!({}));
    for target in ["/options", "/any"] {
        for plain in [
            Request::new("OPTIONS", target),
            Request::new("OPTIONS", target).header("Origin", APP),
            Request::new("OPTIONS", target).header("Access-Control-Request-Method", "PUT"),
        ] {
            let refused = gateway.send(&plain);
            assert_problem(&refused, 401, "AUTH_ERROR");
            let served = upstream.requests().len();
            let answer = gateway.send(&plain.header("Authorization", &token));
            assert_eq!(answer.status, 200);
            assert_eq!(upstream.requests().len(), served + 1);
            assert_eq!(upstream.last().head.word(0), "OPTIONS");
        }
    }
    let answer = gateway.send(&Request::new("OPTIONS", "/static"));
    assert_problem(&answer, 405, "method_not_allowed");
}

#[test]
fn refusals_can_be_read_by_the_page_that_asked() {
    let upstream = Upstream::start();
    let address = upstream.url();
    let gateway = start(&upstream, listed());
    let read = |target: &str, method: &str, status: u16| {
        let answer = gateway.send(&Request::new(method, target).header("Origin", APP));
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.all("access-control-allow-origin"), [APP], "{target}");
        assert_eq!(answer.all("access-control-allow-credentials"), ["true"]);
        assert!(vary(&answer).contains(&"origin".to_owned()), "{target}");
        assert!(answer.header("x-request-id").is_some(), "{target}");
        assert!(!answer.text().contains(&address));
    };
    read("/protected", "GET", 401);
    read("/nowhere", "GET", 404);
    read("/static", "DELETE", 405);
    read("/p/%2e%2e%2fx", "GET", 400);
    read("/p/close", "GET", 502);
    drop(upstream);
    read("/down", "GET", 502);
}

#[test]
fn an_empty_list_allows_none_of_its_kind() {
    let upstream = Upstream::start();
    let mut cors = listed();
    cors["allow_methods"] = json!([]);
    cors["allow_headers"] = json!([]);
    for credentials in [false, true] {
        cors["allow_credentials"] = credentials.into();
        let gateway = start(&upstream, cors.clone());
        let answer = gateway.send(&preflight(APP, "/any"));
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
        assert_eq!(answer.header("access-control-allow-methods"), None);
        assert_eq!(answer.header("access-control-allow-headers"), None);
    }
}

#[test]
fn a_mistake_in_the_policy_allows_less_and_closes_nothing() {
    let mut cors = listed();
    cors["allow_origins"] = json!([
        "https://app.example.com/",
        " https://blank.example ",
        "https://münchen.example",
        "https://page.example/index.html",
        "$env.FRONTEND",
    ]);
    cors["allow_headers"] = json!(["no token"]);
    let config = json!({
        "cors": cors,
        "paths": [{ "method": "GET", "path": "/static", "response": 1 }],
    });
    let gateway = gateway(
        config,
        Options::default().text("FRONTEND", "https://env.example/\n"),
    );
    for (origin, allowed) in [
        (APP, true),
        ("https://blank.example", true),
        ("https://xn--mnchen-3ya.example", true),
        ("https://env.example", true),
        ("https://page.example", false),
    ] {
        let answer = gateway.send(&from(origin, "/static"));
        assert_eq!(answer.status, 200);
        let expected = allowed.then_some(origin);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            expected,
            "{origin}"
        );
    }
    let answer = gateway.send(&preflight(APP, "/static"));
    assert_eq!(answer.header("access-control-allow-headers"), None);
    for cors in [
        json!("*"),
        json!({ "allow_origins": ["*"], "allow_credentials": true }),
    ] {
        let config = json!({
            "cors": cors,
            "paths": [{ "method": "GET", "path": "/static", "response": 1 }],
        });
        let gateway = support::gateway(config, Options::default());
        let answer = gateway.send(&from("https://evil.example", "/static"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}
