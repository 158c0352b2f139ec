//! Whether a request belongs to the canary, and the guard that takes it all requests away.

use super::window::Window;
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

/// Watches over the canary's answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    window: Window,
    /// Until then the canary has no share.
    held_until: u64,
}

impl Guard {
    /// Whether the share is as configured.
    pub fn allows(&self, now: u64) -> bool {
        now >= self.held_until
    }

    /// An answer of the canary. Whether that was one too many.
    pub fn ended(&mut self, spec: &GuardSpec, now: u64, outcome: Outcome) -> bool {
        if outcome == Outcome::Cancelled {
            return false;
        }
        self.window
            .add(now, spec.window_ms, outcome != Outcome::Success);
        let tripped = self.allows(now)
            && self
                .window
                .exceeds(spec.min_requests, spec.max_error_percent);
        if tripped {
            self.held_until = now.saturating_add(u64::from(spec.hold_ms));
            self.window.clear();
        }
        tripped
    }
}

/// Whether chance, or the key that decides, gives a request to the canary.
pub(super) fn falls(spec: &CanarySpec, key: Option<&str>, random: u64) -> bool {
    // A number of its own: what balances by the same key must not follow from this.
    let number = key.map_or(random, |key| hash::number(&format!("canary {key}")));
    number % 100 < u64::from(spec.percent)
}

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
            guard.ended(&spec, 1_000, outcome)
        });
        assert_eq!(
            tripped.collect::<Vec<_>>().iter().position(|t| *t),
            Some(19)
        );
        assert!(!guard.allows(5_999));
        assert!(guard.allows(6_000));
        assert!(!guard.ended(&spec, 6_000, failed), "it counts anew");
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
