//! Tokens end to end: who comes in, and what everybody else is told.

#![cfg(test)]

mod access;
#[path = "../support/mod.rs"]
mod support;
mod verification;

use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::gateway;
use support::tokens::{SECRET, in_seconds};

const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "https://api.example.com";

const NO_TOKEN: (&str, &str) = (
    "AUTH_ERROR",
    "No token provided or token format is invalid.",
);
const NOT_JWS: (&str, &str) = ("ERR_JWS_INVALID", "Invalid JWS");
const SIGNATURE: (&str, &str) = (
    "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    "Signature verification failed",
);
const EXPIRED: (&str, &str) = ("ERR_JWT_EXPIRED", "Token has expired.");
const CLAIMS: (&str, &str) = (
    "ERR_JWT_CLAIM_VALIDATION_FAILED",
    "JWT claim validation failed",
);

/// One protected path, `/`, behind an authorizer of type `jwt` with these members.
fn protected(upstream: &Upstream, mut authorizer: Value) -> Gateway {
    authorizer["type"] = "jwt".into();
    authorizer["secret"] = "$secret.JWT_SECRET".into();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizer": authorizer,
        "paths": [{ "method": "GET", "path": "/", "auth": true, "integration": { "type": "http", "server": "a" } }],
    });
    gateway(config, Options::default().text("JWT_SECRET", SECRET))
}

fn with(authorization: &str) -> Request {
    Request::get("/").header("Authorization", authorization)
}

fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "exp": in_seconds(600) })
}

/// The good claims with one changed; `null` takes it away.
fn changed(name: &str, value: Value) -> Value {
    let mut claims = good_claims();
    claims[name] = value;
    claims.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    claims
}

/// The whole answer of a refusal: status, challenge, body.
#[track_caller]
fn assert_refused(answer: &Answer, (code, text): (&str, &str), what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let challenge = match code {
        // RFC 6750 section 3.1.
        "AUTH_ERROR" => r#"Bearer realm="causeway""#.to_owned(),
        _ => {
            format!(r#"Bearer realm="causeway", error="invalid_token", error_description="{text}""#)
        }
    };
    assert_eq!(answer.all("www-authenticate"), [challenge], "{what}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let expected = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": text,
        "code": code,
        "error": text,
        "message": text,
        "request_id": answer.header("x-request-id").unwrap(),
    });
    assert_eq!(answer.json(), expected, "{what}");
}
