//! What is tried again and what is not.

use std::time::{Duration, Instant};

use peers::Request;
use peers::upstream::{Fault, Script};
use serde_json::{Value, json};

use super::{Clouds, clouds};
use crate::support::assert_problem;

/// The first cloud is home, the others follow.
fn at_home(mut members: Value) -> Clouds {
    members["locality"] = json!({ "home": "gcp-eu", "failover": [{ "to": { "type": "Any" } }] });
    clouds(members)
}

fn seen(clouds: &Clouds) -> [u64; 3] {
    clouds.all().map(|(_, cloud)| cloud.seen())
}

#[test]
fn only_what_may_be_repeated_is_tried_again() {
    for (request, repeated) in [
        (Request::get("/x"), true),
        (Request::new("HEAD", "/x"), true),
        (Request::new("OPTIONS", "/x"), true),
        (Request::new("DELETE", "/x"), true),
        (Request::new("PUT", "/x").body("body"), true),
        (Request::post("/x", "body"), false),
        (Request::new("PATCH", "/x").body("body"), false),
        (Request::new("PROPFIND", "/x"), false),
        (
            Request::post("/x", "body").header("Idempotency-Key", "k1"),
            true,
        ),
        (Request::post("/x", "").header("Idempotency-Key", ""), false),
    ] {
        let clouds = at_home(json!({}));
        clouds.gcp.fail(Fault::Reset);
        let answer = clouds.gateway.send(&request);
        let what = String::from_utf8_lossy(&request.bytes()).into_owned();
        let others = clouds.aws.seen() + clouds.azure.seen();
        if repeated {
            assert_eq!((answer.status, others), (200, 1), "{what}");
        } else {
            assert_eq!((answer.status, others), (502, 0), "{what}");
            assert_problem(&answer, 502, "upstream_unreachable");
        }
        assert_eq!(clouds.gcp.seen(), 1, "{what}");
        assert!(clouds.gateway.logs("\"event\":\"upstream_failed\""));
    }
}

#[test]
fn a_key_that_the_upstream_does_not_see_is_no_promise() {
    let mapping = json!({ "headers": { "Idempotency-Key": "$request.header.X-Key" } });
    let clouds = super::clouds_with(
        json!({ "locality": { "home": "gcp-eu", "failover": [{ "to": { "type": "Any" } }] } }),
        |config| config["paths"][0]["mapping"] = mapping,
        peers::Options::default(),
    );
    clouds.gcp.fail(Fault::Status(503));
    let post = || Request::post("/x", "a").header("Idempotency-Key", "k1");
    assert_eq!(
        clouds.gateway.send(&post()).status,
        503,
        "the mapping takes it away"
    );
    assert_eq!(
        clouds.gateway.send(&post().header("X-Key", "k2")).status,
        200
    );
}

#[test]
fn a_body_is_sent_whole_again_up_to_the_cap() {
    let clouds = at_home(json!({ "retry": { "max_body_bytes": 1000 } }));
    clouds.gcp.fail(Fault::Status(503));
    let digest = |body: &str| {
        let answer = clouds
            .gateway
            .send(&Request::new("PUT", "/upload").body(body));
        (answer.status, answer.text())
    };
    let (status, told) = digest(&"x".repeat(1000));
    assert_eq!(status, 200, "{told}");
    assert!(told.contains("\"length\": 1000"), "{told}");
    let (status, _) = digest(&"x".repeat(1001));
    assert_eq!(status, 503, "longer ones are sent once");
    // What comes in pieces goes on in pieces.
    let mut client = clouds.gateway.connect();
    client.send(b"PUT /upload HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(client.answer("PUT").unwrap().status, 503);
    assert_eq!(seen(&clouds).iter().sum::<u64>(), 4);
}

#[test]
fn the_conditions_and_their_number_are_the_configs() {
    let clouds = at_home(json!({
        "retry": { "num_retries": 1, "retry_on": ["5xx", "retriable-4xx", "retriable-status-codes"], "status_codes": [425] },
        "outlier": false,
    }));
    for (status, tries) in [(500, 2), (409, 2), (425, 2), (429, 1), (404, 1)] {
        let before: u64 = seen(&clouds).iter().sum();
        for (_, cloud) in clouds.all() {
            cloud.fail(Fault::Status(status));
        }
        let answer = clouds.gateway.get("/x");
        assert_eq!(answer.status, status, "the last answer is handed on");
        assert_eq!(
            seen(&clouds).iter().sum::<u64>() - before,
            tries,
            "{status}"
        );
    }
    for (_, cloud) in clouds.all() {
        cloud.fail(Fault::Reset);
    }
    assert_problem(&clouds.gateway.get("/x"), 502, "upstream_unreachable");
}

#[test]
fn the_budget_ends_what_would_make_an_outage_worse() {
    let clouds = at_home(json!({
        "retry": { "budget": { "percent": 10, "min_per_second": 0 } }, "outlier": false,
    }));
    for (_, cloud) in clouds.all() {
        cloud.fail(Fault::Status(503));
    }
    for _ in 0..200 {
        assert_eq!(clouds.gateway.get("/x").status, 503);
    }
    let tries: u64 = seen(&clouds).iter().sum();
    assert!((210..=220).contains(&tries), "{tries}");
}

#[test]
fn a_try_has_its_own_time_and_all_together_have_the_paths() {
    let clouds = at_home(json!({ "timeouts": { "try_ms": 200 } }));
    clouds.gcp.fail(Fault::Stall);
    let start = Instant::now();
    let answer = clouds.gateway.get("/x");
    assert_eq!(answer.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(200));
    for (_, cloud) in clouds.all() {
        cloud.fail(Fault::Stall);
    }
    assert_problem(&clouds.gateway.get("/x"), 504, "upstream_timeout");
    assert!(start.elapsed() < Duration::from_secs(9));
}

#[test]
fn retry_after_is_honoured() {
    let clouds = at_home(json!({ "outlier": false }));
    let busy = Script {
        status: 503,
        lines: "Retry-After: 30\r\n".into(),
        ..Script::default()
    };
    clouds.gcp.fail_next(1, Fault::Answer(busy));
    assert_eq!(clouds.gateway.get("/x").status, 200);
    for _ in 0..20 {
        assert_eq!(clouds.gateway.get("/x").status, 200);
    }
    assert_eq!(clouds.gcp.seen(), 1, "it is left in peace");
}

#[test]
fn a_second_endpoint_is_asked_when_the_first_is_slow() {
    let clouds = at_home(json!({ "hedge": { "delay_ms": 100 }, "retry": false }));
    clouds.gcp.fail(Fault::Stall);
    for (request, status) in [(Request::get("/x"), 200), (Request::new("HEAD", "/x"), 200)] {
        let start = Instant::now();
        let answer = clouds.gateway.send(&request);
        assert_eq!(answer.status, status);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    // The loser is cancelled: nobody waits there any more.
    clouds.gcp.heal();
    assert!(crate::support::eventually(
        crate::support::PATIENCE,
        || clouds.gcp.in_flight() == 0
    ));
    clouds.gcp.fail(Fault::Slow(Duration::from_millis(400)));
    let before: u64 = seen(&clouds).iter().sum();
    assert_eq!(clouds.gateway.send(&Request::post("/x", "a")).status, 200);
    assert_eq!(seen(&clouds).iter().sum::<u64>() - before, 1, "never twice");
}
