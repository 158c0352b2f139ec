//! The stored form of a password: PBKDF2 with HMAC-SHA-256, written as a PHC string.
//!
//! ```text
//! $pbkdf2-sha256$i=100000$c2FsdCBvZiBzaXh0ZWVu$43 letters of base64
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How many iterations a hash may have. More than the most are refused by the platform; fewer than the fewest guard
/// nothing.
pub const ITERATIONS: std::ops::RangeInclusive<u32> = 10_000..=100_000;

/// Bytes of salt that a hash has at least.
const SALT_BYTES: usize = 16;

/// A password's hash, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub hash: [u8; 32],
}

impl PasswordHash {
    /// Reads a PHC string. `None` for another function, for too few or too many iterations, for a short salt, and for
    /// anything that is no PHC string.
    pub fn read(text: &str) -> Option<PasswordHash> {
        let mut parts = text.strip_prefix("$pbkdf2-sha256$")?.split('$');
        let (parameters, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let iterations = match parameters
            .strip_suffix(",l=32")
            .unwrap_or(parameters)
            .strip_prefix("i=")?
        {
            number if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok()?,
            _ => return None,
        };
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
        let sound = ITERATIONS.contains(&iterations) && (SALT_BYTES..=64).contains(&salt.len());
        sound.then_some(PasswordHash {
            iterations,
            salt,
            hash,
        })
    }

    /// Hashes a password; `salt` is random, at least 16 bytes.
    pub fn make(password: &str, salt: &[u8], iterations: u32) -> PasswordHash {
        PasswordHash {
            iterations,
            salt: salt.to_vec(),
            hash: pbkdf2(password, salt, iterations),
        }
    }

    /// As a PHC string.
    pub fn written(&self) -> String {
        format!(
            "$pbkdf2-sha256$i={}${}${}",
            self.iterations,
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(self.hash)
        )
    }
}

/// PBKDF2 with HMAC-SHA-256, one block of it (RFC 8018 section 5.2). The edge has its own, which is quicker there.
pub fn pbkdf2(password: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let Ok(keyed) = <Hmac<Sha256> as KeyInit>::new_from_slice(password.as_bytes()) else {
        // HMAC takes keys of any length.
        return [0; 32];
    };
    let first = keyed
        .clone()
        .chain_update(salt)
        .chain_update(1_u32.to_be_bytes());
    let mut link: [u8; 32] = first.finalize().into_bytes().into();
    let mut sum = link;
    for _ in 1..iterations {
        link = keyed
            .clone()
            .chain_update(link)
            .finalize()
            .into_bytes()
            .into();
        for (sum, byte) in sum.iter_mut().zip(link) {
            *sum ^= byte;
        }
    }
    sum
}
