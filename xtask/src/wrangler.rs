//! `wrangler dev`: the command, its settings, and what it says.

use std::fs;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::{env, io};

use anyhow::{Context, Result, bail};

use crate::build::KEPT;
use crate::{CONFIG, npm, root};

/// What it says goes to [`relay`].
pub fn command(options: Vec<String>, settings: &Settings) -> Result<Command> {
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
        // Of a build after an edit only mistakes are of interest.
        .env("CARGO_TERM_QUIET", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none() {
        command.env("FORCE_COLOR", "1");
    }
    Ok(command)
}

/// Shows what wrangler says, but for its claim to be updated after a build that kept the last good one.
pub fn relay(child: &mut Child) {
    let filter = Arc::new(Filter::default());
    if let Some(from) = child.stdout.take() {
        let filter = Arc::clone(&filter);
        thread::spawn(move || filter.pass(from, io::stdout()));
    }
    if let Some(from) = child.stderr.take() {
        thread::spawn(move || filter.pass(from, io::stderr()));
    }
}

#[derive(Default)]
struct Filter {
    kept: AtomicBool,
}

impl Filter {
    fn pass(&self, from: impl Read, mut to: impl Write) {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            if self.shows(&String::from_utf8_lossy(&line)) {
                // Nobody may be listening any more.
                let _ = to.write_all(&line).and_then(|()| to.flush());
            }
            line.clear();
        }
    }

    fn shows(&self, line: &str) -> bool {
        if line.contains(KEPT) {
            self.kept.store(true, Ordering::Relaxed);
        } else if line.contains(BUILD_STARTS) {
            self.kept.store(false, Ordering::Relaxed);
        }
        let claim = CLAIMS.iter().any(|claim| line.contains(claim));
        !(claim && self.kept.load(Ordering::Relaxed))
    }
}

/// wrangler's settings where they differ from wrangler.toml: a copy beside it, so that paths in it mean the same. It is
/// removed when this is dropped.
pub struct Settings(Option<PathBuf>);

impl Settings {
    /// wrangler.toml has wrangler watch the usual config; another one has to stand in its place.
    pub fn for_config(config: &Path) -> Result<Settings> {
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

/// In wrangler's words.
const BUILD_STARTS: &str = "[custom build] Running:";
const CLAIMS: &[&str] = &["Reloading local server", "Local server updated and ready"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_kept_the_last_good_one_is_not_called_an_update() {
        let filter = Filter::default();
        let reload = [
            "⎔ Reloading local server...",
            "⎔ Local server updated and ready",
        ];
        let build = "[custom build] Running: cargo xtask build";
        let kept = format!("[custom build] {KEPT}");
        for (line, shown) in [
            ("⎔ Starting local server...", true),
            (reload[1], true),
            (build, true),
            (&kept, true),
            (reload[0], false),
            (reload[1], false),
            ("[wrangler:info] GET / 200 OK (1ms)", true),
            (build, true),
            (reload[0], true),
            (reload[1], true),
        ] {
            assert_eq!(filter.shows(line), shown, "{line}");
        }
    }
}
