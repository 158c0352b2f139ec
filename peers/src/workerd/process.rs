//! The running workerd: its port, its log, its end.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use super::config::{HTTP, SCHEDULED, numbered};
use crate::client::{Client, Request};
use crate::npm;
use crate::workspace;

/// How long workerd may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running workerd. Dropping it ends the process.
pub struct Workerd {
    /// By the names of sockets.
    ports: BTreeMap<String, u16>,
    spawned: Instant,
    child: Child,
    log: Arc<Log>,
    folder: PathBuf,
}

#[derive(Default)]
struct Log {
    text: Mutex<String>,
    grown: Condvar,
}

impl Workerd {
    /// Runs a config that lies in a folder, which is the process's own from now on.
    pub(super) fn launch(folder: PathBuf, config: &str) -> Result<Workerd, String> {
        fs::write(folder.join("config.capnp"), config).expect("the config");
        let binary = binary();
        // Standard output serves as control channel: there the port is reported, between the worker's own lines.
        let spawned = Instant::now();
        let child = Command::new(binary)
            .args(["serve", "--experimental", "--control-fd=1", "config.capnp"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("workerd runs");
        let log = Arc::new(Log::default());
        let (listening, heard) = mpsc::channel();
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let readers = [
            follow(stderr, Arc::clone(&log), None),
            follow(stdout, Arc::clone(&log), Some(listening)),
        ];
        let mut running = Workerd {
            ports: BTreeMap::new(),
            spawned,
            child,
            log,
            folder,
        };
        let sockets = config.matches("address = \"127.0.0.1:0\"").count();
        while running.ports.len() < sockets {
            let Ok((name, port)) = heard.recv_timeout(START_LIMIT) else {
                running.kill();
                readers.into_iter().for_each(|r| drop(r.join()));
                return Err(running.log());
            };
            running.ports.insert(name, port);
        }
        Ok(running)
    }

    pub fn address(&self) -> SocketAddr {
        self.isolate(0)
    }

    /// Where one of several isolates listens.
    pub fn isolate(&self, number: usize) -> SocketAddr {
        self.socket(&numbered(HTTP, number))
    }

    /// Calls the scheduled handler of an isolate and waits for its end. Returns the outcome in workerd's words: `ok` or
    /// `exception`. The worker must be started with [`cron`](super::Worker::cron).
    pub fn scheduled(&self, isolate: usize, cron: &str) -> String {
        let answer = self.trigger(isolate, cron).answer("GET");
        let answer = answer.expect("the handler ends");
        let told = answer.json()["outcome"].as_str().map(str::to_owned);
        told.unwrap_or_else(|| panic!("no outcome: {}", answer.text()))
    }

    /// When the process was started; its files were written before.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// The process, for measuring it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the runtime and the worker's console have said so far.
    pub fn log(&self) -> String {
        self.log.text.lock().expect("no poison").clone()
    }

    /// Waits until the log contains `part`. Returns whether it did within `limit`.
    pub fn wait_log(&self, part: &str, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut text = self.log.text.lock().expect("no poison");
        while !text.contains(part) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (text, _) = self.log.grown.wait_timeout(text, left).expect("no poison");
        }
        true
    }

    /// The same without waiting: the handler runs for as long as the connection is kept.
    pub fn trigger(&self, isolate: usize, cron: &str) -> Client {
        let target = format!("/?cron={}", cron.replace(' ', "+"));
        let mut client = Client::connect(self.socket(&numbered(SCHEDULED, isolate)));
        client.send(&Request::get(&target).bytes());
        client
    }

    fn socket(&self, name: &str) -> SocketAddr {
        let port = self.ports.get(name);
        let port = port.unwrap_or_else(|| panic!("the worker has no socket {name}"));
        SocketAddr::from(([127, 0, 0, 1], *port))
    }

    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The workerd of this platform, installed if need be.
fn binary() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(find_binary)
}

fn find_binary() -> PathBuf {
    if let Some(named) = std::env::var_os("WORKERD") {
        return named.into();
    }
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "64",
    };
    let places = [
        format!("node_modules/@cloudflare/workerd-{system}-{processor}/bin/workerd"),
        "node_modules/workerd/bin/workerd".to_owned(),
    ];
    npm::ensure().unwrap_or_else(|e| panic!("{e}"));
    let root = workspace::root();
    let found = places.iter().map(|p| root.join(p)).find(|p| p.exists());
    found.expect("npm has installed a workerd for this platform")
}

/// Collects what a process says, and picks the ports out of the control messages.
fn follow(
    from: impl Read + Send + 'static,
    log: Arc<Log>,
    ports: Option<mpsc::Sender<(String, u16)>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let heard = ports.as_ref().zip(listening(&line));
            // Who has heard of all sockets listens no more; a worker may still say such a thing.
            if heard.is_none_or(|(sender, socket)| sender.send(socket).is_err()) {
                let mut text = log.text.lock().expect("no poison");
                text.push_str(&String::from_utf8_lossy(&line));
                log.grown.notify_all();
            }
            line.clear();
        }
    })
}

/// The name and the port of a socket that now listens.
fn listening(line: &[u8]) -> Option<(String, u16)> {
    let message: serde_json::Value = serde_json::from_slice(line).ok()?;
    if message["event"] != "listen" {
        return None;
    }
    let port = message["port"].as_u64()?.try_into().ok()?;
    Some((message["socket"].as_str()?.to_owned(), port))
}
