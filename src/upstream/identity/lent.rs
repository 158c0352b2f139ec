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
//! Requests never wait for each other's promises, which would die with the request that made them: whoever fetches
//! leaves a lease, and the others look again until it is done or over.

use std::cell::RefCell;

use crate::host::Host;

/// A value is no longer used for its last so many milliseconds, or for the last eighth of its time if that is shorter.
const MARGIN_MS: u64 = 15_000;
/// The next one is fetched so long before its end, or in the last quarter of its time if that is shorter.
const AHEAD_MS: u64 = 5 * 60 * 1000;
/// No value is kept for longer, whatever is said of it.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1000;
/// After the first failure, the next try waits so long; each further one doubles it, up to the second.
const RETRY_MS: u64 = 1_000;
const LONGEST_RETRY_MS: u64 = 30_000;
/// How often a request looks whether another one has got the value.
const LOOK_MS: u32 = 25;

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
    state: RefCell<State<V>>,
}

/// All times are of the host, in milliseconds.
struct State<V> {
    held: Option<Held<V>>,
    /// Until then, somebody is fetching.
    lease_until: u64,
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
            state: RefCell::new(State {
                held: None,
                lease_until: 0,
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
            let step = self.state.borrow().step(now);
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
        if !self.state.borrow().is_wanted(host.now_ms()) {
            return Ok(());
        }
        self.fetched(host, fetch).await.map(drop)
    }

    async fn fetched<H: Host>(
        &self,
        host: &H,
        fetch: impl AsyncFnOnce() -> Result<Loan<V>, String>,
    ) -> Result<V, String> {
        self.state.borrow_mut().lease_until = host.now_ms().saturating_add(self.lease_ms);
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
    }
}

impl<V> Got<V> {
    fn new(value: V, is_due: bool) -> Got<V> {
        Got { value, is_due }
    }
}

impl<V: Clone> State<V> {
    fn step(&self, now: u64) -> Step<V> {
        let held = self.held.as_ref().filter(|held| now < held.until);
        match held.map(|held| held.value.clone()) {
            Some(value) if self.is_wanted(now) && now >= self.told_until => Step::Renew(value),
            Some(value) => Step::Use(value),
            None if now < self.lease_until => Step::Wait,
            None if now >= self.retry_at => Step::Fetch,
            None => Step::Give(self.failure.clone()),
        }
    }

    /// Whether the next value is to be fetched.
    fn is_wanted(&self, now: u64) -> bool {
        let is_due = self.held.as_ref().is_none_or(|held| now >= held.renew_at);
        is_due && now >= self.lease_until && now >= self.retry_at
    }

