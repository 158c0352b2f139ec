//! Runs a worker in workerd, the real runtime, without Node and without a fixed port.
//!
//! The binary is npm's: the platform's package in `node_modules`, or what the variable `WORKERD` names.

mod config;
mod process;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use self::config::Config;
pub use self::process::Workerd;
use crate::kv::Kv;
use crate::tls::Tls;

/// The runtime's rules that a worker gets unless it names others.
pub const COMPATIBILITY_DATE: &str = "2026-10-01";

/// A worker's modules and bindings.
#[derive(Clone, Debug)]
pub struct Worker {
    modules: Vec<(String, &'static str, Vec<u8>)>,
    bindings: Vec<(String, Binding)>,
    date: String,
    flags: Vec<String>,
    cf_header: Option<String>,
    trusted: Vec<String>,
    isolates: usize,
    cron: bool,
    json_log: bool,
}

#[derive(Clone, Debug)]
enum Binding {
    Text(String),
    Json(String),
    Data(Vec<u8>),
    Kv(SocketAddr),
    /// A server elsewhere; with TLS, also the name that its certificate must have.
    External(SocketAddr, Option<(Tls, String)>),
    /// The class that the worker exports.
    DurableObject(String),
    /// A service of the same config.
    Named(String),
    Service {
        worker: Box<Worker>,
        entrypoint: Option<String>,
    },
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
            trusted: Vec::new(),
            isolates: 1,
            cron: false,
            json_log: false,
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

    /// A server elsewhere behind a service binding, whatever host is asked for: what a VPC service is to a worker.
    pub fn external(self, name: &str, address: SocketAddr) -> Worker {
        self.bind(name, Binding::External(address, None))
    }

    /// The same over TLS, to a server whose certificate is for `upstream.test`: what an mTLS certificate's binding is
    /// to a worker.
    pub fn external_tls(self, name: &str, address: SocketAddr, tls: Tls) -> Worker {
        let host = "upstream.test".to_owned();
        self.bind(name, Binding::External(address, Some((tls, host))))
    }

    /// A namespace of Durable Objects, of a class that the main module exports. They live in memory.
    pub fn durable_object(self, name: &str, class: &str) -> Worker {
        self.bind(name, Binding::DurableObject(class.to_owned()))
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

    /// An authority besides the public ones whose certificates `fetch` takes, in PEM.
    pub fn trust(mut self, authority: &str) -> Worker {
        self.trusted.push(authority.to_owned());
        self
    }

    /// So many isolates of the worker, which share nothing but bindings and Durable Objects.
    pub fn isolates(mut self, count: usize) -> Worker {
        self.isolates = count;
        self
    }

    /// Lets [`Workerd::scheduled`] call the worker's scheduled handler.
    pub fn cron(mut self) -> Worker {
        self.cron = true;
        self
    }

    /// Lets each line of the log be JSON with the `level` of the console's method and the `message`.
    pub fn json_log(mut self) -> Worker {
        self.json_log = true;
        self
    }

    /// Starts it on a free port. Panics with workerd's own words when it does not start.
    pub fn start(self) -> Workerd {
        self.try_start()
            .unwrap_or_else(|log| panic!("workerd did not start:\n{log}"))
    }

    /// The same for a worker that may be at fault: the error is what workerd said.
    pub fn try_start(self) -> Result<Workerd, String> {
        let folder = folder();
        let config = Config::new(&folder).of(&self);
        Workerd::launch(folder, &config)
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
    /// Takes TLS off in front of a server.
    pub(crate) fn terminator(tls: &Tls, to: SocketAddr) -> Workerd {
        let folder = folder();
        let config = Config::new(&folder).terminator(tls, &to.to_string());
        let started = Workerd::launch(folder, &config);
        started.unwrap_or_else(|log| panic!("workerd did not start:\n{log}"))
    }
}

/// A fresh one for the files of a process.
fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("peers-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the worker");
    folder
}
