//! API keys: found in a request, looked up by their id, compared by their hash.
//!
//! 1. [form](stored_name): a text that is no key, or whose checksum is wrong, is refused before anything is computed.
//! 2. hash: of the whole key, also where the id is unknown.
//! 3. look-up: among the keys of the config, then in KV.
//! 4. comparison, in constant time.
//! 5. disabled, expired.
//!
//! Whoever does not hold a key is told one thing only, whatever is wrong with it: that it is not accepted. Whoever holds
//! one that has expired is told so, since the secret shows that it was theirs.

mod form;
mod hash;
mod record;
mod refusal;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::find::{Found, find_in, own_or_no_cookie_in};
use super::{Claims, Denied, Presented};
use crate::host::Host;
use crate::plan::{ApiKeySpec, Fault, Place, StoredKey, Text};

use hash::same;
use store::Store;

pub use form::{is_name, is_prefix, make, stored_name};
pub use hash::{KeyHasher, PEPPER_BYTES, read_hash};

/// The authorizer of API keys.
pub struct ApiKeys {
    places: Vec<Place>,
    /// By id.
    known: BTreeMap<String, Rc<Key>>,
    store: Option<Store>,
    hasher: KeyHasher,
}

/// A stored key, ready to be compared.
struct Key {
    hash: [u8; 32],
    expires: Option<u64>,
    disabled: bool,
    claims: Claims,
}

impl Key {
    fn new(stored: StoredKey) -> Result<Key, Fault> {
        Ok(Key {
            hash: stored.hash,
            expires: stored.expires,
            disabled: stored.disabled,
            claims: super::claims_of(&stored.claims)?,
        })
    }
}

impl ApiKeys {
    /// # Errors
    /// The pepper is too short, or a key's claims are not sound.
    pub fn new(spec: ApiKeySpec) -> Result<ApiKeys, Fault> {
        let pepper = spec.pepper.map(Text::literal).transpose()?;
        let hasher = KeyHasher::new(pepper.as_deref())?;
        let mut known = BTreeMap::new();
        for stored in spec.keys {
            known.insert(stored.id.clone(), Rc::new(Key::new(stored)?));
        }
        let store = spec.kv.map(|place| Store::new(place, pepper.is_some()));
        Ok(ApiKeys {
            places: spec.places,
            known,
            store,
            hasher,
        })
    }

    /// Remembers so many bytes of stored keys at most.
    pub fn limit(&self, bytes: usize) {
        self.store.iter().for_each(|store| store.limit(bytes));
    }

    /// Who holds the key that a request brings.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let header = |name: &str| presented.header(name);
        let key = match find_in(&self.places, &header, presented.query) {
            Found::Token(key) => own_or_no_cookie_in(presented, &self.places, key)?,
            Found::Missing => return Err(Denied::of(&refusal::MISSING, "key_missing: no key")),
            Found::NotBearer => return Err(refused("key_malformed: not one key")),
        };
        let id = stored_name(&key).ok_or_else(|| refused("key_malformed: not a key's form"))?;
        let hash = self.hasher.hash(&key);
        let stored = match (self.known.get(id), &self.store) {
            (Some(key), _) => Some(Rc::clone(key)),
            (None, Some(store)) => store.find(presented.host, id).await?,
            (None, None) => None,
        };
        let expected = stored.as_ref().map_or(&[0; 32], |key| &key.hash);
        let is_same = same(&hash, expected);
        let key = match stored {
            None => return Err(refused(format!("key_unknown: there is no {id}"))),
            Some(_) if !is_same => return Err(refused(format!("key_wrong: it is not {id}"))),
            Some(key) => key,
        };
        if key.disabled {
            return Err(refused(format!("key_disabled: {id} is disabled")));
        }
        if key.expires.is_some_and(|end| presented.now_s() >= end) {
            let reason = format!("key_expired: {id} has expired");
            return Err(Denied::of(&refusal::EXPIRED, reason));
        }
        Ok(key.claims.clone())
    }
}

fn refused(reason: impl Into<std::borrow::Cow<'static, str>>) -> Denied {
    Denied::of(&refusal::INVALID, reason)
}
