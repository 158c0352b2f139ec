//! Which tokens are good.

use peers::Upstream;
use serde_json::{Value, json};

use crate::support::tokens::{SECRET, base64, in_seconds, sign, sign_parts, sign_with};
use crate::{
    AUDIENCE, CLAIMS, EXPIRED, ISSUER, NO_TOKEN, NOT_JWS, SIGNATURE, assert_refused, changed,
    good_claims, protected, with,
};

#[test]
fn every_bad_token_is_refused_with_its_own_words() {
    let upstream = Upstream::start();
    let authorizer = json!({ "issuer": ISSUER, "audience": AUDIENCE });
    let gateway = protected(&upstream, authorizer);
    let good = sign(&good_claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let alg = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "JWT" });
        sign_parts("HS256", SECRET, &header, &good_claims())
    };
    let with_header = |header: Value| sign_parts("HS256", SECRET, &header, &good_claims());
    let mut last = signature.chars().last().unwrap();
    last = if last == 'A' { 'E' } else { 'A' };
    let cases: Vec<(&str, String, (&str, &str))> = vec![
        ("another scheme", format!("Basic {good}"), NO_TOKEN),
        ("no scheme", good.clone(), NO_TOKEN),
        ("a scheme alone", "Bearer".into(), NO_TOKEN),
        ("an empty token", "Bearer ".into(), NO_TOKEN),
        ("two tokens", format!("Bearer {good} {good}"), NO_TOKEN),
        ("one word", "Bearer abc".into(), NOT_JWS),
        ("two parts", format!("Bearer {header}.{claims}"), NOT_JWS),
        ("four parts", format!("Bearer {good}.x"), NOT_JWS),
        ("empty parts", "Bearer ..".into(), NOT_JWS),
        (
            "a token of 100 KB",
            format!("Bearer {}", "x".repeat(100_000)),
            NOT_JWS,
        ),
        (
            "no base64",
            format!("Bearer {header}.{claims}.!!!"),
            NOT_JWS,
        ),
        (
            "no JSON",
            format!("Bearer {}.{claims}.{signature}", base64("{")),
            NOT_JWS,
        ),
        (
            "alg none",
            format!("Bearer {}.{claims}.", base64(r#"{"alg":"none"}"#)),
            NOT_JWS,
        ),
        (
            "alg none in capitals",
            format!("Bearer {}", alg("NONE")),
            NOT_JWS,
        ),
        ("RS256", format!("Bearer {}", alg("RS256")), NOT_JWS),
        ("ES256", format!("Bearer {}", alg("ES256")), NOT_JWS),
        (
            "no alg",
            format!("Bearer {}", with_header(json!({ "typ": "JWT" }))),
            NOT_JWS,
        ),
        (
            "a critical member",
            format!(
                "Bearer {}",
                with_header(json!({ "alg": "HS256", "crit": ["b64"], "b64": false }))
            ),
            NOT_JWS,
        ),
        (
            "HS512 where HS256 is meant",
            format!("Bearer {}", sign_with("HS512", SECRET, &good_claims())),
            NOT_JWS,
        ),
        (
            "another secret",
            format!(
                "Bearer {}",
                sign_with("HS256", &SECRET[1..], &good_claims())
            ),
            SIGNATURE,
        ),
        (
            "no signature",
            format!("Bearer {header}.{claims}."),
            SIGNATURE,
        ),
        (
            "a changed signature",
            format!(
                "Bearer {header}.{claims}.{}{last}",
                &signature[..signature.len() - 1]
            ),
            SIGNATURE,
        ),
        (
            "changed claims",
            format!(
                "Bearer {header}.{}.{signature}",
                base64(changed("sub", json!("admin")).to_string())
            ),
            SIGNATURE,
        ),
    ];
    for (what, authorization, refusal) in cases {
        assert_refused(&gateway.send(&with(&authorization)), refusal, what);
    }
    assert_refused(&gateway.get("/"), NO_TOKEN, "nothing");
    let twice = with(&format!("Bearer {good}")).header("Authorization", &format!("Bearer {good}"));
    assert_refused(&gateway.send(&twice), NO_TOKEN, "two headers");

    assert!(
        upstream.requests().is_empty(),
        "a refused request was sent on"
    );
    assert_eq!(gateway.send(&with(&format!("Bearer {good}"))).status, 200);
    assert_eq!(gateway.send(&with(&format!("bearer {good}"))).status, 200);
    let log = gateway.log();
    assert!(!log.contains(&good) && !log.contains(SECRET), "{log}");
}

#[test]
fn every_claim_that_is_not_as_expected_is_refused() {
    let upstream = Upstream::start();
    let authorizer = json!({
        "issuer": ISSUER, "audience": [AUDIENCE, "other-api"], "leeway": 30, "max_age": 3600,
        "required_claims": ["sub", "tenant"],
    });
    let gateway = protected(&upstream, authorizer);
    let ask = |mut claims: Value| {
        if claims.get("tenant").is_none() {
            claims["tenant"] = "t1".into();
        }
        if claims.get("iat").is_none() {
            claims["iat"] = in_seconds(-10).into();
        }
        claims.as_object_mut().unwrap().retain(|_, v| *v != "gone");
        gateway.send(&with(&format!("Bearer {}", sign(&claims))))
    };
    let refused = [
        ("exp", json!(in_seconds(-90)), EXPIRED),
        ("exp", json!(0), EXPIRED),
        ("exp", Value::Null, CLAIMS),
        ("exp", json!("never"), CLAIMS),
        ("nbf", json!(in_seconds(300)), CLAIMS),
        ("nbf", json!("soon"), CLAIMS),
        ("iat", json!(in_seconds(300)), CLAIMS),
        ("iat", json!(in_seconds(-7200)), EXPIRED),
        ("iat", json!("gone"), CLAIMS),
        ("iss", json!("https://evil.example/"), CLAIMS),
        ("iss", json!("https://login.example.com"), CLAIMS),
        ("iss", json!([ISSUER]), CLAIMS),
        ("iss", Value::Null, CLAIMS),
        ("aud", json!("https://api.example.com/"), CLAIMS),
        ("aud", json!(["third-api"]), CLAIMS),
        ("aud", json!([]), CLAIMS),
        ("aud", json!(5), CLAIMS),
        ("aud", Value::Null, CLAIMS),
        ("sub", Value::Null, CLAIMS),
        ("tenant", json!("gone"), CLAIMS),
    ];
    for (name, value, refusal) in refused {
        let what = format!("{name}: {value}");
        assert_refused(&ask(changed(name, value)), refusal, &what);
    }
    assert!(
        upstream.requests().is_empty(),
        "a refused request was sent on"
    );
    let accepted = [
        ("exp", json!(in_seconds(-5))),
        ("exp", json!(in_seconds(600))),
        ("nbf", json!(in_seconds(10))),
        ("aud", json!("other-api")),
        ("aud", json!(["third-api", AUDIENCE])),
    ];
    for (name, value) in accepted {
        let what = format!("{name}: {value}");
        let answer = ask(changed(name, value));
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
}

#[test]
fn the_configured_algorithms_and_no_others_are_accepted() {
    let upstream = Upstream::start();
    let all = ["HS256", "HS384", "HS512"];
    for (authorizer, accepted) in [
        (json!({}), &all[..1]),
        (json!({ "algorithm": "HS256" }), &all[..1]),
        (json!({ "algorithm": "HS384" }), &all[1..2]),
        (json!({ "algorithm": "HS512" }), &all[2..]),
        (
            json!({ "algorithms": ["HS256", "HS384", "HS512"] }),
            &all[..],
        ),
    ] {
        let gateway = protected(&upstream, authorizer);
        for algorithm in all {
            let token = sign_with(algorithm, SECRET, &good_claims());
            let answer = gateway.send(&with(&format!("Bearer {token}")));
            match accepted.contains(&algorithm) {
                true => assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text()),
                false => assert_refused(&answer, NOT_JWS, algorithm),
            }
        }
    }
}
