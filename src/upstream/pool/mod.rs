//! A server's endpoints as one isolate sees them: which one takes the next request, and what its answer teaches.
//!
//! Choosing goes from the many to the one:
//! 1. Those that a request may use at all: of its zones, of its group, with a weight, not drained, and reached from its
//!    home zone by the rules of [`locality`].
//! 2. Of these, the ones that are well: not ejected ([`outlier`]), not down by a health check, not asked to be left in
//!    peace by `Retry-After`, not waiting for a proof of who the gateway is. If fewer than `panic_percent` are well, all
//!    count as well, but for those that no proof is there for. If none is, those count whose last answer was a success, as
//!    soon as these are as many as would have to be well.
//! 3. Of these, a first try takes the first tier, or, where fewer than `threshold` percent of it are well, now and then a
//!    further one. Another try takes a zone that has not been tried, else an endpoint that has not been tried.
//! 4. Of these, one by `balance`.
//!
//! Pure code: time and chance come in as numbers. A server has at most [`MOST`] endpoints, so a set of them is a number.

mod balance;
mod budget;
mod canary;
mod choose;
mod hash;
mod latency;
mod learn;
mod locality;
mod outlier;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
mod window;

use std::cell::RefCell;
use std::rc::Rc;

use crate::plan::{Home, Locality, PoolSpec};

use super::Base;
use budget::Budget;
use learn::State;
use outlier::Trial;

pub use canary::said;
pub use hash::number as hash_number;

/// How many endpoints a server can have.
pub const MOST: usize = 64;

/// After how many milliseconds to ask again where every endpoint is drained: nobody knows when that ends.
const DRAINED_RETRY_MS: u64 = 30_000;

/// One address of a server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub name: String,
    pub base: Base,
    /// The platform's name of the binding that is asked in place of the URL's host.
    pub binding: Option<String>,
    /// Index into the plan's zones.
    pub zone: Option<u16>,
    /// Index into the plan's identities.
    pub identity: Option<u16>,
    pub weight: u32,
    pub canary: bool,
}

/// A server of several endpoints.
pub struct Pool {
    pub alias: String,
    pub spec: PoolSpec,
    pub endpoints: Vec<Endpoint>,
    /// What identifies each endpoint in hashes, whatever its place in the list.
    ids: Vec<u64>,
    /// By home zone; the last one is for no home.
    tiers: Vec<locality::Tiers>,
    /// Shared with the same server of the plan before, whose requests may be under way still.
    state: Rc<RefCell<State>>,
}

/// What became of a request to an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure(Failure),
    /// Nobody waited for it.
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer, none in time, or 502, 503, 504.
    Gateway,
    /// Another 5xx.
    Server,
}

/// Which endpoints a try may use.
#[derive(Clone, Debug, Default)]
pub struct Want<'a> {
    pub home: Option<u16>,
    /// Only endpoints of these zones.
    pub zones: Option<&'a [u16]>,
    /// For `consistent_hash`.
    pub hash: Option<u64>,
    /// The endpoint that the client's cookie names.
    pub sticky: Option<usize>,
    pub canary: bool,
    /// Those that were tried, a bit each.
    pub tried: u64,
    /// Those to which the gateway cannot prove at the moment who it is, a bit each.
    pub unproven: u64,
    /// The request survives a failure.
    pub robust: bool,
}

/// No endpoint can take the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nobody {
    /// Milliseconds after which there may be one.
    pub retry_after_ms: u64,
}

/// A request under way. It is handed back to [`Pool::ended`].
#[derive(Debug)]
pub struct Flight {
    pub endpoint: usize,
    began: u64,
    trial: Option<Trial>,
}

impl Flight {
    /// Its latency counts from this time on at the earliest: till then it was the client that was waited for.
    pub fn begins_at(&mut self, ms: u64) {
        self.began = self.began.max(ms);
    }
}

/// What a request has put into the budget.
#[derive(Debug)]
pub struct Deposit(u64);

/// Something of which the operator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Ejected(usize),
    CanaryHeld,
}

