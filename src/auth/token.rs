//! The parts of a token (RFC 7515 section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::claims::Claims;
use super::denied::{Cause, Denied};
use super::header::JoseHeader;

/// A longer token is refused before anything in it is read.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A token whose structure is sound. Nothing is known of its signature.
pub(super) struct Token<'t> {
    pub header: JoseHeader,
    /// What is signed: the first two parts as they came.
    pub message: &'t str,
    pub signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'t> Token<'t> {
    pub fn read(token: &'t str) -> Result<Token<'t>, Denied> {
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
        let (Ok(payload), Ok(signature), Some((message, _))) = (
            URL_SAFE_NO_PAD.decode(payload),
            URL_SAFE_NO_PAD.decode(signature),
            token.rsplit_once('.'),
        ) else {
            return Err(not_jws("a part is not canonical base64url"));
        };
        Ok(Token {
            header,
            message,
            signature,
            payload,
        })
    }

    /// Its claims, which mean nothing before the signature holds.
    pub fn claims(self) -> Result<Claims, Denied> {
        String::from_utf8(self.payload)
            .ok()
            .and_then(|json| serde_json::from_str::<Claims>(&json).ok())
            .ok_or_else(|| not_jws("the claims are not one sound JSON object"))
    }
}

pub(super) fn not_jws(reason: &'static str) -> Denied {
    Denied::new(Cause::NotJws, reason)
}
