//! The Python packages that `peers/requirements.txt` names, in an environment of their own.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace;

/// The interpreter of an environment with the packages; made first where it is not there or is another one. Of many
/// processes that ask at once one makes it, and the others wait for it.
///
/// `None` where the machine has no Python that can make one, and the test at hand, which is `what`, cannot run. That is told; where the
/// variable `CI` is set, it is a failure.
pub fn ensure(what: &str) -> Option<PathBuf> {
    match environment() {
        Ok(python) => Some(python),
        Err(error) if std::env::var_os("CI").is_some() => panic!("{what}: {error}"),
        Err(error) => {
            eprintln!("NOT RUN: {what}: {error}");
            None
        }
    }
}

fn environment() -> Result<PathBuf> {
    let target = workspace::root().join("target");
    let folder = target.join("python");
    let python = match cfg!(windows) {
        true => folder.join("Scripts").join("python.exe"),
        false => folder.join("bin").join("python"),
    };
    let wanted = fs::read_to_string(workspace::root().join("peers/requirements.txt"))?;
    // Written last.
    let mark = folder.join("requirements.txt");
    let is_current = || fs::read_to_string(&mark).is_ok_and(|made| made == wanted);
    if is_current() {
        return Ok(python);
    }
    fs::create_dir_all(&target)?;
    let lock = File::create(target.join("python.lock"))?;
    lock.lock()?;
    if is_current() {
        return Ok(python);
    }
    eprintln!("Installing the Python packages of peers/requirements.txt");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let own = if cfg!(windows) { "python" } else { "python3" };
    run(
        Path::new(own),
        &["-m", "venv", &folder.display().to_string()],
    )?;
    let requirements = workspace::root().join("peers/requirements.txt");
    run(
        &python,
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--requirement",
            &requirements.display().to_string(),
        ],
    )?;
    fs::write(&mark, &wanted)?;
    Ok(python)
}

fn run(program: &Path, arguments: &[&str]) -> Result<()> {
    let program = program.display();
    let output = Command::new(program.to_string())
        .args(arguments)
        .output()
        .map_err(|e| Error::other(format!("cannot run {program}: {e}; install Python 3")))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let arguments = arguments.join(" ");
    Err(Error::other(format!(
        "`{program} {arguments}` failed: {told}"
    )))
}
