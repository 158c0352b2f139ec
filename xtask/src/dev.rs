//! `cargo xtask dev`: the gateway on this machine, from an empty checkout, in one command.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::{Compiler, OnMistake, build_into};
use crate::cargo::{Profile, build_program};
use crate::children::Children;
use crate::wrangler::{self, Settings};
use crate::{build_dir, config_file, npm, plan, root};

/// Installs, builds, starts the upstreams and wrangler, and stays until wrangler ends or Ctrl-C is pressed.
/// `options` are for `wrangler dev`.
pub fn run(mut options: Vec<String>) -> Result<ExitCode> {
    let port = match port(&options)? {
        Some(port) => port,
        None => {
            options.extend(["--port".to_owned(), GATEWAY_PORT.to_string()]);
            GATEWAY_PORT
        }
    };
    if !is_free(port) {
        bail!(
            "port {port} is taken, the gateway needs it: stop the program that listens there, or take another one by `npm start -- --port PORT`"
        );
    }
    let config = config_file()?;
    // Before all that takes long.
    let plan = plan::compile(&config)?;
    npm::ensure()?;
    ensure_secrets()?;
    let compiler = Compiler::as_needed()?;
    build_into(&build_dir(), Profile::Dev, compiler, OnMistake::Fail)?;
    let upstream = build_program("peers", "upstream")?;

    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the children are being stopped already.
        let _ = interrupt.send(());
    })?;
    let mut stand_ins = Children::default();
    let mut started = Vec::new();
    for (name, port) in &plan.local_servers {
        if started.contains(port) {
            continue;
        }
        if !is_free(*port) {
            println!("Port {port} is in use: what listens there is the server `{name}`");
            continue;
        }
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(&upstream);
        command
            .args(["--listen", &address, "--name", name])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let again = format!("{} --listen {address} --name '{name}'", upstream.display());
        let child = stand_ins.spawn(&again, command)?;
        let id = child.id();
        println!("The server `{name}` is stood in for on {address} by process {id}");
        started.push(*port);
    }
    let settings = Settings::for_config(&config)?;
    let mut gateway = Children::default();
    wrangler::relay(gateway.spawn("wrangler", wrangler::command(options, &settings)?)?);
    let path = plan.first_path.unwrap_or_else(|| "/".to_owned());
    watch(&mut gateway, &mut stand_ins, &interrupted, port, &path)
}

/// Waits for an end: Ctrl-C is a good one, wrangler's is not. An upstream that ends is an outage to be tried.
fn watch(
    gateway: &mut Children,
    stand_ins: &mut Children,
    interrupted: &Receiver<()>,
    port: u16,
    path: &str,
) -> Result<ExitCode> {
    let mut ready = false;
    loop {
        match interrupted.recv_timeout(Duration::from_millis(200)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some((name, status)) = gateway.ended() {
            bail!("{name} ended: {status}");
        }
        if let Some((again, status)) = stand_ins.ended() {
            println!(
                "\nA stand-in has ended ({status}). The gateway goes on without it. To have it back:\n\n    {again}\n"
            );
        }
        if !ready && answers(port, path) {
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

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
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

const GATEWAY_PORT: u16 = 8787;
