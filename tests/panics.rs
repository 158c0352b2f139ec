//! A panic costs one request. The worker here is built so that the header `X-Panic` makes the gateway panic: at once
//! with `now`, after it has waited for something with `later`.

#![cfg(test)]

mod support;

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

/// A guard that says yes after it has asked the upstream, which takes its time.
const GUARD: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch() { return new Response(null, { status: 404 }); } };
export class Guard extends WorkerEntrypoint {
  async slow(request, env) {
    await fetch(JSON.parse(env).UPSTREAM + "/slow-head?ms=1500");
    return true;
  }
}
"#;

fn start(upstream: &Upstream) -> Gateway {
    static BUILT: OnceLock<std::path::PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        xtask::build(xtask::Profile::Panicking, xtask::Compiler::Included).unwrap()
    });
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
        "paths": [
            { "method": "GET", "path": "/static", "response": "static" },
            { "method": "GET", "path": "/guarded", "response": "guarded",
              "pre_process": { "binding": "guard", "function": "slow", "env": ["UPSTREAM"] } },
            { "method": "GET", "path": "/{.+}", "integration": { "type": "http", "server": "a" } },
        ],
    });
    let options = Options::default()
        .folder(folder)
        .service("GUARD", GUARD, Some("Guard"))
        .text("UPSTREAM", &upstream.url());
    Gateway::start(&config.to_string(), options)
}

fn panicking(when: &str, target: &str) -> Request {
    Request::get(target).header("X-Panic", when)
}

/// The problem document, and nothing of the program in it.
#[track_caller]
fn assert_crashed(answer: &Answer) {
    let text = answer.text();
    assert_eq!(answer.status, 500, "{text}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem = answer.json();
    assert_eq!(problem["code"], "internal_error", "{text}");
    assert_eq!(problem["status"], 500, "{text}");
    assert_eq!(problem["error"], problem["detail"], "{text}");
    assert_eq!(problem["message"], problem["detail"], "{text}");
    for word in [
        "panic",
        "wasm",
        ".rs",
        ".mjs",
        " at ",
        "unreachable",
        "RuntimeError",
    ] {
        assert!(!text.contains(word), "`{word}` in {text}");
    }
}

#[test]
fn a_panic_costs_one_request_and_the_next_is_served() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    for when in ["now", "later", "now", "now", "later", "later"] {
        assert_eq!(gateway.get("/static").json(), "static");
        assert_crashed(&gateway.send(&panicking(when, "/static")));
        assert_eq!(gateway.get("/static").json(), "static");
        assert_eq!(gateway.get("/x").status, 200);
    }
    for told in ["internal_error", "panicked"] {
        assert!(
            gateway.logs(told),
            "the operator is told: {}",
            gateway.log()
        );
    }
}

#[test]
fn the_first_request_of_all_may_panic() {
    let upstream = Upstream::start();
    for when in ["now", "later"] {
        let gateway = start(&upstream);
        assert_crashed(&gateway.send(&panicking(when, "/static")));
        assert_eq!(gateway.get("/static").json(), "static");
    }
}

#[test]
fn a_request_that_waits_for_its_upstream_survives_another_s_panic() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    assert_eq!(gateway.get("/static").status, 200);
    for (round, when) in ["now", "later"].into_iter().enumerate() {
        let target = format!("/slow-head?ms=1500&round={round}");
        let served = upstream.requests().len();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| gateway.get(&target));
            assert!(upstream.wait_requests(served + 1, PATIENCE));
            assert_crashed(&gateway.send(&panicking(when, "/static")));
            assert_eq!(gateway.get("/static").status, 200);
            let answer = waiting.join().unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.text(), "slow\n");
        });
    }
}

#[test]
fn a_request_that_waits_for_a_hook_is_answered_after_another_s_panic() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    assert_eq!(gateway.get("/static").status, 200);
    for when in ["now", "later"] {
        let served = upstream.requests().len();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| gateway.get("/guarded"));
            assert!(upstream.wait_requests(served + 1, PATIENCE));
            assert_crashed(&gateway.send(&panicking(when, "/static")));
            let answer = waiting.join().unwrap();
            match answer.status {
                200 => assert_eq!(answer.json(), "guarded"),
                _ => assert_crashed(&answer),
            }
        });
        assert_eq!(gateway.get("/guarded").json(), "guarded");
    }
}

#[test]
fn many_panics_at_once_leave_a_gateway_that_serves() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    for _ in 0..3 {
        thread::scope(|scope| {
            let crashes: Vec<_> = (0..8)
                .map(|i| {
                    let when = if i % 2 == 0 { "now" } else { "later" };
                    let gateway = &gateway;
                    scope.spawn(move || gateway.send(&panicking(when, "/static")))
                })
                .collect();
            for crash in crashes {
                assert_crashed(&crash.join().unwrap());
            }
        });
        assert_eq!(gateway.get("/static").json(), "static");
        assert_eq!(gateway.get("/guarded").json(), "guarded");
    }
}
