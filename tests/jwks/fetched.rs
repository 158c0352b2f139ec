//! Keys of the config and keys that are fetched.

use std::thread;
use std::time::Duration;

use super::*;
use support::issuer::{p256, rsa, rsa_other};

#[test]
fn every_algorithm_is_checked_by_the_platform_with_keys_of_every_form() {
    let all: Vec<&str> = every().iter().map(|(name, _)| *name).collect();
    let keys: Vec<Value> = every().iter().map(|(name, pair)| pair.jwk(name)).collect();
    let upstream = Upstream::start();
    publish(&upstream, &keys);
    let set = protected(json!({ "jwks": jwks(&keys), "algorithms": all }));
    let text = protected(json!({ "jwks": jwks(&keys).to_string(), "algorithms": all }));
    let fetched = protected(json!({
        "jwks_uri": format!("{}/jwks", upstream.url()), "algorithms": all,
    }));
    for (name, pair) in every() {
        let pem = protected(json!({ "public_key": pair.pem, "algorithm": name }));
        let token = pair.sign(name, Some(name), &claims());
        for gateway in [&set, &text, &fetched, &pem] {
            // The second time from memory.
            for _ in 0..2 {
                assert_eq!(outcome(gateway, &token), "200", "{name}");
            }
            let (message, signature) = token.rsplit_once('.').unwrap();
            let (header, _) = message.split_once('.').unwrap();
            let forged = support::tokens::base64(claims().to_string());
            let forged = format!("{header}.{forged}.{signature}");
            assert_eq!(
                outcome(gateway, &forged),
                "401 ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
                "{name}"
            );
        }
    }
    assert_eq!(upstream.count("/jwks"), 1);
}

#[test]
fn a_set_is_fetched_once_for_many_requests_that_come_at_once() {
    let upstream = Upstream::start();
    let body = jwks(&[p256().jwk("a")]).to_string();
    let pause = Duration::from_millis(700);
    let script = Script {
        status: 200,
        body,
        pause,
        ..Script::default()
    };
    upstream.script("/jwks", script);
    let gateway = fetching(&upstream);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| outcome(&gateway, &p256().sign("ES256", Some("a"), &claims()))))
            .collect();
        for asked in asking {
            assert_eq!(asked.join().unwrap(), "200");
        }
    });
    for _ in 0..100 {
        let token = p256().sign("ES256", Some("a"), &claims());
        assert_eq!(outcome(&gateway, &token), "200");
    }
    assert_eq!(upstream.count("/jwks"), 1);
}

#[test]
fn a_client_that_leaves_while_the_keys_are_fetched_does_not_close_the_door() {
    let upstream = Upstream::start();
    let script = Script {
        status: 200,
        body: jwks(&[p256().jwk("a")]).to_string(),
        pause: Duration::from_secs(1),
        ..Script::default()
    };
    upstream.script("/jwks", script);
    let gateway = fetching(&upstream);
    let token = p256().sign("ES256", Some("a"), &claims());
    let mut leaving = gateway.connect();
    let request = Request::get("/").header("Authorization", &format!("Bearer {token}"));
    leaving.send(&request.bytes());
    assert!(upstream_is_asked(&upstream));
    leaving.reset();
    assert_eq!(outcome(&gateway, &token), "200");
}

/// The request is counted when its answer begins, or the client is gone: a moment is enough.
fn upstream_is_asked(upstream: &Upstream) -> bool {
    support::eventually(support::PATIENCE, || upstream.count("/jwks") == 1)
}

#[test]
fn a_new_key_is_found_and_a_flood_of_unknown_ones_asks_once() {
    let upstream = Upstream::start();
    publish(&upstream, &[p256().jwk("old")]);
    let gateway = fetching(&upstream);
    let old = p256().sign("ES256", Some("old"), &claims());
    assert_eq!(outcome(&gateway, &old), "200");
    publish(&upstream, &[rsa().jwk("new")]);
    // Still good: nobody has said otherwise.
    assert_eq!(outcome(&gateway, &old), "200");
    let new = rsa().sign("RS256", Some("new"), &claims());
    assert_eq!(outcome(&gateway, &new), "200");
    assert_eq!(outcome(&gateway, &old), "401 ERR_JWKS_NO_MATCHING_KEY");
    for number in 0..60 {
        let unknown = p256().sign("ES256", Some(&format!("k{number}")), &claims());
        let refused = ask(&gateway, &unknown);
        assert_eq!(refused.json()["code"], "ERR_JWKS_NO_MATCHING_KEY");
        let challenge = refused.header("www-authenticate").unwrap();
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
    }
    assert_eq!(upstream.count("/jwks"), 2);
}

#[test]
fn without_keys_nobody_is_let_in_and_the_log_says_why() {
    let upstream = Upstream::start();
    for (status, body, reason) in [
        (500, "broken".to_owned(), "status 500"),
        (200, "broken".to_owned(), "no key that can be used"),
        (200, "x".repeat(300_000), "too long"),
    ] {
        let script = Script {
            status,
            body,
            ..Script::default()
        };
        upstream.script("/jwks", script);
        let gateway = fetching(&upstream);
        let token = p256().sign("ES256", Some("a"), &claims());
        for _ in 0..3 {
            let refused = ask(&gateway, &token);
            support::assert_problem(&refused, 503, "authorizer_unavailable");
        }
        assert!(gateway.logs(reason), "{}", gateway.log());
    }
    // Nobody there at all.
    let gateway = protected(json!({ "jwks_uri": "http://127.0.0.1:1/jwks" }));
    let token = p256().sign("ES256", Some("a"), &claims());
    assert_eq!(outcome(&gateway, &token), "503 authorizer_unavailable");
    // Who has no token is told so, whatever the keys are.
    assert_eq!(gateway.get("/").status, 401);
}

#[test]
fn an_issuer_that_breaks_after_its_keys_are_known_closes_nothing() {
    let upstream = Upstream::start();
    publish(&upstream, &[p256().jwk("a")]);
    let gateway = fetching(&upstream);
    assert_eq!(
        outcome(&gateway, &p256().sign("ES256", Some("a"), &claims())),
        "200"
    );
    let broken = Script {
        status: 500,
        ..Script::default()
    };
    upstream.script("/jwks", broken);
    for number in 0..20 {
        let known = p256().sign("ES256", Some("a"), &claims());
        assert_eq!(outcome(&gateway, &known), "200");
        let unknown = rsa_other().sign("RS256", Some(&format!("k{number}")), &claims());
        assert_eq!(outcome(&gateway, &unknown), "401 ERR_JWKS_NO_MATCHING_KEY");
    }
    assert_eq!(upstream.count("/jwks"), 2);
}
