//! Simulation: the code that spreads, retries and hedges requests, in virtual time against endpoints that a scenario
//! scripts. Native alone; `causeway simulate` is its command line.
//!
//! - Requests come at random moments (a Poisson process) whatever became of earlier ones, as those of many clients do.
//! - Each group of clients has isolates of its own, and each of these its own [`Pool`], as on the platform.
//! - Chance has three streams, for clients, gateway and endpoints: another pool sees the same clients.
//! - What the gateway does before and after is not simulated: no path, no authorizer, no body, no identity.

mod endpoint;
mod read;
mod scenario;
mod tally;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;
mod timeline;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::Forward;
use crate::host::virtual_time::{Clock, Executor, Random, VirtualHost};
use crate::plan::{Balance, Blueprint, PoolSpec, Zone};
use crate::upstream::pool::{self, Event, Want, hash_number};
use crate::upstream::{
    Base, Identities, Order, Outbound, Pool, Story, is_idempotent, nearest, send,
};

use endpoint::Stage;

pub use read::read;
pub use scenario::{Behaviour, Clients, ErrorShare, Incident, Latency, Scenario, Until};
pub use tally::{Endpoint, Percentiles, Tally, ZoneShare};
pub use timeline::{Move, Row, Timeline};

/// A server of a config, and the zones that it stands in.
#[derive(Clone, Debug)]
pub struct Target {
    pub zones: Vec<Zone>,
    pub spec: PoolSpec,
    pub endpoints: Vec<pool::Endpoint>,
}

/// A request that is over.
#[derive(Clone, Debug)]
pub struct Served {
    /// Microseconds since the beginning.
    pub began_us: u64,
    pub took_us: u64,
    pub isolate: usize,
    pub idempotent: bool,
    pub home: Option<u16>,
    /// When, in microseconds since the beginning, and to which endpoint.
    pub tries: Vec<(u64, usize)>,
    /// Those among the tries that were sent before the one before had failed.
    pub hedges: u32,
    /// Tries that nobody waited for to the end.
    pub cancelled: u32,
    pub events: Vec<Event>,
    pub status: u16,
    /// Whose answer it is; `None` where the gateway answers itself.
    pub endpoint: Option<usize>,
    /// No endpoint could take it.
    pub refused: bool,
}

/// What is left when all is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Microseconds that all of it took.
    pub elapsed_us: u64,
    /// Requests that never end. There are none.
    pub hanging: usize,
    /// What pools still count as under way. It is nothing.
    pub in_flight: u64,
    /// How many requests each endpoint worked on at once at most.
    pub peaks: Vec<usize>,
}

impl Target {
    /// A server by its alias. Its endpoints are scripted, so their addresses and identities do not matter.
    pub fn of(blueprint: &Blueprint, alias: &str) -> Option<Target> {
        let server = blueprint.servers.iter().find(|s| s.alias == alias)?;
        let endpoints = server.endpoints.iter().map(|endpoint| pool::Endpoint {
            name: endpoint.name.clone(),
            base: Base::new(""),
            binding: None,
            zone: endpoint.zone,
            identity: None,
            weight: u32::from(endpoint.weight),
            canary: endpoint.canary,
        });
        Some(Target {
            zones: blueprint.zones.clone(),
            // Without a pool a server is asked once, whatever comes of it: so it is by a pool without rules.
            spec: server.pool.as_deref().cloned().unwrap_or_default(),
            endpoints: endpoints.take(pool::MOST).collect(),
        })
    }

    /// The zone of an endpoint.
    pub fn zone(&self, endpoint: usize) -> Option<&Zone> {
        let zone = self.endpoints.get(endpoint)?.zone?;
        self.zones.get(usize::from(zone))
    }
}

/// Lets a scenario happen and tells of each request when it is over.
pub fn run(target: &Target, scenario: &Scenario, told: &dyn Fn(Served)) -> Rest {
    let clock = Clock::default();
    let seed = Random::new(scenario.seed);
    let [clients, gateway, endpoints] = [seed.bits(), seed.bits(), seed.bits()].map(Random::new);
    let world = World {
        clock: &clock,
        gateway: &gateway,
        stage: Stage::new(scenario, endpoints),
        scenario,
        isolates: isolates(target, scenario),
        cookies: (0..scenario.keys).map(|_| Cell::new(None)).collect(),
        told,
    };
    let mut executor = Executor::new(&clock);
    let (mut number, mut at) = (0_u64, 0.0);
    loop {
        at += -clients.share().ln() * 1e6 / scenario.per_second;
        let over = match scenario.until {
            Until::Requests(requests) => number >= requests,
            Until::Us(us) => at >= us as f64,
        };
        if over {
            break;
        }
        number = number.saturating_add(1);
        executor.run_until(at as u64);
        let request = world.request(&clients);
        executor.spawn(world.serve(request));
    }
    let hanging = executor.run();
    let isolates = world.isolates.iter();
    let in_flight = isolates.flat_map(|isolate| {
        (0..target.endpoints.len()).map(|e| u64::from(isolate.pool.in_flight(e)))
    });
    Rest {
        elapsed_us: clock.elapsed_us(),
        hanging,
        in_flight: in_flight.sum(),
        peaks: world.stage.peaks(),
    }
}

