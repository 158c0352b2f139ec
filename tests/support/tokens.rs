//! Tokens as an issuer would sign them, made with HMAC itself and not with the code under test.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

/// Long enough for all three algorithms.
pub const SECRET: &str = "a secret of sixty-four bytes, which is enough for all three hash";

/// A token with these claims, signed with [`SECRET`] and HS256.
pub fn sign(claims: &Value) -> String {
    sign_with("HS256", SECRET, claims)
}

/// The same with another algorithm or secret.
pub fn sign_with(algorithm: &str, secret: &str, claims: &Value) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT" });
    sign_parts(algorithm, secret, &header, claims)
}

/// A token whose header need not say how it is signed.
pub fn sign_parts(algorithm: &str, secret: &str, header: &Value, claims: &Value) -> String {
    let (header, claims) = (base64(header.to_string()), base64(claims.to_string()));
    let message = format!("{header}.{claims}");
    let key = secret.as_bytes();
    let tag = match algorithm {
        "HS384" => mac::<Hmac<sha2::Sha384>>(key, &message),
        "HS512" => mac::<Hmac<sha2::Sha512>>(key, &message),
        _ => mac::<Hmac<sha2::Sha256>>(key, &message),
    };
    format!("{message}.{}", base64(tag))
}

/// Seconds since 1970, with an offset.
pub fn in_seconds(offset: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(now.expect("a clock").as_secs()).expect("a near future") + offset
}

/// What follows `Authorization: ` for a token with these claims that is good for an hour.
pub fn bearer(mut claims: Value) -> String {
    claims["exp"] = in_seconds(3600).into();
    format!("Bearer {}", sign(&claims))
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA-256 in hexadecimal, as senders of webhooks sign.
pub fn hmac_hex(secret: &str, signed: &str) -> String {
    let mut mac =
        <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(signed.as_bytes());
    let tag = mac.finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}
