//! What the gateway changes in a request and in its answer on their way through, and what it leaves alone.

#![cfg(test)]

mod support;

use std::net::TcpListener;
use std::thread;

use peers::wire::Wire;
use peers::{Client, Request};
use serde_json::json;
use support::{ORIGIN, PATIENCE, Setup, arrived, open, target};

fn setup() -> Setup {
    support::setup(json!({
        "cors": support::cors(),
        "paths": [
            { "method": "GET", "path": "/static", "response": { "ok": true }, "auth": false },
            open("ANY", "/{.+}"),
        ],
    }))
}

#[test]
fn hop_by_hop_request_headers_end_at_the_gateway() {
    let setup = setup();
    let request = Request::get("/echo")
        .header(
            "Connection",
            "keep-alive, X-Named, x-OTHER, Authorization, Cookie, Host",
        )
        .header("X-Named", "1")
        .header("X-Other", "1")
        .header("Keep-Alive", "timeout=5")
        .header("TE", "trailers")
        .header("Trailer", "X-T")
        .header("Proxy-Connection", "keep-alive")
        .header("Proxy-Authorization", "Basic eDp5")
        .header("Authorization", "Basic eDp5")
        .header("Cookie", "a=1")
        .header("X-Kept", "1");
    assert_eq!(setup.gateway.send(&request).status, 200);
    let got = setup.upstream.last();
    for name in [
        "connection",
        "x-named",
        "x-other",
        "keep-alive",
        "te",
        "trailer",
        "proxy-connection",
        "proxy-authorization",
        "upgrade",
    ] {
        assert_eq!(arrived(&got, name), Vec::<String>::new(), "{name}");
    }
    assert_eq!(arrived(&got, "authorization"), ["Basic eDp5"]);
    assert_eq!(arrived(&got, "cookie"), ["a=1"]);
    assert_eq!(arrived(&got, "x-kept"), ["1"]);
    assert_eq!(
        arrived(&got, "host"),
        [setup.upstream.address().to_string()]
    );
}

#[test]
fn hop_by_hop_response_headers_end_at_the_gateway() {
    let setup = setup();
    let answer = setup.gateway.get("/named-headers");
    assert_eq!(answer.status, 200);
    for name in [
        "x-named",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "upgrade",
    ] {
        assert_eq!(answer.all(name), Vec::<&str>::new(), "{name}");
    }
    assert_eq!(answer.all("x-kept"), ["1"]);
}

#[test]
fn the_upstream_learns_who_asked_and_how() {
    let setup = setup();
    let request = Request::get("/echo")
        .header("Host", "api.test:8443")
        .header("CF-Connecting-IP", "192.0.2.7");
    let answer = setup.gateway.send(&request);
    let got = setup.upstream.last();
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "api.test:8443"),
        (
            "forwarded",
            "for=192.0.2.7;host=\"api.test:8443\";proto=http",
        ),
        ("via", "1.1 causeway"),
        ("x-request-id", answer.header("x-request-id").unwrap()),
    ] {
        assert_eq!(arrived(&got, name), [value], "{name}");
    }
}

#[test]
fn via_is_added_to_and_not_replaced() {
    let setup = setup();
    setup
        .gateway
        .send(&Request::get("/echo").header("Via", "1.0 fred"));
    assert_eq!(
        arrived(&setup.upstream.last(), "via").join(", "),
        "1.0 fred, 1.1 causeway"
    );
}

#[test]
fn expect_is_answered_here_and_not_forwarded() {
    let setup = setup();
    let mut client = setup.gateway.connect();
    client.send(
        b"POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    let interim = client.head().unwrap();
    assert_eq!(interim.word(1), "100");
    client.send(b"hello");
    assert_eq!(client.answer("POST").unwrap().json()["length"], 5);
    assert_eq!(
        arrived(&setup.upstream.last(), "expect"),
        Vec::<String>::new()
    );
}

#[test]
fn every_set_cookie_arrives_on_its_own_line() {
    let answer = setup().gateway.get("/cookies");
    assert_eq!(
        answer.all("set-cookie"),
        ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]
    );
}

#[test]
fn redirects_are_handed_on_and_not_followed() {
    let setup = setup();
    let answer = setup.gateway.get("/redirect?to=/elsewhere");
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some("/elsewhere"));
    assert_eq!(setup.upstream.requests().len(), 1);
}

#[test]
fn the_query_is_kept_byte_for_byte() {
    let setup = setup();
    for query in [
        "?",
        "?a=1&a=2&a=1",
        "?x=%7e%7E%2f",
        "?a+b=c+d",
        "?&&a&&",
        "??",
        "?a=/../b",
        "?=;&%zz&%",
        "?a=[1]{2}|^`\\~",
    ] {
        let sent = format!("/q{query}");
        assert_eq!(setup.gateway.get(&sent).status, 200, "{query}");
        assert_eq!(target(&setup.upstream.last()), sent);
    }
    assert_eq!(setup.gateway.get("/q").status, 200);
    assert_eq!(target(&setup.upstream.last()), "/q");
}

#[test]
fn an_apostrophe_in_a_query_is_escaped_because_the_platform_does_so() {
    // URL standard, the special-query percent-encode set: `fetch` sends it so whatever it is given.
    let setup = setup();
    assert_eq!(setup.gateway.get("/q?a='").status, 200);
    assert_eq!(target(&setup.upstream.last()), "/q?a=%27");
}

#[test]
fn interim_answers_are_swallowed() {
    let answer = setup().gateway.get("/early-hints");
    assert_eq!((answer.status, answer.interim.len()), (200, 0));
    assert_eq!(answer.text(), "after the hints\n");
}

