//! A backend that tells what reached it, and misbehaves on demand.
//!
//! | path | answer |
//! |---|---|
//! | `/bench`, and below it | a fixed small text, with the least work |
//! | `/status/N` | status N; the usual framing of 1xx, 204 and 304 |
//! | `/cookies` | two `Set-Cookie` |
//! | `/headers?name=value` | those response headers, in that order |
//! | `/named-headers` | response headers that `Connection` names, and the other hop-by-hop ones |
//! | `/redirect?to=` | 302 |
//! | `/gzip` | a gzip body |
//! | `/early-hints` | 103, then 200 |
//! | `/trailers` | a chunked body with a trailer |
//! | `/events?n=5&ms=100` | server-sent events, one each `ms` |
//! | `/bytes/N` | N bytes with Content-Length; `?chunked` without |
//! | `/upload` | the body's length and SHA-256, without keeping it |
//! | `/duplex` | the body back, piece by piece as it arrives |
//! | `/slow-head?ms=1000` | the answer after a pause |
//! | `/slow-body?n=5&ms=100` | head at once, then a piece each `ms` |
//! | `/close` | no answer, an orderly close |
//! | `/reset` | no answer, a reset |
//! | `/cut?chunked&reset` | a body that ends too early: framed by length or chunked, closed or reset |
//! | `/junk` | something that is not HTTP |
//! | `/hold` | nothing until the client leaves (see [`Upstream::wait_gone`]) |
//! | `/ws` | a WebSocket echo that takes the last offered subprotocol |
//! | a path that was [scripted](Upstream::script) | what the script says |
//! | anything else | JSON that tells what arrived |
//!
//! A test may be rough with it while it is under load: [`fail`](Upstream::fail) and [`fail_next`](Upstream::fail_next)
//! put a [`Fault`] before all of the above, [`stop`](Upstream::stop) takes it off the network and
//! [`start_again`](Upstream::start_again) brings it back. [`Upstream::cloud`] starts one for that: it keeps no record of
//! its requests, counts them as all do, and says who it is by the fields `X-Server` and `X-Cloud` of its answers.

mod behaviour;
mod counts;
mod door;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use self::counts::Counts;
use self::door::Door;
use crate::wire::{Head, Wire};

/// Bodies longer than this are recorded by their first bytes alone.
const RECORDED_BODY: usize = 1 << 20;

/// A running backend. It stops, with all its connections, when dropped.
pub struct Upstream {
    door: Door,
    state: Arc<State>,
}

/// What a backend does to a request, whatever is asked for.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is answered.
    Stall,
    /// The usual answer after a pause.
    Slow(Duration),
    /// A status with a small body.
    Status(u16),
    /// Any other answer.
    Answer(Script),
    /// The connection is reset in place of an answer.
    Reset,
    /// The connection is reset in the middle of the body.
    Cut,
}

/// How long a fault lasts.
enum Trouble {
    All(Fault),
    Next(u64, Fault),
}

/// Who a backend says it is.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    pub name: String,
    pub cloud: Option<String>,
}

/// A request that reached a backend.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub head: Head,
    /// At most the first megabyte.
    pub body: Vec<u8>,
    /// The whole length, as far as it came.
    pub length: u64,
    /// Whether the body came to its end.
    pub whole: bool,
}

/// What a backend answers on a path, in place of what it would answer by itself.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub status: u16,
    /// Lines of the head, each with its end.
    pub lines: String,
    pub body: String,
    /// How long it takes.
    pub pause: Duration,
}

struct State {
    identity: Identity,
    scripts: Mutex<HashMap<String, Script>>,
    trouble: Mutex<Option<Trouble>>,
    counts: Counts,
    recording: bool,
    /// Lines of every answer's head.
    marks: String,
    /// The answer of `/bench`.
    bench: Vec<u8>,
    log: Mutex<Log>,
    changed: Condvar,
}

#[derive(Default)]
struct Log {
    requests: Vec<Recorded>,
    /// Targets of the requests whose client left before it had the whole answer.
    gone: Vec<String>,
}

impl Upstream {
    /// Starts a recording backend on a free port of the loopback interface.
    pub fn start() -> Upstream {
        Upstream::named("upstream")
    }

    /// The same under a name that its JSON answers carry.
    pub fn named(name: &str) -> Upstream {
        let identity = Identity {
            name: name.to_owned(),
            cloud: None,
        };
        Upstream::open("127.0.0.1:0", identity, true, "").expect("a free port")
    }

    /// Starts a backend for load: without a record of its requests, and named in each of its answers.
    pub fn cloud(name: &str, cloud: &str) -> Upstream {
        let marks = format!("X-Server: {name}\r\nX-Cloud: {cloud}\r\n");
        let identity = Identity {
            name: name.to_owned(),
            cloud: Some(cloud.to_owned()),
        };
        Upstream::open("127.0.0.1:0", identity, false, &marks).expect("a free port")
    }

    /// Starts a backend that keeps no record of its requests, so that it can run for long.
    pub fn listen(address: impl ToSocketAddrs, identity: Identity) -> io::Result<Upstream> {
        Upstream::open(address, identity, false, "")
    }