    fn take(&mut self, loan: &Loan<V>, now: u64) {
        let good_for_ms = loan.good_for_ms.min(LONGEST_MS);
        let before_end = |ms: u64| now.saturating_add(good_for_ms.saturating_sub(ms));
        self.held = Some(Held {
            value: loan.value.clone(),
            renew_at: before_end(AHEAD_MS.min(good_for_ms / 4)),
            until: before_end(MARGIN_MS.min(good_for_ms / 8)),
        });
        self.lease_until = 0;
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
        self.lease_until = 0;
        self.told_until = 0;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

    use std::cell::Cell;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::host::memory::{MemoryHost, run};

    const HOUR: u64 = 60 * 60 * 1000;

    /// Gets a value from a source that counts how often it is asked, and fails while it is told to. One that is due is
    /// then renewed.
    fn get(
        lent: &Lent<u32>,
        host: &MemoryHost,
        asked: &Cell<u32>,
        fails: bool,
    ) -> Result<u32, String> {
        let fetch = async || {
            asked.set(asked.get() + 1);
            if fails {
                return Err(format!("failure {}", asked.get()));
            }
            Ok(Loan {
                value: asked.get(),
                good_for_ms: HOUR,
            })
        };
        let got = run(lent.get(host, fetch))?;
        if got.is_due {
            assert_eq!(run(lent.renew(host, fetch)).is_err(), fails);
        }
        Ok(got.value)
    }

    fn lasting<V>(value: V) -> Result<Got<V>, String> {
        Ok(Got::new(value, false))
    }

    #[test]
    fn a_value_is_kept_until_shortly_before_its_end_and_renewed_ahead_of_it() {
        let (lent, host, asked) = (Lent::new(6_000), MemoryHost::new(0, &[]), Cell::new(0));
        for (at_s, fails, expected) in [
            (0, false, Ok(1)),
            (1, true, Ok(1)),
            (55 * 60 - 1, false, Ok(1)),
            // Where it cannot be renewed, the next try waits.
            (55 * 60, true, Ok(1)),
            (55 * 60, false, Ok(1)),
            (55 * 60 + 1, false, Ok(1)),
            (55 * 60 + 1, true, Ok(3)),
            (60 * 60, false, Ok(3)),
            // Nobody renewed it in time.
            (
                55 * 60 + 1 + 60 * 60 - 15,
                true,
                Err("failure 4".to_owned()),
            ),
            (
                55 * 60 + 1 + 60 * 60 - 15,
                false,
                Err("failure 4".to_owned()),
            ),
            (55 * 60 + 1 + 60 * 60 - 14, false, Ok(5)),
        ] {
            host.pass((at_s * 1000) - host.now_ms());
            assert_eq!(get(&lent, &host, &asked, fails), expected, "at {at_s} s");
        }
    }

    #[test]
    fn a_short_life_has_shorter_margins() {
        let (lent, host) = (Lent::new(1_000), MemoryHost::new(0, &[]));
        let loan = |value| Loan {
            value,
            good_for_ms: 8_000,
        };
        for (at_ms, expected, is_due) in [
            (0, 0, false),
            (5_999, 0, false),
            // Whoever is told so does nothing about it, for the time of its lease.
            (6_000, 0, true),
            (6_999, 0, false),
            (7_000, 7_000, false),
        ] {
            host.pass(at_ms - host.now_ms());
            let got = run(lent.get(&host, async || Ok(loan(at_ms))));
            assert_eq!(got, Ok(Got::new(expected, is_due)), "at {at_ms} ms");
        }
    }

    #[test]
    fn what_is_said_to_last_for_ever_is_fetched_again_after_a_day() {
        let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
        let loan = |value| Loan {
            value,
            good_for_ms: u64::MAX,
        };
        assert_eq!(run(lent.get(&host, async || Ok(loan(1)))), lasting(1));
        host.pass(LONGEST_MS);
        assert_eq!(run(lent.get(&host, async || Ok(loan(2)))), lasting(2));
    }

    #[test]
    fn the_next_try_after_a_failure_waits_longer_each_time() {
        let (lent, host, asked) = (
            Lent::<u32>::new(6_000),
            MemoryHost::new(0, &[]),
            Cell::new(0),
        );
        let mut tries = Vec::new();
        for second in 0..100 {
            let before = asked.get();
            get(&lent, &host, &asked, true).unwrap_err();
            if asked.get() > before {
                tries.push(second);
            }
            host.pass(1000);
        }
        assert_eq!(tries, [0, 1, 3, 7, 15, 31, 61, 91]);
    }

    #[test]
    fn one_fetches_for_many_that_come_at_once() {
        let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
        let asked = Cell::new(0);
        let done = Cell::new(false);
        let fetch = async || {
            asked.set(asked.get() + 1);
            until(&done).await;
            Ok(Loan {
                value: 7,
                good_for_ms: HOUR,
            })
        };
        let mut first = pin!(lent.get(&host, fetch));
        assert_eq!(poll(first.as_mut()), None);
        // Its time is virtual: another one waits for the lease's end, and would fetch then.
        host.pass(1_000);
        let state = lent.state.borrow().step(host.now_ms());
        assert!(matches!(state, Step::Wait));
        done.set(true);
        assert_eq!(poll(first.as_mut()), Some(lasting(7)));
        for _ in 0..200 {
            assert_eq!(
                run(lent.get(&host, async || Err("asked twice".into()))),
                lasting(7)
            );
        }
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn what_nobody_renews_in_time_is_fetched_by_whoever_comes_next() {
        let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
        let loan = |value| Loan {
            value,
            good_for_ms: 8_000,
        };
        assert_eq!(run(lent.get(&host, async || Ok(loan(1)))), lasting(1));
        host.pass(6_000);
        let got = run(lent.get(&host, async || Ok(loan(2))));
        assert_eq!(got, Ok(Got::new(1, true)));
        // Who was told so has not come to it yet, and waits for this one perhaps.
        host.pass(1_000);
        assert_eq!(run(lent.get(&host, async || Ok(loan(3)))), lasting(3));
        // It comes too late.
        run(lent.renew(&host, async || Err("asked twice".into()))).unwrap();
        assert_eq!(run(lent.get(&host, async || Ok(loan(4)))), lasting(3));
    }

    #[test]
    fn while_one_renews_the_others_use_the_old_one_and_one_that_dies_leaves_no_trace() {
        let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
        let loan = |value| Loan {
            value,
            good_for_ms: HOUR,
        };
        run(lent.get(&host, async || Ok(loan(1)))).unwrap();
        host.pass(HOUR - AHEAD_MS);
        let get = || run(lent.get(&host, async || Ok(loan(3))));
        assert_eq!(get(), Ok(Got::new(1, true)));
        let never = Cell::new(false);
        {
            let mut renewing = pin!(lent.renew(&host, async || {
                until(&never).await;
                Ok(loan(2))
            }));
            assert_eq!(poll(renewing.as_mut()), None);
            assert_eq!(get(), lasting(1));
            run(lent.renew(&host, async || Err("renewed twice".into()))).unwrap();
        }
        // Its request is gone: when the lease is over, the next one is told.
        host.pass(5_999);
        assert_eq!(get(), lasting(1));
        host.pass(1);
        assert_eq!(get(), Ok(Got::new(1, true)));
        run(lent.renew(&host, async || Ok(loan(4)))).unwrap();
        assert_eq!(get(), lasting(4));
    }

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    async fn until(done: &Cell<bool>) {
        std::future::poll_fn(|_| {
            if done.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
