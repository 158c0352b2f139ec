//! A worker's config in workerd's own language, whose contents lie in files beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Binding, Worker};
use crate::tls::Tls;

/// Where the first isolate of the worker listens; `http1` and so on are the others.
pub(super) const HTTP: &str = "http";

/// Where its scheduled handler is called; `scheduled1` and so on are those of the others.
pub(super) const SCHEDULED: &str = "scheduled";

/// The service of the first isolate.
const MAIN: &str = "main";

/// Calls the scheduled handler of a worker, as Cloudflare does by a cron trigger.
const CRON: &str = r#"
export default { async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    const event = { scheduledTime: new Date(), cron: searchParams.get("cron") };
    return Response.json(await env.WORKER.scheduled(event));
} };"#;

/// A config under construction.
pub(super) struct Config<'a> {
    folder: &'a Path,
    services: String,
    workers: String,
    sockets: String,
    count: usize,
    json_log: bool,
}

impl Config<'_> {
    pub(super) fn new(folder: &Path) -> Config<'_> {
        Config {
            folder,
            services: String::new(),
            workers: String::new(),
            sockets: String::new(),
            count: 0,
            json_log: false,
        }
    }

    /// The whole config of a worker, with as many isolates as it wants.
    pub(super) fn of(mut self, worker: &Worker) -> String {
        self.json_log = worker.json_log;
        let http = worker.cf_header.as_deref().map(cf_blob).unwrap_or_default();
        for isolate in 0..worker.isolates {
            let service = numbered(MAIN, isolate);
            self.worker(worker, &service);
            let http = format!("http = ({http})");
            self.socket(&numbered(HTTP, isolate), &http, &service);
            if worker.cron {
                let cron = Worker::script(CRON)
                    .flag("service_binding_extra_handlers")
                    .bind("WORKER", Binding::Named(service));
                let name = numbered(SCHEDULED, isolate);
                self.worker(&cron, &name);
                self.socket(&name, "http = ()", &name);
            }
        }
        let trusted = self.certificates(&worker.trusted);
        write!(
            self.services,
            "\n    (name = \"internet\", network = (allow = [\"public\", \"private\"], \
             tlsOptions = (trustBrowserCas = true, trustedCertificates = [{trusted}]))),"
        )
        .expect("a string");
        self.finish()
    }

    /// A config that takes TLS off, asks for a client's certificate if wanted, and passes on what is inside.
    pub(super) fn terminator(mut self, tls: &Tls, to: &str) -> String {
        let options = self.tls(tls);
        self.external(MAIN, to, "http = ()");
        let kind = format!("https = (options = (), tlsOptions = {options})");
        self.socket(HTTP, &kind, MAIN);
        self.finish()
    }

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
            let value = self.binding(binding, service);
            write!(text, "\n    (name = {}, {value}),", quoted(name)).expect("a string");
        }
        let flags: Vec<String> = worker.flags.iter().map(|f| quoted(f)).collect();
        let (date, flags) = (quoted(&worker.date), flags.join(", "));
        write!(
            text,
            "\n  ],\n  compatibilityDate = {date},\n  compatibilityFlags = [{flags}],{}\n)",
            durable_objects(worker)
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

    /// The value of a binding of the worker that is this service.
    fn binding(&mut self, binding: &Binding, service: &str) -> String {
        match binding {
            Binding::Text(value) => format!("text = embed \"{}\"", self.file(value.as_bytes())),
            Binding::Json(value) => format!("json = embed \"{}\"", self.file(value.as_bytes())),
            Binding::Data(value) => format!("data = embed \"{}\"", self.file(value)),
            Binding::Kv(address) => {
                let service = format!("kv{}", self.next());
                self.external(&service, &address.to_string(), "http = ()");
                format!("kvNamespace = \"{service}\"")
            }
            Binding::External(address, tls) => {
                let service = format!("external{}", self.next());
                let kind = match tls {
                    None => "http = ()".to_owned(),
                    Some((tls, host)) => format!(
                        "https = (options = (), tlsOptions = {}, certificateHost = {})",
                        self.tls(tls),
                        quoted(host)
                    ),
                };
                self.external(&service, &address.to_string(), &kind);
                format!("service = \"{service}\"")
            }
            // All isolates share the objects of the first.
            Binding::DurableObject(class) => {
                let class = quoted(class);
                match service.starts_with(MAIN) && service != MAIN {
                    true => format!(
                        "durableObjectNamespace = (className = {class}, serviceName = \"{MAIN}\")"
                    ),
                    false => format!("durableObjectNamespace = (className = {class})"),
                }
            }
            Binding::Named(service) => format!("service = {}", quoted(service)),
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

    fn tls(&mut self, tls: &Tls) -> String {
        let mut text = String::from("(");
        if let Some(pair) = &tls.keypair {
            let key = self.file(pair.key.as_bytes());
            let chain = self.file(pair.certificate.as_bytes());
            write!(
                text,
                "keypair = (privateKey = embed \"{key}\", certificateChain = embed \"{chain}\"), "
            )
            .expect("a string");
        }
        let trusted = self.certificates(&tls.trusted);
        let required = tls.require_client;
        write!(
            text,
            "requireClientCerts = {required}, trustedCertificates = [{trusted}])"
        )
        .expect("a string");
        text
    }

    fn certificates(&mut self, trusted: &[String]) -> String {
        let files = trusted
            .iter()
            .map(|pem| format!("embed \"{}\"", self.file(pem.as_bytes())));
        files.collect::<Vec<_>>().join(", ")
    }

    fn external(&mut self, name: &str, address: &str, kind: &str) {
        write!(
            self.services,
            "\n    (name = \"{name}\", external = (address = \"{address}\", {kind})),"
        )
        .expect("a string");
    }

    fn socket(&mut self, name: &str, kind: &str, service: &str) {
        write!(
            self.sockets,
            "\n    (name = \"{name}\", address = \"127.0.0.1:0\", {kind}, service = \"{service}\"),"
        )
        .expect("a string");
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

    fn finish(self) -> String {
        format!(
            "using Workerd = import \"/workerd/workerd.capnp\";\n\n\
             const config :Workerd.Config = (\n  services = [{}\n  ],\n  sockets = [{}\n  ],\n  \
             logging = (structuredLogging = {}),\n);\n\n{}",
            self.services, self.sockets, self.json_log, self.workers
        )
    }
}

/// The name of an isolate's part: the first one's has no number.
pub(super) fn numbered(name: &str, isolate: usize) -> String {
    match isolate {
        0 => name.to_owned(),
        number => format!("{name}{number}"),
    }
}

/// Objects in memory, with the SQLite that every new class has on Cloudflare.
fn durable_objects(worker: &Worker) -> String {
    let classes = worker.bindings.iter().filter_map(|(_, b)| match b {
        Binding::DurableObject(class) => Some(quoted(class)),
        _ => None,
    });
    let classes: Vec<String> = classes
        .map(|class| format!("(className = {class}, uniqueKey = {class}, enableSql = true)"))
        .collect();
    match classes.is_empty() {
        true => String::new(),
        false => format!(
            "\n  durableObjectNamespaces = [{}],\n  durableObjectStorage = (inMemory = void),",
            classes.join(", ")
        ),
    }
}

fn cf_blob(header: &str) -> String {
    format!("cfBlobHeader = {}", quoted(header))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
