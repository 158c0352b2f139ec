//! What somebody else has said of credentials lately: asked once for many requests.
//!
//! Requests never wait for each other's promises, which would die with the request that made them: whoever asks leaves a
//! lease, and the others look again until it is done or over.

use std::cell::RefCell;

use super::denied::{Cause, Denied};
use super::recent::Recent;
use crate::host::Host;

/// What a credential is known by: the SHA-256 of all that an answer depends on.
pub(super) type Digest = [u8; 32];

/// How many answers are remembered of each kind, twice over at most (see [`Recent`]).
const REMEMBERED: usize = 500;

/// How often a request looks whether another one has got the answer.
const LOOK_MS: u32 = 25;

/// An answer, and for how many milliseconds it counts.
pub(super) struct Verdict<V> {
    pub outcome: Result<V, Denied>,
    pub good_for_ms: u64,
}

/// A bounded memory of answers.
pub(super) struct Asked<V> {
    /// Longer than asking can take.
    lease_ms: u64,
    good: RefCell<Recent<Digest, (V, u64)>>,
    /// Refusals, and leases where there is none. They are kept apart from what is good, so that a flood of made-up
    /// credentials pushes out none that is.
    others: RefCell<Recent<Digest, (Option<Denied>, u64)>>,
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
            good: RefCell::new(Recent::new(REMEMBERED)),
            others: RefCell::new(Recent::new(REMEMBERED)),
        }
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
        let lease_ends = host.now_ms().saturating_add(self.lease_ms);
        self.others.borrow_mut().put(digest, (None, lease_ends));
        let Verdict {
            outcome,
            good_for_ms,
        } = ask().await;
        let until = host.now_ms().saturating_add(good_for_ms);
        match &outcome {
            Ok(value) => {
                self.others.borrow_mut().remove(&digest);
                self.good.borrow_mut().put(digest, (value.clone(), until));
            }
            Err(denied) => {
                let refusal = (Some(denied.clone()), until);
                self.others.borrow_mut().put(digest, refusal);
            }
        }
        outcome
    }

    fn known(&self, digest: &Digest, now: u64) -> Known<V> {
        if let Some((value, until)) = self.good.borrow().get(digest)
            && now < *until
        {
            return Known::Answer(Ok(value.clone()));
        }
        match self.others.borrow().get(digest) {
            Some((Some(denied), until)) if now < *until => Known::Answer(Err(denied.clone())),
            Some((None, until)) if now < *until => Known::Leased,
            _ => Known::Nothing,
        }
    }
}

/// Nobody comes in, and it is nobody's credential that is wrong; `reason` is for the operator.
pub(super) fn unavailable(reason: impl Into<String>) -> Denied {
    Denied::new(Cause::Unavailable, reason.into())
}