struct World<'a> {
    clock: &'a Clock,
    gateway: &'a Random,
    stage: Stage<'a>,
    scenario: &'a Scenario,
    /// Those of the first clients first.
    isolates: Vec<Isolate>,
    /// The endpoint that each key's cookie names.
    cookies: Vec<Cell<Option<usize>>>,
    told: &'a dyn Fn(Served),
}

struct Isolate {
    pool: Pool,
    home: Option<u16>,
}

/// What a client asks.
struct Asked {
    isolate: usize,
    method: &'static str,
    key: usize,
}

fn isolates(target: &Target, scenario: &Scenario) -> Vec<Isolate> {
    let endpoints = target.endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(index, endpoint)| pool::Endpoint {
        base: Base::new(&format!("http://{index}")),
        ..endpoint.clone()
    });
    let endpoints: Vec<pool::Endpoint> = endpoints.collect();
    let clients = scenario.clients.iter();
    let groups = clients.flat_map(|clients| (0..scenario.isolates).map(move |_| clients));
    let isolate = |clients: &Clients| {
        let zones = target.zones.len();
        let pool = Pool::new("", target.spec.clone(), endpoints.clone(), zones);
        let near = || nearest(&target.zones, &clients.geography);
        let home = pool.home(scenario.zones.as_deref(), near);
        Isolate { pool, home }
    };
    groups.map(isolate).collect()
}

impl World<'_> {
    fn request(&self, lots: &Random) -> Asked {
        let below = |bound: usize| {
            let bound = u64::try_from(bound).unwrap_or(u64::MAX);
            let lot = lots.bits().checked_rem(bound).unwrap_or(0);
            usize::try_from(lot).unwrap_or(0)
        };
        let clients = &self.scenario.clients;
        let shares: usize = clients.iter().map(|c| c.share).sum();
        let mut lot = below(shares);
        let group = clients.iter().position(|clients| {
            let found = lot < clients.share;
            lot = lot.saturating_sub(clients.share);
            found
        });
        let first = group.unwrap_or(0).saturating_mul(self.scenario.isolates);
        let post = lots.falls(self.scenario.post_percent);
        Asked {
            isolate: first.saturating_add(below(self.scenario.isolates)),
            method: if post { "POST" } else { "GET" },
            key: below(self.cookies.len()),
        }
    }

    async fn serve(&self, asked: Asked) {
        let Some(Isolate { pool, home }) = self.isolates.get(asked.isolate) else {
            return;
        };
        let began_us = self.clock.elapsed_us();
        let tries = RefCell::new(Vec::new());
        let host = VirtualHost::new(self.clock, self.gateway, |forward: &Forward| {
            let now = self.clock.elapsed_us();
            let endpoint = endpoint_of(&forward.url);
            tries.borrow_mut().push((now, endpoint));
            self.stage.ask(endpoint, now)
        });
        let spec = &pool.spec;
        let cookie = self.cookies.get(asked.key);
        let cookie = cookie.filter(|_| spec.sticky.is_some());
        let canary = spec.canary.as_ref().is_some_and(|canary| {
            let key = canary.hash_on.as_ref().map(|_| asked.key.to_string());
            let (lot, now) = (self.gateway.bits(), self.clock.now_us() / 1000);
            pool.is_canary(None, key.as_deref(), lot, now)
        });
        let hashed = matches!(spec.balance, Balance::ConsistentHash { .. });
        let idempotent = is_idempotent(asked.method);
        let outbound = Outbound {
            method: asked.method,
            body: Body::None,
            path: "/",
            query: None,
            edits: Cow::Owned(Edits::default()),
            websocket: false,
            identities: &Identities::default(),
        };
        let order = Order {
            pool,
            hedgeable: outbound.only_reads(),
            outbound,
            timeout_ms: self.scenario.timeout_ms,
            repeatable: idempotent && spec.retry.is_some(),
            want: Want {
                home: *home,
                zones: self.scenario.zones.as_deref(),
                hash: hashed.then(|| hash_number(&asked.key.to_string())),
                sticky: cookie.and_then(Cell::get),
                canary,
                ..Want::default()
            },
        };
        let mut story = Story::default();
        let sent = send(&host, &order, &mut story).await;
        let endpoint = sent.as_ref().ok().map(|sent| sent.endpoint);
        if let Some(cookie) = cookie
            && endpoint.is_some()
        {
            cookie.set(endpoint);
        }
        let refused = sent.as_ref().is_err_and(|p| p.code == "no_endpoint");
        let cancelled = host.cancelled();
        (self.told)(Served {
            began_us,
            took_us: self.clock.elapsed_us().saturating_sub(began_us),
            isolate: asked.isolate,
            idempotent,
            home: *home,
            tries: tries.take(),
            hedges: story.hedges,
            cancelled,
            events: story.events,
            status: match sent {
                Ok(sent) => sent.reply.status,
                Err(problem) => problem.status,
            },
            endpoint,
            refused,
        });
    }
}

/// The endpoint's number, which stands in place of a host.
fn endpoint_of(url: &str) -> usize {
    let number = url.strip_prefix("http://").and_then(|rest| {
        let end = rest.find('/').unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    number.unwrap_or(usize::MAX)
}
