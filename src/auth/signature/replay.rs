//! Signatures that were accepted, so that none is accepted twice.
//!
//! Each isolate remembers for itself: a replay that reaches another one within the time is not seen. What must never
//! happen twice is for the upstream to know by the request's own identity.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use sha2::{Digest, Sha256};

/// So many in each of two generations. When more come within the time, the older half is forgotten.
const MOST: usize = 8192;

/// Sixteen bytes of a digest: enough that two are never the same by accident.
type Mark = [u8; 16];

pub struct Replay {
    /// Seconds for which a signature could pass again.
    window_s: u64,
    seen: Rc<RefCell<Seen>>,
}

#[derive(Default)]
struct Seen {
    since_s: u64,
    current: HashSet<Mark>,
    previous: HashSet<Mark>,
}

impl Replay {
    pub fn new(window_s: u64) -> Replay {
        Replay {
            window_s,
            seen: Rc::default(),
        }
    }

    /// Goes on with what another one remembers: the config has changed, and not what was accepted.
    pub fn take_over(&mut self, before: &Replay) {
        self.seen = Rc::clone(&before.seen);
    }

    /// Remembers what was signed, the parts one after the other. `false` if it is remembered already.
    pub fn first_time(&self, signed: &[&[u8]], now_s: u64) -> bool {
        let mut sha = Sha256::new();
        signed.iter().for_each(|part| sha.update(part));
        let digest = sha.finalize();
        let Some(mark) = digest.first_chunk::<16>().copied() else {
            return false;
        };
        let mut seen = self.seen.borrow_mut();
        let age = now_s.saturating_sub(seen.since_s);
        if age > self.window_s || seen.current.len() >= MOST {
            let old = std::mem::take(&mut seen.current);
            // After two windows without a request both generations are old.
            let kept = age <= self.window_s.saturating_mul(2);
            seen.previous = if kept { old } else { HashSet::new() };
            seen.since_s = now_s;
        }
        !seen.previous.contains(&mark) && seen.current.insert(mark)
    }
}
