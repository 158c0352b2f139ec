//! Streams pass untouched, whatever the pool does around them.

use std::time::Duration;

use peers::upstream::Fault;
use peers::{Client, Ending, Request};
use serde_json::json;

use super::{Clouds, clouds};

/// With all that can come between.
fn everything() -> Clouds {
    clouds(json!({
        "timeouts": { "try_ms": 500 }, "hedge": { "delay_ms": 50 }, "retry": { "num_retries": 3 },
        "balance": { "policy": "peak_ewma" },
    }))
}

#[test]
fn events_come_one_by_one_and_longer_than_a_try_may_take() {
    let clouds = everything();
    let mut client = clouds.gateway.connect();
    client.send(&Request::get("/events?n=4&ms=300").bytes());
    let head = client.head().unwrap();
    let mut body = client.body(&head, "GET");
    for number in 0..4 {
        let piece = client.piece(&mut body, Duration::from_secs(5)).unwrap();
        let text = String::from_utf8(piece.unwrap()).unwrap();
        assert_eq!(text, format!("data: {number}\n\n"), "one piece at a time");
    }
    assert_eq!(
        client.piece(&mut body, Duration::from_secs(5)).unwrap(),
        None
    );
}

#[test]
fn a_body_that_breaks_off_breaks_off_for_the_client_too() {
    let clouds = everything();
    for (_, cloud) in clouds.all() {
        cloud.fail(Fault::Cut);
    }
    let answer = clouds.gateway.get("/x");
    assert_eq!((answer.status, answer.ending), (200, Ending::Cut));
    let seen: u64 = clouds.all().iter().map(|(_, cloud)| cloud.seen()).sum();
    assert_eq!(seen, 1, "an answer that has begun is never asked for again");
}

#[test]
fn uploads_and_downloads_of_any_size_pass() {
    let clouds = everything();
    let body = "x".repeat(3_000_000);
    let answer = clouds
        .gateway
        .send(&Request::new("PUT", "/upload").body(body));
    assert!(
        answer.text().contains("\"length\": 3000000"),
        "{}",
        answer.text()
    );
    let answer = clouds.gateway.get("/bytes/5000000");
    assert_eq!(
        (answer.body.len(), answer.ending),
        (5_000_000, Ending::Whole)
    );
}

#[test]
fn websockets_pass() {
    let clouds = everything();
    let (_, mut socket) = Client::websocket(clouds.gateway.address(), "/ws", &[]);
    socket.send("hello".into()).unwrap();
    assert_eq!(socket.read().unwrap().to_text().unwrap(), "hello");
}
