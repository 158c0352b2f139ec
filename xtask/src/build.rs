//! The whole build, step by step. Every step is quick when there is nothing to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cargo::Profile;
use crate::{bindgen, cargo, files, plan, root, services, size};

/// What to do about a mistake in `api-config.json`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OnBadConfig {
    /// The build fails.
    Fail,
    /// The mistake is shown and the plan of the last good build stays in place, where there is one. For a running
    /// `wrangler dev`, so that a slip of the pen does not stop the gateway.
    KeepLastGood,
}

/// Makes the worker of a profile in a folder of its own under the target folder, and answers the folder.
///
/// For tests and benchmarks: it leaves `build/` to wrangler. Processes that call it at the same time build once.
pub fn build(profile: Profile) -> Result<PathBuf> {
    let out = cargo::target_dir().join(format!("bundle-{}", profile.name()));
    build_into(&out, profile, OnBadConfig::Fail)?;
    Ok(out)
}

/// Makes the worker in the folder `out`. A file whose bytes would not change is left alone.
pub fn build_into(out: &Path, profile: Profile, on_bad_config: OnBadConfig) -> Result<()> {
    let _lock = files::lock(&cargo::target_dir().join("build.lock"))?;
    let wasm = cargo::build_wasm(profile)?;
    let glue = bindgen::generate(&wasm, profile)?;
    files::mirror(&glue, out)?;
    copy_edge_modules(out)?;
    write_plan(out, on_bad_config)?;
    size::report(&glue.join(bindgen::WASM), profile)
}

fn copy_edge_modules(out: &Path) -> Result<()> {
    let edge = root().join("src/edge");
    for entry in fs::read_dir(&edge).with_context(|| format!("cannot read {}", edge.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mjs")
            && let Some(name) = path.file_name()
        {
            files::copy_if_changed(&path, &out.join(name))?;
        }
    }
    Ok(())
}

fn write_plan(out: &Path, on_bad_config: OnBadConfig) -> Result<()> {
    let artifact = out.join("plan.bin");
    let modules = out.join("services.mjs");
    let compiled = plan::compile(&root().join("api-config.json")).and_then(|plan| {
        let services = services::module(root(), out, &plan.services)?;
        Ok((plan, services))
    });
    match compiled {
        Ok((plan, services)) => {
            files::write_if_changed(&artifact, &plan.bytes)?;
            files::write_if_changed(&modules, services.as_bytes())?;
            Ok(())
        }
        Err(error)
            if on_bad_config == OnBadConfig::KeepLastGood
                && artifact.exists()
                && modules.exists() =>
        {
            eprintln!("{error:#}\n\nThe last good config keeps serving.");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
