//! The JSON Web Token authorizer (RFC 7519, RFC 8725) with HMAC keys (RFC 7518 section 3.2).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::claims::Claims;
use super::denied::{Cause, Denied};
use super::find::{Found, find};
use super::header::JoseHeader;
use super::hmac::{self, HmacVerifier};
use crate::plan::{Fault, HmacAlgorithm, JwtSpec, Text, TokenSource};
use crate::secret::Secret;

/// A longer token is refused before anything in it is read.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A JWT authorizer, ready to check tokens.
pub struct Jwt {
    /// One for each allowed algorithm.
    pub(super) verifiers: Vec<HmacVerifier>,
    issuers: Vec<String>,
    audiences: Vec<String>,
    subject: Option<String>,
    /// Without case and `application/`.
    token_type: Option<String>,
    leeway: f64,
    max_age: Option<f64>,
    require_exp: bool,
    required_claims: Vec<String>,
    sources: Vec<TokenSource>,
}

impl Jwt {
    /// `spec` with its references looked up. A fault where nothing could be checked safely: no algorithm, a secret shorter than the longest allowed
    /// algorithm's hash (RFC 7518 section 3.2), or an empty expected value.
    pub fn new(spec: JwtSpec) -> Result<Jwt, Fault> {
        let secret = Secret::new(spec.secret.literal()?);
        let secret = secret.expose().as_bytes();
        let Some(strongest) = spec.algorithms.iter().max() else {
            return Err(fault("jwt_no_algorithm", "no algorithm is allowed".into()));
        };
        let needed = hash_bytes(*strongest);
        if secret.len() < needed {
            let message = format!(
                "the secret has {} bytes; {} needs at least {needed} (RFC 7518 section 3.2)",
                secret.len(),
                name(*strongest)
            );
            return Err(fault("jwt_weak_secret", message));
        }
        let literals = |texts: Vec<Text>| -> Result<Vec<String>, Fault> {
            texts.into_iter().map(Text::literal).collect()
        };
        let issuers: Vec<String> = literals(spec.issuers)?;
        let audiences: Vec<String> = literals(spec.audiences)?;
        let subject = spec.subject.map(Text::literal).transpose()?;
        let mut expected = issuers.iter().chain(&audiences).chain(&subject);
        if expected.any(String::is_empty) {
            let message = "an expected issuer, audience or subject is empty".into();
            return Err(fault("jwt_empty_value", message));
        }

        let key = DecodingKey::from_secret(secret);
        let verifiers = spec
            .algorithms
            .iter()
            .map(|a| hmac::verifier(algorithm(*a), &key))
            .collect::<Result<_, _>>()
            .map_err(|_| fault("jwt_bad_key", "the secret is no HMAC key".into()))?;
        Ok(Jwt {
            verifiers,
            issuers,
            audiences,
            subject,
            token_type: spec.token_type.as_deref().map(media_type),
            leeway: f64::from(spec.leeway),
            max_age: spec.max_age.map(f64::from),
            require_exp: spec.require_exp,
            required_claims: spec.required_claims,
            sources: spec.sources,
        })
    }

