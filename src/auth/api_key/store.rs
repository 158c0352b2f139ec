//! Keys that stand in KV, remembered for a while.

use std::cell::RefCell;
use std::rc::Rc;

use super::Key;
use super::record::read_record;
use super::refusal::INVALID;
use crate::auth::recent::Recent;
use crate::auth::{Cause, Denied};
use crate::host::Host;
use crate::plan::KeyNamespace;

/// How long what KV says of a key is taken for true, in milliseconds: this is how long a key that was disabled or
/// removed may live on in an isolate.
const GOOD_FOR_MS: u64 = 60_000;

/// The same for a key that is not there.
const ABSENT_FOR_MS: u64 = 10_000;

/// How long a key that was good is served while KV does not answer, in milliseconds since KV last did.
const OUTAGE_MS: u64 = 600_000;

/// How long KV is left alone about a key after it did not answer.
const PAUSE_MS: u64 = 5_000;

/// Of how many keys something is remembered, twice over at most (see [`Recent`]). Those that are not there are kept
/// apart, so that a flood of them pushes out none that is.
const REMEMBERED: usize = 1_000;

pub(super) struct Store {
    place: KeyNamespace,
    peppered: bool,
    good: RefCell<Recent<String, Known>>,
    /// Until when, in milliseconds.
    absent: RefCell<Recent<String, u64>>,
}

#[derive(Clone)]
struct Known {
    key: Rc<Key>,
    /// When KV said so.
    since_ms: u64,
    ask_again_ms: u64,
}

impl Store {
    pub fn new(place: KeyNamespace, peppered: bool) -> Store {
        Store {
            place,
            peppered,
            good: RefCell::new(Recent::new(REMEMBERED)),
            absent: RefCell::new(Recent::new(REMEMBERED)),
        }
    }

    /// Remembers so many bytes of keys at most.
    pub fn limit(&self, bytes: usize) {
        self.good.borrow_mut().limit(bytes);
    }

    /// The key of an id, if there is one.
    pub async fn find<H: Host>(&self, host: &H, id: &str) -> Result<Option<Rc<Key>>, Denied> {
        let now = host.now_ms();
        let known = self.good.borrow().get(id).cloned();
        if let Some(known) = &known
            && now < known.ask_again_ms
        {
            return Ok(Some(Rc::clone(&known.key)));
        }
        if self
            .absent
            .borrow()
            .get(id)
            .is_some_and(|until| now < *until)
        {
            return Ok(None);
        }
        let name = [self.place.prefix.as_str(), id].concat();
        let answer = host.stored(&self.place.binding, &name).await;
        let now = host.now_ms();
        match answer {
            Ok(Some(record)) => match self.read(&record, id) {
                Ok(key) => {
                    self.remember(id, &key, now, now.saturating_add(GOOD_FOR_MS));
                    Ok(Some(key))
                }
                Err(flaw) => {
                    self.forget(id, now);
                    let reason = format!("key_record: the record of {id} is bad: {flaw}");
                    Err(Denied::of(&INVALID, reason))
                }
            },
            Ok(None) => {
                self.forget(id, now);
                Ok(None)
            }
            Err(error) => match known {
                Some(known) if now < known.since_ms.saturating_add(OUTAGE_MS) => {
                    let pause = now.saturating_add(PAUSE_MS);
                    self.remember(id, &known.key, known.since_ms, pause);
                    Ok(Some(known.key))
                }
                _ => {
                    let reason = format!("key_store: KV gives no answer: {}", error.0);
                    Err(Denied::new(Cause::Unavailable, reason))
                }
            },
        }
    }

    fn read(&self, record: &str, id: &str) -> Result<Rc<Key>, &'static str> {
        let stored = read_record(record, id, self.peppered)?;
        Key::new(stored)
            .map(Rc::new)
            .map_err(|_| "its claims are not sound")
    }

    fn remember(&self, id: &str, key: &Rc<Key>, since_ms: u64, ask_again_ms: u64) {
        let known = Known {
            key: Rc::clone(key),
            since_ms,
            ask_again_ms,
        };
        let bytes = key.claims.bytes();
        let mut good = self.good.borrow_mut();
        good.put_sized(id.to_owned(), known, bytes);
    }

    fn forget(&self, id: &str, now: u64) {
        self.good.borrow_mut().remove(id);
        let until = now.saturating_add(ABSENT_FOR_MS);
        self.absent.borrow_mut().put(id.to_owned(), until);
    }
}
