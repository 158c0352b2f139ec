//! What the mirror gets, and what it never does to the client.

use std::thread::sleep;
use std::time::{Duration, Instant};

use peers::upstream::Fault;
use peers::{Client, Request, Upstream};
use serde_json::json;

use super::support::{PATIENCE, arrived, assert_problem, eventually, gateway, options, target};
use super::{A_WHILE, Bench, answer, bench, config};

#[test]
fn the_mirror_gets_what_the_primary_got_but_for_the_proof_and_the_mark() {
    let bench = bench("GET", json!({}));
    let request = Request::get("/orders/1?q=a%20b&x")
        .header("Authorization", "Bearer client")
        .header("X-Own", "1")
        .header("X-Causeway-Mirror", "forged")
        .header("X-Other", "forged")
        .header("X-Main", "forged");
    assert_eq!(bench.gateway.send(&request).status, 200);
    let [mirror] = bench.mirrored(1).try_into().unwrap();
    let primary = bench.primary.last();
    assert_eq!(target(&primary), "/orders/1?q=a%20b&x");
    assert_eq!(target(&mirror), "/orders/1?q=a%20b&x");
    for (name, at_primary, at_mirror) in [
        ("x-causeway-mirror", vec![], vec!["1"]),
        ("x-main", vec!["main-secret"], vec!["forged"]),
        ("x-other", vec!["forged"], vec!["other-secret"]),
        ("x-mapped", vec!["a b"], vec!["a b"]),
        ("x-own", vec!["1"], vec!["1"]),
        (
            "authorization",
            vec!["Bearer client"],
            vec!["Bearer client"],
        ),
        ("via", vec!["1.1 causeway"], vec!["1.1 causeway"]),
    ] {
        assert_eq!(arrived(&primary, name), at_primary, "{name}");
        assert_eq!(arrived(&mirror, name), at_mirror, "{name}");
    }
    for name in [
        "x-request-id",
        "forwarded",
        "x-forwarded-host",
        "accept-encoding",
    ] {
        assert_eq!(arrived(&primary, name), arrived(&mirror, name), "{name}");
    }
}

#[test]
fn a_share_of_the_requests_is_mirrored() {
    let bench = bench("GET", json!({ "percent": 30 }));
    for _ in 0..200 {
        assert_eq!(bench.gateway.get("/a").status, 200);
    }
    sleep(A_WHILE);
    let mirrored = bench.mirror.seen();
    assert!((25..100).contains(&mirrored), "{mirrored} of 200");
    assert_eq!(bench.primary.seen(), 200);
}

#[test]
fn no_more_than_the_limit_of_a_minute_is_mirrored() {
    let bench = bench("GET", json!({ "max_per_minute": 5 }));
    for _ in 0..40 {
        assert_eq!(bench.gateway.get("/a").status, 200);
    }
    sleep(A_WHILE);
    // A minute may have ended meanwhile.
    let mirrored = bench.mirror.seen();
    assert!((5..=10).contains(&mirrored), "{mirrored}");
}

#[test]
fn a_mirror_that_stalls_holds_nobody_up_and_gets_only_so_many_at_once() {
    let bench = bench(
        "GET",
        json!({ "timeout_ms": 1500, "compare": { "body": "json" } }),
    );
    assert_eq!(bench.gateway.get("/a").status, 200);
    bench.mirrored(1);
    bench.mirror.fail(Fault::Stall);
    let slowest = (0..30).map(|_| {
        let began = Instant::now();
        assert_eq!(bench.gateway.get("/a").status, 200);
        began.elapsed()
    });
    let slowest = slowest.max().unwrap();
    assert!(slowest < Duration::from_millis(1000), "{slowest:?}");
    assert!(bench.mirror.most_in_flight() <= 4);
    for line in bench.lines("mirror_failed", 4) {
        assert_eq!(line["reason"], "upstream_timeout", "{line}");
        assert_eq!(
            (&line["method"], &line["path"]),
            (&json!("GET"), &json!("/{.+}"))
        );
    }
    bench.mirror.heal();
    let before = bench.mirror.requests().len();
    assert_eq!(bench.gateway.get("/a").status, 200);
    bench.mirrored(before + 1);
    assert_eq!(bench.primary.seen(), 32);
}

#[test]
fn a_mirror_that_is_down_fails_nobody() {
    let bench = bench("GET", json!({}));
    bench.mirror.stop();
    for _ in 0..3 {
        assert_eq!(bench.gateway.get("/a").status, 200);
    }
    let lines = bench.lines("mirror_failed", 1);
    assert_eq!(lines[0]["reason"], "upstream_unreachable");
    assert!(!bench.log().contains("secret"), "{}", bench.log());
}

#[test]
fn answers_stream_on_while_the_mirror_stalls() {
    let compare =
        json!({ "timeout_ms": 3000, "max_body_bytes": 1_000_000, "compare": { "body": "bytes" } });
    let bench = bench("GET", compare);
    bench.mirror.fail(Fault::Stall);
    // Of no known length: never looked at.
    let mut client = bench.gateway.connect();
    client.send(&Request::get("/events?n=3&ms=400").bytes());
    let head = client.head().unwrap();
    let mut body = client.body(&head, "GET");
    let began = Instant::now();
    let first = client.piece(&mut body, PATIENCE).unwrap().unwrap();
    assert_eq!(first, b"data: 0\n\n");
    assert!(began.elapsed() < Duration::from_millis(350));
    while client.piece(&mut body, PATIENCE).unwrap().is_some() {}
    // Of a known length: both have it.
    let began = Instant::now();
    let whole = bench.gateway.get("/bytes/500000");
    assert_eq!(whole.body.len(), 500_000);
    assert_eq!(whole.header("content-length"), Some("500000"));
    assert!(began.elapsed() < Duration::from_millis(2000));
    assert!(bench.gateway.logs("mirror_failed"));
}

