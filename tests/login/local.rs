//! A login as docs/login.md says to try it: the provider of `cargo xtask provider`, and the example.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use peers::{Options, workspace};

use super::*;

#[test]
fn a_login_is_tried_without_an_account() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let program = xtask::build_program("xtask", "xtask").expect("xtask builds");
    let mut command = Command::new(program);
    command
        .args(["provider", "--port", &port.to_string()])
        .args(["--origin", ORIGIN])
        .stdout(Stdio::null());
    let provider = Oidc::run(command, port);

    let upstream = Upstream::start();
    let root = workspace::root();
    let config = fs::read_to_string(root.join("examples/login-local.json")).unwrap();
    let config = config
        .replace("http://127.0.0.1:9200", &provider.issuer())
        .replace("http://127.0.0.1:9101", &upstream.url());
    let mut options = Options::default();
    let secrets = fs::read_to_string(root.join(".dev.vars.example")).unwrap();
    for line in secrets.lines() {
        if let Some((name, value)) = line.split_once('=') {
            options = options.text(name, value.trim_matches('"'));
        }
    }
    let gateway = support::gateway(config, options);
    Browser::new(&gateway, &provider, "ann").enter("/page");
    let arrived = upstream.requests();
    assert_eq!(arrived[0].head.header("x-email"), Some("ann@example.test"));
}
