//! Causeway's build tool, as a library: tests and benchmarks build the worker with it.
//!
//! The worker is made of the gateway compiled to WebAssembly, the JavaScript that wasm-bindgen writes for it, the
//! modules of `src/edge/`, the services that the config names, and the plan that the config compiles to. wrangler
//! bundles them; see `wrangler.toml`.

pub mod bench;
mod bindgen;
mod build;
mod cargo;
mod children;
pub mod dev;
mod files;
mod npm;
mod plan;
pub mod provider;
mod services;
mod size;
mod sources;
mod wrangler;

use std::env;
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, Result};

pub use build::{Compiler, OnMistake, build, build_into};
pub use cargo::{Profile, build_program};

/// The workspace's root folder.
pub fn root() -> &'static Path {
    peers::workspace::root()
}

/// Where what wrangler bundles is written.
pub fn build_dir() -> PathBuf {
    root().join("build")
}

/// The config that goes into the bundle: `api-config.json`, or the file that the variable `CAUSEWAY_CONFIG` names.
pub fn config_file() -> Result<PathBuf> {
    match env::var_os(CONFIG_VARIABLE).filter(|name| !name.is_empty()) {
        Some(name) => absolute(&name).context("the working folder cannot be read"),
        None => Ok(root().join(CONFIG)),
    }
}

const CONFIG: &str = "api-config.json";

const CONFIG_VARIABLE: &str = "CAUSEWAY_CONFIG";