impl Pool {
    /// `zones` is how many zones the plan has. No more than [`MOST`] endpoints are ever used.
    pub fn new(alias: &str, spec: PoolSpec, endpoints: Vec<Endpoint>, zones: usize) -> Pool {
        let places: Vec<Option<u16>> = endpoints.iter().take(MOST).map(|e| e.zone).collect();
        let homes = (0..zones).map(|zone| u16::try_from(zone).ok());
        let tiers = homes
            .chain([None])
            .map(|home| locality::tiers(spec.locality.as_ref(), home, &places));
        let state = State::new(&spec, endpoints.len());
        Pool {
            alias: alias.to_owned(),
            ids: endpoints.iter().map(|e| hash::number(&e.name)).collect(),
            tiers: tiers.collect(),
            state: Rc::new(RefCell::new(state)),
            spec,
            endpoints,
        }
    }

    /// The home zone of a request that may use only some zones. `nearest` are the plan's zones by their distance to the
    /// client.
    pub fn home(&self, zones: Option<&[u16]>, nearest: impl FnOnce() -> Vec<u16>) -> Option<u16> {
        let may = |zone: &u16| zones.is_none_or(|zones| zones.contains(zone));
        let has = |zone: &u16| self.endpoints.iter().any(|e| e.zone == Some(*zone));
        match self.spec.locality.as_ref()?.home {
            Home::Zone(zone) if may(&zone) => Some(zone),
            Home::Zone(_) => zones?.iter().copied().find(has),
            Home::Nearest => nearest().into_iter().find(|zone| may(zone) && has(zone)),
        }
    }

    /// Whether a request is the canary's, by what it says itself, by a key or by chance.
    pub fn is_canary(&self, said: Option<bool>, key: Option<&str>, random: u64, now: u64) -> bool {
        let Some(spec) = &self.spec.canary else {
            return false;
        };
        said.unwrap_or_else(|| {
            self.state.borrow().guard.allows(now) && canary::falls(spec, key, random)
        })
    }

    /// The endpoint with this id, as a cookie names it.
    pub fn named(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|known| cookie_id(*known) == id)
    }

    /// What a cookie calls an endpoint: nothing can be read from it.
    pub fn id(&self, endpoint: usize) -> String {
        self.ids
            .get(endpoint)
            .map_or_else(String::new, |id| cookie_id(*id))
    }

    /// A request began: its share of a retry goes into the budget.
    pub fn deposit(&self) -> Deposit {
        let budget = &mut self.state.borrow_mut().budget;
        Deposit(budget.as_mut().map_or(0, Budget::deposit))
    }

    /// A request that began does not count.
    pub fn refund(&self, deposit: Deposit) {
        if let Some(budget) = &mut self.state.borrow_mut().budget {
            budget.refund(deposit.0);
        }
    }

    /// A retry that was taken out, and then not sent.
    pub fn put_back(&self) {
        if let Some(budget) = &mut self.state.borrow_mut().budget {
            budget.put_back();
        }
    }

    /// Takes a retry out of the budget.
    pub fn withdraw(&self, now: u64) -> bool {
        let mut state = self.state.borrow_mut();
        state.budget.as_mut().is_none_or(|b| b.withdraw(now))
    }

    /// Milliseconds within which so many percent of the answers came.
    pub fn percentile(&self, percent: u32) -> Option<u32> {
        self.state.borrow().latencies.percentile(percent)
    }
}

/// The tier of an endpoint as seen from a home, among endpoints in these zones; `None` where it is not reached.
pub fn reach(
    locality: Option<&Locality>,
    home: Option<u16>,
    zones: &[Option<u16>],
    endpoint: usize,
) -> Option<usize> {
    let tiers = locality::tiers(locality, home, zones);
    tiers.iter().position(|tier| tier & bit(endpoint) != 0)
}

fn cookie_id(id: u64) -> String {
    format!("{:08x}", id >> 32)
}

/// The set of one endpoint; an empty one for those that no set holds.
pub fn bit(index: usize) -> u64 {
    u32::try_from(index)
        .ok()
        .and_then(|index| 1_u64.checked_shl(index))
        .unwrap_or(0)
}

/// The endpoints of a set.
fn members(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros())?;
        set &= set.wrapping_sub(1);
        Some(lowest as usize)
    })
}
