//! What a pool knows, and what each answer adds to it.

use std::rc::Rc;

use super::budget::Budget;
use super::canary::Guard;
use super::latency::{Histogram, PeakEwma};
use super::outlier::{Outlier, chance_losses};
use super::{Endpoint, Event, Failure, Flight, Outcome, Pool};
use crate::plan::PoolSpec;

/// The budget of hedges where there are no retries: percent of the requests, and free ones in a second.
const HEDGES_ALONE: (u32, u32) = (20, 10);

/// A failure counts as slow as the slowest answers: only so many percent of them are quicker.
const SLOW_PERCENT: u32 = 99;

pub(super) struct State {
    pub members: Vec<Member>,
    pub budget: Option<Budget>,
    pub latencies: Histogram,
    pub guard: Guard,
}

/// What is known of one endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    pub in_flight: u32,
    pub ewma: PeakEwma,
    pub outlier: Outlier,
    /// By active health checks.
    pub down: bool,
    /// By hand.
    pub drained: bool,
    /// `Retry-After`
    pub rests_until: u64,
    /// It has succeeded since it last failed, whoever says that it is ill.
    pub answers: bool,
    failed_at: u64,
    /// How far its turn is (smooth weighted round robin).
    pub turn: i64,
}

impl State {
    pub fn new(spec: &PoolSpec, endpoints: usize) -> State {
        State {
            members: vec![Member::default(); endpoints],
            budget: budget_of(spec).map(|(percent, free)| Budget::new(percent, free)),
            latencies: Histogram::default(),
            guard: Guard::default(),
        }
    }
}

impl Pool {
    /// Goes on with what is known of the same endpoints in the plan before: their answers, ejections and rests, the
    /// latencies, and the budget and the hold of a canary where their rules are the same. What an operator or a health
    /// check says is told again.
    pub fn take_over(&mut self, before: &Pool) {
        let are_same = self.endpoints.len() == before.endpoints.len()
            && self.endpoints.iter().zip(&before.endpoints).all(is_same);
        if are_same {
            self.state = Rc::clone(&before.state);
        } else {
            let (mut state, old) = (self.state.borrow_mut(), before.state.borrow());
            state.latencies = old.latencies.clone();
            state.budget.clone_from(&old.budget);
            state.guard = old.guard.clone();
            for (endpoint, member) in self.endpoints.iter().zip(&mut state.members) {
                let mut known = before.endpoints.iter().zip(&old.members);
                if let Some((_, known)) = known.find(|(other, _)| is_same((endpoint, other))) {
                    *member = known.without_flights();
                }
            }
        }
        let mut state = self.state.borrow_mut();
        if budget_of(&self.spec) != budget_of(&before.spec) {
            state.budget = State::new(&self.spec, 0).budget;
        }
        let canaries = |pool: &Pool| {
            let canaries = pool.endpoints.iter().filter(|e| e.canary);
            canaries
                .map(|e| (e.base.clone(), e.binding.clone()))
                .collect::<Vec<_>>()
        };
        if self.spec.canary != before.spec.canary || canaries(self) != canaries(before) {
            state.guard = Guard::default();
        }
        for member in &mut state.members {
            (member.down, member.drained) = (false, false);
        }
    }

    /// A request is sent.
    pub fn began(&self, endpoint: usize, now: u64) -> Flight {
        let mut trial = None;
        if let Some(member) = self.state.borrow_mut().members.get_mut(endpoint) {
            member.in_flight = member.in_flight.saturating_add(1);
            if let Some(spec) = &self.spec.outlier {
                trial = member.outlier.began(spec, now);
            }
        }
        Flight {
            endpoint,
            began: now,
            trial,
        }
    }

    /// The head of the answer came, or nothing will come any more.
    pub fn ended(&self, flight: &Flight, now: u64, outcome: Outcome) -> [Option<Event>; 2] {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let endpoint = flight.endpoint;
        let took = now.saturating_sub(flight.began);
        let mut counted = took;
        if outcome == Outcome::Success {
            state.latencies.add(took);
        } else {
            // To fail quickly is not to be quick: that would draw all requests to where they fail.
            let slow = state.latencies.percentile(SLOW_PERCENT);
            counted = counted.max(slow.map_or(0, u64::from));
        }
        let Some(member) = state.members.get_mut(endpoint) else {
            return [None; 2];
        };
        member.in_flight = member.in_flight.saturating_sub(1);
        if outcome != Outcome::Cancelled {
            member.ewma.add(now, counted);
        }
        match outcome {
            Outcome::Success => member.answers |= flight.began > member.failed_at,
            Outcome::Failure(_) => (member.answers, member.failed_at) = (false, now),
            Outcome::Cancelled => {}
        }
        let bad = self
            .spec
            .outlier
            .as_ref()
            .is_some_and(|spec| member.outlier.ended(spec, now, outcome, flight));
        let ejection = if bad {
            self.eject(state, endpoint, now)
        } else {
            None
        };
        [ejection, self.guarded(state, endpoint, now, outcome)]
    }

