//! The whole build, step by step. Every step is quick when there is nothing to do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cargo::{Module, Profile};
use crate::{bindgen, cargo, config_file, files, plan, root, services, size, sources};

/// What to do about a mistake, in the code or in the config.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OnMistake {
    /// The build fails.
    Fail,
    /// The mistake is shown and what the last good build left stays in place, where there is something. For a running
    /// `wrangler dev`: while its custom build fails it answers no request at all.
    KeepLastGood,
}

/// Whether the compiler of configs is part of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    Included,
    /// Only the bundled config can be served, and cold starts are quicker.
    LeftOut,
}

impl Compiler {
    /// Included where wrangler.toml, or what stands in for secrets beside it, names a source that needs it.
    pub fn as_needed() -> Result<Compiler> {
        Ok(if sources::may_change(root())? {
            Compiler::Included
        } else {
            Compiler::LeftOut
        })
    }
}

/// Makes the worker of a profile in a folder of its own under the target folder, and answers the folder.
///
/// For tests and benchmarks: it leaves `build/` to wrangler. Processes that call it at the same time build once.
pub fn build(profile: Profile, compiler: Compiler) -> Result<PathBuf> {
    let kind = match compiler {
        Compiler::Included => "bundle",
        Compiler::LeftOut => "bundle-without-compiler",
    };
    let out = cargo::target_dir().join(format!("{kind}-{}", profile.label()));
    build_into(&out, profile, compiler, OnMistake::Fail)?;
    Ok(out)
}

/// Makes the worker in the folder `out`. A file whose bytes would not change is left alone.
pub fn build_into(
    out: &Path,
    profile: Profile,
    compiler: Compiler,
    on_mistake: OnMistake,
) -> Result<()> {
    let _lock = files::lock(&cargo::target_dir().join("build.lock"))?;
    let keep = on_mistake == OnMistake::KeepLastGood && out.join(PLAN).exists();
    // The config first: whoever has mistyped something there does not wait for a compiler.
    let config = tolerate(keep, Config::read(out))?;
    tolerate(keep, build_worker(out, profile, compiler))?;
    match config {
        Some(config) => config.write(out),
        None => Ok(()),
    }
}

/// Nothing where the mistake is shown and what was built last is kept.
fn tolerate<T>(keep: bool, part: Result<T>) -> Result<Option<T>> {
    match part {
        Err(error) if keep => {
            eprintln!("{error:#}\n\n{KEPT}");
            Ok(None)
        }
        part => part.map(Some),
    }
}

fn build_worker(out: &Path, profile: Profile, compiler: Compiler) -> Result<()> {
    build_module(Module::Gateway, out, profile)?;
    if compiler == Compiler::Included {
        build_module(Module::Compiler, out, profile)?;
    }
    let edge = root().join("src/edge/js");
    for entry in fs::read_dir(&edge).with_context(|| format!("cannot read {}", edge.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mjs")
            && let Some(name) = path.file_name()
            && name != COMPILE
            && name != UNCOMPILED
        {
            files::copy_if_changed(&path, &out.join(name))?;
        }
    }
    let compile = match compiler {
        Compiler::Included => COMPILE,
        Compiler::LeftOut => UNCOMPILED,
    };
    files::copy_if_changed(&edge.join(compile), &out.join(COMPILE))
}

fn build_module(module: Module, out: &Path, profile: Profile) -> Result<()> {
    let wasm = cargo::build_wasm(module, profile)?;
    let glue = bindgen::generate(module, &wasm, profile)?;
    size::report(module, &glue.join(bindgen::file(module)), profile)?;
    files::mirror(&glue, out)
}

/// What the bundle holds of the config.
struct Config {
    plan: Vec<u8>,
    services: String,
}

impl Config {
    /// Shows what the config is warned of, too.
    fn read(out: &Path) -> Result<Config> {
        let plan = plan::compile(&config_file()?)?;
        if !plan.warnings.is_empty() {
            eprintln!("{}", plan.warnings);
        }
        let services = services::module(root(), out, &plan.services)?;
        let plan = plan.bytes;
        Ok(Config { plan, services })
    }

    fn write(&self, out: &Path) -> Result<()> {
        files::write_if_changed(&out.join("services.mjs"), self.services.as_bytes())?;
        files::write_if_changed(&out.join(PLAN), &self.plan)
    }
}

/// Said where a mistake leaves the last good build in place.
pub const KEPT: &str = "The last good build keeps serving.";

/// What calls the compiler, and what stands in its place where it is left out.
const COMPILE: &str = "compile.mjs";
const UNCOMPILED: &str = "uncompiled.mjs";

/// The plan's file name in the bundle; the last file that a first build writes.
const PLAN: &str = "plan.bin";
