//! A public key in JSON (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::plan::JwsAlgorithm;

/// A set with more keys is none: no issuer has so many.
const MAX_KEYS: usize = 100;

/// Weaker ones are refused (RFC 7518 section 3.3); longer ones would only cost.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What a key is, which says what it can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A key that signatures are checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    pub kind: KeyKind,
    /// What its owner calls it. Only ever compared.
    pub kid: Option<String>,
    /// The one algorithm that its owner says it is for.
    pub algorithm: Option<JwsAlgorithm>,
    /// A JWK of the members that make the key, and no other.
    pub jwk: String,
    /// How long a signature is, in bytes.
    pub signature_bytes: usize,
}

/// Why something is no key to check signatures with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFlaw {
    Malformed,
    Private,
    Symmetric,
    Weak,
    /// Another type or curve.
    Unsupported,
    /// Its owner says that it is for something else, such as encryption.
    OtherUse,
    Certificate,
    /// More than one where one is wanted, or more than a set may have.
    Several,
}

impl KeyFlaw {
    /// For the operator.
    pub fn message(self) -> &'static str {
        match self {
            KeyFlaw::Malformed => "this is no public key that can be read",
            KeyFlaw::Private => "this is a private key: whoever has it can make tokens",
            KeyFlaw::Symmetric => "this is a shared secret, not a public key",
            KeyFlaw::Weak => "this RSA key has less than 2048 bits or an unsafe exponent",
            KeyFlaw::Unsupported => "keys of this type or curve are not supported",
            KeyFlaw::OtherUse => "this key is not for signatures, by its `use`, `key_ops` or `alg`",
            KeyFlaw::Certificate => "this is a certificate, not a public key",
            KeyFlaw::Several => "there are too many keys here",
        }
    }
}

impl PublicKey {
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyFlaw> {
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = modulus
            .len()
            .saturating_mul(8)
            .saturating_sub(usize::try_from(unused).unwrap_or(0));
        if bits > *RSA_BITS.end() || modulus.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyFlaw::Malformed);
        }
        // Odd, above one, and short enough for every implementation.
        let sound = exponent.len() <= 4
            && exponent != [1]
            && exponent.last().is_some_and(|byte| byte % 2 == 1);
        if bits < *RSA_BITS.start() || !sound {
            return Err(KeyFlaw::Weak);
        }
        let members = format!(
            r#""kty":"RSA","n":"{}","e":"{}""#,
            base64(modulus),
            base64(exponent)
        );
        Ok(PublicKey::new(KeyKind::Rsa, &members, modulus.len()))
    }

    /// Whether the point is on the curve is for whoever checks with it to see.
    pub(super) fn ec(kind: KeyKind, x: &[u8], y: &[u8]) -> Result<PublicKey, KeyFlaw> {
        let (curve, length) = match kind {
            KeyKind::P256 => ("P-256", 32),
            KeyKind::P384 => ("P-384", 48),
            KeyKind::Rsa | KeyKind::Ed25519 => return Err(KeyFlaw::Unsupported),
        };
        if x.len() != length || y.len() != length {
            return Err(KeyFlaw::Malformed);
        }
        let members = format!(
            r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#,
            base64(x),
            base64(y)
        );
        Ok(PublicKey::new(kind, &members, length.saturating_mul(2)))
    }

    pub(super) fn ed25519(x: &[u8]) -> Result<PublicKey, KeyFlaw> {
        if x.len() != 32 {
            return Err(KeyFlaw::Malformed);
        }
        let members = format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, base64(x));
        Ok(PublicKey::new(KeyKind::Ed25519, &members, 64))
    }

    fn new(kind: KeyKind, members: &str, signature_bytes: usize) -> PublicKey {
        PublicKey {
            kind,
            kid: None,
            algorithm: None,
            jwk: format!("{{{members}}}"),
            signature_bytes,
        }
    }

    /// Whether signatures of this algorithm can be checked with it: by its type, and by what its owner says.
    pub fn fits(&self, algorithm: JwsAlgorithm) -> bool {
        use JwsAlgorithm::{
            EdDsa, Es256, Es384, Hs256, Hs384, Hs512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512,
        };
        let kind = match algorithm {
            Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512 => KeyKind::Rsa,
            Es256 => KeyKind::P256,
            Es384 => KeyKind::P384,
            EdDsa => KeyKind::Ed25519,
            Hs256 | Hs384 | Hs512 => return false,
        };
        self.kind == kind && self.algorithm.is_none_or(|only| only == algorithm)
    }
}

/// Reads a JWK, or a set of them with what is wrong with each that is no key here.
///
/// # Errors
/// It is neither, or a set of too many.
pub fn read_jwks(json: &str) -> Result<Vec<Result<PublicKey, KeyFlaw>>, KeyFlaw> {
    #[derive(Deserialize)]
    struct Set<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }
    if let Ok(set) = serde_json::from_str::<Set<'_>>(json) {
        if set.keys.len() > MAX_KEYS {
            return Err(KeyFlaw::Several);
        }
        return Ok(set.keys.iter().map(|key| read_jwk(key.get())).collect());
    }
    match read_jwk(json) {
        Err(KeyFlaw::Malformed) => Err(KeyFlaw::Malformed),
        one => Ok(vec![one]),
    }
}

/// The members that count; any other is ignored (RFC 7517 section 4), and none of these may stand twice.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
}

fn read_jwk(json: &str) -> Result<PublicKey, KeyFlaw> {
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyFlaw::Malformed)?;
    if jwk.kty == "oct" {
        return Err(KeyFlaw::Symmetric);
    }
    if jwk.d.is_some() || jwk.p.is_some() || jwk.q.is_some() {
        return Err(KeyFlaw::Private);
    }
    let for_signatures = jwk.usage.is_none_or(|usage| usage == "sig")
        && jwk
            .key_ops
            .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let algorithm = match jwk.alg.as_deref() {
        None => None,
        Some(name) => Some(JwsAlgorithm::named(name).ok_or(KeyFlaw::OtherUse)?),
    };
    if !for_signatures {
        return Err(KeyFlaw::OtherUse);
    }
    let bytes = |member: &Option<String>| {
        let member = member.as_deref().ok_or(KeyFlaw::Malformed)?;
        URL_SAFE_NO_PAD
            .decode(member)
            .map_err(|_| KeyFlaw::Malformed)
    };
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => PublicKey::rsa(&bytes(&jwk.n)?, &bytes(&jwk.e)?)?,
        ("EC", Some("P-256")) => PublicKey::ec(KeyKind::P256, &bytes(&jwk.x)?, &bytes(&jwk.y)?)?,
        ("EC", Some("P-384")) => PublicKey::ec(KeyKind::P384, &bytes(&jwk.x)?, &bytes(&jwk.y)?)?,
        ("OKP", Some("Ed25519")) => PublicKey::ed25519(&bytes(&jwk.x)?)?,
        _ => return Err(KeyFlaw::Unsupported),
    };
    let key = PublicKey {
        kid: jwk.kid,
        algorithm,
        ..key
    };
    // Its `alg` is one of another type.
    if algorithm.is_some_and(|algorithm| !key.fits(algorithm)) {
        return Err(KeyFlaw::OtherUse);
    }
    Ok(key)
}

fn without_zeros(mut number: &[u8]) -> &[u8] {
    while let Some(rest) = number.strip_prefix(&[0]) {
        number = rest;
    }
    number
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