#[test]
fn a_post_is_mirrored_only_where_that_is_asked_for_and_then_with_its_whole_body() {
    let body = "x".repeat(30_000);
    let unasked = bench("ANY", json!({}));
    assert_eq!(
        unasked
            .gateway
            .send(&Request::post("/a", body.as_str()))
            .status,
        200
    );
    let put = Request::new("PUT", "/a").body(body.as_str());
    assert_eq!(unasked.gateway.send(&put).status, 200);
    let [mirrored] = unasked.mirrored(1).try_into().unwrap();
    assert_eq!(mirrored.head.word(0), "PUT");
    assert_eq!((mirrored.length, mirrored.whole), (30_000, true));

    let asked = bench("POST", json!({ "unsafe_methods": true }));
    assert_eq!(
        asked
            .gateway
            .send(&Request::post("/a", body.as_str()))
            .status,
        200
    );
    let [mirrored] = asked.mirrored(1).try_into().unwrap();
    assert_eq!(mirrored.head.word(0), "POST");
    assert_eq!(mirrored.body, body.as_bytes());
    assert_eq!(asked.primary.last().body, body.as_bytes());
}

#[test]
fn bodies_beyond_the_limit_or_of_unknown_length_pass_and_are_skipped() {
    let bench = bench(
        "PUT",
        json!({ "max_body_bytes": 1000, "compare": { "headers": ["x-kind"] } }),
    );
    let long = Request::new("PUT", "/upload").body(vec![b'x'; 1001]);
    assert_eq!(bench.gateway.send(&long).json()["length"], 1001);
    let mut client = bench.gateway.connect();
    client.send(b"PUT /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npiece\r\n0\r\n\r\n");
    assert_eq!(client.answer("PUT").unwrap().json()["length"], 5);
    let mut other = answer("text/plain", "a");
    other.lines = "X-Kind: 2\r\n".into();
    bench.script("/a", &answer("text/plain", "a"), &other);
    let short = Request::new("PUT", "/a").body(vec![b'x'; 1000]);
    assert_eq!(bench.gateway.send(&short).status, 200);
    let line = bench.lines("mirror_differs", 1).remove(0);
    assert_eq!(
        (&line["seen"], &line["skipped"]),
        (&json!(3), &json!(2)),
        "{line}"
    );
    assert_eq!(bench.mirror.seen(), 1);
}

#[test]
fn neither_websockets_nor_the_gateways_own_answers_are_mirrored() {
    let bench = bench("GET", json!({}));
    let (_, mut socket) = Client::websocket(bench.gateway.address(), "/ws", &[]);
    socket.send("hello".into()).unwrap();
    assert_eq!(socket.read().unwrap().to_text().unwrap(), "hello");
    bench.primary.stop();
    assert_problem(&bench.gateway.get("/a"), 502, "upstream_unreachable");
    sleep(A_WHILE);
    assert_eq!(bench.mirror.seen(), 0);
    bench.primary.start_again();
    assert_eq!(bench.gateway.get("/a").status, 200);
    bench.mirrored(1);
}

#[test]
fn a_client_that_leaves_takes_no_mirror_along() {
    let bench = bench("GET", json!({}));
    bench.mirror.fail(Fault::Slow(Duration::from_millis(500)));
    let mut client = bench.gateway.connect();
    client.send(&Request::get("/slow-body?n=50&ms=100").bytes());
    assert_eq!(client.head().unwrap().word(1), "200");
    client.reset();
    bench.mirrored(1);
    for _ in 0..8 {
        assert_eq!(bench.gateway.get("/a").status, 200);
    }
    assert!(eventually(PATIENCE, || bench.mirror.in_flight() == 0));
    let before = bench.mirror.seen();
    assert_eq!(bench.gateway.get("/a").status, 200);
    assert!(eventually(PATIENCE, || bench.mirror.seen() > before));
}

#[test]
fn a_mirror_may_be_a_pool() {
    let primary = Upstream::start();
    let (one, two) = (Upstream::named("one"), Upstream::named("two"));
    let servers = json!([
        { "alias": "main", "endpoints": [{ "url": primary.url(), "name": "p" }, { "url": primary.url(), "name": "q" }] },
        { "alias": "other", "endpoints": [{ "url": one.url(), "name": "one" }, { "url": two.url(), "name": "two" }] },
    ]);
    let config = config("GET", servers, json!({}));
    let bench = Bench {
        gateway: gateway(&config, options()),
        primary,
        mirror: one,
    };
    for number in 1..=6 {
        assert_eq!(bench.gateway.get("/a").status, 200);
        let all = || bench.mirror.seen() + two.seen();
        assert!(eventually(PATIENCE, || all() == number), "{}", bench.log());
    }
    assert_eq!((bench.mirror.seen(), two.seen()), (3, 3));
    assert_eq!(arrived(&two.last(), "x-causeway-mirror"), ["1"]);
}
