//! A token. The first byte says what the rest is: a token as it stands; header and claims by line, which are signed here
//! so that what lies behind the signature is reached; the fields of a request; or a public key.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway::auth::{Found, Jwt, PublicKey, read_jwks, read_pem};
use causeway::plan::{JwsAlgorithm, JwtKeys, JwtSpec, TokenSource};
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use serde_json::value::RawValue;

/// Unix time in seconds at which tokens are checked.
const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a secret of sixty-four bytes, which is enough for all three hash";

pub fn check(data: &[u8]) {
    let (Some((mode, rest)), Some(jwt)) = (data.split_first(), jwt()) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    match mode % 4 {
        0 => verified(&jwt, text),
        1 => {
            let (header, claims) = text.split_once('\n').unwrap_or(("", text));
            let message = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(claims)
            );
            let signature = URL_SAFE_NO_PAD.encode(mac(&message));
            verified(&jwt, &format!("{message}.{signature}"));
        }
        2 => found(&jwt, text),
        _ => keys(text),
    }
}

/// A token that is accepted was signed with the secret, is sound JSON to another reader too, and holds what was
/// asked for.
fn verified(jwt: &Jwt, token: &str) {
    let Ok(claims) = jwt.verify_by_secret(token, NOW) else {
        return;
    };
    let parts = token.rsplit_once('.');
    assert!(
        parts.is_some_and(
            |(message, signature)| URL_SAFE_NO_PAD.decode(signature) == Ok(mac(message))
        )
    );
    // As they are written: a number need not fit one of Rust's.
    let read = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(&claims.to_json());
    assert!(read.is_ok(), "claims that cannot be read back");
    let read = read.unwrap_or_default();
    let text = |name: &str| read.get(name).map(|value| value.get());
    assert_eq!(claims.claim("iss").as_deref(), Some("i"));
    let exp = text("exp").and_then(|exp| exp.parse::<f64>().ok());
    assert!(exp.is_some_and(|exp| exp > NOW as f64), "no time to come");
    for name in read.keys() {
        assert_eq!(claims.claim(name).is_none(), text(name) == Some("null"));
    }
}

/// A public key that is read, from PEM or JSON, is one that can be read back.
fn keys(text: &str) {
    let keys = read_jwks(text).unwrap_or_default().into_iter();
    for key in keys.flatten().chain(read_pem(text)) {
        let again = read_jwks(&key.jwk)
            .unwrap_or_default()
            .into_iter()
            .flatten();
        let again: Vec<PublicKey> = again.collect();
        let plain = PublicKey {
            kid: None,
            algorithm: None,
            ..key
        };
        assert_eq!(again, [plain]);
    }
}

/// Lines: `Authorization`, `Cookie`, another header, the query. What is found is one word of them.
fn found(jwt: &Jwt, text: &str) {
    let mut lines = text.splitn(4, '\n');
    let [authorization, cookie, header, query] = std::array::from_fn(|_| lines.next());
    let field = |name: &str| {
        let value = match name {
            "authorization" => authorization,
            "cookie" => cookie,
            "x-token" => header,
            _ => None,
        };
        value.map(Cow::Borrowed)
    };
    if let Found::Token(token) = jwt.find_token(&field, query) {
        verified(jwt, &token);
        assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic() && b != b','));
    }
}

fn jwt() -> Option<Jwt> {
    let spec = JwtSpec {
        keys: JwtKeys::Secrets(vec![SECRET.into()]),
        algorithms: vec![JwsAlgorithm::Hs256],
        issuers: vec!["i".into()],
        audiences: Vec::new(),
        subject: None,
        token_type: None,
        leeway: 0,
        max_age: None,
        require_exp: true,
        required_claims: Vec::new(),
        expected_claims: Vec::new(),
        sources: vec![
            TokenSource::Bearer,
            TokenSource::Cookie("session".into()),
            TokenSource::Header("x-token".into()),
            TokenSource::Query("token".into()),
        ],
    };
    let jwt = Jwt::new(spec).ok();
    assert!(jwt.is_some(), "the authorizer is sound");
    jwt
}

/// HS256 by other means than the gateway's own.
fn mac(message: &str) -> Vec<u8> {
    let Ok(mut mac) = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()) else {
        return Vec::new();
    };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
