//! A scenario, resolved: endpoints and zones by their indices, times in microseconds.

use crate::host::virtual_time::Random;
use crate::upstream::Geography;

#[derive(Clone, Debug)]
pub struct Scenario {
    /// More than 0.
    pub per_second: f64,
    pub until: Until,
    pub seed: u64,
    /// For each of `clients`; at least 1.
    pub isolates: usize,
    pub timeout_ms: u32,
    pub post_percent: f64,
    /// At least 1.
    pub keys: usize,
    /// The only zones that may be used.
    pub zones: Option<Vec<u16>>,
    /// At least one.
    pub clients: Vec<Clients>,
    /// One for each endpoint, in their order.
    pub endpoints: Vec<Behaviour>,
    pub incidents: Vec<Incident>,
}

/// When no more requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    Requests(u64),
    /// Microseconds.
    Us(u64),
}

/// Clients of one place.
#[derive(Clone, Debug)]
pub struct Clients {
    pub share: usize,
    pub geography: Geography,
}

/// How an endpoint behaves.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub latency: Latency,
    pub errors: Vec<ErrorShare>,
    pub refuse_percent: f64,
    pub hang_percent: f64,
    pub max_concurrent: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorShare {
    pub status: u16,
    pub percent: f64,
    pub retry_after_s: Option<u32>,
}

/// What happens to some endpoints for a while.
#[derive(Clone, Debug)]
pub struct Incident {
    pub from_us: u64,
    /// Not included.
    pub to_us: u64,
    /// A bit for each endpoint.
    pub endpoints: u64,
    /// How many times as long answers take.
    pub slower: f64,
    pub errors: Vec<ErrorShare>,
    pub refuse_percent: f64,
    pub hang_percent: f64,
}

/// How long answers take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Latency {
    Fixed(f64),
    Uniform { min: f64, max: f64 },
    LogNormal { p50: f64, p99: f64 },
}

impl Latency {
    /// Milliseconds of one answer.
    pub fn draw(self, lots: &Random) -> f64 {
        match self {
            Latency::Fixed(ms) => ms,
            Latency::Uniform { min, max } => min + (max - min) * lots.share(),
            Latency::LogNormal { p50, p99 } => {
                let sigma = (p99 / p50).ln() / NORMAL_P99;
                // Box and Muller's way to a normal distribution.
                let radius = (-2.0 * lots.share().ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * lots.share()).cos();
                p50 * (sigma * normal).exp()
            }
        }
    }
}

/// Below so many standard deviations above the middle lie 99 percent of a normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_distributed_as_written() {
        let lots = Random::new(3);
        for (latency, p50, p99) in [
            (Latency::Fixed(7.0), 7.0, 7.0),
            (
                Latency::Uniform {
                    min: 10.0,
                    max: 20.0,
                },
                15.0,
                19.9,
            ),
            (
                Latency::LogNormal {
                    p50: 20.0,
                    p99: 200.0,
                },
                20.0,
                200.0,
            ),
        ] {
            let mut drawn: Vec<f64> = (0..100_000).map(|_| latency.draw(&lots)).collect();
            drawn.sort_by(f64::total_cmp);
            for (at, expected) in [(50_000, p50), (99_000, p99)] {
                let ratio: f64 = drawn[at] / expected;
                assert!((0.95..1.05).contains(&ratio), "{latency:?}: {}", drawn[at]);
            }
        }
    }
}
