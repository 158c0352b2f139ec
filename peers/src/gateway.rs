//! The built gateway in workerd, from a config: what black-box tests start.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::client::{Answer, Client, Request};
use crate::kv::Kv;
use crate::tls::Tls;
use crate::workerd::{Worker, Workerd};
use crate::workspace;

/// The main module; the others are found beside it.
const MAIN: &str = "worker.mjs";

/// The module with the config that was compiled at build time.
const PLAN: &str = "plan.bin";

/// The module that gathers `services/*.js`.
const SERVICES: &str = "services.mjs";

/// How long a log line may come after its answer.
const LOG_PATIENCE: Duration = Duration::from_secs(15);

/// A running gateway. It ends when dropped.
pub struct Gateway {
    workerd: Workerd,
    kv: Option<Kv>,
}

/// Where a gateway gets its config from.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// The variable `SAG_API_CONFIG_JSON`.
    #[default]
    Variable,
    /// The key `api-config.json` of the KV namespace `CONFIG`.
    Kv,
    /// A plan that was compiled ahead, in place of the build's own.
    Plan(Vec<u8>),
    /// The build's own plan; the config given is not used.
    Built,
}

/// What a gateway is started with besides its config.
pub struct Options {
    /// The build's folder.
    pub folder: PathBuf,
    pub source: Source,
    services: Option<String>,
    changes: Vec<Box<dyn FnOnce(Worker) -> Worker>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            folder: workspace::root().join("build"),
            source: Source::default(),
            services: None,
            changes: Vec::new(),
        }
    }
}

impl Options {
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Options {
        self.folder = folder.into();
        self
    }

    pub fn source(mut self, source: Source) -> Options {
        self.source = source;
        self
    }

    /// A variable or a secret.
    pub fn text(self, name: &str, value: &str) -> Options {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.with(move |worker| worker.text(&name, &value))
    }

    /// A bound worker, given as JavaScript, and its entrypoint class, if not the default export.
    pub fn service(self, name: &str, source: &str, entrypoint: Option<&str>) -> Options {
        let (name, bound) = (name.to_owned(), Worker::script(source));
        let entrypoint = entrypoint.map(str::to_owned);
        self.with(move |worker| worker.service(&name, bound, entrypoint.as_deref()))
    }

    /// A server elsewhere behind a service binding.
    pub fn external(self, name: &str, address: SocketAddr) -> Options {
        let name = name.to_owned();
        self.with(move |worker| worker.external(&name, address))
    }

    /// The same over TLS.
    pub fn external_tls(self, name: &str, address: SocketAddr, tls: Tls) -> Options {
        let name = name.to_owned();
        self.with(move |worker| worker.external_tls(&name, address, tls))
    }

    /// An authority, in PEM, whose certificates of upstreams are taken besides those of browsers.
    pub fn trust(self, authority: &str) -> Options {
        let authority = authority.to_owned();
        self.with(move |worker| worker.trust(&authority))
    }

    /// A namespace of Durable Objects of a class that the gateway exports.
    pub fn durable_object(self, name: &str, class: &str) -> Options {
        let (name, class) = (name.to_owned(), class.to_owned());
        self.with(move |worker| worker.durable_object(&name, &class))
    }

    /// So many isolates of the gateway.
    pub fn isolates(self, count: usize) -> Options {
        self.with(move |worker| worker.isolates(count))
    }

    /// Lets [`Gateway::scheduled`] work.
    pub fn cron(self) -> Options {
        self.with(Worker::cron)
    }

    /// JavaScript in place of the build's `services.mjs`.
    pub fn services(mut self, source: &str) -> Options {
        self.services = Some(source.to_owned());
        self
    }

    /// Any other change of the worker: modules and bindings more, another date or flag.
    pub fn with(mut self, change: impl FnOnce(Worker) -> Worker + 'static) -> Options {
        self.changes.push(Box::new(change));
        self
    }
}

impl Gateway {
    /// Starts the built gateway with a config. Panics with workerd's words when it does not start.
    pub fn start(config: &str, options: Options) -> Gateway {
        // As in wrangler.toml.
        let mut worker = Worker::new().flag("enable_request_signal");
        for name in modules(&options.folder) {
            let path = options.folder.join(&name);
            worker = match (&options.source, &options.services) {
                // A build for tests may have no plan of its own.
                (Source::Variable | Source::Kv | Source::Built, _) if !path.exists() => {
                    worker.data_module(&name, [])
                }
                (Source::Plan(plan), _) if name == PLAN => worker.data_module(PLAN, plan.clone()),
                (_, Some(source)) if name == SERVICES => {
                    worker.es_module(SERVICES, source.as_str())
                }
                _ => worker.file(&name, &path),
            };
        }
        let mut kv = None;
        match options.source {
            Source::Variable => worker = worker.text("SAG_API_CONFIG_JSON", config),
            Source::Kv => {
                let namespace = Kv::start();
                namespace.put("api-config.json", config);
                worker = worker.kv("CONFIG", &namespace);
                kv = Some(namespace);
            }
            Source::Plan(_) | Source::Built => {}
        }
        for change in options.changes {
            worker = change(worker);
        }
        Gateway {
            workerd: worker.start(),
            kv,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.workerd.address()
    }

    /// Where one of several isolates listens.
    pub fn isolate(&self, number: usize) -> SocketAddr {
        self.workerd.isolate(number)
    }

    /// What a cron trigger does, to the first isolate: its scheduled handler has run when this returns. Panics unless it
    /// went well.
    pub fn scheduled(&self) {
        let outcome = self.workerd.scheduled(0, "* * * * *");
        assert_eq!(outcome, "ok", "{}", self.log());
    }

    pub fn workerd(&self) -> &Workerd {
        &self.workerd
    }

    /// The namespace that the config is read from. Panics when it is read from elsewhere.
    pub fn kv(&self) -> &Kv {
        self.kv.as_ref().expect("a gateway with Source::Kv")
    }

    /// Whether the gateway logs a line with this part, now or soon: a line may be read after the answer it is about.
    pub fn logs(&self, part: &str) -> bool {
        self.workerd.wait_log(part, LOG_PATIENCE)
    }

    /// What of the gateway's log was read so far. For what must be in it, ask [`Gateway::logs`] first.
    pub fn log(&self) -> String {
        self.workerd.log()
    }

    pub fn get(&self, target: &str) -> Answer {
        self.send(&Request::get(target))
    }

    pub fn send(&self, request: &Request) -> Answer {
        request.send(self.address())
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }
}

/// All modules of a build by their names, the main one first.
fn modules(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, prefix: &str, names: &mut Vec<String>) {
        let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                walk(&path, &format!("{prefix}{name}/"), names);
            } else {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    let mut names = Vec::new();
    walk(folder, "", &mut names);
    names.push(PLAN.into());
    names.sort_by_key(|name| (name != MAIN, name.clone()));
    names.dedup();
    names
}
