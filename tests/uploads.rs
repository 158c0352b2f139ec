//! The client's body on its way: whose time runs, who is blamed where it stands still or breaks, and what it may cost.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod support;

use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use peers::wire::Wire;
use peers::{Answer, Client, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::{PATIENCE, assert_problem, open};

/// A path's time-out that no pause of these clients is under.
const TIMEOUT: Duration = Duration::from_millis(800);

fn start(server: Value, members: Value) -> Gateway {
    let mut path = open("ANY", "/{.+}");
    for (key, value) in members.as_object().unwrap() {
        path[key] = value.clone();
    }
    let mut up = json!({ "alias": "up" });
    for (key, value) in server.as_object().unwrap() {
        up[key] = value.clone();
    }
    let config = json!({ "servers": [up], "paths": [path] }).to_string();
    assert_eq!(support::mistakes(&config), Vec::<String>::new());
    support::gateway(&config, Options::default())
}

/// The ways to send a body: through one server, and through a pool.
fn servers(url: &str) -> [(&'static str, Value); 2] {
    [
        ("one url", json!({ "url": url })),
        (
            "two endpoints",
            json!({ "endpoints": [{ "name": "a", "url": url }, { "name": "b", "url": url }] }),
        ),
    ]
}

/// How a body is framed, and its pieces on the wire.
fn framings(pieces: &[&[u8]]) -> [(&'static str, String, Vec<Vec<u8>>); 2] {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let chunk = |piece: &&[u8]| {
        let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
        bytes
    };
    let mut chunks: Vec<Vec<u8>> = pieces.iter().map(chunk).collect();
    chunks.last_mut().unwrap().extend_from_slice(b"0\r\n\r\n");
    [
        (
            "counted",
            format!("Content-Length: {length}"),
            pieces.iter().map(|piece| piece.to_vec()).collect(),
        ),
        ("chunked", "Transfer-Encoding: chunked".into(), chunks),
    ]
}

fn begin(gateway: &Gateway, target: &str, framing: &str) -> Client {
    let mut client = gateway.connect();
    let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n");
    client.send(head.as_bytes());
    client
}

fn upload(
    gateway: &Gateway,
    target: &str,
    framing: &str,
    pieces: &[Vec<u8>],
    pause: Duration,
) -> Answer {
    let mut client = begin(gateway, target, framing);
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 {
            thread::sleep(pause);
        }
        client.send(piece);
    }
    client.answer("POST").expect("an answer")
}

#[test]
fn a_client_that_uploads_slowly_is_not_timed_out_as_an_upstream() {
    let upstream = Upstream::start();
    let piece = [b'a'; 1000];
    let long = [b'a'; 60_000];
    for (way, server) in servers(&upstream.url()) {
        let gateway = start(server, json!({ "timeout_ms": TIMEOUT.as_millis() }));
        for piece in [&piece[..], &long[..]] {
            for (framing, line, pieces) in framings(&[piece; 4]) {
                let answer = upload(&gateway, "/upload", &line, &pieces, TIMEOUT / 2);
                assert_eq!(answer.status, 200, "{way}, {framing}: {}", answer.text());
                assert_eq!(answer.json()["length"], piece.len() * 4, "{way}, {framing}");
            }
        }
        assert!(!gateway.log().contains("upstream"), "{}", gateway.log());
    }
}

#[test]
fn a_body_that_is_kept_for_a_retry_takes_the_clients_time_too() {
    let upstream = Upstream::start();
    let server = json!({ "url": upstream.url(), "retry": { "num_retries": 1 } });
    let gateway = start(server, json!({ "timeout_ms": TIMEOUT.as_millis() }));
    let mut client = gateway.connect();
    client.send(b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n");
    for _ in 0..4 {
        thread::sleep(TIMEOUT / 2);
        client.send(&[b'a'; 1000]);
    }
    let answer = client.answer("PUT").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["length"], 4000);
}

#[test]
fn the_upstreams_time_begins_at_the_end_of_the_body() {
    let upstream = Upstream::start();
    let piece = [b'a'; 1000];
    for (way, server) in servers(&upstream.url()) {
        let gateway = start(server, json!({ "timeout_ms": TIMEOUT.as_millis() }));
        for (framing, line, pieces) in framings(&[&piece[..]; 3]) {
            let began = Instant::now();
            let answer = upload(&gateway, "/hold", &line, &pieces, TIMEOUT / 2);
            assert_problem(&answer, 504, "upstream_timeout");
            let took = began.elapsed();
            assert!(
                took > TIMEOUT * 3 / 2 && took < PATIENCE,
                "{way}, {framing}: {took:?}"
            );
        }
    }
}

#[test]
fn an_upstream_that_takes_nothing_of_a_body_is_timed_out() {
    // It accepts connections and never reads; more than the buffers between hold stands still.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let held = thread::spawn(move || {
        let held: Vec<_> = (0..2).filter_map(|_| listener.accept().ok()).collect();
        thread::sleep(PATIENCE * 2);
        drop(held);
    });
    let gateway = start(
        json!({ "url": url }),
        json!({ "timeout_ms": TIMEOUT.as_millis(), "body_timeout_ms": 4_000 }),
    );
    for (length, status, code) in [
        (1_000, 504, "upstream_timeout"),
        // What the buffers between hold was taken: from there on the platform does not tell who stands still.
        (64 << 20, 408, "body_timeout"),
    ] {
        let began = Instant::now();
        let mut client = begin(&gateway, "/x", &format!("Content-Length: {length}"));
        let mut stream = client.stream();
        let sender = thread::spawn(move || {
            use std::io::Write;
            let block = vec![b'a'; 1000];
            for _ in 0..length / block.len() {
                if stream.write_all(&block).is_err() {
                    return;
                }
            }
        });
        let answer = client.answer("POST").expect("an answer");
        assert_problem(&answer, status, code);
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        drop(client);
        sender.join().unwrap();
    }
    drop(held);
}

