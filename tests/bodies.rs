//! Bodies pass as they come: piece by piece, both ways at once, in constant memory, and never longer or more whole
//! than they were.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;

use peers::wire::Wire;
use peers::{Client, Ending, Gateway, Request};
use serde_json::json;
use support::{PATIENCE, Setup, arrived, open};

const BIG: usize = 200 << 20;

/// How much memory a body may cost, however long it is, in kilobytes.
const ROOM: u64 = 60 * 1024;

fn setup() -> Setup {
    support::setup(json!({ "paths": [open("GET", "/{.+}"), open("POST", "/{.+}")] }))
}

#[test]
fn each_event_arrives_before_the_next_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = support::with_upstream(json!({ "paths": [open("GET", "/{.+}")] }), &url);
    let gateway = support::gateway(&config, support::options());
    let (seen, next) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let mut wire = Wire::new(listener.accept().unwrap().0);
        wire.head().unwrap();
        wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        for i in 0..5 {
            wire.write(format!("9\r\ndata: {i}\n\n\r\n").as_bytes())
                .unwrap();
            next.recv_timeout(PATIENCE)
                .expect("the client has seen the event");
        }
        wire.write(b"0\r\n\r\n").unwrap();
    });
    let mut client = gateway.connect();
    client.send(&Request::get("/events").bytes());
    let head = client.head().unwrap();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    let mut body = client.body(&head, "GET");
    for i in 0..5 {
        let mut event = Vec::new();
        while event.len() < 9 {
            event.extend(client.piece(&mut body, PATIENCE).unwrap().unwrap());
        }
        assert_eq!(String::from_utf8(event).unwrap(), format!("data: {i}\n\n"));
        seen.send(()).unwrap();
    }
    assert!(client.piece(&mut body, PATIENCE).unwrap().is_none());
    server.join().unwrap();
}

#[test]
fn a_request_and_its_answer_stream_at_the_same_time() {
    let setup = setup();
    let mut client = setup.gateway.connect();
    client.send(
        b"POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npiece\r\n",
    );
    let head = client.head().unwrap();
    let mut body = client.body(&head, "POST");
    for letter in ["a", "b", "c"] {
        let piece = client.piece(&mut body, PATIENCE).unwrap().unwrap();
        assert!(!piece.is_empty());
        client.send(format!("1\r\n{letter}\r\n").as_bytes());
    }
    assert_eq!(client.piece(&mut body, PATIENCE).unwrap().unwrap(), b"c");
    client.send(b"0\r\n\r\n");
    assert!(client.piece(&mut body, PATIENCE).unwrap().is_none());
}

#[test]
fn a_long_download_passes_in_constant_memory() {
    let setup = setup();
    download(&setup.gateway, "/bytes/1000000", 1_000_000);
    let before = peak_memory(&setup.gateway);
    download(&setup.gateway, &format!("/bytes/{BIG}"), BIG);
    download(&setup.gateway, &format!("/bytes/{BIG}?chunked"), BIG);
    let after = peak_memory(&setup.gateway);
    assert!(after - before < ROOM, "from {before} to {after} kB");
}

#[test]
fn a_long_upload_passes_in_constant_memory() {
    let block = vec![b'x'; 64 * 1024];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = support::with_upstream(json!({ "paths": [open("POST", "/{.+}")] }), &url);
    let gateway = support::gateway(&config, support::options());
    let expected = block.clone();
    let server = thread::spawn(move || {
        let mut wire = Wire::new(listener.accept().unwrap().0);
        for _ in 0..2 {
            let head = wire.head().unwrap().unwrap();
            let length: usize = head.header("content-length").unwrap().parse().unwrap();
            let mut received = 0;
            while received < length {
                let bytes = wire.some().unwrap();
                assert!(!bytes.is_empty(), "cut after {received} bytes");
                assert!(bytes == expected[..bytes.len()]);
                received += bytes.len();
            }
            let body = received.to_string();
            let framing = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            wire.write((framing + &body).as_bytes()).unwrap();
        }
    });
    let upload = |length: usize| {
        let mut client = gateway.connect();
        let head = format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        client.send(head.as_bytes());
        let mut stream = client.stream();
        for _ in 0..length / block.len() {
            stream.write_all(&block).unwrap();
        }
        let answer = client.answer("POST").unwrap();
        assert_eq!(answer.text(), length.to_string());
    };
    upload(1 << 20);
    let before = peak_memory(&gateway);
    upload(BIG);
    let after = peak_memory(&gateway);
    assert!(after - before < ROOM, "from {before} to {after} kB");
    server.join().unwrap();
}

#[test]
fn the_framing_of_an_upload_is_kept() {
    let setup = setup();
    for (sent, length, encoding) in [
        ("Content-Length: 5\r\n\r\nhello", "5", ""),
        ("Content-Length: 0\r\n\r\n", "0", ""),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "",
            "chunked",
        ),
    ] {
        let mut client = setup.gateway.connect();
        client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\n{sent}").as_bytes());
        assert_eq!(client.answer("POST").unwrap().status, 200);
        let got = setup.upstream.last();
        assert_eq!(arrived(&got, "content-length").join(","), length);
        assert_eq!(arrived(&got, "transfer-encoding").join(","), encoding);
    }
}

#[test]
fn a_get_with_a_counted_body_passes_and_a_chunked_one_is_refused() {
    let setup = setup();
    let counted = Request::get("/echo").body("hello");
    assert_eq!(setup.gateway.send(&counted).status, 200);
    assert_eq!(setup.upstream.last().body, b"hello");
    assert_eq!(setup.upstream.last().head.word(0), "GET");

    for method in ["GET", "HEAD"] {
        let mut client = setup.gateway.connect();
        let head =
            format!("{method} /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.send(head.as_bytes());
        client.send(b"5\r\nhello\r\n0\r\n\r\n");
        let answer = client.answer(method).unwrap();
        assert_eq!(answer.status, 411, "{method}");
        if method == "GET" {
            support::assert_problem(&answer, 411, "length_required");
        }
    }
    assert_eq!(setup.upstream.requests().len(), 1);
}

#[test]
fn a_body_that_breaks_off_upstream_breaks_off_for_the_client() {
    let setup = setup();
    for target in ["/cut", "/cut?chunked", "/cut?reset", "/cut?chunked&reset"] {
        let answer = setup.gateway.get(target);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.ending, Ending::Cut, "{target}");
        assert_eq!(answer.text(), "hello", "{target}");
    }
}

#[test]
fn an_upload_that_breaks_off_is_not_completed_for_the_upstream() {
    let setup = setup();
    for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let before = setup.upstream.requests().len();
        let mut client = setup.gateway.connect();
        client.send(
            format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nhello\r\n").as_bytes(),
        );
        drop(client);
        // The upstream may not even have been asked yet when the client leaves.
        setup
            .upstream
            .wait_requests(before + 1, std::time::Duration::from_secs(2));
        assert!(
            setup.upstream.requests()[before..].iter().all(|r| !r.whole),
            "{framing}"
        );
    }
}

fn download(gateway: &Gateway, target: &str, length: usize) {
    let mut client = Client::connect(gateway.address());
    client.send(&Request::get(target).bytes());
    let head = client.head().unwrap();
    let mut body = client.body(&head, "GET");
    let mut received = 0;
    while let Some(piece) = client.piece(&mut body, PATIENCE).unwrap() {
        received += piece.len();
    }
    assert_eq!(received, length);
}

/// The most memory that the runtime has had at once, in kilobytes.
fn peak_memory(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.workerd().pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
