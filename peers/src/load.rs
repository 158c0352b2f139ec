//! Load: many requests over kept connections, and what became of each.
//!
//! ```no_run
//! # let (gateway, cloud): (std::net::SocketAddr, peers::Upstream) = todo!();
//! let outcome = peers::Load::on(gateway, 10_000)
//!     .requests(|number| peers::Request::get(&format!("/catalog/{number}")))
//!     .once(3_000, || cloud.stop())
//!     .run();
//! assert_eq!(outcome.failures(), 0, "{outcome}");
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::client::{Client, Ending, Request};

/// Connections that are used at the same time, unless told otherwise.
const CONNECTIONS: usize = 8;

/// The field by which [`Upstream::cloud`](crate::Upstream::cloud) says who answers.
const SERVER: &str = "x-server";

/// Load to be made.
pub struct Load<'a> {
    address: SocketAddr,
    count: usize,
    connections: usize,
    pause: Duration,
    request: Box<dyn Fn(usize) -> Request + Sync + 'a>,
    events: Vec<(usize, Event<'a>)>,
}

type Event<'a> = Box<dyn FnOnce() + Send + 'a>;

/// What became of all requests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// In the order in which they ended.
    pub shots: Vec<Shot>,
    pub time: Duration,
}

/// What became of one request.
#[derive(Clone, Debug)]
pub struct Shot {
    /// From 0, in the order in which they were begun.
    pub number: usize,
    /// When it was begun, since the load began.
    pub begun: Duration,
    pub latency: Duration,
    /// `None` where the connection ended before a head came.
    pub status: Option<u16>,
    /// Whether the answer came to its end.
    pub whole: bool,
    /// The backend that answered, by its field `X-Server`.
    pub server: Option<String>,
    /// The body of an answer that is no success.
    pub complaint: Option<String>,
}

impl<'a> Load<'a> {
    /// So many requests of `/` at an address.
    pub fn on(address: SocketAddr, count: usize) -> Load<'a> {
        Load {
            address,
            count,
            connections: CONNECTIONS,
            pause: Duration::ZERO,
            request: Box::new(|_| Request::get("/")),
            events: Vec::new(),
        }
    }

    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The request of each number.
    pub fn requests(mut self, request: impl Fn(usize) -> Request + Sync + 'a) -> Self {
        self.request = Box::new(request);
        self
    }

    /// Lets each connection rest between two requests.
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Does something as soon as so many requests have ended. No other is begun until it is done; those under way go on.
    pub fn once(mut self, ended: usize, event: impl FnOnce() + Send + 'a) -> Self {
        self.events.push((ended, Box::new(event)));
        self
    }

    /// Sends them all.
    pub fn run(mut self) -> Outcome {
        // The next one stands last.
        self.events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let running = Running {
            address: self.address,
            count: self.count,
            pause: self.pause,
            request: self.request,
            start: Instant::now(),
            state: Mutex::new(State {
                begun: 0,
                ended: Vec::with_capacity(self.count),
                events: self.events,
            }),
        };
        std::thread::scope(|scope| {
            for _ in 0..self.connections {
                scope.spawn(|| running.connection());
            }
        });
        let time = running.start.elapsed();
        let state = running.state.into_inner().expect("no poison");
        assert!(state.events.is_empty(), "an event was never reached");
        Outcome {
            shots: state.ended,
            time,
        }
    }
}

/// Load that is being made.
struct Running<'a> {
    address: SocketAddr,
    count: usize,
    pause: Duration,
    request: Box<dyn Fn(usize) -> Request + Sync + 'a>,
    start: Instant,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    begun: usize,
    ended: Vec<Shot>,
    events: Vec<(usize, Event<'a>)>,
}

impl<'a> Running<'a> {
    fn connection(&self) {
        let mut client = None;
        while let Some(number) = self.begin() {
            let shot = self.shoot(number, &mut client);
            self.end(shot);
            if !self.pause.is_zero() {
                std::thread::sleep(self.pause);
            }
        }
    }

