//! Runs cargo and rustup for the wasm target.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::root;

/// How the worker is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `worker-dev`: rebuilt in seconds.
    Dev,
    /// `worker`: what is deployed.
    Release,
    /// `worker` with the feature `deliberate-panic`, for the tests.
    Panicking,
}

/// What is compiled to WebAssembly, from the same package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// It serves requests.
    Gateway,
    /// It compiles configs of KV or of a variable.
    Compiler,
}

impl Module {
    /// The name of its files in the bundle.
    pub fn name(self) -> &'static str {
        match self {
            Module::Gateway => "causeway",
            Module::Compiler => "compiler",
        }
    }

    /// The profile's name in the root `Cargo.toml`.
    fn cargo_profile(self, profile: Profile) -> &'static str {
        match (self, profile) {
            (_, Profile::Dev) => "worker-dev",
            (Module::Gateway, Profile::Release | Profile::Panicking) => "worker",
            (Module::Compiler, Profile::Release | Profile::Panicking) => "worker-compiler",
        }
    }

    fn features(self, profile: Profile) -> &'static [&'static str] {
        match (self, profile) {
            (Module::Compiler, _) => &["--features", "compiler"],
            (Module::Gateway, Profile::Panicking) => &["--features", "deliberate-panic"],
            (Module::Gateway, Profile::Dev | Profile::Release) => &[],
        }
    }

    /// A module's file name does not tell its features, so that each set of them needs a folder of its own.
    fn target_dir(self, profile: Profile) -> PathBuf {
        match (self, profile) {
            (Module::Compiler, _) => target_dir().join("compiler"),
            (Module::Gateway, Profile::Panicking) => target_dir().join("panicking"),
            (Module::Gateway, Profile::Dev | Profile::Release) => target_dir(),
        }
    }
}

impl Profile {
    /// What tells the build's own folders from those of another.
    pub fn label(self) -> &'static str {
        match self {
            Profile::Dev => "worker-dev",
            Profile::Release => "worker",
            Profile::Panicking => "worker-panicking",
        }
    }
}

/// A target folder for wasm alone, so that this cargo never waits for the one that is running it.
pub fn target_dir() -> PathBuf {
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    };
    target.join("wasm")
}

/// Compiles a module to WebAssembly; the answer is its path.
pub fn build_wasm(module: Module, profile: Profile) -> Result<PathBuf> {
    ensure_target()?;
    let target_dir = module.target_dir(profile);
    let cargo_profile = module.cargo_profile(profile);
    let status = clean_cargo()
        .args(["build", "--package", "causeway", "--lib"])
        .args(["--target", TARGET, "--profile", cargo_profile])
        .args(module.features(profile))
        .arg("--target-dir")
        .arg(&target_dir)
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("the package does not compile for {TARGET}");
    }
    Ok(target_dir
        .join(TARGET)
        .join(cargo_profile)
        .join("causeway.wasm"))
}

/// Compiles a program of the workspace for this machine; the answer is its path.
pub fn build_program(package: &str, name: &str) -> Result<PathBuf> {
    let output = clean_cargo()
        // Together with this program, so that both are made of the same dependencies.
        .args([
            "build",
            "--package",
            package,
            "--package",
            "xtask",
            "--bin",
            name,
        ])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the program `{name}` does not compile");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .with_context(|| format!("cargo did not say where the program `{name}` is"))
}

/// A cargo that takes nothing from a cargo, a coverage tool or a linter that may be running this process.
pub fn clean_cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    for name in INHERITED {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// `rust-toolchain.toml` lists the target, but rustup reads that list only where it may install by itself.
fn ensure_target() -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(root())
        .output()
        .context("cannot run rustc")?;
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    eprintln!("Installing the target {TARGET}");
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(root())
        .status();
    match added {
        Ok(status) if status.success() => Ok(()),
        _ => bail!(
            "the target {TARGET} is missing and `rustup target add {TARGET}` did not install it"
        ),
    }
}

const TARGET: &str = "wasm32-unknown-unknown";

/// Variables that change what a compiler does, or that only the cargo that set them understands.
const INHERITED: &[&str] = &[
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "LLVM_PROFILE_FILE",
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// The same, by the start of the name.
const PREFIXES: &[&str] = &[
    "CARGO_LLVM_COV",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "__CARGO_LLVM_COV",
];
