//! What an answer says of its endpoint, and whether the request is tried again.

use super::pool::{Failure, Outcome};
use crate::plan::{RetryOn, RetrySpec};

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The head of an answer.
    Status(u16),
    /// No connection, or one that broke. Whether the request had been sent then, the platform does not tell.
    Broken,
    TimedOut,
    /// Nothing was sent: the gateway could not prove who it is.
    Unsent,
    /// Nothing was sent, nor would it be to any other endpoint.
    Refused,
    /// The client's own doing: its upload broke off or did not come in time. It says nothing of the endpoint.
    Client,
}

impl Tried {
    /// What the endpoint is told to have done.
    pub fn outcome(self) -> Outcome {
        match self {
            Tried::Status(502..=504) | Tried::Broken | Tried::TimedOut => {
                Outcome::Failure(Failure::Gateway)
            }
            // Cloudflare's own: there was no connection to the origin, or none that held.
            Tried::Status(520..=527 | 530) => Outcome::Failure(Failure::Gateway),
            Tried::Status(500..) => Outcome::Failure(Failure::Server),
            Tried::Status(_) => Outcome::Success,
            Tried::Unsent | Tried::Refused | Tried::Client => Outcome::Cancelled,
        }
    }

    /// Whether it is one of the conditions of `retry_on`.
    pub fn is_retried(self, on: &RetryOn) -> bool {
        let gateway = self.outcome() == Outcome::Failure(Failure::Gateway);
        match self {
            Tried::Unsent => true,
            Tried::Refused | Tried::Client => false,
            Tried::Broken => on.reset || on.server_error,
            Tried::TimedOut => on.gateway_error || on.server_error,
            Tried::Status(status) => {
                (on.gateway_error && gateway)
                    || (on.server_error && status >= 500)
                    || (on.conflict && status == 409)
                    || on.status_codes.contains(&status)
            }
        }
    }
}

/// Whether to do it twice is to do it once (RFC 9110 section 9.2.2). Methods that are not known are taken for not so.
pub fn is_idempotent(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE"
    )
}

/// Milliseconds before a retry, the first one being 0: by chance between nothing and a bound that doubles.
pub fn backoff_ms(spec: &RetrySpec, retry: u32, random: u64) -> u32 {
    let factor = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
    let bound = spec.base_ms.saturating_mul(factor).min(spec.max_ms);
    let lot = random.checked_rem(u64::from(bound).saturating_add(1));
    lot.and_then(|lot| u32::try_from(lot).ok()).unwrap_or(bound)
}

/// Milliseconds that `Retry-After` asks for (RFC 9110 section 10.2.3), at most [`LONGEST_REST_MS`]. A date is not read:
/// the clocks of a cloud and of the edge differ.
pub fn retry_after_ms(field: &str) -> Option<u64> {
    let seconds: u64 = field.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000).min(LONGEST_REST_MS))
}

/// An endpoint is not left in peace for longer than this because it says so.
const LONGEST_REST_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_mean_what_envoy_means_by_them() {
        let on = |word: &str| RetryOn {
            reset: word == "reset",
            gateway_error: word == "gateway-error",
            server_error: word == "5xx",
            conflict: word == "retriable-4xx",
            status_codes: if word == "codes" { vec![418] } else { vec![] },
        };
        let (broken, late) = (Tried::Broken, Tried::TimedOut);
        let status = Tried::Status;
        for (word, retried, not) in [
            ("reset", vec![broken], vec![late, status(503), status(200)]),
            (
                "gateway-error",
                vec![late, status(502), status(503), status(504), status(522)],
                vec![broken, status(500), status(501), status(429), status(404)],
            ),
            (
                "5xx",
                vec![broken, late, status(500), status(503), status(599)],
                vec![status(429), status(499), status(200)],
            ),
            ("retriable-4xx", vec![status(409)], vec![status(429), late]),
            ("codes", vec![status(418)], vec![status(419), broken]),
        ] {
            let on = on(word);
            assert!(retried.iter().all(|tried| tried.is_retried(&on)), "{word}");
            assert!(!not.iter().any(|tried| tried.is_retried(&on)), "{word}");
            assert!(Tried::Unsent.is_retried(&on));
        }
    }

    #[test]
    fn the_wait_is_by_chance_within_a_bound_that_doubles() {
        let spec = RetrySpec {
            num_retries: 3,
            on: RetryOn::default(),
            base_ms: 10,
            max_ms: 35,
            budget_percent: 20,
            budget_min_per_second: 0,
            max_body_bytes: 0,
        };
        for (retry, bound) in [(0, 10), (1, 20), (2, 35), (40, 35)] {
            let waits: Vec<u32> = (0..1000).map(|r| backoff_ms(&spec, retry, r)).collect();
            assert_eq!(waits.iter().max(), Some(&bound));
            assert_eq!(waits.iter().min(), Some(&0));
        }
    }

    #[test]
    fn retry_after_is_bounded_and_a_number() {
        for (field, ms) in [
            ("3", Some(3_000)),
            (" 0 ", Some(0)),
            ("99999999999999999999", None),
            ("86400", Some(60_000)),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after_ms(field), ms, "{field}");
        }
    }
}
