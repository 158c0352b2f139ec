//! `cargo xtask bench`: what the gateway costs, beside workers in JavaScript that do less, or the same by hand.
//!
//! Every worker has a workerd process of its own, so that its CPU time can be told from that of the others. All are
//! measured in turn, round by round, and compared within a round: what slows the machine down slows its neighbours too.

mod case;
mod cold;
mod load;
mod memory;
mod options;
mod process;
mod report;
mod rounds;
mod same;
mod stats;
mod workers;
mod workload;

use std::process::ExitCode;

use anyhow::Result;

use crate::build::Compiler;
use crate::{cargo, npm};

use options::Options;

/// Builds what is measured, measures, and prints the tables.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let options = Options::read(args)?;
    process::ensure_measurable()?;
    load::ensure_wrk()?;
    npm::ensure()?;
    let bundled = crate::build(cargo::Profile::Release, Compiler::LeftOut)?;
    let compiling = crate::build(cargo::Profile::Release, Compiler::Included)?;
    let bench = workers::Bench::start(bundled, compiling)?;
    same::check(&bench)?;
    let measured = rounds::run(&bench, &options)?;
    let cold = if options.wants(options::COLD) {
        cold::run(&bench, &options)?
    } else {
        Vec::new()
    };
    let memory = if options.wants(options::MEMORY) {
        memory::run(&bench)?
    } else {
        Vec::new()
    };
    let report = report::Report {
        options: &options,
        measured: &measured,
        cold: &cold,
        memory: &memory,
    };
    let text = report.markdown();
    println!("{text}");
    if options.write {
        report::write(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
