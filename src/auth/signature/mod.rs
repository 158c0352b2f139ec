//! Callers that sign what they send: webhooks by their sender's scheme, anybody by HTTP Message Signatures (RFC 9421).
//!
//! The body is part of what is signed, so it is read whole before anything else happens, up to a bound. Times are
//! checked in both directions, and a signature that was accepted is remembered for as long as its time would let it pass.

mod base;
mod message;
mod public;
pub(super) mod refusal;
mod replay;
#[cfg(test)]
mod tests;
mod webhook;

pub use message::MessageSignature;
pub use public::read_public_key;
pub use webhook::Webhook;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ctutils::CtEq;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::plan::{Fault, Text};
use crate::secret::Secret;

/// Secrets with fewer bytes are refused: 128 bits is what nobody guesses.
pub const LEAST_SECRET_BYTES: usize = 16;

type HmacSha256 = Hmac<Sha256>;

/// A MAC that holds its key: the text's own bytes, or those that follow `base64:` or the `whsec_` of Standard Webhooks
/// in base64.
fn keyed(text: Text) -> Result<HmacSha256, Fault> {
    let fault = |code: &str, message: String| Fault {
        code: code.into(),
        message,
    };
    let secret = Secret::new(text.literal()?);
    let written = secret.expose();
    let encoded = ["base64:", "whsec_"]
        .iter()
        .find_map(|prefix| written.strip_prefix(prefix));
    let key = match encoded {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| fault("bad_secret", "a secret is not base64".into()))?,
        None => written.as_bytes().to_vec(),
    };
    if key.len() < LEAST_SECRET_BYTES {
        let bytes = key.len();
        return Err(fault(
            "weak_secret",
            format!("a secret has {bytes} bytes; at least {LEAST_SECRET_BYTES} are needed"),
        ));
    }
    <HmacSha256 as KeyInit>::new_from_slice(&key)
        .map_err(|_| fault("bad_secret", "a secret is no HMAC key".into()))
}

/// Whether one of the tags is the MAC of the parts, one after the other. It is made once, however many tags there are, and
/// compared in constant time.
fn holds(key: &HmacSha256, parts: &[&[u8]], tags: &[impl AsRef<[u8]>]) -> bool {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    let made = mac.finalize().into_bytes();
    let is_same = |tag: &[u8]| made.as_slice().ct_eq(tag).to_bool();
    tags.iter().any(|tag| is_same(tag.as_ref()))
}
