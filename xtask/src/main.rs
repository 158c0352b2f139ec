//! `cargo xtask`: makes the worker, runs it locally, and measures it.

use std::env;
use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{Compiler, OnMistake, Profile};

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<String>) -> Result<ExitCode> {
    if args.is_empty() {
        println!("{HELP}");
        return Ok(ExitCode::FAILURE);
    }
    // All else may rely on it.
    peers::workspace::find()?;
    let command = args.remove(0);
    match command.as_str() {
        "bench" => xtask::bench::run(&args),
        "build" => build(&args),
        "dev" => xtask::dev::run(args),
        "provider" => xtask::provider::run(&args),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => bail!("no command `{other}`\n\n{HELP}"),
    }
}

fn build(args: &[String]) -> Result<ExitCode> {
    // wrangler names its own command in this variable when it runs the custom build.
    let watched = env::var("WRANGLER_COMMAND").is_ok_and(|command| command == "dev");
    let mut profile = if watched {
        Profile::Dev
    } else {
        Profile::Release
    };
    for arg in args {
        profile = match arg.as_str() {
            "--dev" => Profile::Dev,
            "--release" => Profile::Release,
            other => bail!("`build` has no option `{other}`\n\n{HELP}"),
        };
    }
    let on_mistake = if watched {
        OnMistake::KeepLastGood
    } else {
        OnMistake::Fail
    };
    let compiler = Compiler::as_needed()?;
    xtask::build_into(&xtask::build_dir(), profile, compiler, on_mistake)?;
    Ok(ExitCode::SUCCESS)
}

const HELP: &str = "\
cargo xtask bench [--rounds N] [--seconds S] [--starts N] [--case NAME]... [--quick] [--write]
    Measures the release worker beside workers in JavaScript; see docs/performance.md.
cargo xtask build [--dev | --release]
    Makes the worker in build/. Without an option: release, or what WRANGLER_COMMAND asks for.
cargo xtask dev [OPTIONS OF `wrangler dev`]
    Installs what is missing, builds, and serves the gateway on port 8787. Each server of the config that is on this
    machine (http://127.0.0.1:PORT) is stood in for, unless something listens on its port.
cargo xtask provider [--port PORT] [--origin ORIGIN]
    An OpenID provider on 127.0.0.1, port 9200, to try logins with; see docs/login.md.

`build` and `dev` take another config than api-config.json from the variable CAUSEWAY_CONFIG.";
