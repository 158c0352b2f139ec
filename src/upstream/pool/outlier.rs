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
//! - The last one that is well is not ejected unless all may be: it is in doubt until it succeeds. While nobody else is
//!   well either, the others are asked too.
//! - A request that was sent in spite of an ejection, for want of anybody better, and that succeeds, brings the endpoint
//!   back at once. That it failed says nothing new.
//! - Races that an endpoint loses to hedges, without an answer in between, are failures once there are so many that it
//!   cannot be chance.
//!
//! The trials are requests that survive a failure. Where none comes within another base time, there may be none at all:
//! then any request is one.

use super::window::Window;
use super::{Failure, Flight, Outcome};
use crate::plan::OutlierSpec;

/// A trial that has not ended after so many milliseconds is taken for lost: another one may begin.
const LOST_MS: u64 = 60_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Outlier {
    state: State,
    consecutive: u32,
    gateway_errors: u32,
    window: Window,
    /// Races lost since the last success.
    lost: u32,
    /// It would have been ejected, and is the last one.
    doubted: bool,
    /// n
    ejections: u32,
    /// When it was last ejected.
    left_at: u64,
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

    /// Whether it is in use and has not failed lately.
    pub fn is_well(&self) -> bool {
        self.is_closed() && !self.doubted
    }

    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    pub fn is_doubted(&self) -> bool {
        self.doubted
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
        flight: &Flight,
    ) -> bool {
        let (failed, trial) = (outcome != Outcome::Success, flight.trial);
        if !failed {
            (self.lost, self.doubted) = (0, false);
        }
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
                self.come_back(now);
            }
            return false;
        }
        if outcome == Outcome::Cancelled || trial.is_some() {
            return false;
        }
        if self.state != State::Closed {
            // What was sent before it was ejected says nothing of now.
            if !failed && flight.began > self.left_at {
                self.come_back(now);
            }
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

    /// A request lost a race to a hedge. `by_chance` are as many in a row as a sound endpoint hardly ever loses. Whether the
    /// endpoint is to be ejected, if that may be.
    pub fn lost(&mut self, spec: &OutlierSpec, flight: &Flight, by_chance: u32) -> bool {
        self.lost = self.lost.saturating_add(1);
        let failures = self.lost.saturating_add(self.consecutive);
        let enough =
            spec.consecutive_failures != 0 && failures >= by_chance.max(spec.consecutive_failures);
        match (&mut self.state, flight.trial) {
            (State::Probation { trials, .. }, Some(trial)) if trial == Trial(self.probations) => {
                *trials = trials.saturating_sub(1);
                enough
            }
            (State::Closed, None) => enough,
            _ => false,
        }
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
        self.left_at = now;
        self.doubted = false;
        self.state = State::Ejected {
            until: now.saturating_add(time),
        };
        self.forget();
    }

    /// As many are left out as may be: this one stays.
    pub fn pardon(&mut self) {
        self.state = State::Closed;
        self.lost = 0;
        self.forget();
    }

    /// It is the last one: it stays, but nobody counts on it.
    pub fn doubt(&mut self) {
        self.pardon();
        self.doubted = true;
    }

    /// The same, but that no trial is under way.
    pub fn without_trials(&self) -> Outlier {
        let state = match self.state {
            State::Probation { since, .. } => State::Ejected { until: since },
            state => state,
        };
        Outlier {
            state,
            ..self.clone()
        }
    }

    fn come_back(&mut self, now: u64) {
        self.state = State::Closed;
        self.returned_at = now;
        self.forget();
    }

    fn forget(&mut self) {
        self.consecutive = 0;
        self.gateway_errors = 0;
        self.window.clear();
    }
}

/// How many races in a row a sound endpoint loses by chance once in a million times, if hedges are sent after so many
/// percent of the answers.
pub(super) fn chance_losses(percentile: u32) -> u32 {
    let late = f64::from(100_u32.saturating_sub(percentile).clamp(1, 99)) / 100.0;
    // Between 3 and some 1400.
    (1e-6_f64.ln() / late.ln()).ceil() as u32
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
mod tests;
