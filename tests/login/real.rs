//! A real browser, which has its own mind of cookies, redirects and other sites.

use std::process::Command;
use std::{fs, process};

use peers::{npm, workspace};

use super::*;

#[test]
fn a_real_browser_logs_in_resists_other_sites_and_logs_out() {
    npm::ensure_browser().unwrap();
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let origin = format!("http://localhost:{}", gateway.address().port());
    provider.set("origin", &origin);
    let root = workspace::root();
    let folder = root.join(format!("target/chromium-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let output = Command::new(root.join("node_modules/.bin/node"))
        .arg(root.join("peers/browser/login.mjs"))
        .arg(&origin)
        .arg(&folder)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).ok();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{}", gateway.log());
}
