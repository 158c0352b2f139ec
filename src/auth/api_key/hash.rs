//! The stored form of a key: SHA-256, or HMAC-SHA-256 under a pepper, in hexadecimal behind its name.

use ctutils::CtEq;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::plan::Fault;

/// What a key's hash is made with. Keys are random, so that one round is enough.
pub struct KeyHasher {
    pepper: Option<Hmac<Sha256>>,
}

/// A pepper needs as many bytes as its hash has (RFC 2104 section 3).
pub const PEPPER_BYTES: usize = 32;

impl KeyHasher {
    /// # Errors
    /// The pepper is shorter than [`PEPPER_BYTES`].
    pub fn new(pepper: Option<&str>) -> Result<KeyHasher, Fault> {
        let pepper = match pepper {
            None => None,
            Some(pepper) if pepper.len() < PEPPER_BYTES => {
                return Err(Fault {
                    code: "weak_pepper".into(),
                    message: format!(
                        "the pepper has {} bytes; it needs at least {PEPPER_BYTES}",
                        pepper.len()
                    ),
                });
            }
            // A key of any length is one of HMAC.
            Some(pepper) => <Hmac<Sha256> as KeyInit>::new_from_slice(pepper.as_bytes()).ok(),
        };
        Ok(KeyHasher { pepper })
    }

    pub fn hash(&self, key: &str) -> [u8; 32] {
        match &self.pepper {
            None => Sha256::digest(key).into(),
            Some(keyed) => keyed
                .clone()
                .chain_update(key)
                .finalize()
                .into_bytes()
                .into(),
        }
    }

    /// A hash as it is stored.
    pub fn written(&self, hash: &[u8; 32]) -> String {
        let mut text = scheme(self.pepper.is_some()).to_owned();
        for byte in hash {
            for half in [byte >> 4, byte & 0xf] {
                text.extend(char::from_digit(u32::from(half), 16));
            }
        }
        text
    }
}

/// Reads a stored hash. `None` for anything else, and for one that is peppered or not against expectation.
pub fn read_hash(text: &str, peppered: bool) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(scheme(peppered))?;
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0_usize..).step_by(2)) {
        let pair = digits.get(at..at.checked_add(2)?)?;
        let sound = pair.bytes().all(|b| b.is_ascii_hexdigit());
        *byte = sound.then(|| u8::from_str_radix(pair, 16).ok())??;
    }
    Some(hash)
}

/// In constant time.
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).to_bool()
}

fn scheme(peppered: bool) -> &'static str {
    match peppered {
        true => "hmac-sha256:",
        false => "sha256:",
    }
}
