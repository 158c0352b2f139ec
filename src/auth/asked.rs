//! What somebody else has said of credentials lately: asked once for many requests.
//!
//! Whoever asks holds a [`Lease`].

use std::cell::RefCell;

use super::denied::{Cause, Denied};
use super::recent::Recent;
use crate::host::{Host, LOOK_MS, Lease};

/// What a credential is known by: the SHA-256 of all that an answer depends on.
pub(super) type Digest = [u8; 32];

/// How many answers are remembered of each kind, twice over at most (see [`Recent`]).
const REMEMBERED: usize = 500;

/// An answer, and for how many milliseconds it counts.
pub(super) struct Verdict<V> {
    pub outcome: Result<V, Denied>,
    pub good_for_ms: u64,
}

/// A bounded memory of answers.
pub(super) struct Asked<V> {
    /// Longer than asking can take.
    lease_ms: u64,
    /// What an answer takes.
    bytes: fn(&V) -> usize,
    good: RefCell<Recent<Digest, (V, u64)>>,
    /// Refusals, and leases where there is none. They are kept apart from what is good, so that a flood of made-up
    /// credentials pushes out none that is.
    others: RefCell<Recent<Digest, Other>>,
}

#[derive(Clone)]
enum Other {
    Refused(Denied, u64),
    Leased(Lease),
}

enum Known<V> {
    Answer(Result<V, Denied>),
    Leased,
    Nothing,
}

impl<V: Clone> Asked<V> {
    pub fn new(lease_ms: u64) -> Asked<V> {
        Asked {
            lease_ms,
            bytes: |_| 0,
            good: RefCell::new(Recent::new(REMEMBERED)),
            others: RefCell::new(Recent::new(REMEMBERED)),
        }
    }

    /// The same for answers of any length.
    pub fn sized(lease_ms: u64, bytes: fn(&V) -> usize) -> Asked<V> {
        Asked {
            bytes,
            ..Asked::new(lease_ms)
        }
    }

    /// Keeps so many bytes of answers at most.
    pub fn limit(&self, bytes: usize) {
        self.good.borrow_mut().limit(bytes);
    }

    /// The answer that counts, or what asking comes to.
    pub async fn get<H: Host>(
        &self,
        host: &H,
        digest: Digest,
        ask: impl AsyncFnOnce() -> Verdict<V>,
    ) -> Result<V, Denied> {
        let patience_ends = host
            .now_ms()
            .saturating_add(self.lease_ms.saturating_mul(2));
        loop {
            let now = host.now_ms();
            match self.known(&digest, now) {
                Known::Answer(answer) => return answer,
                Known::Nothing => break,
                Known::Leased if now >= patience_ends => {
                    return Err(unavailable("no request got an answer in time"));
                }
                Known::Leased => host.sleep(LOOK_MS).await,
            }
        }
        let lease = Lease::default();
        let leased = Other::Leased(lease.clone());
        self.others.borrow_mut().put(digest, leased);
        let ask = async || {
            let Verdict {
                outcome,
                good_for_ms,
            } = ask().await;
            let until = host.now_ms().saturating_add(good_for_ms);
            match &outcome {
                Ok(value) => {
                    self.others.borrow_mut().remove(&digest);
                    let (bytes, value) = ((self.bytes)(value), value.clone());
                    let mut good = self.good.borrow_mut();
                    good.put_sized(digest, (value, until), bytes);
                }
                Err(denied) => {
                    let refused = Other::Refused(denied.clone(), until);
                    self.others.borrow_mut().put(digest, refused);
                }
            }
            outcome
        };
        lease.during(host, self.lease_ms, ask).await
    }

    fn known(&self, digest: &Digest, now: u64) -> Known<V> {
        if let Some((value, until)) = self.good.borrow().get(digest)
            && now < *until
        {
            return Known::Answer(Ok(value.clone()));
        }
        match self.others.borrow().get(digest) {
            Some(Other::Refused(denied, until)) if now < *until => {
                Known::Answer(Err(denied.clone()))
            }
            Some(Other::Leased(lease)) if lease.is_held(now) => Known::Leased,
            _ => Known::Nothing,
        }
    }
}

/// Nobody comes in, and it is nobody's credential that is wrong; `reason` is for the operator.
pub(super) fn unavailable(reason: impl Into<String>) -> Denied {
    Denied::new(Cause::Unavailable, reason.into())
}
