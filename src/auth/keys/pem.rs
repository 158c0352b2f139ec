//! A public key in PEM (RFC 7468).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::der;
use super::jwk::{KeyFlaw, PublicKey};

/// More than the longest key that is accepted.
const MAX_BYTES: usize = 16 * 1024;

/// Reads the one key of a PEM text: `PUBLIC KEY` (RFC 7468 section 13) or `RSA PUBLIC KEY`.
///
/// # Errors
/// What it is instead: a private key, a certificate, several keys, a weak or unknown one, or nothing that can be read.
pub fn read_pem(text: &str) -> Result<PublicKey, KeyFlaw> {
    if text.len() > MAX_BYTES {
        return Err(KeyFlaw::Malformed);
    }
    let (label, body, rest) = block(text).ok_or(KeyFlaw::Malformed)?;
    // Told first, whatever else is wrong: it should not be here at all.
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyFlaw::Private);
    }
    if !rest.trim().is_empty() {
        return Err(KeyFlaw::Several);
    }
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| KeyFlaw::Malformed)?;
    match label {
        "PUBLIC KEY" => der::spki(&der),
        "RSA PUBLIC KEY" => der::rsa(&der),
        "CERTIFICATE" => Err(KeyFlaw::Certificate),
        _ => Err(KeyFlaw::Malformed),
    }
}

/// The label and the content of the first block, and what follows it.
pub(super) fn block(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start().strip_prefix("-----BEGIN ")?;
    let (label, text) = text.split_once("-----")?;
    let (body, rest) = text.split_once("-----END ")?;
    let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
    Some((label, body, rest))
}
