//! wasm-bindgen, called as a library: no tool to install, and never a version that differs from the crate's.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::{self, Module, Profile};
use crate::files;

/// The WebAssembly's file name in the bundle.
pub fn file(module: Module) -> String {
    format!("{}_bg.wasm", module.name())
}

/// Turns cargo's module into the one that JavaScript loads, and writes the JavaScript for it. The answer is the folder
/// that holds both; nothing happens when it is already of this module.
pub fn generate(module: Module, wasm: &Path, profile: Profile) -> Result<PathBuf> {
    let dir = cargo::target_dir().join(format!("glue-{}-{}", profile.label(), module.name()));
    let stamp_file = dir.with_extension("stamp");
    let bytes = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let stamp = stamp(&bytes);
    if fs::read_to_string(&stamp_file).is_ok_and(|last| last == stamp) && dir.is_dir() {
        return Ok(dir);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    let release = profile != Profile::Dev;
    let mut bindgen = Bindgen::new();
    bindgen
        .web(true)?
        .typescript(false)
        // The worker hands the module over; without this the JavaScript would look for it beside its own URL.
        .omit_default_module_path(true)
        // Exports `__wbg_reset_state`, which makes a fresh instance after a trap.
        .reset_state_function(true)
        .remove_name_section(release)
        .remove_producers_section(release)
        .input_bytes(module.name(), bytes)
        .generate(&dir)
        .context("wasm-bindgen cannot read the module")?;
    let script = dir.join(format!("{}.js", module.name()));
    let text =
        fs::read_to_string(&script).with_context(|| format!("cannot read {}", script.display()))?;
    fs::write(&script, once(&text))
        .with_context(|| format!("cannot write {}", script.display()))?;
    files::write_if_changed(&stamp_file, stamp.as_bytes())?;
    Ok(dir)
}

/// The JavaScript with each module imported once. wasm-bindgen imports one anew for each of its functions that needs no
/// conversion, and bundlers warn of an object that has it twice.
fn once(script: &str) -> String {
    let mut known = Vec::new();
    let mut twice = Vec::new();
    let mut kept = String::with_capacity(script.len());
    for line in script.split_inclusive('\n') {
        let import = line
            .strip_prefix("import * as ")
            .and_then(|rest| rest.trim_end().split_once(" from "));
        if let Some((name, module)) = import {
            let module = module.trim_end_matches(';');
            if known.contains(&module) {
                twice.push(format!("{module}: {name},"));
                continue;
            }
            known.push(module);
        }
        if !twice.iter().any(|member| member == line.trim()) {
            kept.push_str(line);
        }
    }
    kept
}

/// What the output depends on: the module, and the options above.
fn stamp(module: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    module.hash(&mut hasher);
    include_str!("bindgen.rs").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_imported_once() {
        let script = "import { a } from './a.mjs';\nimport * as import1 from \"./a.mjs\"\nimport * as import2 from \"./a.mjs\"\n\
                      import * as import3 from \"./b.mjs\"\n    return {\n        \"./a.mjs\": import1,\n        \"./a.mjs\": import2,\n        \
                      \"./b.mjs\": import3,\n    };\n";
        let expected = "import { a } from './a.mjs';\nimport * as import1 from \"./a.mjs\"\nimport * as import3 from \"./b.mjs\"\n    \
                        return {\n        \"./a.mjs\": import1,\n        \"./b.mjs\": import3,\n    };\n";
        assert_eq!(once(script), expected);
    }
}
