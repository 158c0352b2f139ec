//! What a cloud gives the gateway for a time, such as a token or the keys of a role: fetched once for many requests.
//!
//! One [`Lent`] holds one value, and there is one for each identity of the config, so it needs no bound of its own:
//!
//! ```ignore
//! let got = self.token.get(host, async || {
//!     let answer = ask(host).await?;
//!     Ok(Loan { value: answer.token, good_for_ms: answer.expires_in * 1000 })
//! }).await?;
//! ```
//!
//! - A value is handed out until shortly before its end, so that it is still good when it arrives.
//! - Some time before that, one request is told so, and when the gateway is done with it the next one is fetched beside
//!   it, by [`Lent::renew`]. Until then all use the old one, also where the fetch fails. Nobody counts on that one: where
//!   the value is over before, the next request fetches.
//! - After a failure the next try waits, longer each time. Where there is no value, the requests in between are told
//!   why there is none at once.
//! - Where there is no value at all, one request fetches and the others wait for it.
//!
//! Whoever fetches holds a [`Lease`].

use std::cell::RefCell;

use crate::host::{Host, LOOK_MS, Lease};

/// A value is no longer used for its last so many milliseconds, or for the last eighth of its time if that is shorter.
const MARGIN_MS: u64 = 15_000;
/// The next one is fetched so long before its end, or in the last quarter of its time if that is shorter.
const AHEAD_MS: u64 = 5 * 60 * 1000;
/// No value is kept for longer, whatever is said of it.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;
/// After the first failure, the next try waits so long; each further one doubles it, up to the second.
const RETRY_MS: u64 = 1_000;
const LONGEST_RETRY_MS: u64 = 30_000;

/// A value, and for how many milliseconds it is good.
pub struct Loan<V> {
    pub value: V,
    pub good_for_ms: u64,
}

/// The value at hand.
#[derive(Debug, PartialEq, Eq)]
pub struct Got<V> {
    pub value: V,
    /// It ends soon, and whoever got it is to call [`Lent::renew`] when there is time. Nobody else is told so for a while.
    pub is_due: bool,
}

/// A value that is lent again and again.
pub struct Lent<V> {
    /// Longer than fetching can take.
    lease_ms: u64,
    lease: Lease,
    state: RefCell<State<V>>,
}

/// All times are of the host, in milliseconds.
struct State<V> {
    held: Option<Held<V>>,
    /// Until then, nobody else is told that the value is due.
    told_until: u64,
    retry_at: u64,
    failures: u32,
    /// Why the last fetch came to nothing.
    failure: String,
}

struct Held<V> {
    value: V,
    renew_at: u64,
    until: u64,
}

/// What a request does next.
enum Step<V> {
    Use(V),
    /// Use it, and let it be renewed.
    Renew(V),
    Give(String),
    Wait,
    Fetch,
}

impl<V: Clone> Lent<V> {
    pub fn new(lease_ms: u64) -> Lent<V> {
        Lent {
            lease_ms,
            lease: Lease::default(),
            state: RefCell::new(State {
                held: None,
                told_until: 0,
                retry_at: 0,
                failures: 0,
                failure: String::new(),
            }),
        }
    }

    /// The value at hand, or what fetching comes to.
    ///
    /// # Errors
    /// There is none; why, in words for the operator.
    pub async fn get<H: Host>(
        &self,
        host: &H,
        fetch: impl AsyncFnOnce() -> Result<Loan<V>, String>,
    ) -> Result<Got<V>, String> {
        let patience_ends = host
            .now_ms()
            .saturating_add(self.lease_ms.saturating_mul(2));
        loop {
            let now = host.now_ms();
            // The borrow ends before anything waits.
            let step = self.state.borrow().step(now, self.lease.is_held(now));
            match step {
                Step::Use(value) => return Ok(Got::new(value, false)),
                Step::Renew(value) => {
                    self.state.borrow_mut().told_until = now.saturating_add(self.lease_ms);
                    return Ok(Got::new(value, true));
                }
                Step::Give(reason) => return Err(reason),
                Step::Fetch => break,
                Step::Wait if now >= patience_ends => {
                    return Err("no request got an answer in time".into());
                }
                Step::Wait => host.sleep(LOOK_MS).await,
            }
        }
        let value = self.fetched(host, fetch).await?;
        Ok(Got::new(value, false))
    }

