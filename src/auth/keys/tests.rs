//! Keys as they are read. The remote ones are in `crate::auth::tests::jwks`.

use serde_json::{Value, json};

use super::*;
use crate::plan::JwsAlgorithm;

const RSA: &str = include_str!("../../../tests/jwks/keys/rsa.pub");
const P256: &str = include_str!("../../../tests/jwks/keys/p256.pub");
const ED25519: &str = include_str!("../../../tests/jwks/keys/ed25519.pub");

#[test]
fn a_pem_is_one_public_key_or_is_told_what_it_is() {
    let two = format!("{RSA}{P256}");
    let with_private = format!(
        "{P256}{}",
        include_str!("../../../tests/jwks/keys/p256.pem")
    );
    let crlf = RSA.replace('\n', "\r\n");
    let one_line = ED25519.replace('\n', "");
    let cut = RSA.replace("AQAB", "AQ");
    let trailing = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuEAAAA=\n-----END PUBLIC KEY-----";
    for (pem, expected) in [
        (RSA, Ok(KeyKind::Rsa)),
        (
            include_str!("../../../tests/jwks/keys/rsa_pkcs1.pub"),
            Ok(KeyKind::Rsa),
        ),
        (P256, Ok(KeyKind::P256)),
        (
            include_str!("../../../tests/jwks/keys/p384.pub"),
            Ok(KeyKind::P384),
        ),
        (ED25519, Ok(KeyKind::Ed25519)),
        (crlf.as_str(), Ok(KeyKind::Rsa)),
        (one_line.as_str(), Ok(KeyKind::Ed25519)),
        (
            include_str!("../../../tests/jwks/keys/p521.pub"),
            Err(KeyFlaw::Unsupported),
        ),
        (
            include_str!("../../../tests/jwks/keys/rsa_weak.pub"),
            Err(KeyFlaw::Weak),
        ),
        (
            include_str!("../../../tests/jwks/keys/ed25519.pem"),
            Err(KeyFlaw::Private),
        ),
        (
            include_str!("../../../tests/jwks/keys/rsa.pem"),
            Err(KeyFlaw::Private),
        ),
        (
            include_str!("../../../tests/jwks/keys/rsa.crt"),
            Err(KeyFlaw::Certificate),
        ),
        (two.as_str(), Err(KeyFlaw::Several)),
        (with_private.as_str(), Err(KeyFlaw::Private)),
        (cut.as_str(), Err(KeyFlaw::Malformed)),
        (trailing, Err(KeyFlaw::Malformed)),
        ("", Err(KeyFlaw::Malformed)),
        ("a secret", Err(KeyFlaw::Malformed)),
        (
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----",
            Err(KeyFlaw::Malformed),
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nMCow\n-----END RSA PUBLIC KEY-----",
            Err(KeyFlaw::Malformed),
        ),
    ] {
        assert_eq!(read_pem(pem).map(|key| key.kind), expected, "{pem}");
    }
}

/// The JWK of a PEM, with members changed; `null` takes one away.
fn changed(pem: &str, changes: &Value) -> String {
    let mut jwk: Value = serde_json::from_str(&read_pem(pem).unwrap().jwk).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    jwk.to_string()
}

