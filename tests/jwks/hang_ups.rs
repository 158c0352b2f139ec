//! Clients that leave while the keys are fetched: nobody else is to notice.

use std::thread;
use std::time::{Duration, Instant};

use super::*;
use support::issuer::{p256, rsa, rsa_other};

/// Keys that take their time.
fn publish_late(upstream: &Upstream, keys: &[Value], pause_ms: u64) {
    let script = Script {
        status: 200,
        body: jwks(keys).to_string(),
        pause: Duration::from_millis(pause_ms),
        ..Script::default()
    };
    upstream.script("/jwks", script);
}

/// Sends a request with this token, and resets the connection after a moment.
fn leave(gateway: &Gateway, token: &str, after_ms: u64) {
    let mut leaving = gateway.connect();
    let request = Request::get("/").header("Authorization", &format!("Bearer {token}"));
    leaving.send(&request.bytes());
    thread::sleep(Duration::from_millis(after_ms));
    leaving.reset();
}

/// Signed by nobody who is known.
fn made_up(kid: &str) -> String {
    rsa_other().sign("RS256", Some(kid), &claims())
}

#[test]
fn a_client_that_leaves_at_any_point_keeps_no_good_one_waiting() {
    for after_ms in [0, 5, 50, 200, 390, 600] {
        let upstream = Upstream::start();
        publish_late(&upstream, &[p256().jwk("a"), rsa().jwk("r")], 400);
        let gateway = fetching(&upstream);
        leave(&gateway, &made_up("r"), after_ms);
        let begun = Instant::now();
        let good = p256().sign("ES256", Some("a"), &claims());
        assert_eq!(outcome(&gateway, &good), "200", "after {after_ms} ms");
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "after {after_ms} ms: {:?}",
            begun.elapsed()
        );
        // The keys were fetched once, and what the one that left had begun was not in vain.
        assert!(upstream.count("/jwks") <= 2, "after {after_ms} ms");
    }
}

#[test]
fn waves_of_clients_that_leave_shut_nobody_out() {
    let upstream = Upstream::start();
    publish_late(&upstream, &[p256().jwk("a"), rsa().jwk("r")], 1_000);
    let gateway = fetching(&upstream);
    thread::scope(|scope| {
        for wave in 0..5 {
            for _ in 0..40 {
                let gateway = &gateway;
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(wave * 150));
                    leave(gateway, &made_up("r"), 140);
                });
            }
        }
        thread::sleep(Duration::from_millis(100));
        let begun = Instant::now();
        let good: Vec<_> = (0..10)
            .map(|_| scope.spawn(|| outcome(&gateway, &p256().sign("ES256", Some("a"), &claims()))))
            .collect();
        for good in good {
            assert_eq!(good.join().unwrap(), "200");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn a_client_that_leaves_while_keys_change_refuses_no_new_one() {
    let upstream = Upstream::start();
    publish(&upstream, &[p256().jwk("old")]);
    let gateway = fetching(&upstream);
    let old = p256().sign("ES256", Some("old"), &claims());
    assert_eq!(outcome(&gateway, &old), "200");
    publish_late(&upstream, &[rsa().jwk("new")], 300);
    leave(&gateway, &made_up("unknown"), 100);
    let new = rsa().sign("RS256", Some("new"), &claims());
    assert_eq!(outcome(&gateway, &new), "200");
}
