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
mod services;
mod size;

use std::path::{Path, PathBuf};

pub use build::{OnMistake, build, build_into};
pub use cargo::Profile;

/// The workspace's root folder.
pub fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where what wrangler bundles is written.
pub fn build_dir() -> PathBuf {
    root().join("build")
}