#[test]
fn a_jwk_is_a_key_for_signatures_or_is_told_what_it_is() {
    use KeyFlaw::{Malformed, OtherUse, Private, Symmetric, Unsupported, Weak};
    for (pem, changes, expected) in [
        (RSA, json!({}), None),
        (
            RSA,
            json!({ "kid": "1", "use": "sig", "alg": "RS256", "x5c": ["x"] }),
            None,
        ),
        (RSA, json!({ "alg": "PS512" }), None),
        (RSA, json!({ "key_ops": ["verify"] }), None),
        (RSA, json!({ "use": "enc" }), Some(OtherUse)),
        (
            RSA,
            json!({ "key_ops": ["sign", "encrypt"] }),
            Some(OtherUse),
        ),
        (RSA, json!({ "key_ops": [] }), Some(OtherUse)),
        (RSA, json!({ "alg": "RSA-OAEP" }), Some(OtherUse)),
        (RSA, json!({ "alg": "ES256" }), Some(OtherUse)),
        (RSA, json!({ "alg": "HS256" }), Some(OtherUse)),
        (RSA, json!({ "alg": "none" }), Some(OtherUse)),
        (RSA, json!({ "d": "AQAB" }), Some(Private)),
        (RSA, json!({ "p": "AQAB" }), Some(Private)),
        (RSA, json!({ "n": "AQAB" }), Some(Weak)),
        (RSA, json!({ "e": "AQ" }), Some(Weak)),
        (RSA, json!({ "e": "AA" }), Some(Weak)),
        (RSA, json!({ "e": "BA" }), Some(Weak)),
        (RSA, json!({ "e": "AQAB==" }), Some(Malformed)),
        (RSA, json!({ "n": null }), Some(Malformed)),
        (RSA, json!({ "n": "A".repeat(2000) }), Some(Malformed)),
        (RSA, json!({ "n": 1 }), Some(Malformed)),
        (RSA, json!({ "kid": 1 }), Some(Malformed)),
        (RSA, json!({ "kty": null }), Some(Malformed)),
        (RSA, json!({ "kty": "oct", "k": "AQAB" }), Some(Symmetric)),
        (RSA, json!({ "kty": "rsa" }), Some(Unsupported)),
        (P256, json!({}), None),
        (P256, json!({ "crv": "P-384" }), Some(Malformed)),
        (P256, json!({ "crv": "P-521" }), Some(Unsupported)),
        (P256, json!({ "crv": "secp256k1" }), Some(Unsupported)),
        (P256, json!({ "alg": "ES384" }), Some(OtherUse)),
        (P256, json!({ "x": "AQAB" }), Some(Malformed)),
        (P256, json!({ "y": null }), Some(Malformed)),
        (P256, json!({ "d": "AQAB" }), Some(Private)),
        (ED25519, json!({}), None),
        (ED25519, json!({ "alg": "EdDSA" }), None),
        (ED25519, json!({ "alg": "Ed25519" }), None),
        (ED25519, json!({ "crv": "X25519" }), Some(Unsupported)),
        (ED25519, json!({ "crv": "Ed448" }), Some(Unsupported)),
    ] {
        let jwk = changed(pem, &changes);
        for json in [jwk.clone(), format!(r#"{{"keys":[{jwk}]}}"#)] {
            let read = read_jwks(&json).map(|mut keys| keys.remove(0));
            let flaw = read.and_then(|key| key).err();
            assert_eq!(flaw, expected, "{json}");
        }
    }
    for (json, expected) in [
        ("", Malformed),
        ("[]", Malformed),
        ("{}", Malformed),
        (r#"{"keys":{}}"#, Malformed),
        (r#"{"keys":[],"keys":[]}"#, Malformed),
        (r#"{"kty":"RSA","kty":"RSA"}"#, Malformed),
    ] {
        assert_eq!(read_jwks(json), Err(expected), "{json}");
    }
    let many = vec!["{}"; 101].join(",");
    let many = format!(r#"{{"keys":[{many}]}}"#);
    assert_eq!(read_jwks(&many), Err(KeyFlaw::Several));
}

#[test]
fn the_platform_is_given_nothing_but_what_makes_the_key() {
    let jwk = changed(
        RSA,
        &json!({ "kid": "\"}", "alg": "PS256", "ext": false, "x": "y" }),
    );
    let key = read_jwks(&jwk).unwrap().remove(0).unwrap();
    assert_eq!(key.jwk, read_pem(RSA).unwrap().jwk);
    assert_eq!(key.kid.as_deref(), Some("\"}"));
    assert_eq!(key.signature_bytes, 256);
}

#[test]
fn a_key_fits_the_algorithms_of_its_type_and_what_its_owner_says() {
    use JwsAlgorithm::*;
    let every = |pem: &str, alg: Value| -> Vec<JwsAlgorithm> {
        let key = read_jwks(&changed(pem, &json!({ "alg": alg })));
        let key = key.unwrap().remove(0).unwrap();
        JwsAlgorithm::ALL
            .into_iter()
            .filter(|a| key.fits(*a))
            .collect()
    };
    let rsa = [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512];
    assert_eq!(every(RSA, Value::Null), rsa);
    assert_eq!(every(RSA, "PS256".into()), [Ps256]);
    assert_eq!(every(P256, Value::Null), [Es256]);
    assert_eq!(every(ED25519, Value::Null), [EdDsa]);
}

#[test]
fn a_kid_picks_among_the_keys_that_fit() {
    let key = |pem: &str, kid: Value| changed(pem, &json!({ "kid": kid }));
    let (a, b, c) = (
        key(RSA, "a".into()),
        key(RSA, "b".into()),
        key(P256, "a".into()),
    );
    let unnamed = key(RSA, Value::Null);
    let several = |one: &String, n: usize| vec![one.clone(); n];
    let mixed = vec![a.clone(), b.clone(), c];
    for (keys, kid, count) in [
        (mixed.clone(), Some("a"), 1),
        (mixed.clone(), Some("b"), 1),
        (mixed.clone(), Some("c"), 0),
        (mixed.clone(), Some(""), 0),
        (mixed.clone(), Some("../a"), 0),
        (mixed.clone(), Some("a\0"), 0),
        (mixed.clone(), Some("A"), 0),
        (mixed, None, 2),
        (vec![unnamed.clone()], Some("any"), 1),
        (vec![unnamed.clone(), a.clone()], Some("any"), 0),
        (vec![unnamed, a.clone()], Some("a"), 1),
        (several(&a, 4), Some("a"), 4),
        (several(&a, 5), Some("a"), 0),
        (several(&a, 5), None, 0),
    ] {
        let json = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
        let set = KeySet::usable(&json).unwrap();
        let found = set.candidates(JwsAlgorithm::Rs256, kid);
        assert_eq!(found.len(), count, "{kid:?} of {}", keys.len());
    }
}