    /// Nobody waited for it any more, since another endpoint that was asked later had answered.
    pub fn lost(&self, flight: &Flight, now: u64) -> [Option<Event>; 2] {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let Some(member) = state.members.get_mut(flight.endpoint) else {
            return [None; 2];
        };
        member.in_flight = member.in_flight.saturating_sub(1);
        member.ewma.raise(now, now.saturating_sub(flight.began));
        let by_chance = self
            .spec
            .hedge
            .as_ref()
            .map_or(0, |hedge| chance_losses(hedge.percentile));
        let spec = self.spec.outlier.as_ref();
        if !spec.is_some_and(|spec| member.outlier.lost(spec, flight, by_chance)) {
            return [None; 2];
        }
        let ejection = self.eject(state, flight.endpoint, now);
        let failure = Outcome::Failure(Failure::Gateway);
        [ejection, self.guarded(state, flight.endpoint, now, failure)]
    }

    /// Leaves an endpoint out, if it may be.
    fn eject(&self, state: &mut State, endpoint: usize, now: u64) -> Option<Event> {
        let spec = self.spec.outlier.as_ref()?;
        let members = state.members.iter();
        let ejected = members
            .filter(|member| member.outlier.is_ejected(now))
            .count();
        let canary = |index: usize| self.endpoints.get(index).is_some_and(|e| e.canary);
        // The requests of a canary have the others.
        let is_last = spec.max_ejected_percent < 100
            && !canary(endpoint)
            && !state.members.iter().enumerate().any(|(index, member)| {
                index != endpoint
                    && !canary(index)
                    && self.endpoints.get(index).is_some_and(|e| e.weight > 0)
                    && !(member.down || member.drained)
                    && member.outlier.is_well()
            });
        let most = most_ejected(self.endpoints.len(), spec.max_ejected_percent);
        let outlier = &mut state.members.get_mut(endpoint)?.outlier;
        if is_last && outlier.is_closed() {
            outlier.doubt();
        } else if ejected < most {
            outlier.eject(spec, now);
            return Some(Event::Ejected(endpoint));
        } else {
            outlier.pardon();
        }
        None
    }

    /// Lets the canary's guard know.
    fn guarded(
        &self,
        state: &mut State,
        endpoint: usize,
        now: u64,
        outcome: Outcome,
    ) -> Option<Event> {
        let guard = self.spec.canary.as_ref()?.guard.as_ref()?;
        let canary = self.endpoints.get(endpoint)?.canary;
        let tripped = state.guard.ended(guard, now, outcome, canary);
        tripped.then_some(Event::CanaryHeld)
    }

    /// How many requests to an endpoint are under way.
    pub fn in_flight(&self, endpoint: usize) -> u32 {
        let state = self.state.borrow();
        state.members.get(endpoint).map_or(0, |m| m.in_flight)
    }

    /// An endpoint asked to be left in peace until then.
    pub fn rest(&self, endpoint: usize, until: u64) {
        if let Some(member) = self.state.borrow_mut().members.get_mut(endpoint) {
            member.rests_until = member.rests_until.max(until);
        }
    }

    /// What active health checks say of an endpoint.
    pub fn set_down(&self, endpoint: usize, down: bool) {
        if let Some(member) = self.state.borrow_mut().members.get_mut(endpoint) {
            member.down = down;
        }
    }

    /// Takes endpoints out by hand, all others in.
    pub fn set_drained(&self, drained: impl Fn(&Endpoint) -> bool) {
        let mut state = self.state.borrow_mut();
        for (member, endpoint) in state.members.iter_mut().zip(&self.endpoints) {
            member.drained = drained(endpoint);
        }
    }
}

impl Member {
    /// What is known, for another state: requests that are under way end in the old one.
    fn without_flights(&self) -> Member {
        Member {
            in_flight: 0,
            outlier: self.outlier.without_trials(),
            ..self.clone()
        }
    }
}

/// Whether two endpoints are one address under one name.
fn is_same((one, other): (&Endpoint, &Endpoint)) -> bool {
    one.name == other.name && one.base == other.base && one.binding == other.binding
}

/// Percent of the requests, and free ones in a second.
fn budget_of(spec: &PoolSpec) -> Option<(u32, u32)> {
    match (&spec.retry, &spec.hedge) {
        (Some(retry), _) => Some((retry.budget_percent, retry.budget_min_per_second)),
        (None, Some(_)) => Some(HEDGES_ALONE),
        (None, None) => None,
    }
}

/// How many of so many endpoints may be left out: at least one, unless the share is nothing.
fn most_ejected(endpoints: usize, percent: u32) -> usize {
    let share = endpoints.saturating_mul(percent as usize) / 100;
    share.max(usize::from(percent > 0))
}