#[test]
fn a_body_that_is_late_is_the_clients_fault() {
    let upstream = Upstream::start();
    for (way, server) in servers(&upstream.url()) {
        let gateway = start(
            server,
            json!({ "body_timeout_ms": 700, "timeout_ms": 10_000 }),
        );
        for (line, start) in [
            ("Content-Length: 1000", &b"hello"[..]),
            ("Content-Length: 1000", b""),
            ("Content-Length: 1000000", b"hello"),
            ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
            ("Transfer-Encoding: chunked", b""),
        ] {
            let began = Instant::now();
            let mut client = begin(&gateway, "/echo", line);
            client.send(start);
            let answer = client.answer("POST").expect("an answer");
            assert_problem(&answer, 408, "body_timeout");
            assert!(began.elapsed() < PATIENCE, "{way}, {line}");
        }
        let log = gateway.log();
        assert!(
            !log.contains("\"blame\":\"upstream\"") && !log.contains("ejected"),
            "{log}"
        );
        assert_eq!(gateway.get("/well").status, 200);
    }
    assert!(
        upstream
            .requests()
            .iter()
            .all(|r| r.whole == (r.head.word(0) == "GET"))
    );
}

/// What a client does to its own upload.
#[derive(Clone, Copy, Debug)]
enum Breaks {
    Close,
    HalfClose,
    Reset,
    BadChunk,
}

#[test]
fn what_a_client_breaks_is_counted_for_nobody() {
    let well = Upstream::named("well");
    let other = Upstream::named("other");
    let gateway = start(
        json!({
            "endpoints": [{ "name": "well", "url": well.url() }, { "name": "other", "url": other.url() }],
            "outlier": { "consecutive_failures": 2, "panic_percent": 0 },
        }),
        json!({}),
    );
    let lines = [
        ("Content-Length: 1000", &b"hello"[..]),
        ("Content-Length: 1000000", b"hello"),
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
    ];
    for breaks in [
        Breaks::Close,
        Breaks::HalfClose,
        Breaks::Reset,
        Breaks::BadChunk,
    ] {
        for (line, start) in lines {
            for pause in [0, 120] {
                for _ in 0..5 {
                    let mut client = begin(&gateway, "/upload", line);
                    client.send(start);
                    thread::sleep(Duration::from_millis(pause));
                    match breaks {
                        Breaks::Close => drop(client),
                        Breaks::Reset => client.reset(),
                        Breaks::HalfClose => {
                            client.stream().shutdown(Shutdown::Write).unwrap();
                            let answer = client.answer("POST").expect("an answer");
                            assert_problem(&answer, 400, "body_unreadable");
                        }
                        Breaks::BadChunk if line.starts_with('T') => {
                            client.send(b"zz\r\n");
                            let answer = client.answer("POST").expect("an answer");
                            assert_problem(&answer, 400, "body_unreadable");
                        }
                        Breaks::BadChunk => drop(client),
                    }
                }
            }
        }
    }
    for length in [
        "9007199254740993",
        "18446744073709551615",
        "99999999999999999999",
    ] {
        let mut client = begin(&gateway, "/upload", &format!("Content-Length: {length}"));
        client.send(b"hello");
        // Some are refused by the runtime.
        let status = client.answer("POST").expect("an answer").status;
        assert!(matches!(status, 400 | 431), "{length}: {status}");
    }
    thread::sleep(Duration::from_millis(300));
    let log = gateway.log();
    assert!(
        !log.contains("\"blame\":\"upstream\"")
            && !log.contains("upstream_failed")
            && !log.contains("ejected"),
        "{log}"
    );
    for _ in 0..20 {
        assert_eq!(gateway.get("/well").status, 200);
    }
    for upstream in [well, other] {
        assert!(upstream.seen() > 0);
        // What broke off never looks whole.
        let all = upstream.requests();
        assert!(
            all.iter().all(|r| r.whole == (r.head.word(0) == "GET")),
            "{all:?}"
        );
    }
}

