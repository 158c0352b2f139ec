//! Outlier ejection, the circuit breaker of one endpoint.
//!
//! ```text
//!            too many failures                  its time is over
//!  closed ----------------------> ejected(n) --------------------> probation
//!    ^                               ^  n + 1                          |  |
//!    |                               +---------------------------------+  |
//!    |                                        a trial failed              |
//!    +--------------------------------------------------------------------+
//!                               as many trials succeeded as are let in
//! ```
//!
//! It is ejected for the base time times n, within a bound. n falls by one for each base time without an ejection.
//!
//! The trials are requests that survive a failure. Where none comes within another base time, there may be none at all:
//! then any request is one.

use super::window::Window;
use super::{Failure, Outcome};
use crate::plan::OutlierSpec;

/// A trial that has not ended after so many milliseconds is taken for lost: another one may begin.
const LOST_MS: u64 = 60_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Outlier {
    state: State,
    consecutive: u32,
    gateway_errors: u32,
    window: Window,
    /// n
    ejections: u32,
    /// When it last came back.
    returned_at: u64,
    /// Which probation this is: trials of an earlier one say nothing of it.
    probations: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Ejected {
        until: u64,
    },
    Probation {
        /// When its time was over.
        since: u64,
        /// Trials that are under way.
        trials: u32,
        succeeded: u32,
        /// When the last one began.
        last: u64,
    },
}

/// A request that is a trial, of this probation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial(u32);

/// Whether an endpoint can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Availability {
    Well,
    /// It may be tried, by a request that would survive its failure.
    OnProbation,
    /// Not before that time.
    Out(u64),
}

impl Outlier {
    pub fn availability(&self, spec: &OutlierSpec, now: u64) -> Availability {
        match self.state {
            State::Closed => Availability::Well,
            State::Ejected { until } if now < until => Availability::Out(until),
            State::Ejected { until } => probation(spec, until, now),
            State::Probation { trials, since, .. } if trials < spec.probation_requests => {
                probation(spec, since, now)
            }
            State::Probation { last, .. } if is_lost(last, now) => Availability::OnProbation,
            State::Probation { .. } => Availability::Out(now.saturating_add(1)),
        }
    }

    pub fn is_ejected(&self, now: u64) -> bool {
        matches!(self.state, State::Ejected { until } if now < until)
    }

    /// A request is sent. If it is a trial, that is told again when it ends.
    pub fn began(&mut self, spec: &OutlierSpec, now: u64) -> Option<Trial> {
        let since = match self.state {
            State::Ejected { until } if now >= until => Some(until),
            State::Probation {
                since,
                trials,
                last,
                ..
            } if trials >= spec.probation_requests && is_lost(last, now) => Some(since),
            _ => None,
        };
        if let Some(since) = since {
            self.probations = self.probations.wrapping_add(1);
            self.state = State::Probation {
                since,
                trials: 0,
                succeeded: 0,
                last: now,
            };
        }
        match &mut self.state {
            State::Probation { trials, last, .. } if *trials < spec.probation_requests => {
                *trials = trials.saturating_add(1);
                *last = now;
                Some(Trial(self.probations))
            }
            _ => None,
        }
    }

    /// A request ended. Whether the endpoint is to be ejected, if that may be: then [`Outlier::eject`] is called.
    pub fn ended(
        &mut self,
        spec: &OutlierSpec,
        now: u64,
        outcome: Outcome,
        trial: Option<Trial>,
    ) -> bool {
        let failed = outcome != Outcome::Success;
        if trial == Some(Trial(self.probations))
            && let State::Probation {
                trials, succeeded, ..
            } = &mut self.state
        {
            *trials = trials.saturating_sub(1);
            if outcome == Outcome::Cancelled {
                return false;
            }
            if failed {
                return true;
            }
            *succeeded = succeeded.saturating_add(1);
            if *succeeded >= spec.probation_requests {
                self.state = State::Closed;
                self.returned_at = now;
                self.forget();
            }
            return false;
        }
        // What was sent before it was ejected, or in spite of that, says nothing of now.
        if outcome == Outcome::Cancelled || trial.is_some() || self.state != State::Closed {
            return false;
        }
        self.window.add(now, spec.window_ms, failed);
        let gateway_error = matches!(outcome, Outcome::Failure(Failure::Gateway));
        self.consecutive = count(self.consecutive, failed);
        self.gateway_errors = count(self.gateway_errors, gateway_error);
        let reached = |counted: u32, bound: u32| bound != 0 && counted >= bound;
        reached(self.consecutive, spec.consecutive_failures)
            || reached(self.gateway_errors, spec.consecutive_gateway_errors)
            || (failed
                && spec.failure_percent != 0
                && self.window.exceeds(spec.min_requests, spec.failure_percent))
    }