    /// Fetches the next value, if it still is due and nobody else fetches it. The old one is used meanwhile.
    ///
    /// # Errors
    /// There is none, and it will be tried again; why, in words for the operator.
    pub async fn renew<H: Host>(
        &self,
        host: &H,
        fetch: impl AsyncFnOnce() -> Result<Loan<V>, String>,
    ) -> Result<(), String> {
        let now = host.now_ms();
        if self.lease.is_held(now) || !self.state.borrow().is_wanted(now) {
            return Ok(());
        }
        self.fetched(host, fetch).await.map(drop)
    }

    /// Whether there is no value, and asking for one would tell no more than the last failure: it is too early to fetch
    /// again, or somebody is trying.
    pub fn rests(&self, now: u64) -> bool {
        let state = self.state.borrow();
        let holds = state.held.as_ref().is_some_and(|held| now < held.until);
        !holds && state.failures > 0 && (now < state.retry_at || self.lease.is_held(now))
    }

    /// Nobody can wait any longer for a value that does not come: that is a failure of the fetch, which goes on.
    pub fn came_late(&self, now: u64) {
        let mut state = self.state.borrow_mut();
        let holds = state.held.as_ref().is_some_and(|held| now < held.until);
        if !holds && now >= state.retry_at {
            state.fail("it did not come in time".into(), now);
        }
    }

    async fn fetched<H: Host>(
        &self,
        host: &H,
        fetch: impl AsyncFnOnce() -> Result<Loan<V>, String>,
    ) -> Result<V, String> {
        let fetch = async || {
            let fetched = fetch().await;
            let now = host.now_ms();
            let mut state = self.state.borrow_mut();
            match fetched {
                Ok(loan) => {
                    state.take(&loan, now);
                    Ok(loan.value)
                }
                Err(reason) => {
                    state.fail(reason.clone(), now);
                    Err(reason)
                }
            }
        };
        self.lease.during(host, self.lease_ms, fetch).await
    }
}

impl<V> Got<V> {
    fn new(value: V, is_due: bool) -> Got<V> {
        Got { value, is_due }
    }
}

impl<V: Clone> State<V> {
    /// `leased`: somebody is fetching.
    fn step(&self, now: u64, leased: bool) -> Step<V> {
        let held = self.held.as_ref().filter(|held| now < held.until);
        match held.map(|held| held.value.clone()) {
            Some(value) if !leased && self.is_wanted(now) && now >= self.told_until => {
                Step::Renew(value)
            }
            Some(value) => Step::Use(value),
            None if leased => Step::Wait,
            None if now >= self.retry_at => Step::Fetch,
            None => Step::Give(self.failure.clone()),
        }
    }

    /// Whether the next value is to be fetched.
    fn is_wanted(&self, now: u64) -> bool {
        let is_due = self.held.as_ref().is_none_or(|held| now >= held.renew_at);
        is_due && now >= self.retry_at
    }

    fn take(&mut self, loan: &Loan<V>, now: u64) {
        let good_for_ms = loan.good_for_ms.min(LONGEST_MS);
        let before_end = |ms: u64| now.saturating_add(good_for_ms.saturating_sub(ms));
        self.held = Some(Held {
            value: loan.value.clone(),
            renew_at: before_end(AHEAD_MS.min(good_for_ms / 4)),
            until: before_end(MARGIN_MS.min(good_for_ms / 8)),
        });
        self.told_until = 0;
        self.retry_at = 0;
        self.failures = 0;
    }

    fn fail(&mut self, reason: String, now: u64) {
        let factor = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let wait = RETRY_MS.saturating_mul(factor).min(LONGEST_RETRY_MS);
        self.retry_at = now.saturating_add(wait);
        self.failures = self.failures.saturating_add(1);
        self.failure = reason;
        self.told_until = 0;
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
