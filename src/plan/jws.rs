//! Algorithms of JSON Web Signatures, and where an authorizer has its keys from.

use serde::{Deserialize, Serialize};

use super::Text;

/// An algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JwsAlgorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl JwsAlgorithm {
    pub const ALL: [JwsAlgorithm; 12] = [
        JwsAlgorithm::Hs256,
        JwsAlgorithm::Hs384,
        JwsAlgorithm::Hs512,
        JwsAlgorithm::Rs256,
        JwsAlgorithm::Rs384,
        JwsAlgorithm::Rs512,
        JwsAlgorithm::Ps256,
        JwsAlgorithm::Ps384,
        JwsAlgorithm::Ps512,
        JwsAlgorithm::Es256,
        JwsAlgorithm::Es384,
        JwsAlgorithm::EdDsa,
    ];

    /// What public keys are used with where the config does not say: one algorithm for each type of key, so that the
    /// key decides and the token has no choice.
    pub const OF_PUBLIC_KEYS: [JwsAlgorithm; 4] = [
        JwsAlgorithm::Rs256,
        JwsAlgorithm::Es256,
        JwsAlgorithm::Es384,
        JwsAlgorithm::EdDsa,
    ];

    /// Every one of public keys.
    pub const PUBLIC: [JwsAlgorithm; 9] = [
        JwsAlgorithm::Rs256,
        JwsAlgorithm::Rs384,
        JwsAlgorithm::Rs512,
        JwsAlgorithm::Ps256,
        JwsAlgorithm::Ps384,
        JwsAlgorithm::Ps512,
        JwsAlgorithm::Es256,
        JwsAlgorithm::Es384,
        JwsAlgorithm::EdDsa,
    ];

    /// The value of `alg`.
    pub fn name(self) -> &'static str {
        match self {
            JwsAlgorithm::Hs256 => "HS256",
            JwsAlgorithm::Hs384 => "HS384",
            JwsAlgorithm::Hs512 => "HS512",
            JwsAlgorithm::Rs256 => "RS256",
            JwsAlgorithm::Rs384 => "RS384",
            JwsAlgorithm::Rs512 => "RS512",
            JwsAlgorithm::Ps256 => "PS256",
            JwsAlgorithm::Ps384 => "PS384",
            JwsAlgorithm::Ps512 => "PS512",
            JwsAlgorithm::Es256 => "ES256",
            JwsAlgorithm::Es384 => "ES384",
            JwsAlgorithm::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that very name, of which EdDSA has two: the newer one says the curve too (RFC 9864 section 2.2).
    pub fn named(name: &str) -> Option<JwsAlgorithm> {
        if name == "Ed25519" {
            return Some(JwsAlgorithm::EdDsa);
        }
        JwsAlgorithm::ALL.into_iter().find(|a| a.name() == name)
    }

    /// Whether whoever can check a signature can make one.
    pub fn is_hmac(self) -> bool {
        matches!(
            self,
            JwsAlgorithm::Hs256 | JwsAlgorithm::Hs384 | JwsAlgorithm::Hs512
        )
    }
}

/// The name that RFC 9421 section 3.3 gives an algorithm of public keys.
pub fn signature_algorithm(algorithm: JwsAlgorithm) -> Option<&'static str> {
    Some(match algorithm {
        // Its salt is as long as the hash, as in JSON Web Signatures.
        JwsAlgorithm::Ps512 => "rsa-pss-sha512",
        JwsAlgorithm::Rs256 => "rsa-v1_5-sha256",
        JwsAlgorithm::Es256 => "ecdsa-p256-sha256",
        JwsAlgorithm::Es384 => "ecdsa-p384-sha384",
        JwsAlgorithm::EdDsa => "ed25519",
        _ => return None,
    })
}

/// Where the keys of a JSON Web Token authorizer come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtKeys {
    /// Shared with the issuer, of which any is enough; each at least as long as the longest allowed algorithm's hash (RFC
    /// 7518 section 3.2).
    Secrets(Vec<Text>),
    /// One key in PEM: SubjectPublicKeyInfo (RFC 5280 section 4.1) or RSAPublicKey (RFC 8017 appendix A.1.1).
    PublicKey(Text),
    /// JSON text: a JWK or a set of them (RFC 7517).
    Jwks(Text),
    /// Where a set of them is fetched.
    JwksUri(Text),
    /// The only expected issuer tells where (OpenID Connect Discovery 1.0 section 4).
    Discovery,
}

impl JwtKeys {
    /// The texts that may be references.
    pub fn texts(&self) -> &[Text] {
        match self {
            JwtKeys::Secrets(texts) => texts,
            JwtKeys::PublicKey(text) | JwtKeys::Jwks(text) | JwtKeys::JwksUri(text) => {
                std::slice::from_ref(text)
            }
            JwtKeys::Discovery => &[],
        }
    }

    pub fn texts_mut(&mut self) -> &mut [Text] {
        match self {
            JwtKeys::Secrets(texts) => texts,
            JwtKeys::PublicKey(text) | JwtKeys::Jwks(text) | JwtKeys::JwksUri(text) => {
                std::slice::from_mut(text)
            }
            JwtKeys::Discovery => &mut [],
        }
    }
}
