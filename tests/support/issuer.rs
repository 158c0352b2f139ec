//! An issuer of tokens with private keys, made with `jsonwebtoken` alone and not with the code under test.

#![allow(dead_code, reason = "each test uses its own part of this module")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A pair of keys of the tests.
pub struct Pair {
    private: EncodingKey,
    /// One that the key can be used with.
    algorithm: Algorithm,
    /// The public key in PEM.
    pub pem: &'static str,
}

pub fn rsa() -> Pair {
    Pair {
        private: EncodingKey::from_rsa_der(&der(include_str!("../jwks/keys/rsa.pem"))),
        algorithm: Algorithm::RS256,
        pem: include_str!("../jwks/keys/rsa.pub"),
    }
}

/// Another RSA key.
pub fn rsa_other() -> Pair {
    Pair {
        private: EncodingKey::from_rsa_der(&der(include_str!("../jwks/keys/rsa_other.pem"))),
        algorithm: Algorithm::RS256,
        pem: "",
    }
}

pub fn p256() -> Pair {
    Pair {
        private: EncodingKey::from_ec_der(&der(include_str!("../jwks/keys/p256.pem"))),
        algorithm: Algorithm::ES256,
        pem: include_str!("../jwks/keys/p256.pub"),
    }
}

pub fn p384() -> Pair {
    Pair {
        private: EncodingKey::from_ec_der(&der(include_str!("../jwks/keys/p384.pem"))),
        algorithm: Algorithm::ES384,
        pem: include_str!("../jwks/keys/p384.pub"),
    }
}

pub fn ed25519() -> Pair {
    Pair {
        private: EncodingKey::from_ed_der(&der(include_str!("../jwks/keys/ed25519.pem"))),
        algorithm: Algorithm::EdDSA,
        pem: include_str!("../jwks/keys/ed25519.pub"),
    }
}

impl Pair {
    /// The public key as a JWK with this `kid` and no `alg`.
    pub fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.algorithm).expect("a public half");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        let members = jwk.as_object_mut().expect("an object");
        members.retain(|name, _| ["kty", "crv", "n", "e", "x", "y"].contains(&name.as_str()));
        jwk["kid"] = kid.into();
        jwk
    }

    /// A token with this `alg` and `kid`.
    pub fn sign(&self, alg: &str, kid: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": alg, "typ": "JWT" });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        self.sign_text(alg, &header.to_string(), &claims.to_string())
    }

    /// The signature of a text by the key's usual algorithm.
    pub fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        let signature = jsonwebtoken::crypto::sign(message, &self.private, self.algorithm);
        let signature = URL_SAFE_NO_PAD.decode(signature.expect("a signature"));
        signature.expect("base64")
    }

    /// A token whose header and claims are these very texts.
    pub fn sign_text(&self, alg: &str, header: &str, claims: &str) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let algorithm = alg.parse().unwrap_or(self.algorithm);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, algorithm);
        format!("{message}.{}", signature.expect("a signature"))
    }
}

/// A set of these keys.
pub fn jwks(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
    STANDARD.decode(lines).expect("PEM")
}