    fn begin(&self) -> Option<usize> {
        let mut state = self.lock();
        let number = state.begun;
        state.begun += usize::from(number < self.count);
        (number < self.count).then_some(number)
    }

    fn end(&self, shot: Shot) {
        let mut state = self.lock();
        state.ended.push(shot);
        let ended = state.ended.len();
        while let Some((_, event)) = state.events.pop_if(|(at, _)| *at <= ended) {
            event();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().expect("no poison")
    }

    fn shoot(&self, number: usize, client: &mut Option<Client>) -> Shot {
        let request = (self.request)(number);
        let begun = Instant::now();
        let open = client.get_or_insert_with(|| Client::connect(self.address));
        open.send(&request.bytes());
        let answer = open.answer(request.method()).ok();
        let whole = answer.as_ref().is_some_and(|a| a.ending == Ending::Whole);
        let closes = |a: &crate::Answer| {
            a.header("connection")
                .is_some_and(|v| v.eq_ignore_ascii_case("close"))
        };
        if !whole || answer.as_ref().is_some_and(closes) {
            *client = None;
        }
        Shot {
            number,
            begun: begun - self.start,
            latency: begun.elapsed(),
            status: answer.as_ref().map(|a| a.status),
            whole,
            server: answer
                .as_ref()
                .and_then(|a| a.header(SERVER))
                .map(str::to_owned),
            complaint: answer.filter(|a| a.status >= 400).map(|a| a.text()),
        }
    }
}

impl Shot {
    /// Whether a whole answer came that is no error.
    pub fn is_success(&self) -> bool {
        self.whole && self.status.is_some_and(|status| status < 400)
    }
}

impl Outcome {
    /// How many requests had no whole answer, or an error for one.
    pub fn failures(&self) -> usize {
        self.shots.iter().filter(|shot| !shot.is_success()).count()
    }

    /// How many answers there were of each status; 0 stands for no answer.
    pub fn statuses(&self) -> BTreeMap<u16, usize> {
        count(self.shots.iter().map(|shot| shot.status.unwrap_or(0)))
    }

    /// How many answers there were of each backend; the gateway's own are under an empty name.
    pub fn servers(&self) -> BTreeMap<String, usize> {
        let servers = self.shots.iter().map(|shot| shot.server.clone());
        count(servers.map(Option::unwrap_or_default))
    }

    /// What became of the requests after so many had ended.
    pub fn after(&self, ended: usize) -> Outcome {
        Outcome {
            shots: self.shots[ended.min(self.shots.len())..].to_vec(),
            time: self.time,
        }
    }

    /// What became of the requests before so many had ended.
    pub fn before(&self, ended: usize) -> Outcome {
        Outcome {
            shots: self.shots[..ended.min(self.shots.len())].to_vec(),
            time: self.time,
        }
    }

    /// The latency that so many percent of the requests keep to.
    pub fn percentile(&self, percent: f64) -> Duration {
        let mut latencies: Vec<Duration> = self.shots.iter().map(|shot| shot.latency).collect();
        latencies.sort();
        let last = latencies.len().saturating_sub(1);
        let at = (last as f64 * percent / 100.0).ceil() as usize;
        latencies.get(at).copied().unwrap_or_default()
    }
}

/// For the message of a failed assertion.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} requests in {:.1?}, half within {:.1?}, 99 % within {:.1?}",
            self.shots.len(),
            self.time,
            self.percentile(50.0),
            self.percentile(99.0)
        )?;
        writeln!(f, "statuses: {:?}", self.statuses())?;
        writeln!(f, "servers: {:?}", self.servers())?;
        let failed = self.shots.iter().filter(|shot| !shot.is_success());
        failed.take(5).try_for_each(|shot| writeln!(f, "{shot:?}"))
    }
}

fn count<T: Ord>(of: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in of {
        *counts.entry(one).or_default() += 1;
    }
    counts
}
