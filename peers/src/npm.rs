//! The npm packages that `package-lock.json` names: workerd, wrangler and the Node that wrangler needs.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use crate::workspace;

/// Installs the packages where those in `node_modules` are not those of the lock file. Of many processes that ask at
/// once one installs, and the others wait for it.
pub fn ensure() -> Result<()> {
    install(workspace::root(), "workerd and wrangler")
}

/// The same for an OpenID provider, which has a folder and a lock file of its own, as all do that the gateway itself
/// can do without.
pub fn ensure_oidc() -> Result<()> {
    install(&workspace::root().join("peers/oidc"), "oidc-provider")
}

/// The same for a browser.
pub fn ensure_browser() -> Result<()> {
    install(&workspace::root().join("peers/browser"), "a browser")
}

/// The same for Azure Storage.
pub fn ensure_azurite() -> Result<()> {
    install(&azurite(), "azurite")
}

/// The folder with the package of Azure Storage.
pub fn azurite() -> PathBuf {
    workspace::root().join("peers/azurite")
}

fn install(root: &Path, what: &str) -> Result<()> {
    if is_current(root) {
        return Ok(());
    }
    // A file of its own: npm must be able to read those that it works on, and removes the folder that it installs to.
    let target = workspace::root().join("target");
    fs::create_dir_all(&target)?;
    let lock = File::create(target.join("npm.lock"))?;
    lock.lock()?;
    if is_current(root) {
        return Ok(());
    }
    eprintln!("Installing {what} with `npm ci` in {}", root.display());
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        // Errors only: npm warns that wrangler wants Node 22 even where the Node of node_modules is what will run it.
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(root)
        .status()
        .map_err(|e| Error::other(format!("cannot run npm: {e}; install Node 20 or newer")))?;
    if !status.success() {
        return Err(Error::other("`npm ci` failed"));
    }
    Ok(())
}

/// The folder of the programs that npm installed.
pub fn bin() -> PathBuf {
    workspace::root().join("node_modules/.bin")
}

/// Whether `node_modules` holds what the lock file names. It goes by what the files say and not by their times, which
/// a checkout changes.
fn is_current(root: &Path) -> bool {
    let wanted = packages(&root.join("package-lock.json"));
    // npm writes this file last.
    let installed = packages(&root.join("node_modules/.package-lock.json"));
    match (wanted, installed) {
        (Some(wanted), Some(installed)) => is_installed(&wanted, &installed),
        _ => false,
    }
}

/// The packages of a lock file by their places.
fn packages(file: &Path) -> Option<Map<String, Value>> {
    let mut lock: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    match lock["packages"].take() {
        Value::Object(packages) => Some(packages),
        _ => None,
    }
}

fn is_installed(wanted: &Map<String, Value>, installed: &Map<String, Value>) -> bool {
    installed.keys().all(|place| wanted.contains_key(place))
        && wanted
            .iter()
            // The project itself, which is not installed.
            .filter(|(place, _)| !place.is_empty())
            .all(|(place, package)| match installed.get(place) {
                Some(found) => ["version", "integrity"]
                    .iter()
                    .all(|m| found[m] == package[m]),
                // Those of other platforms are left out.
                None => package["optional"] == true,
            })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn packages_are_installed_anew_only_if_the_lock_file_names_others() {
        let lock = json!({
            "": { "name": "project" },
            "node_modules/a": { "version": "1.0.0", "integrity": "sha512-a" },
            "node_modules/b-linux": { "version": "2.0.0", "integrity": "sha512-b", "optional": true },
        });
        let a = json!({ "version": "1.0.0", "integrity": "sha512-a", "dev": true });
        let b = json!({ "version": "2.0.0", "integrity": "sha512-b", "optional": true });
        let older = json!({ "version": "0.9.0", "integrity": "sha512-a" });
        let other = json!({ "version": "1.0.0", "integrity": "sha512-x" });
        for (installed, expected) in [
            (
                json!({ "node_modules/a": a, "node_modules/b-linux": b }),
                true,
            ),
            (json!({ "node_modules/a": a }), true),
            (json!({ "node_modules/b-linux": b }), false),
            (json!({ "node_modules/a": older }), false),
            (json!({ "node_modules/a": other }), false),
            (json!({ "node_modules/a": a, "node_modules/c": a }), false),
            (json!({}), false),
        ] {
            let is = is_installed(lock.as_object().unwrap(), installed.as_object().unwrap());
            assert_eq!(is, expected, "{installed}");
        }
    }
}