    /// Looks for the token where the authorizer's sources say. `header` gives a header's value by its lower-case
    /// name; `query` is the raw query, without its question mark.
    pub fn find_token<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
        query: Option<&str>,
    ) -> Found {
        find(&self.sources, header, query)
    }

    /// Finds and verifies in one step; `now_s` is Unix time in seconds.
    pub fn authenticate<'a>(
        &self,
        header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
        query: Option<&str>,
        now_s: u64,
    ) -> Result<Claims, Denied> {
        match self.find_token(header, query) {
            Found::Token(token) => self.verify(&token, now_s),
            Found::Missing => Err(Denied::new(Cause::NoToken, "no token")),
            Found::NotBearer => Err(Denied::new(Cause::NoToken, "not one Bearer token")),
        }
    }

    /// Checks a token at the Unix time `now_s`, in seconds.
    pub fn verify(&self, token: &str, now_s: u64) -> Result<Claims, Denied> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(not_jws("the token is too long"));
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(not_jws("the token has not three parts"));
        };
        let header = JoseHeader::read(header)
            .ok_or_else(|| not_jws("the header is malformed or has a refused member"))?;
        let verifier = self
            .verifier(&header.alg)
            .ok_or_else(|| not_jws("the algorithm is not allowed"))?;
        let (Ok(payload), Ok(signature), Some((message, _))) = (
            URL_SAFE_NO_PAD.decode(payload),
            URL_SAFE_NO_PAD.decode(signature),
            token.rsplit_once('.'),
        ) else {
            return Err(not_jws("a part is not canonical base64url"));
        };
        if verifier.verify(message.as_bytes(), &signature).is_err() {
            return Err(Denied::new(Cause::Signature, "the signature is another"));
        }

        let claims = String::from_utf8(payload)
            .ok()
            .and_then(|json| serde_json::from_str::<Claims>(&json).ok())
            .ok_or_else(|| not_jws("the claims are not one sound JSON object"))?;
        self.check_values(&header, &claims)?;
        // Whole seconds are exact in a float for the next 285 million years.
        self.check_times(&claims, now_s as f64)?;
        Ok(claims)
    }

    fn verifier(&self, alg: &str) -> Option<&HmacVerifier> {
        let alg = alg.parse::<Algorithm>().ok()?;
        self.verifiers.iter().find(|v| v.algorithm() == alg)
    }

    /// Issuer, audience, subject (RFC 7519 sections 4.1.1 to 4.1.3), type, and the claims that must be there. An
    /// expected value that is absent is refused like a wrong one.
    fn check_values(&self, header: &JoseHeader, claims: &Claims) -> Result<(), Denied> {
        let is_one_of = |name, expected: &[String]| {
            let value = claims.string(name);
            value.is_some_and(|value| expected.iter().any(|e| *e == value))
        };
        if !self.issuers.is_empty() && !is_one_of("iss", &self.issuers) {
            return Err(not_claimed("iss is not an expected one"));
        }
        if let Some(subject) = &self.subject
            && !is_one_of("sub", std::slice::from_ref(subject))
        {
            return Err(not_claimed("sub is not the expected one"));
        }
        if !self.audiences.is_empty() {
            let given = claims.strings("aud").unwrap_or_default();
            if !given.iter().any(|aud| self.audiences.contains(aud)) {
                return Err(not_claimed("aud has no expected one"));
            }
        }
        if let Some(expected) = &self.token_type
            && header.typ.as_deref().map(media_type).as_ref() != Some(expected)
        {
            return Err(not_claimed("typ is not the expected one"));
        }
        for name in &self.required_claims {
            if matches!(claims.json_of(name), None | Some("null")) {
                return Err(Denied::new(Cause::Claims, format!("{name} is missing")));
            }
        }
        Ok(())
    }

    /// `exp`, `nbf`, `iat` (RFC 7519 sections 4.1.4 to 4.1.6) and the age.
    fn check_times(&self, claims: &Claims, now: f64) -> Result<(), Denied> {
        let exp = date(claims, "exp")?;
        let nbf = date(claims, "nbf")?;
        let iat = date(claims, "iat")?;
        match exp {
            Some(exp) if now >= exp + self.leeway => {
                return Err(Denied::new(Cause::Expired, "exp has passed"));
            }
            None if self.require_exp => {
                return Err(not_claimed("exp is missing"));
            }
            _ => {}
        }
        if nbf.is_some_and(|nbf| nbf > now + self.leeway) {
            return Err(not_claimed("nbf has not come"));
        }
        if iat.is_some_and(|iat| iat > now + self.leeway) {
            return Err(not_claimed("iat is in the future"));
        }
        match (self.max_age, iat) {
            (Some(max_age), Some(iat)) if now > iat + max_age + self.leeway => {
                Err(Denied::new(Cause::Expired, "older than max_age"))
            }
            (Some(_), None) => Err(not_claimed("iat is missing and max_age needs it")),
            _ => Ok(()),
        }
    }
}

/// A NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction. Anything else under that name is refused,
/// `null` too.
fn date(claims: &Claims, name: &'static str) -> Result<Option<f64>, Denied> {
    let Some(json) = claims.json_of(name) else {
        return Ok(None);
    };
    match serde_json::from_str::<f64>(json) {
        Ok(seconds) if seconds.is_finite() => Ok(Some(seconds)),
        _ => Err(Denied::new(
            Cause::Claims,
            format!("{name} is not a finite number"),
        )),
    }
}

fn not_jws(reason: &'static str) -> Denied {
    Denied::new(Cause::NotJws, reason)
}

fn not_claimed(reason: &'static str) -> Denied {
    Denied::new(Cause::Claims, reason)
}

fn fault(code: &str, message: String) -> Fault {
    Fault {
        code: code.to_owned(),
        message,
    }
}

/// A `typ` as it is compared: without case, and without the prefix that may be left out (RFC 7515 section 4.1.9).
fn media_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    match typ.strip_prefix("application/") {
        Some(short) => short.to_owned(),
        None => typ,
    }
}

fn algorithm(algorithm: HmacAlgorithm) -> Algorithm {
    match algorithm {
        HmacAlgorithm::Hs256 => Algorithm::HS256,
        HmacAlgorithm::Hs384 => Algorithm::HS384,
        HmacAlgorithm::Hs512 => Algorithm::HS512,
    }
}

fn name(algorithm: HmacAlgorithm) -> &'static str {
    match algorithm {
        HmacAlgorithm::Hs256 => "HS256",
        HmacAlgorithm::Hs384 => "HS384",
        HmacAlgorithm::Hs512 => "HS512",
    }
}

fn hash_bytes(algorithm: HmacAlgorithm) -> usize {
    match algorithm {
        HmacAlgorithm::Hs256 => 32,
        HmacAlgorithm::Hs384 => 48,
        HmacAlgorithm::Hs512 => 64,
    }
}
