//! `cargo xtask dev`: the gateway on this machine, from an empty checkout, in one command.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::build::{OnMistake, build_into};
use crate::cargo::{self, Profile};
use crate::children::Children;
use crate::{build_dir, npm, plan, root};

/// Installs, builds, starts the upstreams and wrangler, and stays until one of them ends or Ctrl-C is pressed.
/// `options` are for `wrangler dev`.
pub fn run(mut options: Vec<String>) -> Result<ExitCode> {
    let port = match port(&options)? {
        Some(port) => port,
        None => {
            options.extend(["--port".to_owned(), GATEWAY_PORT.to_string()]);
            GATEWAY_PORT
        }
    };
    for (port, what) in UPSTREAMS
        .iter()
        .map(|(port, name)| (*port, format!("the upstream `{name}`")))
        .chain([(port, "the gateway".to_owned())])
    {
        ensure_free(port, &what)?;
    }
    npm::ensure()?;
    ensure_secrets()?;
    build_into(&build_dir(), Profile::Dev, OnMistake::Fail)?;
    let upstream = build_upstream()?;

    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the children are being stopped already.
        let _ = interrupt.send(());
    })?;
    let mut children = Children::default();
    for (port, name) in UPSTREAMS {
        let mut command = Command::new(&upstream);
        command
            .args(["--listen", &format!("127.0.0.1:{port}"), "--name", name])
            .stdin(Stdio::null());
        children.spawn(name, command)?;
    }
    children.spawn("wrangler", wrangler(options)?)?;
    watch(&mut children, &interrupted, port)
}

/// Waits for an end: Ctrl-C is a good one, a child's end is not.
fn watch(children: &mut Children, interrupted: &Receiver<()>, port: u16) -> Result<ExitCode> {
    let path = plan::compile(&root().join("api-config.json"))?
        .first_path
        .unwrap_or_else(|| "/".to_owned());
    let mut ready = false;
    loop {
        match interrupted.recv_timeout(Duration::from_millis(200)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some((name, status)) = children.ended() {
            bail!("{name} ended: {status}");
        }
        if !ready && answers(port, &path) {
            ready = true;
            println!("\nThe gateway is ready. Try:\n\n    curl -i http://127.0.0.1:{port}{path}\n");
        }
    }
}

/// Whether the gateway answers; wrangler opens its port before the worker is there.
fn answers(port: u16, path: &str) -> bool {
    let ask = || -> std::io::Result<usize> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(100))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        stream.read(&mut [0; 1])
    };
    ask().is_ok_and(|bytes| bytes > 0)
}

fn wrangler(options: Vec<String>) -> Result<Command> {
    let mut command = Command::new(npm::bin().join("wrangler"));
    command
        .arg("dev")
        // Its hot keys would need the terminal, which stays with this process for Ctrl-C.
        .arg("--show-interactive-dev-session=false")
        .args(options)
        .current_dir(root())
        .env("PATH", npm::path()?)
        .env("WRANGLER_SEND_METRICS", "false")
        // The banner asks the registry for a newer version.
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .stdin(Stdio::null());
    Ok(command)
}

/// The port that wrangler's options ask for.
fn port(options: &[String]) -> Result<Option<u16>> {
    let mut port = None;
    for (index, option) in options.iter().enumerate() {
        if option == "--port" {
            port = options.get(index.saturating_add(1)).map(String::as_str);
        } else if let Some(value) = option.strip_prefix("--port=") {
            port = Some(value);
        }
    }
    port.map(|text| {
        text.parse()
            .with_context(|| format!("`--port {text}` is not a port"))
    })
    .transpose()
}

fn ensure_free(port: u16, what: &str) -> Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(drop)
        .with_context(|| {
            format!("port {port} is taken, {what} needs it: stop the program that listens there")
        })
}

/// Local secrets stand in `.dev.vars`, which wrangler reads and git ignores.
fn ensure_secrets() -> Result<()> {
    let secrets = root().join(".dev.vars");
    if secrets.exists() {
        return Ok(());
    }
    fs::copy(root().join(".dev.vars.example"), &secrets)
        .with_context(|| format!("cannot write {}", secrets.display()))?;
    println!("Wrote .dev.vars: the secrets for local use");
    Ok(())
}

/// Compiles the program that stands for the upstreams; the answer is its path.
fn build_upstream() -> Result<PathBuf> {
    let output = cargo::clean_cargo()
        .args(["build", "--package", "peers", "--bin", "upstream"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the local upstream does not compile");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)))
        .context("cargo did not say where the local upstream is")
}

const GATEWAY_PORT: u16 = 8787;

/// The servers of the default `api-config.json`: port and name.
const UPSTREAMS: [(u16, &str); 3] = [(9101, "catalog"), (9102, "orders"), (9103, "accounts")];
