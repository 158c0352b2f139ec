//! The keys of an authorizer, and which of them a token is checked with.

use crate::plan::JwsAlgorithm;

use super::jwk::{KeyFlaw, PublicKey, read_jwks};

/// So many keys are tried on one token. More only if its `kid` names more, or it names none.
const MAX_TRIED: usize = 4;

/// Keys to check signatures with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

impl KeySet {
    pub fn new(keys: Vec<PublicKey>) -> KeySet {
        KeySet { keys }
    }

    /// What can be used of a set that was fetched; the rest is passed over (RFC 7517 section 5).
    ///
    /// # Errors
    /// It is none, or nothing of it can be used.
    pub fn usable(json: &str) -> Result<KeySet, KeyFlaw> {
        let keys: Vec<PublicKey> = read_jwks(json)?.into_iter().flatten().collect();
        if keys.is_empty() {
            return Err(KeyFlaw::Unsupported);
        }
        Ok(KeySet { keys })
    }

    /// The keys that may have signed a token with this algorithm and `kid`: those that fit the algorithm, and have that
    /// name where keys have names. Empty where none fits, and where a token without a `kid` leaves too many.
    pub fn candidates(&self, algorithm: JwsAlgorithm, kid: Option<&str>) -> Vec<&PublicKey> {
        let named = self.keys.iter().any(|key| key.kid.is_some());
        let fitting: Vec<&PublicKey> = self
            .keys
            .iter()
            .filter(|key| key.fits(algorithm))
            .filter(|key| match kid {
                Some(kid) if named => key.kid.as_deref() == Some(kid),
                _ => true,
            })
            .collect();
        if fitting.len() > MAX_TRIED {
            return Vec::new();
        }
        fitting
    }
}
