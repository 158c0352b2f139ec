//! What the black-box tests share: the built worker, in workerd, with a config.

#![allow(dead_code, reason = "each test file uses what it needs of it")]

pub mod tokens;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use peers::{Answer, Gateway, Options};

/// The release worker; the first test to ask for it builds it.
pub fn worker() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| xtask::build(xtask::Profile::Release).expect("the worker builds"))
        .clone()
}

/// The gateway with a config and the options' own choice of source and bindings.
pub fn gateway(config: impl ToString, options: Options) -> Gateway {
    Gateway::start(&config.to_string(), options.folder(worker()))
}

/// Asks again and again until the answer is yes. Whether it was within `limit`.
pub fn eventually(limit: Duration, mut reached: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    while !reached() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    true
}

/// Checks that an answer is the problem document of a refusal.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let body = answer.json();
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["error"], body["detail"], "{body}");
    assert_eq!(body["message"], body["detail"], "{body}");
}
