//! `cargo xtask provider`: an OpenID provider on this machine, to try logins with.

use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::children::Children;
use crate::{npm, root};

/// Installs what is missing, starts the provider, and stays until it ends or Ctrl-C is pressed. `options` are the
/// provider's own, see `peers/oidc/provider.mjs`.
pub fn run(options: &[String]) -> Result<ExitCode> {
    npm::ensure()?;
    peers::npm::ensure_oidc()?;
    let (interrupt, interrupted) = channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the provider is being stopped already.
        let _ = interrupt.send(());
    })?;
    let mut command = Command::new(npm::bin().join("node"));
    command
        .arg(root().join("peers/oidc/provider.mjs"))
        .arg("--told")
        .args(options)
        .stdin(Stdio::null());
    let mut children = Children::default();
    children.spawn("the provider", command)?;
    loop {
        match interrupted.recv_timeout(Duration::from_millis(200)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(ExitCode::SUCCESS),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some((name, status)) = children.ended() {
            bail!("{name} ended: {status}");
        }
    }
}
