//! What the operating system tells of another process.

use anyhow::Result;
#[cfg(target_os = "linux")]
use anyhow::{Context, anyhow};
use std::time::Duration;

/// An error where the system does not tell it.
pub fn ensure_measurable() -> Result<()> {
    peak_memory(std::process::id()).map(drop)
}

/// User and system time of all threads so far: what `/proc/PID/stat` tells in ticks, in nanoseconds.
#[cfg(target_os = "linux")]
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let id = nix::unistd::Pid::from_raw(pid.try_into()?);
    let clock = nix::time::clock_getcpuclockid(id).context("the worker's CPU clock")?;
    Ok(clock.now().context("the worker's CPU time")?.into())
}

/// The most memory that was ever resident, in bytes.
#[cfg(target_os = "linux")]
pub fn peak_memory(pid: u32) -> Result<u64> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kib.ok_or_else(|| anyhow!("{file} has no VmHWM"))? * 1024)
}

#[cfg(not(target_os = "linux"))]
pub fn cpu_time(_: u32) -> Result<Duration> {
    anyhow::bail!(ELSEWHERE)
}

#[cfg(not(target_os = "linux"))]
pub fn peak_memory(_: u32) -> Result<u64> {
    anyhow::bail!(ELSEWHERE)
}

#[cfg(not(target_os = "linux"))]
const ELSEWHERE: &str =
    "the CPU time of other processes is read as Linux tells it: run the benchmark there";

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let id = std::process::id();
        assert!(cpu_time(id).expect("a time") > Duration::ZERO);
        assert!(peak_memory(id).expect("a size") > 1 << 20);
    }
}
