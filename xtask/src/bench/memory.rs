//! How much memory the gateway takes, inside WebAssembly and as a process.

use anyhow::{Context, Result};

use super::case::Runs;
use super::process;
use super::workers::{Bench, From};
use super::workload::Work;

/// A gateway that has answered requests for paths from the first to the last. All in bytes.
pub struct Memory {
    pub paths: usize,
    pub from: From,
    /// The WebAssembly's linear memory; it never shrinks, so this is its peak.
    pub wasm: u64,
    /// The compiled config in the bundle, which the isolate holds beside it.
    pub plan: u64,
    /// The most that the process ever had.
    pub peak: u64,
}

pub fn run(bench: &Bench) -> Result<Vec<Memory>> {
    GATEWAYS
        .iter()
        .map(|(paths, from)| measure(bench, *paths, *from))
        .collect()
}

fn measure(bench: &Bench, paths: usize, from: From) -> Result<Memory> {
    let work = Work::proxy(paths);
    let gateway = bench.gateway(work, from, Some("measured.mjs"))?;
    gateway.ask(&bench.requests(Runs::Gateway(work)))?;
    let said = gateway.ask(&["GET /.wasm-memory HTTP/1.1\r\nHost: api.example.net\r\n\r\n"])?;
    let plan = match from {
        From::Bundle => bench.plan_size(work)?,
        From::Kv | From::KvCompiled => 0,
    };
    Ok(Memory {
        paths,
        from,
        wasm: said.parse().context("a number of bytes")?,
        plan: plan.try_into()?,
        peak: process::peak_memory(gateway.workerd().pid())?,
    })
}

/// In the order of the table.
const GATEWAYS: &[(usize, From)] = &[
    (10, From::Bundle),
    (1_000, From::Bundle),
    (10_000, From::Bundle),
    (100_000, From::Bundle),
    (10, From::Kv),
    (10_000, From::Kv),
];