    pub fn address(&self) -> SocketAddr {
        self.door.address()
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// From now on, this path has this answer.
    pub fn script(&self, path: &str, script: Script) {
        let mut scripts = self.state.scripts.lock().expect("no poison");
        scripts.insert(path.to_owned(), script);
    }

    /// From now on, this happens to every request that comes.
    pub fn fail(&self, fault: Fault) {
        *self.state.trouble() = Some(Trouble::All(fault));
    }

    /// This happens to the next so many requests, and nothing to those after them.
    pub fn fail_next(&self, count: u64, fault: Fault) {
        *self.state.trouble() = Some(Trouble::Next(count, fault));
    }

    /// From now on, requests are answered as their paths say. What stalls already goes on to.
    pub fn heal(&self) {
        *self.state.trouble() = None;
    }

    /// Takes it off the network: connections are reset and new ones refused. What it was told to do stays told.
    pub fn stop(&self) {
        self.door.close();
    }

    /// Listens again on the port of before.
    pub fn start_again(&self) {
        let state = Arc::clone(&self.state);
        self.door.open(move |stream| state.connection(stream));
    }

    /// How many requests came so far, failed ones too. Also where no record is kept of them.
    pub fn seen(&self) -> u64 {
        self.state.counts.seen()
    }

    /// The same of one method.
    pub fn seen_by(&self, method: &str) -> u64 {
        self.state.counts.by(method)
    }

    /// How many requests are being answered.
    pub fn in_flight(&self) -> u64 {
        self.state.counts.in_flight()
    }

    /// How many were at the same time, at most.
    pub fn most_in_flight(&self) -> u64 {
        self.state.counts.most_in_flight()
    }

    /// How many requests for this very target there were, of those recorded.
    pub fn count(&self, target: &str) -> usize {
        let log = self.state.log();
        let asked = log.requests.iter().filter(|r| r.head.word(1) == target);
        asked.count()
    }

    /// Every request so far, in the order in which they were complete or broken off.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.log().requests.clone()
    }

    /// The latest request; panics when there was none.
    pub fn last(&self) -> Recorded {
        let last = self.state.log().requests.last().cloned();
        last.expect("a request reached the upstream")
    }

    /// Waits until a client has left before it had the whole answer to a request for `target`.
    /// Returns whether it did within `limit`.
    pub fn wait_gone(&self, target: &str, limit: Duration) -> bool {
        self.wait(limit, |log| log.gone.iter().any(|t| t == target))
    }

    /// Waits until `count` requests were recorded. Returns whether they came within `limit`.
    pub fn wait_requests(&self, count: usize, limit: Duration) -> bool {
        self.wait(limit, |log| log.requests.len() >= count)
    }

    fn wait(&self, limit: Duration, reached: impl Fn(&Log) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut log = self.state.log();
        while !reached(&log) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (log, _) = self
                .state
                .changed
                .wait_timeout(log, left)
                .expect("no poison");
        }
        true
    }

    fn open(
        address: impl ToSocketAddrs,
        identity: Identity,
        recording: bool,
        marks: &str,
    ) -> io::Result<Upstream> {
        let listener = TcpListener::bind(address)?;
        let state = Arc::new(State {
            identity,
            scripts: Mutex::default(),
            trouble: Mutex::default(),
            counts: Counts::default(),
            recording,
            marks: marks.to_owned(),
            bench: behaviour::bench(marks),
            log: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&state);
        let door = Door::new(listener, move |stream| serving.connection(stream))?;
        Ok(Upstream { door, state })
    }
}

impl State {
    /// Serves one connection until either side ends it.
    fn connection(&self, stream: TcpStream) {
        let mut wire = Wire::new(stream);
        while let Ok(Some(raw)) = wire.head_bytes() {
            let _counted = self.counts.enter(&raw);
            let fault = self.fault();
            if fault.is_none() && !self.recording && is_bench(&raw) {
                if wire.write(&self.bench).is_err() {
                    break;
                }
                continue;
            }
            let Ok(head) = Head::read(raw) else { break };
            let target = head.word(1).to_owned();
            match behaviour::answer(self, &mut wire, head, fault) {
                Ok(behaviour::Next::Keep) => {}
                Ok(behaviour::Next::Close) => break,
                Err(_) => {
                    self.log().gone.push(target);
                    self.changed.notify_all();
                    break;
                }
            }
        }
    }

    /// What happens to the request that has just come.
    fn fault(&self) -> Option<Fault> {
        let mut trouble = self.trouble();
        match &mut *trouble {
            None | Some(Trouble::Next(0, _)) => None,
            Some(Trouble::All(fault)) => Some(fault.clone()),
            Some(Trouble::Next(left, fault)) => {
                *left -= 1;
                Some(fault.clone())
            }
        }
    }

    fn record(&self, request: Recorded) {
        if self.recording {
            self.log().requests.push(request);
            self.changed.notify_all();
        }
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().expect("no poison")
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("no poison")
    }
}

/// Whether a request is for `/bench` or below it: the one that is answered without being taken apart.
fn is_bench(raw: &[u8]) -> bool {
    let rest = raw.strip_prefix(b"GET /bench");
    rest.is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'/' | b'?')))
}
