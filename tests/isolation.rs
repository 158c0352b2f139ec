//! Whatever an upstream, a client or a bound worker sends, its own request alone comes to something else by it: others that
//! wait at the same time get their answers, and the gateway forgets nothing.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use peers::wire::Wire;
use peers::{Answer, Gateway, Options, Request};
use serde_json::{Value, json};
use support::assert_problem;

/// How many requests wait while the odd one comes.
const WAITING: usize = 5;

/// Long enough for the odd answer to come first.
const SLOW: Duration = Duration::from_millis(900);

/// A backend that answers `/slow` late and well, and `/odd/N` with exactly these bytes.
fn backend(odds: &[&'static [u8]]) -> String {
    let odds = odds.to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let odds = odds.clone();
            thread::spawn(move || {
                let mut wire = Wire::new(stream);
                while let Ok(Some(head)) = wire.head() {
                    let odd = head.word(1).strip_prefix("/odd/");
                    let odd = odd.map(|number| odds[number.parse::<usize>().unwrap()]);
                    let answer: &[u8] = match head.word(1) {
                        _ if odd.is_some() => odd.unwrap(),
                        "/slow" => {
                            thread::sleep(SLOW);
                            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslow\n"
                        }
                        _ => b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n",
                    };
                    if wire.write(answer).is_err() || odd.is_some() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// Servers and paths of a config whose answers come back into the gateway.
fn ways(url: &str, other: &str) -> Vec<(&'static str, Value)> {
    let server = |members: Value| {
        let mut server = json!({ "alias": "a" });
        for (key, value) in members.as_object().unwrap() {
            server[key] = value.clone();
        }
        server
    };
    let to = |integration: Value| {
        let mut whole = json!({ "type": "http", "server": "a" });
        for (key, value) in integration.as_object().unwrap() {
            whole[key] = value.clone();
        }
        json!([{ "method": "GET", "path": "/{.+}", "auth": false, "integration": whole }])
    };
    let mirror = json!({ "alias": "m", "url": other });
    vec![
        (
            "two endpoints",
            json!({
                "servers": [server(json!({ "endpoints": [{ "name": "a", "url": url }, { "name": "b", "url": url }] }))],
                "paths": to(json!({})),
            }),
        ),
        (
            "retries",
            json!({
                "servers": [server(json!({ "url": url, "retry": { "num_retries": 1 } }))],
                "paths": to(json!({})),
            }),
        ),
        (
            "a mirror",
            json!({
                "servers": [server(json!({ "url": url })), mirror],
                "paths": to(json!({ "mirror": { "server": "m", "percent": 100, "compare": {} } })),
            }),
        ),
        (
            "post_process",
            json!({
                "servers": [server(json!({ "url": url }))],
                "serviceBindings": [{ "alias": "hooks", "binding": "HOOKS" }],
                "paths": to(json!({ "post_process": { "binding": "hooks", "function": "same" } })),
            }),
        ),
        (
            "nothing more",
            json!({ "servers": [server(json!({ "url": url }))], "paths": to(json!({})) }),
        ),
    ]
}

const HOOKS: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch() { return new Response(null, { status: 404 }); } };
export class Hooks extends WorkerEntrypoint {
  same(reply) { return reply; }
}
"#;

fn start(config: &Value) -> Arc<Gateway> {
    let config = config.to_string();
    assert_eq!(support::mistakes(&config), Vec::<String>::new());
    let options = Options::default().service("HOOKS", HOOKS, Some("Hooks"));
    Arc::new(support::gateway(&config, options))
}

/// Sends the odd request while others wait; the answers of all.
fn beside(gateway: &Arc<Gateway>, odd: &Request) -> (Answer, Vec<Answer>) {
    let waiting: Vec<_> = (0..WAITING)
        .map(|_| {
            let gateway = Arc::clone(gateway);
            thread::spawn(move || gateway.get("/slow"))
        })
        .collect();
    thread::sleep(SLOW / 3);
    let answer = gateway.send(odd);
    let others = waiting.into_iter().map(|one| one.join().unwrap());
    (answer, others.collect())
}

/// What is right for an odd answer of an upstream.
enum Right {
    /// It is handed on with this status.
    Status(u16),
    BadGateway,
}

#[test]
fn an_odd_answer_of_an_upstream_is_one_requests_matter() {
    use Right::{BadGateway, Status};
    let table: &[(&str, &'static [u8], Right)] = &[
        (
            "a status of no class",
            b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi",
            BadGateway,
        ),
        (
            "a status of the last number",
            b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nhi",
            BadGateway,
        ),
        (
            "another protocol",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
            BadGateway,
        ),
        // RFC 9112 section 4: a reason phrase may have tabs and bytes beyond ASCII.
        (
            "a tab in the reason",
            b"HTTP/1.1 200 so\tso\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "a reason beyond ASCII",
            b"HTTP/1.1 200 \xe9t\xe9\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "an error's reason with a tab",
            b"HTTP/1.1 418 tea\tpot\r\nContent-Length: 2\r\n\r\nhi",
            Status(418),
        ),
        (
            "no reason",
            b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "no name in Connection",
            b"HTTP/1.1 200 OK\r\nConnection: a b\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "empty names in Connection",
            b"HTTP/1.1 200 OK\r\nConnection: ,, close, \"x\"\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "a body of a 204",
            b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi",
            Status(204),
        ),
        (
            "a body of a 205",
            b"HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nhi",
            Status(205),
        ),
        (
            "a 205 in chunks",
            b"HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            Status(205),
        ),
        (
            "a body of a 304",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nhi",
            Status(304),
        ),
        (
            "bytes beyond ASCII in a value",
            b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\xe9\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "a field that is none",
            b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nhi",
            BadGateway,
        ),
        (
            "a name with a blank",
            b"HTTP/1.1 200 OK\r\nX Odd: 1\r\nContent-Length: 2\r\n\r\nhi",
            BadGateway,
        ),
        (
            "a broken coding",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "a content type that is none",
            b"HTTP/1.1 200 OK\r\nContent-Type: \x09;;=\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
        (
            "a location that is none",
            b"HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
            Status(302),
        ),
        (
            "a rest that is no number",
            b"HTTP/1.1 503 Busy\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n",
            Status(503),
        ),
        (
            "a cookie that is none",
            b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=;;\r\nContent-Length: 2\r\n\r\nhi",
            Status(200),
        ),
    ];
    let odds: Vec<&'static [u8]> = table.iter().map(|(_, odd, _)| *odd).collect();
    let url = backend(&odds);
    let well = backend(&odds);
    thread::scope(|scope| {
        for (way, config) in ways(&url, &well) {
            scope.spawn(move || {
                let gateway = start(&config);
                for (number, (what, _, right)) in table.iter().enumerate() {
                    let (answer, others) =
                        beside(&gateway, &Request::get(&format!("/odd/{number}")));
                    let statuses: Vec<u16> = others.iter().map(|one| one.status).collect();
                    assert_eq!(statuses, [200; WAITING], "{what} through {way}");
                    match right {
                        Status(status) => {
                            assert_eq!(
                                answer.status,
                                *status,
                                "{what} through {way}: {}",
                                answer.text()
                            );
                        }
                        // A broken field is the platform's matter: some it forgives.
                        BadGateway if answer.status == 200 => {}
                        BadGateway => {
                            assert_eq!(
                                answer.status,
                                502,
                                "{what} through {way}: {}",
                                answer.text()
                            );
                        }
                    }
                    assert!(
                        answer.header("x-request-id").is_some(),
                        "{what} through {way}"
                    );
                }
                assert!(
                    !gateway.log().contains("internal_error"),
                    "{way}: {}",
                    gateway.log()
                );
            });
        }
    });
}

#[test]
fn what_an_odd_answer_ejects_nobody_for_is_not_forgotten_by_it() {
    // The endpoint that is down is ejected; after an odd answer it still is.
    let odd = backend(&[b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi"]);
    let config = json!({
        "servers": [{
            "alias": "a",
            "endpoints": [{ "name": "down", "url": "http://127.0.0.1:1" }, { "name": "up", "url": odd }],
            "retry": { "num_retries": 1 },
            "outlier": { "consecutive_failures": 3, "base_ejection_ms": 60_000 },
        }],
        "paths": [{ "method": "GET", "path": "/{.+}", "auth": false, "integration": { "type": "http", "server": "a" } }],
    });
    let gateway = start(&config);
    while !gateway.log().contains("endpoint_ejected") {
        assert_eq!(gateway.get("/well").status, 200);
    }
    let failures = || gateway.log().matches("upstream_failed").count();
    let (answer, _) = beside(&gateway, &Request::get("/odd/0"));
    assert_problem(&answer, 502, "upstream_unreachable");
    let before = failures();
    for _ in 0..20 {
        assert_eq!(gateway.get("/well").status, 200);
    }
    assert_eq!(failures(), before, "{}", gateway.log());
}

#[test]
fn an_odd_answer_about_a_caller_is_one_requests_matter() {
    let well = backend(&[]);
    for odd in [
        &b"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nhi"[..],
        b"HTTP/1.1 403 no\tway\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 403 No\r\nX-Odd: \xff\xfe\r\nConnection: a b\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 205 Odd\r\nX-User: \xff\r\nContent-Length: 2\r\n\r\nhi",
    ] {
        let judge = backend(&[odd]);
        let config = json!({
            "servers": [{ "alias": "a", "endpoints": [{ "name": "a", "url": well }, { "name": "b", "url": well }] }],
            "authorizers": { "judge": { "type": "forward_auth", "url": format!("{judge}/odd/0"), "copy_headers": ["X-User"] } },
            "paths": [
                { "method": "GET", "path": "/guarded", "auth": "judge", "integration": { "type": "http", "server": "a" } },
                { "method": "GET", "path": "/slow", "auth": false, "integration": { "type": "http", "server": "a" } },
            ],
        });
        let gateway = start(&config);
        let (answer, others) = beside(&gateway, &Request::get("/guarded"));
        assert!(
            others.iter().all(|one| one.status == 200),
            "{}",
            gateway.log()
        );
        assert!((200..600).contains(&answer.status), "{}", answer.status);
        assert!(
            !gateway.log().contains("internal_error"),
            "{}",
            gateway.log()
        );
    }
}

#[test]
fn an_odd_request_is_its_own_matter() {
    let url = backend(&[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nodd"]);
    for (way, config) in ways(&url, &url) {
        let gateway = start(&config);
        for line in [
            &b"Connection: a b"[..],
            b"Connection: \xff, close",
            b"X-Odd: \xff\xfe",
            b"Cookie: \xff; =; ;;",
            b"Origin: \xff",
            b"Forwarded: \"\\",
            b"Retry-After: x",
            b"Content-Type: \xff",
            b"CF-Connecting-IP: nonsense\xff",
            b"Access-Control-Request-Method: \xff",
        ] {
            let (answer, others) = beside(&gateway, &Request::get("/odd/0").line(line));
            let line = String::from_utf8_lossy(line);
            assert!(
                others.iter().all(|one| one.status == 200),
                "{line} through {way}"
            );
            assert_eq!(
                answer.status,
                200,
                "{line} through {way}: {}",
                answer.text()
            );
        }
        assert!(
            !gateway.log().contains("internal_error"),
            "{way}: {}",
            gateway.log()
        );
    }
}

#[test]
fn what_is_odd_about_where_a_client_is_is_its_own_matter() {
    let url = backend(&[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nodd"]);
    let endpoint = |zone: &str| json!({ "name": zone, "url": url, "zone": zone });
    let config = json!({
        "zones": {
            "eu": { "cloud": "aws", "region": "eu-central-1" },
            "us": { "cloud": "aws", "region": "us-east-1" },
        },
        "servers": [{
            "alias": "a",
            "endpoints": [endpoint("eu"), endpoint("us")],
            "locality": { "home": "nearest", "failover": [{ "to": { "type": "Any" } }] },
        }],
        "paths": [
            { "method": "GET", "path": "/{.+}", "auth": false, "integration": { "type": "http", "server": "a" } },
        ],
    });
    let text = config.to_string();
    assert_eq!(support::mistakes(&text), Vec::<String>::new());
    let options = Options::default().with(|worker| worker.cf_header("Test-Cf"));
    let gateway = Arc::new(support::gateway(&text, options));
    for cf in [
        "null",
        "7",
        "\"text\"",
        "[]",
        "{}",
        r#"{"colo":7,"country":{},"continent":[],"latitude":"x","longitude":null}"#,
        r#"{"colo":"A\nB","country":"\u0000","latitude":"1e999","longitude":"-1e999"}"#,
        r#"{"colo":"\ud800","latitude":91,"longitude":1e300,"tlsClientAuth":7}"#,
        r#"{"tlsClientAuth":{"certPresented":"1","certVerified":[]}}"#,
    ] {
        let (answer, others) = beside(&gateway, &Request::get("/odd/0").header("Test-Cf", cf));
        let statuses: Vec<u16> = others.iter().map(|one| one.status).collect();
        assert_eq!(statuses, [200; WAITING], "{cf}: {}", gateway.log());
        assert_eq!(answer.status, 200, "{cf}: {}", answer.text());
    }
    assert!(
        !gateway.log().contains("internal_error"),
        "{}",
        gateway.log()
    );
}
