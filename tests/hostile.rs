//! Requests that no well-meaning client sends; each has its stated answer.

#![cfg(test)]

mod support;

use peers::{Answer, Request};
use serde_json::{Value, json};
use support::{Setup, arrived, assert_problem, open, target, token};

fn setup() -> Setup {
    let guarded = |method: &str, path: &str, mapping: Value| {
        let mut entry = support::guarded(method, path);
        entry["mapping"] = mapping;
        entry
    };
    support::setup(json!({
        "authorizer": support::authorizer(),
        "variables": { "region": "eu", "some.flat-key": 7 },
        "paths": [
            open("GET", "/get"),
            open("POST", "/get"),
            open("GET", "/only-get"),
            open("ANY", "/any/{.+}"),
            guarded("GET", "/claims", json!({
                "headers": { "X-Email": "$request.jwt.email", "X-Role": "$request.jwt.role" },
            })),
            guarded("GET", "/users/{id}", json!({
                "headers": {
                    "X-Tenant": "$request.header.X-From",
                    "X-Page": "$request.query.page",
                    "X-Sub": "$request.jwt.sub",
                    "X-Region": "$config.region",
                    "X-Flat": "$config.some.flat-key",
                    "X-Id": "$request.path.id",
                },
                "query": {
                    "tenant": "$request.header.X-From",
                    "number": "$request.query.page",
                    "sub": "$request.jwt.sub",
                    "region": "$config.region",
                    "id": "$request.path.id",
                    "absent": "$request.jwt.nothing",
                },
            })),
        ],
    }))
}

fn bearer(request: Request, claims: Value) -> Request {
    request.header("Authorization", &format!("Bearer {}", token(claims)))
}

/// What comes back for exactly these bytes.
fn raw(setup: &Setup, bytes: &[u8]) -> Answer {
    let mut client = setup.gateway.connect();
    client.send(bytes);
    client.answer("GET").expect("an answer")
}

#[test]
fn two_hundred_headers_pass() {
    let setup = setup();
    let mut request = Request::get("/any/x");
    for i in 0..200 {
        request = request.header(&format!("X-Many-{i}"), &i.to_string());
    }
    assert_eq!(setup.gateway.send(&request).status, 200);
    let got = setup.upstream.last();
    for i in 0..200 {
        assert_eq!(arrived(&got, &format!("x-many-{i}")), [i.to_string()]);
    }
}

