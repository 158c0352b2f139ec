//! Starts what is measured, and what it talks to.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use causeway::config::SOURCE_KEY;
use peers::{Client, Gateway, Options, Source, Worker, Workerd};

use super::case::Runs;
use super::workload::{SECRET, SECRET_NAME, Work};
use crate::{cargo, root};

/// What all measurements share.
pub struct Bench {
    /// The gateway's build for a bundled config, without the compiler.
    bundled: PathBuf,
    /// The one for a config of KV, with it.
    compiling: PathBuf,
    upstream: Upstream,
    /// Seconds since 1970.
    now: u64,
    plans: Mutex<HashMap<Work, Vec<u8>>>,
}

/// Where a gateway has its config from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Bundle,
    /// As text.
    Kv,
    /// As `causeway compile` makes it.
    KvCompiled,
}

/// A worker in a process of its own.
pub enum Running {
    Script(Workerd),
    Gateway(Box<Gateway>),
}

impl Bench {
    /// Both folders hold a build of the gateway.
    pub fn start(bundled: PathBuf, compiling: PathBuf) -> Result<Bench> {
        Ok(Bench {
            bundled,
            compiling,
            upstream: Upstream::start()?,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            plans: Mutex::default(),
        })
    }

    /// Where proxied requests go.
    pub fn upstream(&self) -> &str {
        &self.upstream.url
    }

    /// What a worker is asked.
    pub fn requests(&self, runs: Runs) -> Vec<String> {
        match runs {
            Runs::Script(_) => Work::proxy(10).requests(self.now),
            Runs::Uploads(_) => Work::Upload.requests(self.now),
            Runs::Gateway(work) => work.requests(self.now),
        }
    }

    /// The size of a compiled config, in bytes.
    pub fn plan_size(&self, work: Work) -> Result<usize> {
        self.plan(work).map(|plan| plan.len())
    }

    pub fn run(&self, runs: Runs) -> Result<Running> {
        match runs {
            Runs::Script(file) | Runs::Uploads(file) => script(file, self.upstream()),
            Runs::Gateway(work) => self.gateway(work, From::Bundle, None),
        }
    }

    /// The gateway; `main` is a main module in place of its own, and the file's name.
    pub fn gateway(&self, work: Work, from: From, main: Option<&str>) -> Result<Running> {
        let mut options = match from {
            From::Bundle => options(Source::Plan(self.plan(work)?)).folder(&self.bundled),
            From::Kv => options(Source::Kv).folder(&self.compiling),
            From::KvCompiled => options(Source::Kv).folder(&self.bundled),
        };
        if let Some(file) = main {
            let source = source(file)?;
            let file = file.to_owned();
            options = options.with(move |worker| worker.main_module(&file, source));
        }
        let config = match from {
            From::Bundle | From::KvCompiled => String::new(),
            From::Kv => work.config(self.upstream()),
        };
        let gateway = Gateway::start(&config, options);
        if from == From::KvCompiled {
            gateway.kv().put(SOURCE_KEY, self.plan(work)?);
        }
        Ok(Running::Gateway(Box::new(gateway)))
    }

    /// The gateway before another upstream.
    pub fn gateway_before(&self, upstream: &str, work: Work) -> Result<Running> {
        let options = options(Source::Plan(work.plan(upstream)?)).folder(&self.bundled);
        Ok(Running::Gateway(Box::new(Gateway::start("", options))))
    }

    fn plan(&self, work: Work) -> Result<Vec<u8>> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&work) {
            return Ok(plan.clone());
        }
        let plan = work.plan(self.upstream())?;
        plans.insert(work, plan.clone());
        Ok(plan)
    }
}

impl Running {
    pub fn workerd(&self) -> &Workerd {
        match self {
            Running::Script(workerd) => workerd,
            Running::Gateway(gateway) => gateway.workerd(),
        }
    }

    /// Sends requests one after the other and answers the last one's body. Anything but 200 is an error.
    pub fn ask(&self, requests: &[impl AsRef<str>]) -> Result<String> {
        let mut client = Client::connect(self.workerd().address());
        let mut last = String::new();
        for request in requests {
            let request = request.as_ref();
            client.send(request.as_bytes());
            let answer = client
                .answer("GET")
                .with_context(|| format!("no answer to\n{request}"))?;
            last = answer.text();
            if answer.status != 200 {
                let (status, log) = (answer.status, self.workerd().log());
                bail!("{status} instead of 200 to\n{request}{last}\n{log}");
            }
        }
        Ok(last)
    }
}

/// A worker of `benches/workers/` before an upstream.
pub fn script(file: &str, upstream: &str) -> Result<Running> {
    let worker = Worker::new()
        .es_module(file, source(file)?)
        .text_module("upstream.txt", upstream);
    let running = worker.try_start();
    running
        .map(Running::Script)
        .map_err(|log| anyhow!("{file} does not start:\n{log}"))
}

fn source(file: &str) -> Result<String> {
    let path = root().join("benches/workers").join(file);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

fn options(source: Source) -> Options {
    Options::default().source(source).text(SECRET_NAME, SECRET)
}

/// The upstream, in a process of its own. It ends when dropped.
struct Upstream {
    child: Child,
    /// Below this every answer is the same small text.
    url: String,
}

impl Upstream {
    fn start() -> Result<Upstream> {
        let status = cargo::clean_cargo()
            .args(["build", "--quiet", "--release", "--package", "peers"])
            .args(["--bin", "upstream"])
            .arg("--target-dir")
            .arg(cargo::target_dir())
            .status()
            .context("cannot run cargo")?;
        if !status.success() {
            bail!("the upstream does not compile");
        }
        let mut child = Command::new(cargo::target_dir().join("release/upstream"))
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the upstream")?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut upstream = Upstream {
            child,
            url: String::new(),
        };
        let url = line.split_whitespace().last();
        let url = url.filter(|url| url.starts_with("http://"));
        upstream.url = format!("{}/bench", url.context("the upstream does not listen")?);
        Ok(upstream)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
