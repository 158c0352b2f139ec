//! Whether a request belongs to the canary, and the guard that takes it all requests away.

use super::window::Counts;
use super::{Outcome, hash};
use crate::plan::{CanarySpec, GuardSpec};

/// What the request itself says: a header or a cookie of `always` or `never`.
pub fn said(word: &str) -> Option<bool> {
    match word {
        "always" => Some(true),
        "never" => Some(false),
        _ => None,
    }
}

/// Watches over the canary's answers, beside those of the stable endpoints in the same time.
///
/// It looks at the canary's latest requests, at most twice as many as [`FEW`] or `min_requests`, whichever is more, and
/// none older than the window. So a canary that fails altogether is held after a fixed number of errors, however many
/// successes there were before.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    younger: Period,
    older: Period,
    /// When the younger half began.
    began: u64,
    /// Until then the canary has no share.
    held_until: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Period {
    canary: Counts,
    stable: Counts,
}

impl Guard {
    /// Whether the share is as configured.
    pub fn allows(&self, now: u64) -> bool {
        now >= self.held_until
    }

    /// An answer, of the canary or of a stable endpoint. Whether that was one too many.
    pub fn ended(&mut self, spec: &GuardSpec, now: u64, outcome: Outcome, canary: bool) -> bool {
        if outcome == Outcome::Cancelled {
            return false;
        }
        self.turn(spec, now);
        let group = match canary {
            true => &mut self.younger.canary,
            false => &mut self.younger.stable,
        };
        group.add(outcome != Outcome::Success);
        let tripped = canary && self.allows(now) && self.is_worse(spec);
        if tripped {
            *self = Guard {
                held_until: now.saturating_add(u64::from(spec.hold_ms)),
                ..Guard::default()
            };
        }
        tripped
    }

    fn turn(&mut self, spec: &GuardSpec, now: u64) {
        let half = u64::from(spec.window_ms / 2).max(1);
        let age = now.saturating_sub(self.began);
        let is_full = self.younger.canary.requests >= spec.min_requests.max(FEW);
        if age < half && !is_full {
            return;
        }
        self.older = match age < half.saturating_mul(2) {
            true => self.younger,
            false => Period::default(),
        };
        self.younger = Period::default();
        self.began = now;
    }

    /// Whether the canary fails more often than the others, by more than it may.
    fn is_worse(&self, spec: &GuardSpec) -> bool {
        let canary = self.younger.canary.and(self.older.canary);
        let stable = self.younger.stable.and(self.older.stable);
        let [requests, failures] = [canary.requests, canary.failures].map(u64::from);
        // Where nobody else was asked, the others have not failed.
        let [others, their_failures] = [stable.requests.max(1), stable.failures].map(u64::from);
        let allowed = u64::from(spec.max_error_percent)
            .saturating_mul(others)
            .saturating_add(their_failures.saturating_mul(100));
        let failed = failures.saturating_mul(100).saturating_mul(others);
        requests >= u64::from(spec.min_requests) && failed > requests.saturating_mul(allowed)
    }
}

/// Whether chance, or the key that decides, gives a request to the canary.
pub(super) fn falls(spec: &CanarySpec, key: Option<&str>, random: u64) -> bool {
    // A number of its own: what balances by the same key must not follow from this.
    let number = key.map_or(random, |key| hash::number(&format!("canary {key}")));
    number % 100 < u64::from(spec.percent)
}

/// As many requests as half of the guard's memory holds at least.
const FEW: u32 = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::pool::Failure;

    #[test]
    fn the_guard_takes_the_share_away_for_a_while() {
        let spec = GuardSpec {
            max_error_percent: 10,
            min_requests: 20,
            window_ms: 60_000,
            hold_ms: 5_000,
        };
        let mut guard = Guard::default();
        let failed = Outcome::Failure(Failure::Server);
        let tripped = (0..20).map(|i| {
            let outcome = if i < 3 { failed } else { Outcome::Success };
            guard.ended(&spec, 1_000, outcome, true)
        });
        assert_eq!(
            tripped.collect::<Vec<_>>().iter().position(|t| *t),
            Some(19)
        );
        assert!(!guard.allows(5_999));
        assert!(guard.allows(6_000));
        assert!(!guard.ended(&spec, 6_000, failed, true), "it counts anew");
    }

    const GUARD: GuardSpec = GuardSpec {
        max_error_percent: 5,
        min_requests: 20,
        window_ms: 60_000,
        hold_ms: 5_000,
    };
    const FAILED: Outcome = Outcome::Failure(Failure::Server);

    #[test]
    fn a_canary_that_fails_is_held_after_six_errors_whatever_was_before() {
        for before in [20, 49, 50, 51, 100, 2_000] {
            let mut guard = Guard::default();
            for _ in 0..before {
                assert!(!guard.ended(&GUARD, 1_000, Outcome::Success, true));
                assert!(!guard.ended(&GUARD, 1_000, Outcome::Success, false));
            }
            let errors = (1..).find(|_| guard.ended(&GUARD, 1_000, FAILED, true));
            assert!(errors <= Some(6), "{before}: {errors:?}");
        }
    }

    #[test]
    fn a_canary_that_fails_no_more_than_the_others_keeps_its_share() {
        let mut guard = Guard::default();
        // A quarter fails everywhere, and for a while everything does.
        for number in 0..2_000 {
            let fails = number % 4 == 0 || (1_000..1_100).contains(&number);
            let outcome = if fails { FAILED } else { Outcome::Success };
            assert!(!guard.ended(&GUARD, number * 10, outcome, false));
            assert!(!guard.ended(&GUARD, number * 10, outcome, true), "{number}");
        }
        // The others alone are well again.
        let errors = (1..).find(|_| {
            guard.ended(&GUARD, 20_000, Outcome::Success, false);
            guard.ended(&GUARD, 20_000, FAILED, true)
        });
        assert!(errors <= Some(6), "{errors:?}");
    }

    #[test]
    fn one_key_stays_with_one_group_and_the_share_is_kept() {
        let mut spec = CanarySpec {
            percent: 5,
            hash_on: None,
            header: None,
            cookie: None,
            guard: None,
        };
        let share = (0..10_000).filter(|i| falls(&spec, Some(&format!("user-{i}")), 0));
        assert!((400..600).contains(&share.count()));
        for key in ["a", "b", "c"] {
            assert_eq!(falls(&spec, Some(key), 1), falls(&spec, Some(key), 99));
        }
        spec.percent = 0;
        assert!((0..100).all(|random| !falls(&spec, None, random)));
        spec.percent = 100;
        assert!((0..100).all(|random| falls(&spec, None, random)));
    }
}
