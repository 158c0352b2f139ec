//! Runs a worker in workerd, the real runtime, without Node and without a fixed port.
//!
//! The binary is npm's: the platform's package in `node_modules`, or what the variable `WORKERD` names.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use crate::kv::Kv;
use crate::npm;

/// The runtime's rules that a worker gets unless it names others.
pub const COMPATIBILITY_DATE: &str = "2026-10-01";

/// How long workerd may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A worker's modules and bindings.
#[derive(Clone, Debug)]
pub struct Worker {
    modules: Vec<(String, &'static str, Vec<u8>)>,
    bindings: Vec<(String, Binding)>,
    date: String,
    flags: Vec<String>,
    cf_header: Option<String>,
}

#[derive(Clone, Debug)]
enum Binding {
    Text(String),
    Json(String),
    Data(Vec<u8>),
    Kv(SocketAddr),
    Service {
        worker: Box<Worker>,
        entrypoint: Option<String>,
    },
}

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

impl Worker {
    /// A worker without modules; the first one added is its main module.
    #[allow(
        clippy::new_without_default,
        reason = "a worker without modules does not start"
    )]
    pub fn new() -> Worker {
        Worker {
            modules: Vec::new(),
            bindings: Vec::new(),
            date: COMPATIBILITY_DATE.to_owned(),
            flags: Vec::new(),
            cf_header: None,
        }
    }

    /// Puts an ES module in front of all others: it becomes the main one.
    pub fn main_module(mut self, name: &str, source: impl Into<Vec<u8>>) -> Worker {
        self.modules
            .insert(0, (name.to_owned(), "esModule", source.into()));
        self
    }

    /// A worker of one module.
    pub fn script(source: &str) -> Worker {
        Worker::new().es_module("worker.mjs", source)
    }

    pub fn es_module(self, name: &str, source: impl Into<Vec<u8>>) -> Worker {
        self.module(name, "esModule", source.into())
    }

    pub fn wasm(self, name: &str, bytes: impl Into<Vec<u8>>) -> Worker {
        self.module(name, "wasm", bytes.into())
    }

    /// A module whose default export is an ArrayBuffer.
    pub fn data_module(self, name: &str, bytes: impl Into<Vec<u8>>) -> Worker {
        self.module(name, "data", bytes.into())
    }

    pub fn text_module(self, name: &str, text: impl Into<Vec<u8>>) -> Worker {
        self.module(name, "text", text.into())
    }

    /// A file as a module, of the kind that its name says: `.js` and `.mjs`, `.wasm`, `.txt`, else data.
    pub fn file(self, name: &str, path: &Path) -> Worker {
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        match path.extension().and_then(|e| e.to_str()) {
            Some("js" | "mjs") => self.es_module(name, bytes),
            Some("wasm") => self.wasm(name, bytes),
            Some("txt") => self.text_module(name, bytes),
            _ => self.data_module(name, bytes),
        }
    }

    /// A variable or a secret.
    pub fn text(self, name: &str, value: &str) -> Worker {
        self.bind(name, Binding::Text(value.to_owned()))
    }

    pub fn json(self, name: &str, value: &serde_json::Value) -> Worker {
        self.bind(name, Binding::Json(value.to_string()))
    }

    pub fn data(self, name: &str, value: impl Into<Vec<u8>>) -> Worker {
        self.bind(name, Binding::Data(value.into()))
    }

    /// A KV namespace; it must outlive the running worker.
    pub fn kv(self, name: &str, kv: &Kv) -> Worker {
        self.bind(name, Binding::Kv(kv.address()))
    }

    /// Another worker, and which of its exported entrypoint classes, if not the default export.
    pub fn service(self, name: &str, worker: Worker, entrypoint: Option<&str>) -> Worker {
        let worker = Box::new(worker);
        let entrypoint = entrypoint.map(str::to_owned);
        self.bind(name, Binding::Service { worker, entrypoint })
    }

    pub fn date(mut self, date: &str) -> Worker {
        date.clone_into(&mut self.date);
        self
    }

    pub fn flag(mut self, flag: &str) -> Worker {
        self.flags.push(flag.to_owned());
        self
    }

    /// Takes `request.cf` from a field of the request, as JSON: what Cloudflare's edge knows of a connection.
    pub fn cf_header(mut self, name: &str) -> Worker {
        self.cf_header = Some(name.to_owned());
        self
    }

    /// Starts it on a free port. Panics with workerd's own words when it does not start.
    pub fn start(self) -> Workerd {
        self.try_start()
            .unwrap_or_else(|log| panic!("workerd did not start:\n{log}"))
    }

    /// The same for a worker that may be at fault: the error is what workerd said.
    pub fn try_start(self) -> Result<Workerd, String> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("peers-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the worker");
        let mut config = Config {
            folder: &folder,
            services: String::new(),
            workers: String::new(),
            count: 0,
        };
        config.worker(&self, "main");
        let config = config.finish(self.cf_header.as_deref());
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

    fn module(mut self, name: &str, kind: &'static str, bytes: Vec<u8>) -> Worker {
        self.modules.push((name.to_owned(), kind, bytes));
        self
    }

    fn bind(mut self, name: &str, binding: Binding) -> Worker {
        self.bindings.push((name.to_owned(), binding));
        self
    }
}