#[test]
fn a_method_that_the_runtime_does_not_know_is_refused_by_it() {
    let setup = setup();
    for method in ["FOO", "get"] {
        let answer = setup.gateway.send(&Request::new(method, "/any/x"));
        assert_eq!(answer.status, 501, "{method}");
    }
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn a_rare_method_is_served_by_any_paths_alone() {
    let setup = setup();
    let answer = setup.gateway.send(&Request::new("PURGE", "/any/x"));
    assert_eq!(answer.status, 200);
    assert_eq!(setup.upstream.last().head.word(0), "PURGE");
    let answer = setup.gateway.send(&Request::new("PURGE", "/get"));
    assert_problem(&answer, 405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
}

#[test]
fn a_method_that_no_path_has_is_told_which_are_there() {
    let setup = setup();
    for (method, target, allow) in [
        ("DELETE", "/only-get", "GET, HEAD"),
        ("OPTIONS", "/only-get", "GET, HEAD"),
        ("PUT", "/get", "GET, HEAD, POST"),
    ] {
        let answer = setup.gateway.send(&Request::new(method, target));
        assert_problem(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {target}");
    }
    for (method, target) in [("HEAD", "/only-get"), ("OPTIONS", "/any/x")] {
        assert_eq!(
            setup.gateway.send(&Request::new(method, target)).status,
            200
        );
    }
}

#[test]
fn chunked_wins_over_a_length_and_is_all_that_the_upstream_sees() {
    // RFC 9112 section 6.1: whoever takes both closes the connection after the answer.
    let setup = setup();
    let mut client = setup.gateway.connect();
    client.send(
        b"POST /any/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
          5\r\nhello\r\n0\r\n\r\nGET /any/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(client.answer("POST").unwrap().status, 200);
    assert!(client.closes(support::PATIENCE));
    let requests = setup.upstream.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body, b"hello");
    assert_eq!(
        arrived(&requests[0], "content-length"),
        Vec::<String>::new()
    );
    assert_eq!(arrived(&requests[0], "transfer-encoding"), ["chunked"]);
}

#[test]
fn framing_that_can_be_read_two_ways_is_refused_by_the_runtime() {
    let setup = setup();
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: -1",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
    ] {
        let request = format!("POST /any/x HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\nhello");
        assert_eq!(raw(&setup, request.as_bytes()).status, 400, "{framing}");
    }
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn the_same_length_twice_is_one_length() {
    let setup = setup();
    let answer = raw(
        &setup,
        b"POST /any/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(answer.status, 200);
    assert_eq!(arrived(&setup.upstream.last(), "content-length"), ["5"]);
}

#[test]
fn a_token_of_a_hundred_kilobytes_is_not_looked_at() {
    let setup = setup();
    let request = Request::get("/claims");
    let long = format!("Bearer {}", "a".repeat(100 * 1024));
    let answer = setup.gateway.send(&request.header("Authorization", &long));
    assert_problem(&answer, 401, "ERR_JWS_INVALID");
    let signed = bearer(
        Request::get("/claims"),
        json!({ "x": "a".repeat(70 * 1024) }),
    );
    assert_problem(&setup.gateway.send(&signed), 401, "ERR_JWS_INVALID");
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn a_claim_with_a_line_break_is_refused() {
    let setup = setup();
    for evil in [
        "a\r\nX-Admin: 1",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\u{1}b",
        "\u{7f}",
    ] {
        let request = bearer(Request::get("/claims"), json!({ "email": evil }));
        assert_problem(&setup.gateway.send(&request), 400, "mapped_value_invalid");
    }
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn a_claim_beyond_ascii_arrives_as_utf8() {
    let setup = setup();
    let request = bearer(
        Request::get("/claims"),
        json!({ "email": "zoë@例え.jp", "role": "\u{10ffff}" }),
    );
    assert_eq!(setup.gateway.send(&request).status, 200);
    let got = setup.upstream.last();
    assert_eq!(arrived(&got, "x-email"), ["zoë@例え.jp"]);
    assert_eq!(arrived(&got, "x-role"), ["\u{10ffff}"]);
}

#[test]
fn a_mapped_header_cannot_be_spoofed_in_any_case() {
    let setup = setup();
    for name in ["X-Email", "x-email", "X-EMAIL", "x-eMaIl"] {
        let spoofed = || {
            Request::get("/claims")
                .header(name, "admin@x.test")
                .header(name, "again")
        };
        assert_eq!(
            setup.gateway.send(&bearer(spoofed(), json!({}))).status,
            200
        );
        assert_eq!(
            arrived(&setup.upstream.last(), "x-email"),
            Vec::<String>::new(),
            "{name}"
        );

        let known = bearer(spoofed(), json!({ "email": "me@x.test" }));
        assert_eq!(setup.gateway.send(&known).status, 200);
        assert_eq!(
            arrived(&setup.upstream.last(), "x-email"),
            ["me@x.test"],
            "{name}"
        );
    }
}

#[test]
fn values_are_mapped_from_every_source() {
    let setup = setup();
    let request =
        Request::get("/users/4%202?page=a%26b&sub=root&s%75b=root&tag=1&tag=2&absent=1&&x=%7e+")
            .header("x-from", "acme corp")
            .header("X-Region", "us");
    let answer = setup.gateway.send(&bearer(request, json!({ "sub": "me" })));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = setup.upstream.last();
    for (name, value) in [
        ("x-tenant", "acme corp"),
        ("x-page", "a&b"),
        ("x-sub", "me"),
        ("x-region", "eu"),
        ("x-flat", "7"),
        ("x-id", "4 2"),
    ] {
        assert_eq!(arrived(&got, name), [value], "{name}");
    }
    assert_eq!(
        target(&got),
        "/users/4%202?page=a%26b&tag=1&tag=2&x=%7e+\
         &id=4%202&number=a%26b&region=eu&sub=me&tenant=acme%20corp"
    );
}