#[test]
fn a_slow_client_does_not_make_its_endpoint_look_slow() {
    let [one, two] = ["one", "two"].map(|name| Upstream::cloud(name, name));
    let gateway = start(
        json!({
            "endpoints": [{ "name": "one", "url": one.url() }, { "name": "two", "url": two.url() }],
            "balance": { "policy": "peak_ewma" },
        }),
        json!({}),
    );
    for _ in 0..20 {
        assert_eq!(gateway.get("/x").status, 200);
    }
    let piece = [b'a'; 100];
    let [(_, line, pieces), _] = framings(&[&piece[..]; 3]);
    let answer = upload(&gateway, "/upload", &line, &pieces, TIMEOUT);
    assert_eq!(answer.status, 200);
    let before = [one.seen(), two.seen()];
    for _ in 0..60 {
        assert_eq!(gateway.get("/x").status, 200);
    }
    let [first, second] = [one.seen() - before[0], two.seen() - before[1]];
    assert!(first.min(second) > 10, "{first} and {second}");
}

#[test]
fn what_an_upstream_breaks_while_a_body_comes_is_the_upstreams_fault() {
    let gateway = start(json!({ "url": "http://127.0.0.1:1" }), json!({}));
    for line in [
        "Content-Length: 1000",
        "Content-Length: 1000000",
        "Transfer-Encoding: chunked",
    ] {
        let mut client = begin(&gateway, "/x", line);
        client.send(b"5\r\nhello\r\n");
        let answer = client.answer("POST").expect("an answer");
        assert_problem(&answer, 502, "upstream_unreachable");
    }
    // It reads the head, and closes while the client still sends.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut wire = Wire::new(stream);
            wire.head().ok();
            thread::sleep(Duration::from_millis(100));
        }
    });
    let gateway = start(json!({ "url": url }), json!({}));
    for _ in 0..5 {
        let mut client = begin(&gateway, "/x", "Content-Length: 100000000");
        let mut stream = client.stream();
        let sender = thread::spawn(move || {
            use std::io::Write;
            for _ in 0..2_000 {
                if stream.write_all(&[b'a'; 10_000]).is_err() {
                    return;
                }
            }
        });
        let answer = client.answer("POST").expect("an answer");
        assert_problem(&answer, 502, "upstream_unreachable");
        drop(client);
        sender.join().unwrap();
    }
}

#[test]
fn an_answer_that_comes_before_the_body_is_passed_on() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut wire = Wire::new(stream);
                wire.head().ok();
                wire.write(
                    b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 5\r\n\r\nearly",
                )
                .ok();
                thread::sleep(PATIENCE);
            });
        }
    });
    for (way, server) in servers(&url) {
        let gateway = start(server, json!({}));
        for (line, start) in [
            ("Content-Length: 1000", &b"hello"[..]),
            ("Content-Length: 1000000", b"hello"),
            ("Content-Length: 1000", b""),
            ("Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
            ("Transfer-Encoding: chunked", b""),
        ] {
            let mut client = begin(&gateway, "/x", line);
            client.send(start);
            let answer = client.answer("POST").expect("an answer");
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (413, "early"),
                "{way}, {line}, {start:?}: {}",
                gateway.log()
            );
        }
    }
}

