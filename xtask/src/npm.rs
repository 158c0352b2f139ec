//! wrangler and the Node it needs, from npm.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::root;

/// Runs `npm ci` when `node_modules` is missing or older than the lock file.
pub fn ensure() -> Result<()> {
    if is_current() {
        return Ok(());
    }
    eprintln!("Installing wrangler with `npm ci`");
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        // Errors only: npm warns that wrangler wants Node 22 even where the Node of node_modules is what will run it.
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(root())
        .status()
        .context("cannot run npm: install Node 20 or newer")?;
    if !status.success() {
        bail!("`npm ci` failed");
    }
    let node = bin().join("node");
    let runs = Command::new(&node)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"v22."));
    if !runs {
        bail!(
            "{} is not Node 22: npm must be allowed to run install scripts (see `ignore-scripts` of `npm config list`)",
            node.display()
        );
    }
    Ok(())
}

/// The folder of the programs that npm installed.
pub fn bin() -> PathBuf {
    root().join("node_modules/.bin")
}

/// `PATH` with the programs of npm first: `node` is then the one that wrangler needs.
pub fn path() -> Result<OsString> {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(bin()).chain(env::split_paths(&rest));
    env::join_paths(all).context("PATH holds a folder that cannot be written in it")
}

fn is_current() -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let lock = modified(&root().join("package-lock.json"));
    // npm writes this file last.
    let installed = modified(&root().join("node_modules/.package-lock.json"));
    installed.is_some() && installed >= lock && bin().join("wrangler").exists()
}
