//! Load, by wrk.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::root;

/// What one run of wrk saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    pub requests: f64,
    pub per_second: f64,
    /// Microseconds.
    pub p50: f64,
    /// Microseconds.
    pub p99: f64,
}

/// Says what to install when wrk is not there.
pub fn ensure_wrk() -> Result<()> {
    // wrk ends with a status of 1 after telling its version.
    let found = Command::new(WRK).arg("--version").output();
    found.map(drop).map_err(|_| {
        anyhow!(
            "wrk is missing, which makes the load: install it with `apt-get install wrk` (Debian, Ubuntu), \
             `dnf install wrk` (Fedora), or from https://github.com/wg/wrk"
        )
    })
}

/// Sends the requests of a file, in turn and as fast as they are answered, for some seconds. An answer that is no
/// success, or none, is an error.
pub fn run(address: SocketAddr, requests: &Path, seconds: u32) -> Result<Load> {
    let output = Command::new(WRK)
        .args(["--threads", "1", "--connections", CONNECTIONS])
        .args(["--duration", &format!("{seconds}s"), "--timeout", "10s"])
        .arg("--script")
        .arg(root().join("benches/workers/load.lua"))
        .arg(format!("http://{address}"))
        .arg("--")
        .arg(requests)
        .output()
        .context("cannot run wrk")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let load = read(&said).with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("wrk said:\n{said}{errors}")
    })?;
    if !output.status.success() {
        bail!("wrk failed:\n{said}");
    }
    Ok(load)
}

/// Reads the line that `load.lua` prints at the end.
fn read(said: &str) -> Result<Load> {
    let line = said.lines().find_map(|line| line.strip_prefix("result "));
    let numbers = line.context("no result")?.split(' ').map(str::parse);
    let numbers = numbers.collect::<Result<Vec<f64>, _>>()?;
    let [requests, duration, p50, p99, refused, broken] = numbers[..] else {
        bail!("another result than expected");
    };
    if requests == 0.0 || refused != 0.0 || broken != 0.0 {
        bail!(
            "of {requests} requests {refused} were answered with an error and {broken} not at all"
        );
    }
    Ok(Load {
        requests,
        per_second: requests / duration * 1e6,
        p50,
        p99,
    })
}

const WRK: &str = "wrk";

/// As many requests are under way at any time.
const CONNECTIONS: &str = "16";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_and_a_single_error_refused() {
        let load = read("Running\nresult 500 2000000 1500 9000 0 0\n").expect("a result");
        let expected = Load {
            requests: 500.0,
            per_second: 250.0,
            p50: 1500.0,
            p99: 9000.0,
        };
        assert_eq!(load, expected);
        for said in [
            "",
            "result 1 2",
            "result 0 2000000 0 0 0 0",
            "result 500 2000000 1500 9000 1 0",
            "result 500 2000000 1500 9000 0 1",
        ] {
            assert!(read(said).is_err(), "{said}");
        }
    }
}
