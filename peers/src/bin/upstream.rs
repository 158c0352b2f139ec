//! Backends to look at a gateway with: `upstream --listen 127.0.0.1:9101 --name catalog --cloud gcp --listen ...`.
//!
//! Each `--listen` opens one more backend; `--name` and `--cloud` belong to the one before them.

use std::process::ExitCode;

use peers::upstream::{Identity, Upstream};

const USAGE: &str = "usage: upstream (--listen ADDRESS [--name NAME] [--cloud CLOUD])...";

fn main() -> ExitCode {
    let wanted = match read(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(fault) => {
            eprintln!("{fault}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut running = Vec::new();
    for (address, identity) in wanted {
        match Upstream::listen(address.as_str(), identity.clone()) {
            Ok(upstream) => {
                let cloud = identity.cloud.unwrap_or("no cloud".to_owned());
                println!("{} ({cloud}) on {}", identity.name, upstream.url());
                running.push(upstream);
            }
            Err(fault) => {
                eprintln!("cannot listen on {address}: {fault}");
                return ExitCode::FAILURE;
            }
        }
    }
    loop {
        std::thread::park();
    }
}

fn read(mut args: impl Iterator<Item = String>) -> Result<Vec<(String, Identity)>, String> {
    let mut wanted: Vec<(String, Identity)> = Vec::new();
    while let Some(option) = args.next() {
        let value = args.next().ok_or(format!("{option} needs a value"))?;
        match (option.as_str(), wanted.last_mut()) {
            ("--listen", _) => {
                let identity = Identity {
                    name: value.clone(),
                    cloud: None,
                };
                wanted.push((value, identity));
            }
            ("--name", Some((_, identity))) => identity.name = value,
            ("--cloud", Some((_, identity))) => identity.cloud = Some(value),
            _ => return Err(format!("{option} cannot stand here")),
        }
    }
    match wanted.is_empty() {
        true => Err("nothing to listen on".to_owned()),
        false => Ok(wanted),
    }
}
