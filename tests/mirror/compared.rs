//! What is said of two answers.

use peers::Request;
use peers::upstream::Fault;
use serde_json::json;

use super::{answer, bench};

/// In every line about a mirror.
const ALL: &str = "mirror_";

#[test]
fn what_differs_is_logged_and_what_is_the_same_is_not() {
    let compare = json!({ "compare": {
        "headers": ["Content-Type", "ETag"], "body": "json", "ignore": ["/generated_at", "/items/0/id"],
    } });
    let bench = bench("GET", compare);
    let json = "application/json";
    let one = answer(
        json,
        r#"{"a":1,"generated_at":1,"items":[{"id":1,"n":"x"}]}"#,
    );
    let same = answer(json, r#"{"items": [{"n": "x", "id": 2}], "a": 1.0}"#);
    let other = answer(json, r#"{"a":"hunter2","items":[{"n":"y"}],"b":null}"#);
    let mut status = other.clone();
    status.status = 404;
    status.lines = "Content-Type: text/plain\r\n".into();
    bench.script("/same", &one, &same);
    bench.script("/body", &one, &other);
    bench.script("/head", &one, &status);
    bench.script("/no-json", &one, &answer(json, "<p>"));
    for (number, path) in ["/same", "/body", "/head", "/no-json"].iter().enumerate() {
        assert_eq!(bench.gateway.get(path).status, 200);
        bench.mirrored(number + 1);
        bench.lines(ALL, number);
    }
    let [body, head, no_json] = bench.lines(ALL, 3).try_into().unwrap();
    assert_eq!(body["event"], "mirror_differs");
    assert_eq!(body["level"], "warn");
    assert_eq!(body["body"], json!(["/a", "/items/0/n", "/b"]));
    assert_eq!(body["status"], json!(null));
    assert_eq!(head["status"], json!([200, 404]));
    assert_eq!(head["headers"], json!(["content-type"]));
    assert_eq!(head["body"], json!(null));
    assert_eq!(no_json["body_is_json"], json!([true, false]));
    for (name, count) in [
        ("seen", 4),
        ("same", 1),
        ("different", 3),
        ("failed", 0),
        ("skipped", 0),
    ] {
        assert_eq!(no_json[name], count, "{name} {no_json}");
    }
    let primary = bench.primary.requests();
    let id = primary[1].head.header("x-request-id").unwrap();
    assert_eq!(body["request_id"], id);
    assert!(!bench.log().contains("hunter2"), "{}", bench.log());
}

#[test]
fn encoded_bodies_are_compared_as_what_they_hold() {
    let bench = bench("GET", json!({ "compare": { "body": "bytes" } }));
    let gzipped = bench
        .gateway
        .send(&Request::get("/gzip").header("Accept-Encoding", "gzip"));
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));
    let length = gzipped.body.len().to_string();
    assert_eq!(gzipped.header("content-length"), Some(length.as_str()));
    bench.compared(1);
    bench.mirror.fail(Fault::Answer(answer(
        "text/plain",
        &"hello, world\n".repeat(100),
    )));
    assert_eq!(bench.gateway.get("/gzip").status, 200);
    bench.compared(2);
    bench.mirror.fail(Fault::Answer(answer(
        "text/plain",
        &"hello, world\n".repeat(99),
    )));
    assert_eq!(bench.gateway.get("/gzip").status, 200);
    let line = bench.lines(ALL, 1).remove(0);
    assert_eq!(line["body_bytes"], json!([1300, 1287]), "{line}");
    assert_eq!(line["same"], 2, "{line}");
}

#[test]
fn bodies_that_stream_or_are_too_long_are_not_compared() {
    let bench = bench(
        "GET",
        json!({ "max_body_bytes": 1000, "compare": { "body": "bytes" } }),
    );
    for target in ["/bytes/1001", "/bytes/10?chunked", "/events?n=1&ms=1"] {
        assert_eq!(bench.gateway.get(target).status, 200, "{target}");
    }
    bench.compared(3);
    // Beyond the limit at the mirror alone: that is a difference.
    bench.script(
        "/a",
        &answer("text/plain", "a"),
        &answer("text/plain", &"a".repeat(1001)),
    );
    assert_eq!(bench.gateway.get("/a").status, 200);
    let line = bench.lines(ALL, 1).remove(0);
    assert_eq!(line["body_longer"], true, "{line}");
    assert_eq!(line["uncompared"], 3, "{line}");
}

#[test]
fn a_mirrors_body_that_breaks_off_is_a_failure_and_the_client_has_its_own() {
    let bench = bench("GET", json!({ "compare": { "body": "bytes" } }));
    bench.mirror.fail(Fault::Cut);
    let whole = bench.gateway.get("/bytes/5000");
    assert_eq!(whole.body.len(), 5000);
    let line = bench.lines(ALL, 1).remove(0);
    assert_eq!(line["event"], "mirror_failed", "{line}");
    assert_eq!(line["reason"], "body_broken", "{line}");
}

#[test]
fn head_requests_and_empty_answers_are_compared_by_their_heads() {
    let bench = bench("GET", json!({ "compare": { "body": "bytes" } }));
    let head = Request::new("HEAD", "/bytes/100");
    assert_eq!(bench.gateway.send(&head).status, 200);
    assert_eq!(bench.gateway.get("/status/204").status, 204);
    assert_eq!(bench.gateway.get("/status/304").status, 304);
    bench.compared(3);
    bench.mirror.fail(Fault::Status(500));
    assert_eq!(bench.gateway.get("/status/204").status, 204);
    let line = bench.lines(ALL, 1).remove(0);
    assert_eq!(line["status"], json!([204, 500]), "{line}");
    assert_eq!(line["same"], 3, "{line}");
}
