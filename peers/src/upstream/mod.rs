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

mod behaviour;

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::wire::{Head, Wire};

/// Bodies longer than this are recorded by their first bytes alone.
const RECORDED_BODY: usize = 1 << 20;

/// A running backend. It stops, with all its connections, when dropped.
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
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
    recording: bool,
    stopping: AtomicBool,
    next_connection: AtomicU64,
    connections: Mutex<HashMap<u64, TcpStream>>,
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
        Upstream::open("127.0.0.1:0", identity, true).expect("a free port")
    }

    /// Starts a backend that keeps no record of its requests, so that it can run for long.
    pub fn listen(address: impl ToSocketAddrs, identity: Identity) -> io::Result<Upstream> {
        Upstream::open(address, identity, false)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, this path has this answer.
    pub fn script(&self, path: &str, script: Script) {
        let mut scripts = self.state.scripts.lock().expect("no poison");
        scripts.insert(path.to_owned(), script);
    }

    /// How many requests for this very target there were.
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
    ) -> io::Result<Upstream> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            identity,
            scripts: Mutex::default(),
            recording,
            stopping: AtomicBool::new(false),
            next_connection: AtomicU64::new(0),
            connections: Mutex::default(),
            log: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stopping.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let state = Arc::clone(&accepting);
                std::thread::spawn(move || state.connection(stream));
            }
        });
        Ok(Upstream { address, state })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.state.stopping.store(true, Ordering::SeqCst);
        // The accepting thread looks at the flag when a connection comes.
        TcpStream::connect(self.address).ok();
        let connections = self.state.connections.lock();
        for stream in connections.expect("no poison").values() {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl State {
    /// Serves one connection until either side ends it.
    fn connection(&self, stream: TcpStream) {
        let id = self.next_connection.fetch_add(1, Ordering::Relaxed);
        if let Ok(copy) = stream.try_clone() {
            self.connections.lock().expect("no poison").insert(id, copy);
        }
        let mut wire = Wire::new(stream);
        while let Ok(Some(raw)) = wire.head_bytes() {
            if !self.recording && is_bench(&raw) {
                if wire.write(behaviour::BENCH).is_err() {
                    break;
                }
                continue;
            }
            let Ok(head) = Head::read(raw) else { break };
            let target = head.word(1).to_owned();
            match behaviour::answer(self, &mut wire, head) {
                Ok(behaviour::Next::Keep) => {}
                Ok(behaviour::Next::Close) => break,
                Err(_) => {
                    self.log().gone.push(target);
                    self.changed.notify_all();
                    break;
                }
            }
        }
        // First the copy, then the connection itself: the last one to go closes it.
        self.connections.lock().expect("no poison").remove(&id);
    }

    fn record(&self, request: Recorded) {
        if self.recording {
            self.log().requests.push(request);
            self.changed.notify_all();
        }
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
