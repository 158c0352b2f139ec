//! How large the worker's WebAssembly modules are: their size decides how long a cold start takes.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cargo::{Module, Profile};

/// Prints a module's size, raw and compressed. Over the budget it is an error. What is built for local use has no budget:
/// it is several times as large, and no client waits for it.
pub fn report(module: Module, wasm: &Path, profile: Profile) -> Result<()> {
    if profile == Profile::Dev {
        return Ok(());
    }
    let bytes = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    let compressed = encoder.finish()?.len();
    println!(
        "{} ({}): {:.1} kB, {:.1} kB gzipped (budget {} kB)",
        module.name(),
        profile.label(),
        kilobytes(bytes.len()),
        kilobytes(compressed),
        BUDGET / 1000,
    );
    if profile == Profile::Release && compressed > BUDGET {
        bail!(
            "the module `{}` is over its budget of {} kB gzipped",
            module.name(),
            BUDGET / 1000
        );
    }
    Ok(())
}

fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}

/// In bytes, gzipped.
const BUDGET: usize = 560_000;
