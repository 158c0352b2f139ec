//! `cargo xtask dev`: the gateway on this machine, from an empty checkout, in one command.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build::{Compiler, OnMistake, build_into};
use crate::cargo::{Profile, build_program};
use crate::children::Children;
use crate::{CONFIG, build_dir, config_file, npm, plan, root};

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
    if !is_free(port) {
        bail!(
            "port {port} is taken, the gateway needs it: stop the program that listens there, or add `--port PORT`"
        );
    }
    npm::ensure()?;
    ensure_secrets()?;
    let compiler = Compiler::as_needed()?;
    build_into(&build_dir(), Profile::Dev, compiler, OnMistake::Fail)?;
    let upstream = build_program("peers", "upstream")?;
    let config = config_file()?;
    let plan = plan::compile(&config)?;

    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the children are being stopped already.
        let _ = interrupt.send(());
    })?;
    let mut children = Children::default();
    let mut started = Vec::new();
    for (name, port) in &plan.local_servers {
        if started.contains(port) {
            continue;
        }
        if !is_free(*port) {
            println!("Port {port} is in use: what listens there is the server `{name}`");
            continue;
        }
        let mut command = Command::new(&upstream);
        command
            .args(["--listen", &format!("127.0.0.1:{port}"), "--name", name])
            .stdin(Stdio::null());
        children.spawn(name, command)?;
        started.push(*port);
    }
    let settings = Settings::for_config(&config)?;
    children.spawn("wrangler", wrangler(options, &settings)?)?;
    let path = plan.first_path.unwrap_or_else(|| "/".to_owned());
    watch(&mut children, &interrupted, port, &path)
}

/// Waits for an end: Ctrl-C is a good one, a child's end is not.
fn watch(
    children: &mut Children,
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
        if let Some((name, status)) = children.ended() {
            bail!("{name} ended: {status}");
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

fn wrangler(options: Vec<String>, settings: &Settings) -> Result<Command> {
    let mut command = Command::new(npm::bin().join("wrangler"));
    command.arg("dev");
    if let Some(file) = &settings.0 {
        command.arg("--config").arg(file);
    }
    command
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

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// wrangler's settings where they differ from wrangler.toml: a copy beside it, so that paths in it mean the same. It is
/// removed when this is dropped.
struct Settings(Option<PathBuf>);

impl Settings {
    /// wrangler.toml has wrangler watch the usual config; another one has to stand in its place.
    fn for_config(config: &Path) -> Result<Settings> {
        if config == root().join(CONFIG) {
            return Ok(Settings(None));
        }
        let from_root = format!(
            "{}{}",
            "../".repeat(root().components().count()),
            config.display()
        );
        let written = fs::read_to_string(root().join("wrangler.toml"))?;
        let usual = format!("\"{CONFIG}\"");
        let other = serde_json::to_string(&from_root)?;
        let lines = written
            .lines()
            .map(|line| match line.starts_with("watch_dir") {
                true => line.replace(&usual, &other) + "\n",
                false => line.to_owned() + "\n",
            });
        let changed: String = lines.collect();
        if !changed.contains(&other) {
            bail!("`watch_dir` in wrangler.toml does not list {usual}");
        }
        let file = root().join(format!(".wrangler-dev-{}.toml", std::process::id()));
        fs::write(&file, changed).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Settings(Some(file)))
    }
}

impl Drop for Settings {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            let _ = fs::remove_file(file);
        }
    }
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