impl Workerd {
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

/// A config in workerd's own language, whose contents lie in files beside it.
struct Config<'a> {
    folder: &'a Path,
    services: String,
    workers: String,
    count: usize,
}

impl Config<'_> {
    /// Adds a worker under a service name, after the services that it is bound to.
    fn worker(&mut self, worker: &Worker, service: &str) {
        let mut text = String::from("(\n  modules = [");
        for (name, kind, bytes) in &worker.modules {
            let file = self.file(bytes);
            write!(
                text,
                "\n    (name = {}, {kind} = embed \"{file}\"),",
                quoted(name)
            )
            .expect("a string");
        }
        text.push_str("\n  ],\n  bindings = [");
        for (name, binding) in &worker.bindings {
            let value = self.binding(binding);
            write!(text, "\n    (name = {}, {value}),", quoted(name)).expect("a string");
        }
        let flags: Vec<String> = worker.flags.iter().map(|f| quoted(f)).collect();
        let (date, flags) = (quoted(&worker.date), flags.join(", "));
        write!(
            text,
            "\n  ],\n  compatibilityDate = {date},\n  compatibilityFlags = [{flags}],\n)"
        )
        .expect("a string");
        let id = self.next();
        writeln!(self.workers, "const worker{id} :Workerd.Worker = {text};").expect("a string");
        write!(
            self.services,
            "\n    (name = {}, worker = .worker{id}),",
            quoted(service)
        )
        .expect("a string");
    }

    fn binding(&mut self, binding: &Binding) -> String {
        match binding {
            Binding::Text(value) => format!("text = embed \"{}\"", self.file(value.as_bytes())),
            Binding::Json(value) => format!("json = embed \"{}\"", self.file(value.as_bytes())),
            Binding::Data(value) => format!("data = embed \"{}\"", self.file(value)),
            Binding::Kv(address) => {
                let service = format!("kv{}", self.next());
                write!(
                    self.services,
                    "\n    (name = \"{service}\", external = (address = \"{address}\", http = ())),"
                )
                .expect("a string");
                format!("kvNamespace = \"{service}\"")
            }
            Binding::Service { worker, entrypoint } => {
                let service = format!("service{}", self.next());
                self.worker(worker, &service);
                match entrypoint {
                    Some(class) => format!(
                        "service = (name = \"{service}\", entrypoint = {})",
                        quoted(class)
                    ),
                    None => format!("service = \"{service}\""),
                }
            }
        }
    }

    fn file(&mut self, bytes: &[u8]) -> String {
        let name = format!("part{}", self.next());
        fs::write(self.folder.join(&name), bytes).expect("a part of the worker");
        name
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn finish(self, cf_header: Option<&str>) -> String {
        let http = cf_header.map(|name| format!("cfBlobHeader = {}", quoted(name)));
        let http = http.unwrap_or_default();
        format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\n\
             const config :Workerd.Config = (\n  services = [{}\n    \
             (name = \"internet\", network = (allow = [\"public\", \"private\"], tlsOptions = (trustBrowserCas = true))),\n  ],\n  \
             sockets = [(name = \"http\", address = \"127.0.0.1:0\", http = ({http}), service = \"main\")],\n);\n\n{}",
            self.services, self.workers
        )
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

/// The top of the project.
pub fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent()
        .expect("peers lies in the workspace")
        .to_owned()
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

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
