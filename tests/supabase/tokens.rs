//! The authorizer.

use peers::upstream::Script;
use peers::{Gateway, Options, Request, Upstream};
use serde_json::{Value, json};

use crate::SECRET;
use crate::support::issuer::{Pair, jwks, p256, rsa};
use crate::support::tokens::{in_seconds, sign_with};
use crate::support::{self, gateway};

const JWKS: &str = "/auth/v1/.well-known/jwks.json";

fn behind(mut authorizer: Value) -> Gateway {
    authorizer["type"] = "supabase".into();
    let config = json!({
        "authorizer": authorizer,
        "paths": [{ "method": "GET", "path": "/", "auth": true, "response": { "ok": true } }],
    });
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    gateway(config, Options::default().text("SECRET", SECRET))
}

/// `200`, or the code of a refusal.
fn outcome(gateway: &Gateway, token: &str) -> String {
    let request = Request::get("/").header("Authorization", &format!("Bearer {token}"));
    let answer = gateway.send(&request);
    let head = String::from_utf8_lossy(&answer.head.raw).into_owned();
    for hidden in ["authenticated", "project.test", SECRET] {
        assert!(!answer.text().contains(hidden) && !head.contains(hidden));
    }
    match answer.status {
        200 => "200".to_owned(),
        401 => {
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Bearer "), "{challenge}");
            answer.json()["code"].as_str().unwrap().to_owned()
        }
        status => format!("{status} {}", answer.json()["code"]),
    }
}

/// Claims as Supabase writes them for a user, with one of them replaced.
fn claims(issuer: &str, name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": issuer, "sub": "8d1f", "aud": "authenticated", "role": "authenticated",
        "iat": in_seconds(-5), "exp": in_seconds(600),
    });
    claims[name] = value;
    claims
}

#[test]
fn a_token_of_the_secret_comes_in_and_each_refusal_has_its_code() {
    let issuer = "https://project.test/auth/v1";
    let gateway = behind(json!({
        "jwt_secret": "$secret.SECRET", "issuer": issuer, "audience": "authenticated",
    }));
    let hs256 = |name: &str, value: Value| sign_with("HS256", SECRET, &claims(issuer, name, value));
    assert_eq!(outcome(&gateway, &hs256("sub", json!("u"))), "200");
    for (token, code) in [
        (hs256("exp", json!(in_seconds(-1))), "JWT_EXPIRED"),
        (hs256("nbf", json!(in_seconds(60))), "JWT_NOT_ACTIVE"),
        (hs256("iat", json!(in_seconds(120))), "JWT_INVALID"),
        (hs256("aud", json!("other")), "JWT_INVALID"),
        (hs256("aud", json!(null)), "JWT_INVALID"),
        (hs256("iss", json!("https://other.test")), "JWT_INVALID"),
        (hs256("exp", json!(null)), "JWT_INVALID"),
        (
            sign_with("HS512", SECRET, &claims(issuer, "sub", json!("u"))),
            "JWT_INVALID",
        ),
        (
            sign_with("HS256", "another", &claims(issuer, "sub", json!("u"))),
            "JWT_INVALID",
        ),
        (
            p256().sign("ES256", None, &claims(issuer, "sub", json!("u"))),
            "JWT_INVALID",
        ),
        ("a.b.c".into(), "JWT_INVALID"),
    ] {
        assert_eq!(outcome(&gateway, &token), code, "{token}");
    }
    let answer = gateway.send(&Request::get("/"));
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["code"], "AUTH_ERROR");
}

#[test]
fn the_anon_key_is_no_token_of_a_user() {
    let gateway = behind(json!({ "jwt_secret": "$secret.SECRET" }));
    let anon = json!({ "iss": "supabase", "role": "anon", "iat": 1_641_769_200, "exp": in_seconds(9_000) });
    let token = sign_with("HS256", SECRET, &anon);
    assert_eq!(outcome(&gateway, &token), "JWT_INVALID");
}

