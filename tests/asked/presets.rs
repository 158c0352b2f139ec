//! Known issuers, with keys of the tests in the place of theirs.

use peers::Options;
use serde_json::{Value, json};

use super::*;
use support::issuer::{jwks, p256, rsa};
use support::tokens::in_seconds;

/// A gateway with an authorizer that fetches keys from here.
fn known(preset: Value, more: Value, keys: &Upstream) -> Gateway {
    let mut authorizer = json!({ "type": "jwt", "preset": preset });
    let more = more.as_object().unwrap().clone();
    authorizer.as_object_mut().unwrap().extend(more);
    let set = jwks(&[rsa().jwk("a"), p256().jwk("b")]);
    script(keys, "/jwks", 200, "", &set.to_string());
    let config = json!({
        "authorizer": authorizer,
        "paths": [{ "method": "GET", "path": "/", "auth": true, "response": { "ok": true } }],
    });
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    support::gateway(config, Options::default())
}

fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

const REFUSED: &str = "401 ERR_JWT_CLAIM_VALIDATION_FAILED";

#[test]
fn cognito_access_tokens_are_known_by_their_client_and_use() {
    let keys = Upstream::start();
    let preset = json!({ "cognito": { "user_pool": "eu-west-1_Ab12Cd34E", "clients": ["web"] } });
    let jwks_uri = json!({ "jwks_uri": format!("{}/jwks", keys.url()) });
    let gateway = known(preset, jwks_uri, &keys);
    let good = json!({
        "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E", "token_use": "access",
        "client_id": "web", "sub": "u1", "exp": in_seconds(600),
    });
    for (claims, expected) in [
        (good.clone(), "200"),
        (changed(&good, "token_use", "id".into()), REFUSED),
        (changed(&good, "token_use", Value::Null), REFUSED),
        (changed(&good, "client_id", "other".into()), REFUSED),
        (changed(&good, "client_id", json!(["web"])), REFUSED),
        (
            changed(
                &good,
                "iss",
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other".into(),
            ),
            REFUSED,
        ),
        (
            changed(&good, "exp", in_seconds(-1).into()),
            "401 ERR_JWT_EXPIRED",
        ),
    ] {
        let token = rsa().sign("RS256", Some("a"), &claims);
        assert_eq!(
            outcome(&with_token(&gateway, "/", &token)),
            expected,
            "{claims}"
        );
    }
    // The issuer signs by RS256 alone.
    let token = p256().sign("ES256", Some("b"), &good);
    assert_eq!(
        outcome(&with_token(&gateway, "/", &token)),
        "401 ERR_JWS_INVALID"
    );
}

#[test]
fn cloudflare_access_tokens_come_in_a_header_of_their_own() {
    let keys = Upstream::start();
    let preset = json!({ "cloudflare_access": { "team": "example" } });
    let more = json!({ "audience": "tag", "jwks_uri": format!("{}/jwks", keys.url()) });
    let gateway = known(preset, more, &keys);
    let good = json!({
        "iss": "https://example.cloudflareaccess.com", "aud": ["tag"], "email": "a@example.com", "exp": in_seconds(600),
    });
    let token = rsa().sign("RS256", Some("a"), &good);
    let asserted = |token: &str| {
        outcome(&gateway.send(&Request::get("/").header("CF-Access-JWT-Assertion", token)))
    };
    assert_eq!(asserted(&token), "200");
    assert_eq!(
        outcome(&with_token(&gateway, "/", &token)),
        "401 AUTH_ERROR"
    );
    let other = changed(&good, "aud", json!(["another"]));
    assert_eq!(asserted(&rsa().sign("RS256", Some("a"), &other)), REFUSED);
}

#[test]
fn a_keycloak_of_ones_own_is_found_by_its_realm() {
    let keys = Upstream::start();
    let set = jwks(&[rsa().jwk("a")]).to_string();
    script(
        &keys,
        "/realms/staff/protocol/openid-connect/certs",
        200,
        "",
        &set,
    );
    let preset =
        json!({ "keycloak": { "url": keys.url(), "realm": "staff", "clients": ["web", "app"] } });
    let gateway = known(preset, json!({}), &keys);
    let good = json!({
        "iss": format!("{}/realms/staff", keys.url()), "aud": "account", "azp": "app", "exp": in_seconds(600),
    });
    for (claims, expected) in [
        (good.clone(), "200"),
        (changed(&good, "azp", "other".into()), REFUSED),
        (changed(&good, "azp", Value::Null), REFUSED),
        (
            changed(&good, "iss", format!("{}/realms/other", keys.url()).into()),
            REFUSED,
        ),
    ] {
        let token = rsa().sign("RS256", Some("a"), &claims);
        assert_eq!(
            outcome(&with_token(&gateway, "/", &token)),
            expected,
            "{claims}"
        );
    }
}

#[test]
fn ten_thousand_requests_fetch_the_keys_once() {
    let keys = Upstream::start();
    let preset = json!({ "firebase": { "project": "example-1" } });
    let jwks_uri = json!({ "jwks_uri": format!("{}/jwks", keys.url()) });
    let gateway = known(preset, jwks_uri, &keys);
    let tokens: Vec<String> = (0..50)
        .map(|number| {
            let claims = json!({
                "iss": "https://securetoken.google.com/example-1", "aud": "example-1", "sub": format!("u{number}"),
                "iat": in_seconds(-1), "auth_time": in_seconds(-1), "exp": in_seconds(600),
            });
            rsa().sign("RS256", Some("a"), &claims)
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = gateway.connect();
                for number in 0..1250 {
                    let token = &tokens[number % tokens.len()];
                    let request =
                        Request::get("/").header("Authorization", &format!("Bearer {token}"));
                    client.send(&request.bytes());
                    assert_eq!(client.answer("GET").unwrap().status, 200);
                }
            });
        }
    });
    assert_eq!(keys.count("/jwks"), 1);
}
