//! Tokens signed with private keys, and what has been tried against such tokens elsewhere.

use serde_json::{Value, json};

use super::issuer::{Pair, ed25519, jwks, p256, p384, rsa, rsa_other};
use super::*;
use crate::host::memory::{MemoryHost, run};

/// An authorizer with this PEM.
fn by_pem(pem: &str, algorithms: &[JwsAlgorithm]) -> Jwt {
    jwt(JwtSpec {
        keys: JwtKeys::PublicKey(pem.into()),
        algorithms: algorithms.to_vec(),
        ..spec()
    })
}

fn by_jwks(keys: &Value, algorithms: &[JwsAlgorithm]) -> Jwt {
    jwt(JwtSpec {
        keys: JwtKeys::Jwks(keys.to_string().as_str().into()),
        algorithms: algorithms.to_vec(),
        ..spec()
    })
}

fn verify(jwt: &Jwt, token: &str) -> Option<Cause> {
    cause(run(jwt.verify(token, &MemoryHost::new(NOW * 1000, &[]))))
}

fn claims() -> Value {
    json!({ "sub": "u1", "exp": 1_900_000_000_u64 })
}

/// All keys in one set, each with the name of its type.
fn every_key() -> Value {
    jwks(&[
        rsa().jwk("rsa"),
        p256().jwk("p256"),
        p384().jwk("p384"),
        ed25519().jwk("ed"),
    ])
}

type MakePair = fn() -> Pair;

const PUBLIC: [(&str, MakePair); 9] = [
    ("RS256", rsa),
    ("RS384", rsa),
    ("RS512", rsa),
    ("PS256", rsa),
    ("PS384", rsa),
    ("PS512", rsa),
    ("ES256", p256),
    ("ES384", p384),
    ("EdDSA", ed25519),
];

