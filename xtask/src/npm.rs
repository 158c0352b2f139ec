//! wrangler and the Node it needs, from npm.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, bail};
pub use peers::npm::bin;

/// Installs what is missing, and makes sure that wrangler's Node runs.
pub fn ensure() -> Result<()> {
    peers::npm::ensure()?;
    let node = bin().join("node");
    let runs = Command::new(&node)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"v22."));
    if !runs {
        bail!(
            "{} is not Node 22: npm must be allowed to install optional packages (see `omit` of `npm config list`), and \
             there are some for Linux and macOS, on x64 and ARM; then remove node_modules",
            node.display()
        );
    }
    Ok(())
}

/// `PATH` with the programs of npm first: `node` is then the one that wrangler needs.
pub fn path() -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(bin()).chain(env::split_paths(&rest));
    env::join_paths(all).context("PATH holds a folder that cannot be written in it")
}
