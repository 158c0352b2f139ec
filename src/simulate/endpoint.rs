//! The endpoints of a scenario: what each does with a request that comes at a moment.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::scenario::{Behaviour, ErrorShare, Incident, Scenario};
use crate::host::SendError;
use crate::host::memory::Reply;
use crate::host::virtual_time::{Random, Scripted};
use crate::upstream::pool::bit;

/// Microseconds to a refusal.
const REFUSED_US: u64 = 1_000;

pub struct Stage<'a> {
    scenario: &'a Scenario,
    lots: Random,
    loads: Vec<RefCell<Load>>,
}

/// The work of an endpoint: when each piece of it is done. A try that the gateway cancels is worked on all the same.
#[derive(Default)]
struct Load {
    until: BinaryHeap<Reverse<u64>>,
    peak: usize,
}

impl<'a> Stage<'a> {
    pub fn new(scenario: &'a Scenario, lots: Random) -> Stage<'a> {
        Stage {
            scenario,
            lots,
            loads: scenario
                .endpoints
                .iter()
                .map(|_| RefCell::default())
                .collect(),
        }
    }

    /// What becomes of a request that comes now, in microseconds since the beginning.
    pub fn ask(&self, endpoint: usize, now: u64) -> Scripted {
        let behaviour = self.scenario.endpoints.get(endpoint);
        let Some((behaviour, load)) = behaviour.zip(self.loads.get(endpoint)) else {
            return refused();
        };
        let mut load = load.borrow_mut();
        while load
            .until
            .peek()
            .is_some_and(|Reverse(until)| *until <= now)
        {
            load.until.pop();
        }
        let incidents = || {
            self.scenario
                .incidents
                .iter()
                .filter(|i| i.is_at(endpoint, now))
        };
        let falls = |own: f64, of: fn(&Incident) -> f64| {
            self.lots.falls(own) || incidents().any(|incident| self.lots.falls(of(incident)))
        };
        if falls(behaviour.refuse_percent, |i| i.refuse_percent) {
            return refused();
        }
        let full = behaviour.max_concurrent;
        if full.is_some_and(|most| load.until.len() >= most) {
            return answered(REFUSED_US, 503, None);
        }
        if falls(behaviour.hang_percent, |i| i.hang_percent) {
            return Scripted {
                after_us: None,
                outcome: Err(SendError::TimedOut),
            };
        }
        let slower: f64 = incidents().map(|incident| incident.slower).product();
        let took = (behaviour.latency.draw(&self.lots) * slower * 1000.0) as u64;
        load.until.push(Reverse(now.saturating_add(took)));
        load.peak = load.peak.max(load.until.len());
        match self.error(behaviour, incidents()) {
            Some(error) => answered(took, error.status, error.retry_after_s),
            None => answered(took, 200, None),
        }
    }

    /// How many requests each endpoint worked on at once at most.
    pub fn peaks(&self) -> Vec<usize> {
        self.loads.iter().map(|load| load.borrow().peak).collect()
    }

    /// One lot for each list of errors: within it the shares add up.
    fn error<'s>(
        &self,
        behaviour: &'s Behaviour,
        incidents: impl Iterator<Item = &'s Incident>,
    ) -> Option<&'s ErrorShare> {
        let lists = incidents.map(|incident| &incident.errors);
        let mut lists = lists.chain([&behaviour.errors]);
        lists.find_map(|errors| {
            if errors.is_empty() {
                return None;
            }
            let mut lot = self.lots.share() * 100.0;
            errors.iter().find(|error| {
                lot -= error.percent;
                lot <= 0.0
            })
        })
    }
}

impl Incident {
    fn is_at(&self, endpoint: usize, now: u64) -> bool {
        self.endpoints & bit(endpoint) != 0 && (self.from_us..self.to_us).contains(&now)
    }
}

fn refused() -> Scripted {
    Scripted {
        after_us: Some(REFUSED_US),
        outcome: Err(SendError::Unreachable("refused".to_owned())),
    }
}

fn answered(after_us: u64, status: u16, retry_after_s: Option<u32>) -> Scripted {
    let field = retry_after_s.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
    Scripted {
        after_us: Some(after_us),
        outcome: Ok(Reply {
            status,
            fields: field.into_iter().collect(),
            body: String::new(),
        }),
    }
}