    pub fn eject(&mut self, spec: &OutlierSpec, now: u64) {
        let base = u64::from(spec.base_ejection_ms);
        let quiet = now.saturating_sub(self.returned_at).checked_div(base);
        let fallen = quiet.and_then(|times| u32::try_from(times).ok());
        if self.state == State::Closed {
            self.ejections = self.ejections.saturating_sub(fallen.unwrap_or(u32::MAX));
        }
        self.ejections = self.ejections.saturating_add(1);
        let time = base.saturating_mul(u64::from(self.ejections));
        let time = time.min(u64::from(spec.max_ejection_ms));
        self.state = State::Ejected {
            until: now.saturating_add(time),
        };
        self.forget();
    }

    /// As many are left out as may be: this one stays.
    pub fn pardon(&mut self) {
        self.state = State::Closed;
        self.forget();
    }

    fn forget(&mut self) {
        self.consecutive = 0;
        self.gateway_errors = 0;
        self.window.clear();
    }
}

fn is_lost(last: u64, now: u64) -> bool {
    now.saturating_sub(last) >= LOST_MS
}

/// Of whom trials are taken.
fn probation(spec: &OutlierSpec, since: u64, now: u64) -> Availability {
    match now.saturating_sub(since) < u64::from(spec.base_ejection_ms) {
        true => Availability::OnProbation,
        false => Availability::Well,
    }
}

