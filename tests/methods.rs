//! Methods about the way of a request itself: `OPTIONS` from hop to hop and of the asterisk, `TRACE`.

#![cfg(test)]

mod support;

use peers::Request;
use serde_json::json;
use support::{arrived, assert_problem, open};

#[test]
fn options_are_counted_from_hop_to_hop() {
    let mut conditional = open("PATCH", "/only");
    conditional["when"] = json!({ "headers": { "X-On": "1" } });
    let setup = support::setup(json!({ "paths": [
        open("OPTIONS", "/only"), open("GET", "/only"), conditional, open("ANY", "/any/{.+}"),
        { "method": "OPTIONS", "path": "/own", "auth": false, "response": 1 },
    ] }));
    let ask = |method: &str, path: &str, hops: &str| {
        let request = Request::new(method, path).header("Max-Forwards", hops);
        setup.gateway.send(&request)
    };
    for (path, allow) in [
        ("/only", "GET, HEAD, OPTIONS"),
        ("/any/x", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
    ] {
        let answer = ask("OPTIONS", path, "0");
        assert_eq!((answer.status, answer.header("allow")), (204, Some(allow)));
    }
    assert!(setup.upstream.requests().is_empty());
    for (method, hops, left) in [
        ("OPTIONS", "3", "2"),
        ("OPTIONS", "1", "0"),
        ("OPTIONS", "99999999999999999999", "4294967294"),
        ("OPTIONS", "-1", "-1"),
        ("GET", "0", "0"),
    ] {
        assert_eq!(ask(method, "/only", hops).status, 200);
        let got = setup.upstream.last();
        assert_eq!(arrived(&got, "max-forwards"), [left], "{method} {hops}");
    }
    assert_eq!(ask("OPTIONS", "/own", "0").text(), "1");
}

#[test]
fn trace_is_served_by_nobody() {
    let setup = support::setup(json!({ "cors": support::cors(), "paths": [open("ANY", "/{.+}")] }));
    for (method, hops) in [("TRACE", None), ("TRACE", Some("0"))] {
        let mut request = Request::new(method, "/x").header("Cookie", "s=secret");
        if let Some(hops) = hops {
            request = request.header("Max-Forwards", hops);
        }
        let answer = setup.gateway.send(&request);
        assert_problem(&answer, 501, "method_not_implemented");
    }
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn options_of_the_asterisk_are_answered_here() {
    let setup = support::setup(json!({ "paths": [open("ANY", "/{.+}")] }));
    for host in ["api.example.com", "api.example.com:8443", "[::1]"] {
        let request = format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let mut client = setup.gateway.connect();
        client.send(request.as_bytes());
        let answer = client.answer("OPTIONS").unwrap();
        assert_eq!(answer.status, 204, "{host}: {}", answer.text());
    }
    let mut client = setup.gateway.connect();
    client.send(b"GET * HTTP/1.1\r\nHost: api.example.com\r\n\r\n");
    assert_eq!(client.answer("GET").unwrap().status, 400);
    assert!(setup.upstream.requests().is_empty());
}
