//! Tokens are signed here with HMAC itself, not with the code under test.

mod attacks;
mod checks;
mod finding;
mod forward;
mod introspection;
#[path = "../../../tests/support/issuer.rs"]
mod issuer;
mod jwks;
mod properties;
mod public;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};

use super::{Cause, Claims, Denied, Jwt};
use crate::plan::{JwsAlgorithm, JwtKeys, JwtSpec, Text, TokenSource};

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a secret of sixty-four bytes, which is enough for all three hash";
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// HS256 with [`SECRET`] and nothing else asked for.
fn spec() -> JwtSpec {
    JwtSpec {
        keys: JwtKeys::Secrets(vec![SECRET.into()]),
        algorithms: vec![JwsAlgorithm::Hs256],
        issuers: Vec::new(),
        audiences: Vec::new(),
        subject: None,
        token_type: None,
        leeway: 0,
        max_age: None,
        require_exp: true,
        required_claims: Vec::new(),
        expected_claims: Vec::new(),
        sources: vec![TokenSource::Bearer],
    }
}

fn jwt(spec: JwtSpec) -> Jwt {
    Jwt::new(spec).ok().unwrap()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token signed with [`SECRET`] and HS256, whatever its header says.
fn sign(header: &str, claims: &str) -> String {
    sign_parts(&base64(header), &base64(claims))
}

fn sign_parts(header: &str, payload: &str) -> String {
    let message = format!("{header}.{payload}");
    let tag = mac::<Hmac<sha2::Sha256>>(SECRET.as_bytes(), &message);
    format!("{message}.{}", base64(tag))
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// What a token with these claims comes to.
fn outcome(spec: JwtSpec, claims: &str) -> Result<Claims, Denied> {
    jwt(spec).verify_by_secret(&sign(HEADER, claims), NOW)
}

fn cause(result: Result<Claims, Denied>) -> Option<Cause> {
    result.err().map(|denied| denied.cause)
}
