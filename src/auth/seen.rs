//! Tokens whose signature was found good a moment ago.

use std::collections::VecDeque;
use std::rc::Rc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::Claims;

/// A signature is not checked again for so long. Times are checked anew at each use.
const LIFE_MS: u64 = 60_000;
const MAX_ENTRIES: usize = 1_000;
/// Of all tokens together, to which the claims kept are in proportion, where no less is allowed.
const MAX_BYTES: usize = 1 << 20;

/// The SHA-256 of a whole token, signature included.
pub(super) type TokenDigest = [u8; 32];

pub(super) fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

/// A bounded memory of good tokens.
pub(super) struct Seen {
    max_bytes: usize,
    tokens: HashMap<TokenDigest, Entry, FixedState>,
    /// The oldest first: all live equally long.
    order: VecDeque<TokenDigest>,
    bytes: usize,
    /// Of which keys all this is true.
    keys: u64,
}

struct Entry {
    claims: Rc<Claims>,
    until: u64,
    bytes: usize,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            max_bytes: MAX_BYTES,
            tokens: HashMap::default(),
            order: VecDeque::new(),
            bytes: 0,
            keys: 0,
        }
    }
}

impl Seen {
    /// Keeps so many bytes at most.
    pub fn limit(&mut self, bytes: usize) {
        self.max_bytes = bytes.min(MAX_BYTES);
    }

    /// The claims of a token that was good a moment ago, by the very keys that count now.
    pub fn find(&mut self, token: &TokenDigest, keys: u64, now_ms: u64) -> Option<Rc<Claims>> {
        if self.keys != keys {
            self.forget(keys);
            return None;
        }
        let entry = self.tokens.get(token)?;
        (now_ms < entry.until).then(|| Rc::clone(&entry.claims))
    }

    /// Keeps a good token of so many bytes.
    pub fn keep(
        &mut self,
        token: TokenDigest,
        bytes: usize,
        claims: Rc<Claims>,
        keys: u64,
        now_ms: u64,
    ) {
        if self.keys != keys {
            self.forget(keys);
        }
        if let Some(entry) = self.tokens.get_mut(&token) {
            // Its place in the order stays: it goes a little early, if it must.
            entry.until = now_ms.saturating_add(LIFE_MS);
            return;
        }
        while self.tokens.len() >= MAX_ENTRIES || self.bytes.saturating_add(bytes) > self.max_bytes
        {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(gone) = self.tokens.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(gone.bytes);
            }
        }
        let until = now_ms.saturating_add(LIFE_MS);
        let entry = Entry {
            claims,
            until,
            bytes,
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.order.push_back(token);
        self.tokens.insert(token, entry);
    }

    fn forget(&mut self, keys: u64) {
        *self = Seen {
            keys,
            max_bytes: self.max_bytes,
            ..Seen::default()
        };
    }
}
