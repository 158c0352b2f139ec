//! What has been tried against tokens of public keys elsewhere, against the platform's own signature check. The same
//! and more runs natively, in `src/auth/tests/public.rs`.

use super::*;
use support::issuer::{p256, p384, rsa, rsa_other};
use support::tokens::base64;

const INVALID: &str = "401 ERR_JWS_INVALID";
const SIGNATURE: &str = "401 ERR_JWS_SIGNATURE_VERIFICATION_FAILED";
const NO_KEY: &str = "401 ERR_JWKS_NO_MATCHING_KEY";

#[test]
fn no_token_without_a_signature_of_the_key_gets_in() {
    let rsa = rsa();
    let gateway = protected(json!({ "jwks": jwks(&[rsa.jwk("rsa"), p256().jwk("ec")]) }));
    let good = p256().sign("ES256", Some("ec"), &claims());
    assert_eq!(outcome(&gateway, &good), "200");
    let (message, signature) = good.rsplit_once('.').unwrap();
    let with_header = |header: Value| {
        let body = base64(claims().to_string());
        format!("{}.{body}.{signature}", base64(header.to_string()))
    };
    let as_secret = |secret: &str| {
        support::tokens::sign_parts(
            "HS256",
            secret,
            &json!({ "alg": "HS256", "kid": "rsa" }),
            &claims(),
        )
    };
    let own = rsa_other();
    let mut brought = json!({ "alg": "RS256", "kid": "rsa" });
    brought["jwk"] = own.jwk("rsa");
    let text = claims().to_string();
    let huge = json!({ "exp": in_seconds(60), "x": "y".repeat(15_000) });
    for (what, token, expected) in [
        ("none", with_header(json!({ "alg": "none" })), INVALID),
        ("nOnE", with_header(json!({ "alg": "nOnE" })), INVALID),
        ("no signature", format!("{message}."), SIGNATURE),
        ("PEM as a secret", as_secret(rsa.pem), INVALID),
        (
            "JWK as a secret",
            as_secret(&rsa.jwk("rsa").to_string()),
            INVALID,
        ),
        (
            "zeros",
            format!("{message}.{}", base64([0_u8; 64])),
            SIGNATURE,
        ),
        (
            "too short",
            format!("{message}.{}", base64([1_u8; 63])),
            SIGNATURE,
        ),
        (
            "another curve",
            p384().sign("ES384", Some("ec"), &claims()),
            INVALID,
        ),
        (
            "another key",
            own.sign("RS256", Some("rsa"), &claims()),
            SIGNATURE,
        ),
        (
            "a path as kid",
            rsa.sign("RS256", Some("../../rsa"), &claims()),
            NO_KEY,
        ),
        (
            "a query as kid",
            rsa.sign("RS256", Some("x' OR '1'='1"), &claims()),
            NO_KEY,
        ),
        (
            "an embedded key",
            own.sign_text("RS256", &brought.to_string(), &text),
            INVALID,
        ),
        (
            "jku",
            own.sign_text(
                "RS256",
                r#"{"alg":"RS256","jku":"https://evil.example"}"#,
                &text,
            ),
            INVALID,
        ),
        (
            "x5u",
            own.sign_text(
                "RS256",
                r#"{"alg":"RS256","x5u":"https://evil.example"}"#,
                &text,
            ),
            INVALID,
        ),
        (
            "crit",
            rsa.sign_text(
                "RS256",
                r#"{"alg":"RS256","kid":"rsa","crit":["x"]}"#,
                &text,
            ),
            INVALID,
        ),
        (
            "claims twice",
            rsa.sign_text(
                "RS256",
                r#"{"alg":"RS256","kid":"rsa"}"#,
                r#"{"sub":"u1","sub":"root","exp":4000000000}"#,
            ),
            INVALID,
        ),
        ("padding", format!("{good}=="), INVALID),
        ("a fourth part", format!("{good}.x"), INVALID),
        ("more bytes", format!("{good}AA"), SIGNATURE),
        ("huge", rsa.sign("RS256", Some("rsa"), &huge), INVALID),
    ] {
        assert_eq!(outcome(&gateway, &token), expected, "{what}");
    }
    assert_eq!(outcome(&gateway, &good), "200");
}

#[test]
fn a_token_for_another_audience_or_of_another_issuer_is_refused() {
    let gateway = protected(json!({
        "public_key": p256().pem, "issuer": "https://login.test", "audience": "https://api.test",
    }));
    for (issuer, audience, expected) in [
        ("https://login.test", "https://api.test", "200"),
        (
            "https://login.test",
            "https://other.test",
            "401 ERR_JWT_CLAIM_VALIDATION_FAILED",
        ),
        (
            "https://evil.test",
            "https://api.test",
            "401 ERR_JWT_CLAIM_VALIDATION_FAILED",
        ),
    ] {
        let mut claims = claims();
        claims["iss"] = issuer.into();
        claims["aud"] = audience.into();
        let token = p256().sign("ES256", None, &claims);
        assert_eq!(outcome(&gateway, &token), expected, "{issuer} {audience}");
    }
}

#[test]
fn a_key_that_is_off_its_curve_opens_nothing_and_breaks_nothing() {
    let mut off = p256().jwk("a");
    off["y"] = off["x"].clone();
    let gateway = protected(json!({ "jwks": jwks(&[off]) }));
    for _ in 0..3 {
        let token = p256().sign("ES256", Some("a"), &claims());
        assert_eq!(outcome(&gateway, &token), SIGNATURE);
    }
    assert!(gateway.logs("cannot be used"), "{}", gateway.log());
}
