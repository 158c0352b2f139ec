//! HTTP Message Signatures by public keys, checked by the platform.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use peers::upstream::Script;
use peers::{Options, Request, Upstream};
use serde_json::{Value, json};

use crate::support::issuer::{Pair, ed25519, jwks, p256, p384, rsa};
use crate::support::{self, gateway, tokens::in_seconds};
use crate::{assert_in, assert_refused, behind};

macro_rules! key {
    ($read:ident, $file:literal) => {{
        let pem = include_str!(concat!("../jwks/keys/", $file));
        let lines: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
        EncodingKey::$read(&STANDARD.decode(lines).unwrap())
    }};
}

/// A `keyid`, its public half, the algorithm's names, and the private half.
struct Signer(&'static str, Pair, &'static str, Algorithm, EncodingKey);

fn signers() -> Vec<Signer> {
    let rsa_key = || key!(from_rsa_der, "rsa.pem");
    vec![
        Signer("pss", rsa(), "rsa-pss-sha512", Algorithm::PS512, rsa_key()),
        Signer(
            "v1_5",
            rsa(),
            "rsa-v1_5-sha256",
            Algorithm::RS256,
            rsa_key(),
        ),
        Signer(
            "p256",
            p256(),
            "ecdsa-p256-sha256",
            Algorithm::ES256,
            key!(from_ec_der, "p256.pem"),
        ),
        Signer(
            "p384",
            p384(),
            "ecdsa-p384-sha384",
            Algorithm::ES384,
            key!(from_ec_der, "p384.pem"),
        ),
        Signer(
            "ed",
            ed25519(),
            "ed25519",
            Algorithm::EdDSA,
            key!(from_ed_der, "ed25519.pem"),
        ),
    ]
}

/// `GET /hook` signed by one of them over what is asked for if nothing is said.
fn signed(signer: &Signer, id: &str, nonce: &str) -> Request {
    let params = format!(
        "(\"@method\" \"@authority\" \"@path\" \"@query\");created={};keyid=\"{id}\";nonce=\"{nonce}\"",
        in_seconds(0)
    );
    let base = format!(
        "\"@method\": GET\n\"@authority\": api.test\n\"@path\": /hook\n\"@query\": ?\n\"@signature-params\": {params}"
    );
    let signature = jsonwebtoken::crypto::sign(base.as_bytes(), &signer.4, signer.3).unwrap();
    let signature = STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
    Request::get("/hook")
        .header("Host", "api.test")
        .header("Signature-Input", &format!("s={params}"))
        .header("Signature", &format!("s=:{signature}:"))
}

fn assert_known(authorizer: &dyn Fn(&Signer) -> Value, upstream: &Upstream) {
    for signer in signers() {
        let gateway = behind(upstream, authorizer(&signer));
        let id = signer.0;
        let good = signed(&signer, id, "1");
        let answer = gateway.send(&good);
        assert_eq!(answer.status, 200, "{id}: {}", answer.text());
        assert_eq!(upstream.last().head.header("x-sender"), Some(id));
        assert_refused(&gateway.send(&good), 401, "signature_replayed");
        let served = upstream.requests().len();
        for nonce in ["2", "3"] {
            let other = signed(&signer, "other", nonce);
            assert_refused(&gateway.send(&other), 401, "signature_invalid");
        }
        // The path is another than was signed.
        let moved = String::from_utf8(signed(&signer, id, "3").bytes()).unwrap();
        let mut client = gateway.connect();
        client.send(moved.replace("GET /hook", "GET /hook?admin").as_bytes());
        assert_refused(&client.answer("GET").unwrap(), 401, "signature_invalid");
        for another in signers().iter().filter(|another| another.0 != id) {
            let forged = signed(another, id, "4");
            assert_refused(&gateway.send(&forged), 401, "signature_invalid");
        }
        assert_eq!(upstream.requests().len(), served);
    }
}

#[test]
fn callers_are_known_by_keys_in_the_config() {
    let upstream = Upstream::start();
    assert_known(
        &|signer| {
            let jwk = signer.1.jwk("a name that does not count");
            json!({ "type": "message_signature", "public_keys": { signer.0: jwk }, "algorithms": [signer.2] })
        },
        &upstream,
    );
    let gateway = behind(
        &upstream,
        json!({
            "type": "message_signature", "keys": { "partner": "$secret.HOOK_SECRET" },
            "public_keys": { "p256": p256().pem, "ed": ed25519().pem, "pss": rsa().pem },
        }),
    );
    for signer in signers()
        .iter()
        .filter(|s| !["v1_5", "p384"].contains(&s.0))
    {
        let answer = gateway.send(&signed(signer, signer.0, "1"));
        assert_eq!(answer.status, 200, "{}: {}", signer.0, answer.text());
    }
    // Secrets go on beside them.
    let good = crate::signed("POST", "api.test", "/hook", b"{}", 1);
    assert_in(&gateway.send(&good), &upstream, "partner", b"{}");
}

#[test]
fn callers_are_known_by_keys_that_are_fetched() {
    let (upstream, keys) = (Upstream::start(), Upstream::start());
    let published: Vec<Value> = signers().iter().map(|s| s.1.jwk(s.0)).collect();
    let script = Script {
        status: 200,
        body: jwks(&published).to_string(),
        ..Script::default()
    };
    keys.script("/jwks", script);
    assert_known(
        &|signer| {
            let url = format!("{}/jwks", keys.url());
            json!({ "type": "message_signature", "jwks_uri": url, "algorithms": [signer.2] })
        },
        &upstream,
    );
    // Once by each gateway, and once more for the name that no key has.
    assert_eq!(keys.count("/jwks"), 2 * signers().len());
}

#[test]
fn keys_that_cannot_be_had_are_not_the_callers_fault() {
    let nobody = Upstream::start().url();
    let config = |key: &str, value: &str| {
        json!({
            "authorizer": { "type": "message_signature", key: value },
            "paths": [{ "method": "GET", "path": "/hook", "auth": true, "response": 1 }],
        })
    };
    let signer = &signers()[2];
    let down = gateway(
        config("jwks_uri", &format!("{nobody}/jwks")),
        Options::default(),
    );
    let answer = down.send(&signed(signer, signer.0, "1"));
    support::assert_problem(&answer, 503, "authorizer_unavailable");
    let mut missing = config("public_keys", "");
    missing["authorizer"]["public_keys"] = json!({ "p256": "$env.MISSING" });
    let answer = gateway(missing, Options::default()).send(&signed(signer, signer.0, "1"));
    support::assert_problem(&answer, 500, "config_error");
}