/// A project that publishes these keys.
fn project(keys: &[(&str, &Pair)]) -> Upstream {
    let upstream = Upstream::start();
    let keys: Vec<Value> = keys.iter().map(|(kid, pair)| pair.jwk(kid)).collect();
    upstream.script(
        JWKS,
        Script {
            status: 200,
            body: jwks(&keys).to_string(),
            ..Script::default()
        },
    );
    upstream
}

#[test]
fn tokens_of_the_published_keys_come_in_by_the_url_alone() {
    let (es256, rs256) = (p256(), rsa());
    let project = project(&[("e", &es256), ("r", &rs256)]);
    // A slash at the end makes no other issuer.
    let gateway = behind(json!({ "url": format!("{}/", project.url()) }));
    let issuer = format!("{}/auth/v1", project.url());
    let user = claims(&issuer, "sub", json!("u"));
    for token in [
        es256.sign("ES256", Some("e"), &user),
        rs256.sign("RS256", Some("r"), &user),
    ] {
        assert_eq!(outcome(&gateway, &token), "200");
    }
    assert_eq!(project.count(JWKS), 1);
    let elsewhere = claims("https://other.test/auth/v1", "sub", json!("u"));
    let expired = claims(&issuer, "exp", json!(in_seconds(-1)));
    for (token, code) in [
        (es256.sign("ES256", Some("e"), &elsewhere), "JWT_INVALID"),
        (es256.sign("ES256", Some("e"), &expired), "JWT_EXPIRED"),
        (rs256.sign("PS256", Some("r"), &user), "JWT_INVALID"),
        // The published key is no secret.
        (sign_with("HS256", rs256.pem, &user), "JWT_INVALID"),
        (es256.sign("ES256", Some("other"), &user), "JWT_INVALID"),
    ] {
        assert_eq!(outcome(&gateway, &token), code, "{token}");
    }
}

#[test]
fn a_project_that_moves_to_published_keys_is_known_by_both() {
    let es256 = p256();
    let project = project(&[("e", &es256)]);
    let gateway = behind(json!({ "url": project.url(), "jwt_secret": "$secret.SECRET" }));
    let issuer = format!("{}/auth/v1", project.url());
    let user = claims(&issuer, "sub", json!("u"));
    for (token, code) in [
        (sign_with("HS256", SECRET, &user), "200"),
        (es256.sign("ES256", Some("e"), &user), "200"),
        (sign_with("HS256", "another", &user), "JWT_INVALID"),
        (sign_with("HS256", es256.pem, &user), "JWT_INVALID"),
        (sign_with("HS384", SECRET, &user), "JWT_INVALID"),
    ] {
        assert_eq!(outcome(&gateway, &token), code, "{token}");
    }
}

#[test]
fn keys_that_cannot_be_fetched_are_not_the_callers_fault() {
    let nobody = Upstream::start().url();
    let gateway = behind(json!({ "url": nobody }));
    let token = p256().sign("ES256", Some("e"), &claims("any", "sub", json!("u")));
    assert_eq!(outcome(&gateway, &token), "503 \"authorizer_unavailable\"");
}

#[test]
fn a_secret_that_is_too_short_or_a_url_that_is_unsafe_closes_the_path() {
    for (authorizer, variable) in [
        (
            json!({ "type": "supabase", "jwt_secret": "$secret.VALUE" }),
            "short",
        ),
        (
            json!({ "type": "supabase", "url": "$env.VALUE" }),
            "http://project.test",
        ),
        (json!({ "type": "supabase", "url": "$env.MISSING" }), ""),
    ] {
        let config = json!({
            "authorizer": authorizer,
            "paths": [{ "method": "GET", "path": "/", "auth": true, "response": 1 }],
        });
        let gateway = gateway(config, Options::default().text("VALUE", variable));
        support::assert_problem(&gateway.get("/"), 500, "config_error");
    }
}
