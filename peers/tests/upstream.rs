//! The backend's behaviours, seen by the raw client.

use std::io::Write;
use std::time::{Duration, Instant};

use peers::{Client, Ending, Request, Upstream};
use serde_json::json;
use tungstenite::Message;

const SOON: Duration = Duration::from_secs(3);

#[test]
fn a_request_is_told_byte_for_byte() {
    let upstream = Upstream::named("catalog");
    let request = Request::post("/a%2Fb/../c?x=1&x=2&", "hello")
        .header("X-Case", "Kept")
        .header("x-case", "twice");
    let told = request.send(upstream.address()).json();
    assert_eq!(told["server"], "catalog");
    assert_eq!(told["method"], "POST");
    assert_eq!(told["target"], "/a%2Fb/../c?x=1&x=2&");
    assert_eq!(told["body"], json!({ "length": 5, "text": "hello" }));
    let headers = json!([
        "Host: gateway.test",
        "Content-Length: 5",
        "X-Case: Kept",
        "x-case: twice"
    ]);
    assert_eq!(told["headers"], headers);
    let recorded = upstream.last();
    assert_eq!(
        recorded.head.raw,
        request.bytes().strip_suffix(b"hello").unwrap()
    );
    assert_eq!(
        (recorded.body.as_slice(), recorded.whole),
        (b"hello".as_slice(), true)
    );
}

#[test]
fn statuses_and_framings_are_as_asked_for() {
    let upstream = Upstream::start();
    // method, target, status, body
    let table: &[(&str, &str, u16, &str)] = &[
        ("GET", "/bench", 200, "hello, world\n"),
        ("GET", "/status/404", 404, "404\n"),
        ("GET", "/status/204", 204, ""),
        ("GET", "/status/304", 304, ""),
        ("HEAD", "/status/200", 200, ""),
        ("HEAD", "/bytes/100", 200, ""),
        ("GET", "/bytes/3", 200, "xxx"),
        ("GET", "/bytes/3?chunked", 200, "xxx"),
        ("GET", "/redirect?to=/x", 302, "moved\n"),
        ("GET", "/early-hints", 200, "after the hints\n"),
        ("GET", "/trailers", 200, "hello"),
        ("GET", "/slow-body?n=2&ms=1", 200, "piece 0\npiece 1\n"),
        ("GET", "/events?n=2&ms=1", 200, "data: 0\n\ndata: 1\n\n"),
        ("GET", "/slow-head?ms=1", 200, "slow\n"),
    ];
    // One connection for all: whatever is framed wrongly spoils the next answer.
    let mut client = Client::connect(upstream.address());
    for (method, target, status, body) in table {
        client.send(&Request::new(method, target).bytes());
        let answer = client.answer(method).unwrap();
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.ending),
            (*status, *body, Ending::Whole),
            "{target}"
        );
    }
}

#[test]
fn headers_trailers_and_hints_arrive_line_by_line() {
    let upstream = Upstream::start();
    let get = |target: &str| Request::get(target).send(upstream.address());
    assert_eq!(get("/cookies").all("set-cookie").len(), 2);
    assert_eq!(get("/headers?X-A=1&X-A=2").all("x-a"), ["1", "2"]);
    assert_eq!(
        get("/named-headers").header("connection"),
        Some("keep-alive, X-Named")
    );
    assert_eq!(get("/gzip").body[..2], [0x1f, 0x8b]);
    assert_eq!(
        get("/trailers").trailers,
        [("X-Trailer".to_owned(), "1".to_owned())]
    );
    let hints = get("/early-hints").interim;
    assert_eq!(hints[0].word(1), "103");
}

#[test]
fn broken_answers_are_seen_as_broken() {
    let upstream = Upstream::start();
    for target in ["/cut", "/cut?chunked", "/cut?reset", "/cut?chunked&reset"] {
        let answer = Request::get(target).send(upstream.address());
        assert_eq!(
            (answer.text().as_str(), answer.ending),
            ("hello", Ending::Cut),
            "{target}"
        );
    }
    for target in ["/close", "/reset"] {
        let answer = Request::get(target).try_send(upstream.address());
        assert!(answer.is_err(), "{target}");
    }
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let upstream = Upstream::start();
    for target in [
        "/hold",
        "/slow-head?ms=9000",
        "/slow-body?n=90",
        "/bytes/9000000000",
    ] {
        let mut client = Client::connect(upstream.address());
        client.send(&Request::get(target).bytes());
        assert!(
            !upstream.wait_gone(target, Duration::from_millis(50)),
            "{target}"
        );
        client.reset();
        assert!(upstream.wait_gone(target, SOON), "{target}");
    }
    let mut client = Client::connect(upstream.address());
    client.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
    drop(client);
    assert!(upstream.wait_gone("/upload", SOON));
    assert!(!upstream.last().whole);
}

#[test]
fn a_duplex_body_comes_back_while_it_is_sent() {
    let upstream = Upstream::start();
    let mut client = Client::connect(upstream.address());
    client.send(b"POST /duplex HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let head = client.head().unwrap();
    let mut body = client.body(&head, "POST");
    for word in ["one", "two"] {
        client
            .stream()
            .write_all(format!("3\r\n{word}\r\n").as_bytes())
            .unwrap();
        assert_eq!(client.piece(&mut body, SOON).unwrap(), Some(word.into()));
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.piece(&mut body, SOON).unwrap(), None);
}

#[test]
fn an_upload_is_counted_not_kept() {
    let upstream = Upstream::start();
    let told = Request::post("/upload", vec![b'x'; 3 << 20])
        .send(upstream.address())
        .json();
    assert_eq!(told["length"], 3 << 20);
    assert_eq!(upstream.last().body.len(), 1 << 20);
}

#[test]
fn a_websocket_says_everything_back() {
    let upstream = Upstream::start();
    let (head, mut socket) =
        Client::websocket(upstream.address(), "/ws", &["Sec-WebSocket-Protocol: a, b"]);
    assert_eq!(head.header("sec-websocket-protocol"), Some("b"));
    socket.send(Message::text("hi")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hi"));
    socket.close(None).unwrap();
    assert!(socket.read().unwrap().is_close());
}

#[test]
fn a_dropped_backend_refuses_at_once() {
    let upstream = Upstream::start();
    let address = upstream.address();
    let mut client = Client::connect(address);
    client.send(&Request::get("/hold").bytes());
    assert!(!client.closes(Duration::from_millis(50)));
    drop(upstream);
    assert!(client.closes(SOON));
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(started.elapsed() < SOON, "still listening");
    }
}