fn count(so_far: u32, one_more: bool) -> u32 {
    if one_more {
        so_far.saturating_add(1)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: OutlierSpec = OutlierSpec {
        consecutive_failures: 3,
        consecutive_gateway_errors: 2,
        failure_percent: 50,
        min_requests: 10,
        window_ms: 10_000,
        base_ejection_ms: 1_000,
        max_ejection_ms: 2_500,
        max_ejected_percent: 100,
        panic_percent: 0,
        probation_requests: 2,
    };
    const FAILED: Outcome = Outcome::Failure(Failure::Server);
    const GATEWAY: Outcome = Outcome::Failure(Failure::Gateway);

    fn after(outlier: &mut Outlier, now: u64, outcome: Outcome) -> bool {
        let trial = outlier.began(&SPEC, now);
        outlier.ended(&SPEC, now, outcome, trial)
    }

    #[test]
    fn failures_one_after_another_eject() {
        let mut outlier = Outlier::default();
        assert!(!after(&mut outlier, 0, FAILED));
        assert!(!after(&mut outlier, 0, FAILED));
        assert!(!after(&mut outlier, 0, Outcome::Success));
        assert!(!after(&mut outlier, 0, FAILED));
        assert!(!after(&mut outlier, 0, Outcome::Cancelled));
        assert!(!after(&mut outlier, 0, FAILED));
        assert!(after(&mut outlier, 0, FAILED));
    }

    #[test]
    fn gateway_errors_are_counted_apart() {
        let mut outlier = Outlier::default();
        assert!(!after(&mut outlier, 0, GATEWAY));
        assert!(!after(&mut outlier, 0, FAILED));
        assert!(!after(&mut outlier, 0, Outcome::Success));
        assert!(!after(&mut outlier, 0, GATEWAY));
        assert!(after(&mut outlier, 0, GATEWAY));
    }

    #[test]
    fn a_share_of_failures_ejects_once_there_are_enough_requests() {
        let mut outlier = Outlier::default();
        let outcomes = [FAILED, FAILED, Outcome::Success];
        let ejects = (0..12).map(|i| after(&mut outlier, i, outcomes[(i % 3) as usize]));
        assert_eq!(ejects.collect::<Vec<_>>().iter().position(|e| *e), Some(9));
    }

    #[test]
    fn what_comes_back_is_on_probation_and_is_out_longer_each_time() {
        let mut outlier = Outlier::default();
        outlier.eject(&SPEC, 10_000);
        let at = |outlier: &Outlier, now| outlier.availability(&SPEC, now);
        assert_eq!(at(&outlier, 10_999), Availability::Out(11_000));
        assert_eq!(at(&outlier, 11_000), Availability::OnProbation);
        // Two trials at once, no third.
        let trial = outlier.began(&SPEC, 11_000);
        assert!(trial.is_some() && outlier.began(&SPEC, 11_000) == trial);
        assert_eq!(at(&outlier, 11_000), Availability::Out(11_001));
        assert!(outlier.began(&SPEC, 11_000).is_none());
        assert!(!outlier.ended(
            &SPEC,
            11_000,
            Outcome::Success,
            Some(Trial(outlier.probations))
        ));
        assert!(outlier.ended(&SPEC, 11_000, FAILED, Some(Trial(outlier.probations))));
        outlier.eject(&SPEC, 11_000);
        assert_eq!(at(&outlier, 11_000), Availability::Out(13_000));
        assert!(outlier.began(&SPEC, 13_000).is_some());
        assert!(outlier.ended(&SPEC, 13_000, FAILED, Some(Trial(outlier.probations))));
        outlier.eject(&SPEC, 13_000);
        assert_eq!(at(&outlier, 13_000), Availability::Out(15_500), "bounded");
        for _ in 0..2 {
            assert!(outlier.began(&SPEC, 15_500).is_some());
            assert!(!outlier.ended(
                &SPEC,
                15_500,
                Outcome::Success,
                Some(Trial(outlier.probations))
            ));
        }
        assert_eq!(at(&outlier, 15_500), Availability::Well);
        // After a quiet time it counts as a first one again.
        outlier.eject(&SPEC, 100_000);
        assert_eq!(at(&outlier, 100_000), Availability::Out(101_000));
    }

    #[test]
    fn where_no_request_survives_a_failure_any_one_is_a_trial() {
        let mut outlier = Outlier::default();
        outlier.eject(&SPEC, 0);
        let at = |outlier: &Outlier, now| outlier.availability(&SPEC, now);
        assert_eq!(at(&outlier, 1_999), Availability::OnProbation);
        assert_eq!(at(&outlier, 2_000), Availability::Well);
        assert!(outlier.began(&SPEC, 2_000).is_some() && outlier.began(&SPEC, 2_000).is_some());
        assert_eq!(at(&outlier, 2_000), Availability::Out(2_001));
        assert!(!outlier.ended(
            &SPEC,
            2_010,
            Outcome::Success,
            Some(Trial(outlier.probations))
        ));
        assert_eq!(at(&outlier, 2_010), Availability::Well);
        assert!(outlier.ended(&SPEC, 2_010, FAILED, Some(Trial(outlier.probations))));
    }

    #[test]
    fn a_cancelled_trial_makes_room_for_another() {
        let mut outlier = Outlier::default();
        outlier.eject(&SPEC, 0);
        for _ in 0..10 {
            assert!(outlier.began(&SPEC, 1_000).is_some());
            assert!(!outlier.ended(
                &SPEC,
                1_000,
                Outcome::Cancelled,
                Some(Trial(outlier.probations))
            ));
        }
        assert_eq!(
            outlier.availability(&SPEC, 1_000),
            Availability::OnProbation
        );
    }

    #[test]
    fn a_trial_that_never_ends_is_lost_and_says_nothing_later() {
        let mut outlier = Outlier::default();
        outlier.eject(&SPEC, 0);
        let lost = outlier.began(&SPEC, 1_000);
        assert!(lost.is_some() && outlier.began(&SPEC, 1_000).is_some());
        assert_eq!(
            outlier.availability(&SPEC, 60_999),
            Availability::Out(61_000)
        );
        assert_eq!(
            outlier.availability(&SPEC, 61_000),
            Availability::OnProbation
        );
        let trial = outlier.began(&SPEC, 61_000);
        assert!(trial.is_some() && trial != lost);
        assert!(!outlier.ended(&SPEC, 61_000, FAILED, lost));
        assert!(outlier.ended(&SPEC, 61_000, FAILED, trial));
    }
}
