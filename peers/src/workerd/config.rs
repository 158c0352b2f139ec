//! A worker's config in workerd's own language, whose contents lie in files beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Binding, Worker};

/// A config under construction.
pub(super) struct Config<'a> {
    folder: &'a Path,
    services: String,
    workers: String,
    count: usize,
}

impl Config<'_> {
    pub(super) fn new(folder: &Path) -> Config<'_> {
        Config {
            folder,
            services: String::new(),
            workers: String::new(),
            count: 0,
        }
    }

    /// Adds a worker under a service name, after the services that it is bound to.
    pub(super) fn worker(&mut self, worker: &Worker, service: &str) {
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

    pub(super) fn finish(self, cf_header: Option<&str>) -> String {
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

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
