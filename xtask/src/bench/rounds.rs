//! All workers under load, in turn, round by round.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::case::{CASES, Case};
use super::load::{self, Load};
use super::options::Options;
use super::process;
use super::stats::median;
use super::workers::{Bench, Running};
use crate::cargo;

/// A case and what was seen of it, a sample a round.
pub struct Measured {
    pub case: &'static Case,
    pub samples: Vec<Sample>,
    /// The most memory that the process ever had, in bytes.
    pub peak: u64,
}

/// One run under load.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time of the worker's process per request, in microseconds.
    pub cpu: f64,
    pub load: Load,
}

/// A worker that is ready to be measured.
struct Subject {
    case: &'static Case,
    worker: Running,
    requests: PathBuf,
    samples: Vec<Sample>,
}

/// Measures the wanted cases and those that they are compared with.
pub fn run(bench: &Bench, options: &Options) -> Result<Vec<Measured>> {
    let mut subjects = CASES
        .iter()
        .filter(|case| is_measured(case, options))
        .map(|case| ready(bench, case))
        .collect::<Result<Vec<Subject>>>()?;
    for round in 0..options.rounds {
        eprint!("round {} of {}\r", round + 1, options.rounds);
        for place in order(round, subjects.len()) {
            if let Some(subject) = subjects.get_mut(place) {
                let sample = subject.sample(options.seconds)?;
                subject.samples.push(sample);
            }
        }
    }
    eprintln!();
    subjects.into_iter().map(Subject::finish).collect()
}

/// The order of a round: each starts one place further, and every other one runs backwards, so that nobody always
/// follows the same neighbour.
fn order(round: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    if count > 0 {
        places.rotate_left(round / 2 % count);
    }
    if round % 2 == 1 {
        places.reverse();
    }
    places
}

fn is_measured(case: &Case, options: &Options) -> bool {
    let compared =
        |other: &Case| options.wants(other.name) && other.yardsticks().contains(&case.name);
    options.wants(case.name) || CASES.iter().any(compared)
}

/// Starts a worker, asks everything once, and warms it up under load.
fn ready(bench: &Bench, case: &'static Case) -> Result<Subject> {
    let context = || format!("the case `{}`", case.name);
    let worker = bench.run(case.runs).with_context(context)?;
    let requests = bench.requests(case.runs);
    worker.ask(&requests).with_context(context)?;
    let folder = cargo::target_dir().join("bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.requests", case.name));
    fs::write(&file, requests.join("\0"))?;
    let subject = Subject {
        case,
        worker,
        requests: file,
        samples: Vec::new(),
    };
    subject.sample(WARM_UP_SECONDS)?;
    Ok(subject)
}

impl Subject {
    fn sample(&self, seconds: u32) -> Result<Sample> {
        let workerd = self.worker.workerd();
        let before = process::cpu_time(workerd.pid())?;
        let load = load::run(workerd.address(), &self.requests, seconds)
            .with_context(|| format!("the case `{}`: {}", self.case.name, workerd.log()))?;
        let used = process::cpu_time(workerd.pid())?.saturating_sub(before);
        Ok(Sample {
            cpu: used.as_secs_f64() * 1e6 / load.requests,
            load,
        })
    }

    fn finish(self) -> Result<Measured> {
        Ok(Measured {
            case: self.case,
            peak: process::peak_memory(self.worker.workerd().pid())?,
            samples: self.samples,
        })
    }
}

impl Measured {
    /// The median of a value over the rounds.
    pub fn median(&self, value: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(value))
    }
}

/// Long enough for the JavaScript and the WebAssembly to be compiled for good.
const WARM_UP_SECONDS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_measures_all_and_in_another_order() {
        let mut seen = Vec::new();
        for round in 0..6 {
            let places = order(round, 3);
            let mut sorted = places.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            assert!(!seen.contains(&places), "round {round}");
            seen.push(places);
        }
        assert!(order(5, 0).is_empty());
    }
}
