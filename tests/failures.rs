//! Upstreams that are not there, too slow or broken, and clients that leave.

#![cfg(test)]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod support;

use std::time::{Duration, Instant};

use peers::{Ending, Request};
use serde_json::{Value, json};
use support::{ORIGIN, PATIENCE, Setup, assert_problem, open};

/// Long enough for an upstream's head on a busy machine.
const TIMEOUT: Duration = Duration::from_millis(1500);

fn to(server: &str, path: &str) -> Value {
    json!({ "method": "ANY", "path": path, "auth": false, "integration": { "type": "http", "server": server } })
}

fn setup() -> Setup {
    let mut hasty = to("up", "/hasty/{.+}");
    hasty["timeout_ms"] = json!(TIMEOUT.as_millis());
    support::setup(json!({
        "cors": support::cors(),
        "authorizer": support::authorizer(),
        "servers": [
            // Nothing listens on port 1.
            { "alias": "refused", "url": "http://127.0.0.1:1" },
            { "alias": "nowhere", "url": "http://nowhere.invalid" },
        ],
        "paths": [
            to("refused", "/refused"),
            to("nowhere", "/nowhere"),
            hasty,
            { "method": "GET", "path": "/static", "response": 1, "auth": false },
            { "method": "GET", "path": "/secret", "response": 1, "auth": true },
            open("ANY", "/up/{.+}"),
        ],
    }))
}

#[test]
fn every_refusal_is_a_whole_problem_with_cors_and_request_id() {
    let setup = setup();
    for (method, target, status, code) in [
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/static", 405, "method_not_allowed"),
        ("GET", "/secret", 401, "AUTH_ERROR"),
        ("GET", "/up/%zz", 400, "path_bad_percent_encoding"),
        ("GET", "/refused", 502, "upstream_unreachable"),
        ("GET", "/nowhere", 502, "upstream_unreachable"),
        ("GET", "/up/reset", 502, "upstream_unreachable"),
        ("GET", "/up/close", 502, "upstream_unreachable"),
        ("GET", "/up/junk", 502, "upstream_unreachable"),
        ("POST", "/up/close", 502, "upstream_unreachable"),
        // A status that HTTP does not have (RFC 9110 section 15).
        ("GET", "/up/status/999", 502, "upstream_unreachable"),
        // Nobody asked for another protocol.
        ("GET", "/up/status/101", 502, "upstream_unreachable"),
        ("GET", "/hasty/hold", 504, "upstream_timeout"),
        ("POST", "/hasty/hold", 504, "upstream_timeout"),
    ] {
        let request = Request::new(method, target).header("Origin", ORIGIN);
        let request = match method {
            "POST" => request.body("hello"),
            _ => request,
        };
        let answer = setup.gateway.send(&request);
        assert_problem(&answer, status, code);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(ORIGIN),
            "{target}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true"),
            "{target}"
        );
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("x-request-id"),
            "{target}"
        );
        assert_eq!(answer.all("x-request-id").len(), 1, "{target}");
    }
}

#[test]
fn every_answer_of_an_upstream_carries_cors_and_the_one_request_id() {
    let setup = setup();
    for status in [200, 201, 304, 400, 404, 418, 500, 503] {
        let request = Request::get(&format!("/up/status/{status}")).header("Origin", ORIGIN);
        let answer = setup.gateway.send(&request);
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(ORIGIN),
            "{status}"
        );
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(
            support::arrived(&setup.upstream.last(), "x-request-id"),
            [id]
        );
    }
}

#[test]
fn two_requests_have_two_ids() {
    let setup = setup();
    let (one, two) = (setup.gateway.get("/static"), setup.gateway.get("/static"));
    assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
}

#[test]
fn a_refusal_tells_nothing_of_the_upstream() {
    let setup = setup();
    for target in ["/refused", "/nowhere", "/up/junk"] {
        let text = setup.gateway.get(target).text();
        for word in ["127.0.0.1", "nowhere.invalid", "Network", "internal error"] {
            assert!(!text.contains(word), "{target}: {text}");
        }
    }
}

#[test]
fn a_time_out_ends_in_time_and_cancels_the_upstream() {
    let setup = setup();
    let start = Instant::now();
    let answer = setup.gateway.get("/hasty/hold");
    let took = start.elapsed();
    assert_problem(&answer, 504, "upstream_timeout");
    // The timer may be a little early in another clock.
    assert!(took > TIMEOUT / 2 && took < PATIENCE, "{took:?}");
    assert!(setup.upstream.wait_gone("/hold", PATIENCE));
}

#[test]
fn a_time_out_does_not_cut_a_body_that_has_begun() {
    let setup = setup();
    let start = Instant::now();
    let answer = setup.gateway.get("/hasty/slow-body?n=6&ms=500");
    assert!(start.elapsed() > TIMEOUT);
    assert_eq!((answer.status, answer.ending), (200, Ending::Whole));
    assert!(answer.text().ends_with("piece 5\n"));
}

#[test]
fn a_client_that_resets_cancels_a_pending_upstream() {
    let setup = setup();
    let mut client = setup.gateway.connect();
    client.send(&Request::get("/up/hold").bytes());
    assert!(setup.upstream.wait_requests(1, PATIENCE));
    client.reset();
    assert!(setup.upstream.wait_gone("/hold", PATIENCE));
}

#[test]
fn a_client_that_leaves_cancels_a_streaming_upstream() {
    let setup = setup();
    let mut client = setup.gateway.connect();
    client.send(&Request::get("/up/events?n=100000&ms=20").bytes());
    let head = client.head().unwrap();
    let mut body = client.body(&head, "GET");
    assert!(client.piece(&mut body, PATIENCE).unwrap().is_some());
    drop(client);
    assert!(setup.upstream.wait_gone("/events?n=100000&ms=20", PATIENCE));
}