#[test]
fn a_get_whose_body_breaks_is_the_clients_fault() {
    let upstream = Upstream::start();
    let gateway = start(
        json!({ "url": upstream.url() }),
        json!({ "body_timeout_ms": 700 }),
    );
    let get = |length: &str| {
        let mut client = gateway.connect();
        client.send(
            format!("GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello")
                .as_bytes(),
        );
        client
    };
    assert_problem(&get("1000").answer("GET").unwrap(), 408, "body_timeout");
    let mut client = get("1000");
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert_problem(&client.answer("GET").unwrap(), 400, "body_unreadable");
    assert_problem(
        &get("1048577").answer("GET").unwrap(),
        413,
        "body_too_large",
    );
    assert_eq!(get("5").answer("GET").unwrap().status, 200);
    assert_eq!(upstream.last().body, b"hello");
    assert_eq!(upstream.requests().len(), 1);
}

/// A function that reads the whole body.
const READER: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch() { return new Response(null, { status: 404 }); } };
export class Reader extends WorkerEntrypoint {
  async read(request) { return { length: (await request.text()).length }; }
  async fail(request) { await request.text(); throw new Error("no"); }
}
"#;

#[test]
fn a_body_that_breaks_under_a_function_is_the_clients_fault() {
    let path = |function: &str| {
        json!({
            "method": "ANY", "path": format!("/{function}"), "auth": false,
            "integration": { "type": "service_binding", "binding": "reader", "function": function },
        })
    };
    let config = json!({
        "serviceBindings": [{ "alias": "reader", "binding": "READER" }],
        "paths": [path("read"), path("fail")],
    })
    .to_string();
    assert_eq!(support::mistakes(&config), Vec::<String>::new());
    let options = Options::default().service("READER", READER, Some("Reader"));
    let gateway = support::gateway(&config, options);
    for target in ["/read", "/fail"] {
        let mut client = begin(&gateway, target, "Content-Length: 1000");
        client.send(b"hello");
        client.stream().shutdown(Shutdown::Write).unwrap();
        assert_problem(&client.answer("POST").unwrap(), 400, "body_unreadable");
    }
    assert_eq!(
        gateway.send(&Request::post("/read", "hello")).json()["data"]["length"],
        5
    );
    assert_problem(
        &gateway.send(&Request::post("/fail", "hello")),
        500,
        "hook_failed",
    );
    // No request of GET can be handed to another worker with its body.
    let got = gateway.send(&Request::get("/read").body("hello"));
    assert_eq!(got.json()["data"]["length"], 0, "{}", got.text());
}

#[test]
fn bodies_that_the_gateway_reads_itself_have_a_time_and_a_bound_in_common() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": { "hook": { "type": "webhook", "scheme": "github", "secret": "$secret.HOOK" } },
        "paths": [{
            "method": "POST", "path": "/hook", "auth": "hook", "body_timeout_ms": 3_000,
            "integration": { "type": "http", "server": "up" },
        }],
    })
    .to_string();
    assert_eq!(support::mistakes(&config), Vec::<String>::new());
    let gateway = support::gateway(
        &config,
        Options::default().text("HOOK", "a secret of tests, long enough"),
    );
    let began = Instant::now();
    let nearly = vec![b'a'; (1 << 20) - 1];
    let signature = format!("sha256={}", "0".repeat(64));
    let line = format!("Content-Length: 1048576\r\nX-Hub-Signature-256: {signature}");
    let mut waiting: Vec<Client> = (0..60)
        .map(|_| {
            let mut client = begin(&gateway, "/hook", &line);
            client.send(&nearly);
            client
        })
        .collect();
    let mut seen = [0, 0];
    for client in &mut waiting {
        let answer = client.answer("POST").expect("an answer");
        match answer.status {
            408 => {
                seen[0] += 1;
                assert_problem(&answer, 408, "body_timeout");
            }
            _ => {
                seen[1] += 1;
                assert_problem(&answer, 503, "too_many_bodies");
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    // What was held is let go of: a good one passes again, and a bad one is what it is.
    let answer =
        gateway.send(&Request::post("/hook", "hello").header("X-Hub-Signature-256", &signature));
    assert_eq!(answer.status, 401, "{}", answer.text());
}
