//! What a run came to, in numbers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Served, Target, Timeline};
use crate::upstream::pool::Event;

/// Sums over all requests of a run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub requests: u64,
    pub idempotent: u64,
    /// Answered with a status below 400.
    pub good: u64,
    pub good_idempotent: u64,
    pub tries: u64,
    pub retries: u64,
    pub hedges: u64,
    pub cancelled: u64,
    pub ejections: u64,
    /// How often the guard took the canary its share.
    pub held: u64,
    /// Answered 503 by the gateway, for want of an endpoint.
    pub refused: u64,
    /// Requests that have a home zone.
    pub homed: u64,
    /// Of these, those that another zone answered.
    pub away: u64,
    /// By status.
    pub statuses: BTreeMap<u16, u64>,
    pub endpoints: Vec<Endpoint>,
    pub timeline: Timeline,
    /// Microseconds.
    latencies: RefCell<Vec<u32>>,
}

/// What an endpoint had to do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    pub tries: u64,
    /// Answers of its that clients got.
    pub answers: u64,
    /// By all isolates.
    pub ejections: u64,
}

/// Answers of a zone's endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneShare {
    pub name: String,
    pub tries: u64,
    pub answers: u64,
}

/// Milliseconds to the heads of the answers, whatever they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Tally {
    pub fn new(target: &Target) -> Tally {
        Tally {
            endpoints: vec![Endpoint::default(); target.endpoints.len()],
            timeline: Timeline::new(target.endpoints.len()),
            ..Tally::default()
        }
    }

    pub fn add(&mut self, target: &Target, served: &Served) {
        self.timeline.add(served);
        let tries = count(served.tries.len());
        let good = served.status < 400;
        add(&mut self.requests, 1);
        add(&mut self.idempotent, u64::from(served.idempotent));
        add(&mut self.good, u64::from(good));
        add(
            &mut self.good_idempotent,
            u64::from(good && served.idempotent),
        );
        add(&mut self.tries, tries);
        let hedges = u64::from(served.hedges);
        let beside_the_first = tries.saturating_sub(1);
        add(&mut self.retries, beside_the_first.saturating_sub(hedges));
        add(&mut self.hedges, hedges);
        add(&mut self.cancelled, u64::from(served.cancelled));
        add(&mut self.refused, u64::from(served.refused));
        add(self.statuses.entry(served.status).or_default(), 1);
        if served.home.is_some() {
            add(&mut self.homed, 1);
            let zone = served.endpoint.and_then(|e| target.endpoints.get(e)?.zone);
            let away = served.endpoint.is_some() && zone != served.home;
            add(&mut self.away, u64::from(away));
        }
        for event in &served.events {
            match event {
                Event::Ejected(endpoint) => {
                    add(&mut self.ejections, 1);
                    self.at(*endpoint, |endpoint| &mut endpoint.ejections);
                }
                Event::CanaryHeld => add(&mut self.held, 1),
            }
        }
        for (_, endpoint) in &served.tries {
            self.at(*endpoint, |endpoint| &mut endpoint.tries);
        }
        if let Some(endpoint) = served.endpoint {
            self.at(endpoint, |endpoint| &mut endpoint.answers);
        }
        let took = u32::try_from(served.took_us).unwrap_or(u32::MAX);
        self.latencies.get_mut().push(took);
    }

    pub fn percentiles(&self) -> Percentiles {
        let mut latencies = self.latencies.borrow_mut();
        latencies.sort_unstable();
        // The smallest one that so many thousandths do not exceed.
        let at = |thousandths: usize| {
            let rank = latencies.len().saturating_mul(thousandths).div_ceil(1000);
            let us = latencies.get(rank.saturating_sub(1));
            us.map_or(0.0, |us| f64::from(*us) / 1000.0)
        };
        Percentiles {
            p50: at(500),
            p99: at(990),
            p999: at(999),
            max: at(1000),
        }
    }

    /// By zone, in the order of the config; endpoints without a zone are left out.
    pub fn zones(&self, target: &Target) -> Vec<ZoneShare> {
        let zones = target.zones.iter().enumerate();
        let shares = zones.filter_map(|(index, zone)| {
            let mut share = ZoneShare {
                name: zone.name.clone(),
                tries: 0,
                answers: 0,
            };
            let mut any = false;
            for (endpoint, told) in target.endpoints.iter().zip(&self.endpoints) {
                if endpoint.zone.map(usize::from) == Some(index) {
                    any = true;
                    add(&mut share.tries, told.tries);
                    add(&mut share.answers, told.answers);
                }
            }
            any.then_some(share)
        });
        shares.collect()
    }

    fn at(&mut self, endpoint: usize, of: fn(&mut Endpoint) -> &mut u64) {
        if let Some(endpoint) = self.endpoints.get_mut(endpoint) {
            add(of(endpoint), 1);
        }
    }
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
