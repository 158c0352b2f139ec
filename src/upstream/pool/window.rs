//! How many of the latest requests failed: a window in two halves, so that nothing is kept of single requests.

/// Requests and failures of about the last `window_ms` milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    younger: Counts,
    older: Counts,
    /// When the younger half began.
    began: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub requests: u32,
    pub failures: u32,
}

impl Counts {
    pub fn add(&mut self, failed: bool) {
        self.requests = self.requests.saturating_add(1);
        self.failures = self.failures.saturating_add(u32::from(failed));
    }

    pub fn and(self, other: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_add(other.requests),
            failures: self.failures.saturating_add(other.failures),
        }
    }
}

impl Window {
    pub fn add(&mut self, now: u64, window_ms: u32, failed: bool) {
        self.turn(now, window_ms);
        self.younger.add(failed);
    }

    /// Whether there were at least `least` requests, of which more than `percent` failed.
    pub fn exceeds(&self, least: u32, percent: u32) -> bool {
        let Counts { requests, failures } = self.younger.and(self.older);
        let [failed, allowed] = [(failures, 100), (requests, percent)]
            .map(|(count, factor)| u64::from(count).saturating_mul(u64::from(factor)));
        requests >= least && failed > allowed
    }

    pub fn clear(&mut self) {
        *self = Window::default();
    }

    fn turn(&mut self, now: u64, window_ms: u32) {
        let half = u64::from(window_ms / 2).max(1);
        let age = now.saturating_sub(self.began);
        if age < half {
            return;
        }
        self.older = match age < half.saturating_mul(2) {
            true => self.younger,
            false => Counts::default(),
        };
        self.younger = Counts::default();
        self.began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let mut window = Window::default();
        for now in 1_000..1_020 {
            window.add(now, 1_000, now % 2 == 0);
        }
        assert!(window.exceeds(20, 49));
        assert!(!window.exceeds(20, 50), "exactly half of them failed");
        assert!(!window.exceeds(21, 0), "too few");
        window.add(1_600, 1_000, false);
        assert!(window.exceeds(21, 45), "the older half still counts");
        window.add(2_700, 1_000, false);
        assert!(!window.exceeds(1, 0), "and no more");
    }
}