#[test]
fn each_public_key_algorithm_is_accepted_where_it_is_allowed_and_nowhere_else() {
    for (name, pair) in PUBLIC {
        let algorithm = JwsAlgorithm::named(name).unwrap();
        let token = pair().sign(name, None, &claims());
        assert_eq!(
            verify(&by_pem(pair().pem, &[algorithm]), &token),
            None,
            "{name}"
        );
        let others: Vec<JwsAlgorithm> = JwsAlgorithm::ALL
            .into_iter()
            .filter(|a| !a.is_hmac() && *a != algorithm)
            .collect();
        let refused = verify(&by_jwks(&every_key(), &others), &token);
        assert_eq!(refused, Some(Cause::NotJws), "{name}");
        // The right message under a changed claim.
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let forged = format!("{header}.{}.{signature}", base64(r#"{"sub":"root"}"#));
        let refused = verify(&by_pem(pair().pem, &[algorithm]), &forged);
        assert_eq!(refused, Some(Cause::Signature), "{name}");
    }
}

#[test]
fn alg_none_is_refused_in_every_spelling() {
    let jwt = by_jwks(&every_key(), &JwsAlgorithm::OF_PUBLIC_KEYS);
    let good = p256().sign("ES256", None, &claims());
    let signature = good.rsplit_once('.').unwrap().1;
    for alg in [
        "none", "None", "NONE", "nOnE", "", " none", "none ", "null", "es256", "ES256 ",
    ] {
        let message = format!(
            "{}.{}",
            base64(json!({ "alg": alg, "kid": "p256" }).to_string()),
            base64(claims().to_string())
        );
        for token in [
            format!("{message}."),
            format!("{message}.{signature}"),
            message,
        ] {
            assert_eq!(verify(&jwt, &token), Some(Cause::NotJws), "{alg}");
        }
    }
}

#[test]
fn a_public_key_is_no_secret_in_any_of_its_spellings() {
    let rsa = rsa();
    let jwk = rsa.jwk("rsa");
    let modulus = jwk["n"].as_str().unwrap().to_owned();
    let spellings = [
        rsa.pem.to_owned(),
        rsa.pem.trim_end().to_owned(),
        rsa.pem.replace('\n', "\r\n"),
        rsa.pem.replace('\n', ""),
        jwk.to_string(),
        jwks(std::slice::from_ref(&jwk)).to_string(),
        modulus,
    ];
    for jwt in [
        by_pem(rsa.pem, &[JwsAlgorithm::Rs256]),
        by_jwks(&jwks(&[jwk]), &JwsAlgorithm::OF_PUBLIC_KEYS),
    ] {
        for secret in &spellings {
            let header = base64(r#"{"alg":"HS256","kid":"rsa"}"#);
            let message = format!("{header}.{}", base64(claims().to_string()));
            let tag = mac::<Hmac<sha2::Sha256>>(secret.as_bytes(), &message);
            let token = format!("{message}.{}", base64(tag));
            assert_eq!(verify(&jwt, &token), Some(Cause::NotJws));
        }
    }
    for (keys, algorithm) in [
        (JwtKeys::PublicKey(rsa.pem.into()), JwsAlgorithm::Hs256),
        (JwtKeys::Secrets(vec![SECRET.into()]), JwsAlgorithm::Rs256),
    ] {
        let fault = Jwt::new(JwtSpec {
            keys,
            algorithms: vec![algorithm],
            ..spec()
        });
        assert_eq!(fault.err().unwrap().code, "jwt_bad_key");
    }
}

#[test]
fn a_signature_of_zeros_or_of_another_length_is_none() {
    for (name, pair, half) in [("ES256", p256 as MakePair, 32), ("ES384", p384, 48)] {
        let jwt = by_pem(pair().pem, &[JwsAlgorithm::named(name).unwrap()]);
        let token = pair().sign(name, None, &claims());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let zeros = vec![0_u8; half];
        let order = vec![0xff_u8; half];
        for bad in [
            Vec::new(),
            vec![0; 2 * half],
            [&zeros, &good[half..]].concat(),
            [&good[..half], &zeros].concat(),
            [&order, &order[..]].concat(),
            good[..2 * half - 1].to_vec(),
            [&good[..], &[0]].concat(),
            [&[0], &good[..]].concat(),
            vec![0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00],
        ] {
            let token = format!("{message}.{}", base64(bad));
            assert_eq!(verify(&jwt, &token), Some(Cause::Signature), "{name}");
        }
        assert_eq!(verify(&jwt, &token), None);
    }
}

#[test]
fn a_key_of_another_curve_or_off_its_curve_opens_nothing() {
    // ES256 of a P-384 key, and the other way.
    let jwt = by_jwks(
        &jwks(&[p384().jwk("a")]),
        &[JwsAlgorithm::Es256, JwsAlgorithm::Es384],
    );
    let token = p256().sign("ES256", Some("a"), &claims());
    assert_eq!(verify(&jwt, &token), Some(Cause::NoMatchingKey));
    let mut off = p256().jwk("a");
    off["y"] = off["x"].clone();
    let jwt = by_jwks(&jwks(&[off]), &[JwsAlgorithm::Es256]);
    assert_eq!(verify(&jwt, &token), Some(Cause::Signature));
    let mut mixed = p256().jwk("a");
    mixed["crv"] = "P-384".into();
    let fault = Jwt::new(JwtSpec {
        keys: JwtKeys::Jwks(jwks(&[mixed]).to_string().as_str().into()),
        algorithms: vec![JwsAlgorithm::Es384],
        ..spec()
    });
    assert_eq!(fault.err().unwrap().code, "jwt_bad_key");
}

#[test]
fn a_header_that_brings_its_own_key_or_an_extension_is_refused() {
    let jwt = by_jwks(&every_key(), &JwsAlgorithm::OF_PUBLIC_KEYS);
    let own = rsa_other();
    for member in [
        json!({ "jwk": own.jwk("rsa") }),
        json!({ "jku": "https://evil.example/keys" }),
        json!({ "x5u": "https://evil.example/cert" }),
        json!({ "x5c": ["MII"] }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "b64": false }),
        json!({ "kid": ["rsa"] }),
        json!({ "kid": null }),
        json!({ "kid": 1 }),
    ] {
        let mut header = json!({ "alg": "RS256", "kid": "rsa" });
        for (name, value) in member.as_object().unwrap() {
            header[name] = value.clone();
        }
        for pair in [&own, &rsa()] {
            let token = pair.sign_text("RS256", &header.to_string(), &claims().to_string());
            assert_eq!(verify(&jwt, &token), Some(Cause::NotJws), "{member}");
        }
    }
}

#[test]
fn an_odd_kid_is_compared_and_nothing_else() {
    let jwt = by_jwks(&every_key(), &JwsAlgorithm::OF_PUBLIC_KEYS);
    for kid in [
        "../../../dev/null",
        "/etc/passwd",
        "' OR '1'='1",
        "rsa' --",
        "rsa\0",
        "rsa\n",
        "RSA",
        " rsa",
        "",
        "https://evil.example/keys",
        "$env.SECRET",
        "{{7*7}}",
        "p256",
    ] {
        let token = rsa().sign("RS256", Some(kid), &claims());
        assert_eq!(verify(&jwt, &token), Some(Cause::NoMatchingKey), "{kid}");
    }
    let long = rsa().sign("RS256", Some(&"k".repeat(5_000)), &claims());
    assert_eq!(verify(&jwt, &long), Some(Cause::NoMatchingKey));
}

#[test]
fn a_token_without_kid_is_tried_with_the_keys_that_fit() {
    let keys = jwks(&[
        rsa_other().jwk("other"),
        rsa().jwk("rsa"),
        p256().jwk("p256"),
    ]);
    let jwt = by_jwks(&keys, &JwsAlgorithm::OF_PUBLIC_KEYS);
    assert_eq!(verify(&jwt, &rsa().sign("RS256", None, &claims())), None);
    assert_eq!(verify(&jwt, &p256().sign("ES256", None, &claims())), None);
    let refused = verify(&jwt, &ed25519().sign("EdDSA", None, &claims()));
    assert_eq!(refused, Some(Cause::NoMatchingKey));
}

#[test]
fn a_token_that_is_not_written_in_the_one_way_is_refused() {
    let jwt = by_pem(p256().pem, &[JwsAlgorithm::Es256]);
    let token = p256().sign("ES256", None, &claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    // 64 bytes leave four bits of the last character unused: others with the same bytes are other tokens.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    let sibling = &alphabet[at + 1..at + 2];
    let cut = &signature[..signature.len() - 1];
    for bad in [
        format!("{message}.{cut}{sibling}"),
        format!("{token}=="),
        format!("{token}."),
        format!("{token}.x"),
        format!("{token} "),
        format!("{token}A"),
        format!("{token}AA"),
        token.replace('.', ".."),
        format!(".{token}"),
    ] {
        assert!(verify(&jwt, &bad).is_some(), "{bad}");
    }
    let twice = r#"{"sub":"u1","sub":"root","exp":1900000000}"#;
    let header = r#"{"alg":"ES256"}"#;
    let refused = verify(&jwt, &p256().sign_text("ES256", header, twice));
    assert_eq!(refused, Some(Cause::NotJws));
    let twice = r#"{"alg":"ES256","alg":"ES256"}"#;
    let refused = verify(&jwt, &p256().sign_text("ES256", twice, "{}"));
    assert_eq!(refused, Some(Cause::NotJws));
    let huge = json!({ "exp": 1_900_000_000_u64, "x": "y".repeat(20_000) });
    let refused = verify(&jwt, &p256().sign("ES256", None, &huge));
    assert_eq!(refused, Some(Cause::NotJws));
}

#[test]
fn the_rules_hold_for_public_keys_as_for_secrets() {
    let jwt = jwt(JwtSpec {
        keys: JwtKeys::PublicKey(p256().pem.into()),
        algorithms: vec![JwsAlgorithm::Es256],
        audiences: vec!["https://api.test".into()],
        issuers: vec!["https://login.test".into()],
        ..spec()
    });
    let good = json!({ "exp": NOW + 1, "aud": "https://api.test", "iss": "https://login.test" });
    for (name, value, expected) in [
        ("x", json!(1), None),
        ("aud", json!(["a", "https://api.test"]), None),
        ("aud", json!("https://other.test"), Some(Cause::Claims)),
        ("aud", json!("https://api.test/"), Some(Cause::Claims)),
        ("iss", json!("https://evil.test"), Some(Cause::Claims)),
        ("nbf", json!(NOW + 10), Some(Cause::NotActive)),
        ("exp", json!(NOW), Some(Cause::Expired)),
        ("exp", Value::Null, Some(Cause::Claims)),
    ] {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let token = p256().sign("ES256", None, &claims);
        assert_eq!(verify(&jwt, &token), expected, "{name} {value}");
    }
}

#[test]
fn a_place_or_key_that_is_not_safe_is_a_fault() {
    for (keys, issuers, code) in [
        (
            JwtKeys::JwksUri("http://login.test/keys".into()),
            vec![],
            "jwt_bad_url",
        ),
        (JwtKeys::JwksUri("".into()), vec![], "jwt_bad_url"),
        (JwtKeys::Discovery, vec![], "jwt_bad_url"),
        (
            JwtKeys::Discovery,
            vec!["http://login.test".into()],
            "jwt_bad_url",
        ),
        (JwtKeys::PublicKey("x".into()), vec![], "jwt_bad_key"),
        (
            JwtKeys::Jwks(r#"{"keys":[]}"#.into()),
            vec![],
            "jwt_bad_key",
        ),
        (
            JwtKeys::Jwks(r#"{"kty":"oct","k":"AQAB"}"#.into()),
            vec![],
            "jwt_bad_key",
        ),
    ] {
        let fault = Jwt::new(JwtSpec {
            keys: keys.clone(),
            issuers,
            algorithms: vec![JwsAlgorithm::Rs256],
            ..spec()
        });
        assert_eq!(fault.err().unwrap().code, code, "{keys:?}");
    }
}
