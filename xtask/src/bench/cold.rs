//! From the start of the process to the first answer.

use std::time::Duration;

use anyhow::{Context, Result};

use super::case::Runs;
use super::options::Options;
use super::stats::{median, quantile};
use super::workers::{Bench, From, Running};
use super::workload::Work;

/// A worker that is started again and again.
#[derive(Clone, Copy)]
pub enum Start {
    Script(&'static str),
    Gateway { paths: usize, from: From },
}

/// What was seen of it, in milliseconds.
pub struct Cold {
    pub start: Start,
    times: Vec<f64>,
}

/// Starts each worker as often as asked for, in turn.
pub fn run(bench: &Bench, options: &Options) -> Result<Vec<Cold>> {
    let mut all: Vec<Cold> = STARTS.iter().map(|start| Cold::new(*start)).collect();
    for round in 0..options.starts {
        eprint!("start {} of {}\r", round + 1, options.starts);
        let count = all.len();
        for step in 0..count {
            if let Some(cold) = all.get_mut((round + step) % count) {
                let time = first_answer(bench, cold.start).with_context(|| cold.start.title())?;
                cold.times.push(time.as_secs_f64() * 1e3);
            }
        }
    }
    eprintln!();
    Ok(all)
}

fn first_answer(bench: &Bench, start: Start) -> Result<Duration> {
    let (runs, worker): (Runs, Running) = match start {
        Start::Script(file) => {
            let runs = Runs::Script(file);
            (runs, bench.run(runs)?)
        }
        Start::Gateway { paths, from } => {
            let work = Work::proxy(paths);
            (Runs::Gateway(work), bench.gateway(work, from, None)?)
        }
    };
    let requests = bench.requests(runs);
    worker.ask(requests.get(..1).unwrap_or_default())?;
    Ok(worker.workerd().spawned().elapsed())
}

impl Cold {
    fn new(start: Start) -> Cold {
        Cold {
            start,
            times: Vec::new(),
        }
    }

    pub fn median(&self) -> f64 {
        median(self.times.iter().copied())
    }

    pub fn quartiles(&self) -> (f64, f64) {
        let at = |part| quantile(self.times.iter().copied(), part);
        (at(0.25), at(0.75))
    }

    /// The median of the ratios, start by start.
    pub fn to(&self, other: &Cold) -> f64 {
        median(self.times.iter().zip(&other.times).map(|(a, b)| a / b))
    }

    /// The median of the differences, start by start.
    pub fn over(&self, other: &Cold) -> f64 {
        median(self.times.iter().zip(&other.times).map(|(a, b)| a - b))
    }
}

impl Start {
    pub fn title(self) -> String {
        match self {
            Start::Script("hello.mjs") => "hello, JavaScript".to_owned(),
            Start::Script(_) => "P: bare pass-through, JavaScript".to_owned(),
            Start::Gateway { paths, from } => {
                let from = match from {
                    From::Bundle => "bundled",
                    From::Kv => "from KV",
                    From::KvCompiled => "compiled, from KV",
                };
                format!("gateway, {} paths, {from}", super::report::thousands(paths))
            }
        }
    }
}

/// In the order of the table. The first is what the others are compared with, and so is the smallest gateway.
const STARTS: &[Start] = &[
    Start::Script("hello.mjs"),
    Start::Script("pass.mjs"),
    bundled(10),
    bundled(1_000),
    bundled(10_000),
    bundled(100_000),
    Start::Gateway {
        paths: 10,
        from: From::Kv,
    },
    Start::Gateway {
        paths: 10_000,
        from: From::Kv,
    },
    Start::Gateway {
        paths: 10_000,
        from: From::KvCompiled,
    },
];

const fn bundled(paths: usize) -> Start {
    Start::Gateway {
        paths,
        from: From::Bundle,
    }
}
