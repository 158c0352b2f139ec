//! The running workerd: its port, its log, its end.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use super::workspace;
use crate::npm;

/// How long workerd may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running workerd. Dropping it ends the process.
pub struct Workerd {
    address: SocketAddr,
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
        let (listening, port) = mpsc::channel();
        let stdout = child.stdout.take().expect("piped");
        let stderr = child.stderr.take().expect("piped");
        let readers = [
            follow(stderr, Arc::clone(&log), None),
            follow(stdout, Arc::clone(&log), Some(listening)),
        ];
        let port = port.recv_timeout(START_LIMIT);
        let mut running = Workerd {
            address: SocketAddr::from(([127, 0, 0, 1], *port.as_ref().unwrap_or(&0))),
            spawned,
            child,
            log,
            folder,
        };
        if port.is_err() {
            running.kill();
            readers.into_iter().for_each(|r| drop(r.join()));
            return Err(running.log());
        }
        Ok(running)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
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
    let root = workspace();
    let found = places.iter().map(|p| root.join(p)).find(|p| p.exists());
    found.expect("npm has installed a workerd for this platform")
}

/// Collects what a process says, and picks the port out of the control messages.
fn follow(
    from: impl Read + Send + 'static,
    log: Arc<Log>,
    mut port: Option<mpsc::Sender<u16>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if let Some(sender) = &port
                && let Some(found) = listening_port(&line)
            {
                sender.send(found).ok();
                port = None;
            } else {
                let mut text = log.text.lock().expect("no poison");
                text.push_str(&String::from_utf8_lossy(&line));
                log.grown.notify_all();
            }
            line.clear();
        }
    })
}

fn listening_port(line: &[u8]) -> Option<u16> {
    let message: serde_json::Value = serde_json::from_slice(line).ok()?;
    (message["event"] == "listen")
        .then(|| message["port"].as_u64())??
        .try_into()
        .ok()
}
