//! The retry budget: how many retries there may be beside the requests, so that retries never become the outage.
//!
//! Each request puts a share of a retry into the bucket and each retry takes a whole one; besides, so many flow in each
//! second. So in any stretch of time there are at most as many retries as the bucket held, plus the share of the
//! requests, plus the free ones.

/// What the bucket holds at most: retries.
const MOST: u64 = 100;

/// A retry, in the bucket's unit.
const WHOLE: u64 = 100_000;

#[derive(Clone, Debug)]
pub(super) struct Budget {
    percent: u64,
    per_second: u64,
    tokens: u64,
    filled_at: u64,
}

impl Budget {
    pub fn new(percent: u32, min_per_second: u32) -> Budget {
        Budget {
            percent: u64::from(percent),
            per_second: u64::from(min_per_second),
            tokens: u64::from(min_per_second).min(MOST).saturating_mul(WHOLE),
            filled_at: 0,
        }
    }

    /// A request began: its share, as far as there was room for it.
    pub fn deposit(&mut self) -> u64 {
        let before = self.tokens;
        self.add(self.percent.saturating_mul(WHOLE / 100), MOST);
        self.tokens.saturating_sub(before)
    }

    /// A request that began does not count: its share is taken back.
    pub fn refund(&mut self, share: u64) {
        self.tokens = self.tokens.saturating_sub(share);
    }

    /// Takes a retry out, if there is one.
    pub fn withdraw(&mut self, now: u64) -> bool {
        let passed = now.saturating_sub(self.filled_at);
        self.filled_at = now;
        // The free ones are not saved up for longer than a second.
        let free = self.per_second.saturating_mul(WHOLE / 1000);
        self.add(free.saturating_mul(passed), self.per_second.min(MOST));
        match self.tokens.checked_sub(WHOLE) {
            Some(left) => {
                self.tokens = left;
                true
            }
            None => false,
        }
    }

    /// Puts a retry back that was taken out, and then not sent.
    pub fn put_back(&mut self) {
        self.tokens = self.tokens.saturating_add(WHOLE);
    }

    /// Adds up to a bound; what is beyond it already stays.
    fn add(&mut self, tokens: u64, bound: u64) {
        let bound = bound.saturating_mul(WHOLE).max(self.tokens);
        self.tokens = self.tokens.saturating_add(tokens).min(bound);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retries_are_a_share_of_the_requests_and_the_free_ones() {
        let mut budget = Budget::new(20, 0);
        assert!(!budget.withdraw(0));
        (0..10).for_each(|_| _ = budget.deposit());
        assert!(budget.withdraw(0) && budget.withdraw(0));
        assert!(!budget.withdraw(1_000_000));

        let mut budget = Budget::new(0, 2);
        assert!(budget.withdraw(0) && budget.withdraw(0) && !budget.withdraw(0));
        assert!(budget.withdraw(500) && !budget.withdraw(500));
        assert!(budget.withdraw(60_000) && budget.withdraw(60_000));
        assert!(!budget.withdraw(60_000), "free ones are not saved up");
    }

    #[test]
    fn what_is_taken_back_is_no_more_than_was_put_in() {
        let mut budget = Budget::new(50, 0);
        for _ in 0..1_000 {
            let share = budget.deposit();
            budget.refund(share);
        }
        assert!(!budget.withdraw(0));
        (0..1_000).for_each(|_| _ = budget.deposit());
        for _ in 0..1_000 {
            let share = budget.deposit();
            budget.refund(share);
        }
        assert_eq!((0..200).filter(|_| budget.withdraw(0)).count(), 100);
    }

    proptest! {
        #[test]
        fn there_are_never_more_retries_than_budgeted(
            percent in 0..100_u32, per_second in 0..20_u32,
            steps in prop::collection::vec((0..50_u64, 0..4_u8), 1..400),
        ) {
            let mut budget = Budget::new(percent, per_second);
            let (mut now, mut requests, mut retries) = (0_u64, 0_u64, 0_u64);
            for (passed, kind) in steps {
                now += passed;
                if kind == 0 {
                    requests += 1;
                    budget.deposit();
                } else if budget.withdraw(now) {
                    retries += 1;
                }
            }
            let share = requests * u64::from(percent) / 100;
            let free = u64::from(per_second) * now / 1000 + u64::from(per_second);
            prop_assert!(retries <= share + free + 1, "{retries} of {share} + {free}");
        }
    }
}
