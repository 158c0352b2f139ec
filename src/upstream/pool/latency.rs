//! How long answers take: a peak-sensitive average of one endpoint, and a histogram of a whole server.

/// Milliseconds in which what was measured loses about two thirds of its weight: at first, and where an endpoint has been
/// asked again and again and is as slow as it was.
const DECAY_MS: f64 = 1_500.0;
const LONGEST_DECAY_MS: f64 = 4_000.0;

/// An endpoint of which nothing is known, and which is asked already, is taken for this quick, in milliseconds.
const UNKNOWN_MS: f64 = 30.0;

/// Peak-EWMA (Finagle): an exponentially weighted average that follows a rise at once and a fall slowly. What is not
/// measured is forgotten: an endpoint of which nothing is known counts as quick, so that it is soon known; but not for
/// all that come until it has answered. Whoever is found as slow as before is forgotten later the next time.
#[derive(Clone, Debug)]
pub(super) struct PeakEwma {
    ms: f64,
    at: u64,
    decay_ms: f64,
}

impl Default for PeakEwma {
    fn default() -> Self {
        PeakEwma {
            ms: 0.0,
            at: 0,
            decay_ms: DECAY_MS,
        }
    }
}

impl PeakEwma {
    pub fn add(&mut self, now: u64, ms: u64) {
        let sample = ms as f64;
        if sample > self.ms * 2.0 || sample * 2.0 < self.ms {
            self.decay_ms = DECAY_MS;
        } else if self.kept(now) < 0.5 {
            self.decay_ms = (self.decay_ms * 2.0).min(LONGEST_DECAY_MS);
        }
        self.ms = match sample > self.ms {
            true => sample,
            false => {
                // Samples of one moment still move it a little.
                let kept = self.kept(now).min(0.95);
                self.ms * kept + sample * (1.0 - kept)
            }
        };
        self.at = now;
    }

    /// An answer that has not come takes so long at least.
    pub fn raise(&mut self, now: u64, ms: u64) {
        if ms as f64 > self.ms * self.kept(now) {
            self.add(now, ms);
        }
    }

    /// Milliseconds times the requests that would wait.
    pub fn cost(&self, now: u64, load: f64) -> f64 {
        let kept = self.kept(now);
        let unknown = if load > 0.0 { UNKNOWN_MS } else { 0.0 };
        // An answer within the clock's step still costs something.
        (self.ms * kept + unknown * (1.0 - kept) + 0.5) * (load + 1.0)
    }

    /// What is left of the weight of what was measured.
    fn kept(&self, now: u64) -> f64 {
        let age = now.saturating_sub(self.at) as f64 / self.decay_ms;
        // Near enough to e^-age, and small.
        (1.0 + age / 16.0).powi(-16)
    }
}

/// Upper bounds of the histogram's steps in milliseconds: each about a quarter above the one before.
const BOUNDS: [u32; 32] = [
    1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 25, 32, 40, 50, 63, 80, 100, 125, 160, 200, 250, 320, 400,
    500, 640, 800, 1_000, 1_500, 2_500, 5_000, 10_000, 60_000,
];

/// Beyond so many samples all counts are halved: the past fades.
const FULL: u32 = 2_000;

/// Fewer samples say nothing.
const FEWEST: u32 = 50;

/// The latencies of a server's answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: [u32; 32],
    total: u32,
}

impl Histogram {
    pub fn add(&mut self, ms: u64) {
        let step = BOUNDS.iter().position(|bound| ms <= u64::from(*bound));
        if let Some(count) = self.counts.get_mut(step.unwrap_or(31)) {
            *count = count.saturating_add(1);
            self.total = self.total.saturating_add(1);
        }
        if self.total >= FULL {
            self.counts = self.counts.map(|count| count / 2);
            self.total = self
                .counts
                .iter()
                .fold(0, |sum, count| sum.saturating_add(*count));
        }
    }

    /// Milliseconds within which so many percent of the answers came; `None` while too few are known.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        if self.total < FEWEST {
            return None;
        }
        let wanted = u64::from(self.total).saturating_mul(u64::from(percent));
        let mut seen = 0_u64;
        for (count, bound) in self.counts.iter().zip(BOUNDS) {
            seen = seen.saturating_add(u64::from(*count).saturating_mul(100));
            if seen >= wanted {
                return Some(bound);
            }
        }
        BOUNDS.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_counts_at_once_and_a_fall_slowly() {
        let mut ewma = PeakEwma::default();
        ewma.add(0, 10);
        assert!((ewma.ms - 10.0).abs() < f64::EPSILON);
        ewma.add(100, 500);
        assert!((ewma.ms - 500.0).abs() < f64::EPSILON);
        ewma.add(200, 10);
        assert!(ewma.ms > 400.0);
        ewma.add(60_000, 10);
        assert!(ewma.ms < 15.0);
        assert!(ewma.cost(60_000, 3.0) > 3.0 * ewma.cost(60_000, 0.0));
    }

    /// Seconds for which it counts as slower than an endpoint that is quick.
    fn distrusted(slow: &PeakEwma, from: u64) -> u64 {
        let mut quick = PeakEwma::default();
        let dearer = |second: &u64| {
            let now = from.saturating_add(second.saturating_mul(1_000));
            quick.add(now, 20);
            slow.cost(now, 0.0) > quick.cost(now, 0.0)
        };
        (0..120).take_while(dearer).count() as u64
    }

    #[test]
    fn a_rise_is_soon_forgotten_and_later_each_time_that_it_was_no_exception() {
        let mut slow = PeakEwma::default();
        let mut now = 1_000;
        for expected in [9, 17, 22, 22] {
            slow.add(now, 2_000);
            let seconds = distrusted(&slow, now);
            assert_eq!(seconds, expected);
            now += seconds * 1_000;
        }
        slow.add(now, 20);
        slow.add(now + 10, 2_000);
        assert_eq!(distrusted(&slow, now), 9, "it was well in between");
        let unknown = PeakEwma::default();
        let mut quick = PeakEwma::default();
        quick.add(60_000, 20);
        assert!(unknown.cost(1_000_000, 0.0) < quick.cost(60_000, 0.0));
        assert!(unknown.cost(1_000_000, 1.0) > quick.cost(60_000, 1.0));
    }

    #[test]
    fn percentiles_come_from_the_latest_answers() {
        let mut histogram = Histogram::default();
        (0..49).for_each(|_| histogram.add(10));
        assert_eq!(histogram.percentile(95), None);
        (0..46).for_each(|_| histogram.add(10));
        (0..5).for_each(|_| histogram.add(900));
        assert_eq!(histogram.percentile(50), Some(12));
        assert_eq!(histogram.percentile(95), Some(12));
        assert_eq!(histogram.percentile(96), Some(1_000));
        (0..100_000).for_each(|_| histogram.add(90_000));
        assert_eq!(histogram.percentile(50), Some(60_000));
        assert!(histogram.total < FULL);
    }
}