#[test]
fn answers_without_a_body_have_none() {
    let setup = setup();
    for status in [204, 304] {
        let mut client = setup.gateway.connect();
        client.send(&Request::get(&format!("/status/{status}")).bytes());
        let answer = client.answer("GET").unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.all("content-length"), Vec::<&str>::new());
        assert_eq!(answer.all("transfer-encoding"), Vec::<&str>::new());
        assert_eq!(answer.header("etag"), Some("\"x\""));
        // Nothing of a body stands in the way of the next answer.
        client.send(&Request::get("/static").bytes());
        assert_eq!(client.answer("GET").unwrap().text(), r#"{"ok":true}"#);
    }
}

#[test]
fn head_has_the_length_and_no_body() {
    let setup = setup();
    let mut client = setup.gateway.connect();
    for (path, length) in [("/bytes/1000", "1000"), ("/static", "11")] {
        client.send(&Request::new("HEAD", path).bytes());
        let answer = client.answer("HEAD").unwrap();
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-length"), Some(length), "{path}");
    }
    client.send(&Request::get("/static").bytes());
    assert_eq!(client.answer("GET").unwrap().text(), r#"{"ok":true}"#);
    assert_eq!(setup.upstream.last().head.word(0), "HEAD");
}

#[test]
fn an_encoded_body_passes_untouched() {
    let setup = setup();
    let request = Request::get("/gzip").header("Accept-Encoding", "gzip");
    let answer = setup.gateway.send(&request);
    let direct = request.send(setup.upstream.address());
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(
        answer.header("content-length"),
        direct.header("content-length")
    );
    assert!(answer.body == direct.body);
    assert_eq!(
        arrived(&setup.upstream.requests()[0], "accept-encoding"),
        ["gzip"]
    );
}

#[test]
fn a_range_passes_and_its_part_comes_back() {
    let setup = setup();
    let request = Request::get("/status/206").header("Range", "bytes=0-3");
    assert_eq!(setup.gateway.send(&request).status, 206);
    assert_eq!(arrived(&setup.upstream.last(), "range"), ["bytes=0-3"]);
}

#[test]
fn header_bytes_that_are_not_utf8_pass_intact() {
    let setup = setup();
    let line = b"X-Raw: \xe9\xc3\xa9\xff\x80";
    let answer = setup.gateway.send(&Request::get("/echo").line(line));
    assert_eq!(answer.status, 200);
    let raw = setup.upstream.last().head.raw;
    assert!(
        raw.windows(line.len())
            .any(|w| w.eq_ignore_ascii_case(line))
    );
}

#[test]
fn response_header_bytes_that_are_not_utf8_pass_intact() {
    let line: &[u8] = b"X-Raw: \xe9\xc3\xa9\xff\x80";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = json!({ "cors": support::cors(), "paths": [open("GET", "/{.+}")] });
    let gateway = support::gateway(support::with_upstream(config, &url), support::options());
    let server = thread::spawn(move || {
        let mut wire = Wire::new(listener.accept().unwrap().0);
        wire.head().unwrap();
        let answer = [
            b"HTTP/1.1 200 OK\r\n",
            line,
            b"\r\nContent-Length: 2\r\n\r\nok",
        ];
        wire.write(&answer.concat()).unwrap();
    });
    let raw = gateway.get("/x").head.raw;
    let arrived = |w: &[u8]| w.eq_ignore_ascii_case(line);
    assert!(
        raw.windows(line.len()).any(arrived),
        "{}",
        raw.escape_ascii()
    );
    server.join().unwrap();
}

#[test]
fn an_upgrade_to_http_2_is_just_a_request() {
    let setup = setup();
    let request = Request::get("/echo")
        .header("Connection", "Upgrade, HTTP2-Settings")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA");
    assert_eq!(setup.gateway.send(&request).status, 200);
    for name in ["upgrade", "connection", "http2-settings"] {
        assert!(arrived(&setup.upstream.last(), name).is_empty(), "{name}");
    }
}

#[test]
fn a_websocket_says_everything_back_under_its_subprotocol() {
    let setup = setup();
    let offered = "Sec-WebSocket-Protocol: chat, superchat";
    let (head, mut socket) = Client::websocket(setup.gateway.address(), "/ws", &[offered]);
    assert_eq!(head.header("sec-websocket-protocol"), Some("superchat"));
    assert_eq!(head.header("x-upstream"), Some("ws"));
    assert!(head.header("x-request-id").is_some());
    socket.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    for text in ["one", "two", "é"] {
        socket.send(text.into()).unwrap();
        assert_eq!(socket.read().unwrap().into_text().unwrap().as_str(), text);
    }
    socket.send(vec![0u8, 255, 7].into()).unwrap();
    assert_eq!(&socket.read().unwrap().into_data()[..], [0, 255, 7]);
    assert!(!arrived(&setup.upstream.last(), "via").is_empty());
}

#[test]
fn a_broken_websocket_handshake_never_reaches_the_upstream() {
    let setup = setup();
    let upgrade = Request::get("/ws")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Origin", ORIGIN);
    let key = "dGhlIHNhbXBsZSBub25jZQ==";

    let old = upgrade.clone().header("Sec-WebSocket-Version", "8");
    let answer = setup.gateway.send(&old.header("Sec-WebSocket-Key", key));
    support::assert_problem(&answer, 426, "websocket_version");
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));

    let keyless = upgrade.clone().header("Sec-WebSocket-Version", "13");
    support::assert_problem(&setup.gateway.send(&keyless), 400, "websocket_key");

    assert!(setup.upstream.requests().is_empty());
}
