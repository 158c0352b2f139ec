//! The command line, word for word: `tests/cli/NAME.txt` is what a command prints, after its exit status. After a
//! wanted change, `CAUSEWAY_BLESS=1 cargo test` writes the files anew.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use peers::workspace;

const CASES: &[(&str, &[&str])] = &[
    (
        "explain_when",
        &[
            "explain",
            "GET",
            "/a?preview",
            "--config",
            "when.json",
            "--header",
            "X-Version: 1",
        ],
    ),
    ("check_good", &["check", "good.json"]),
    ("check_bad", &["check", "bad.json"]),
    ("check_strict", &["check", "warning.json", "--strict"]),
    ("check_silent_strict", &["check", "silent.json", "--strict"]),
    ("check_warning", &["check", "warning.json"]),
    ("check_json", &["check", "bad.json", "--format", "json"]),
    ("check_unbound", &["check", "bound/api-config.json"]),
    (
        "check_unbound_strict",
        &[
            "check",
            "bound/api-config.json",
            "--strict",
            "--format",
            "json",
        ],
    ),
    ("check_unchecked", &["check", "checked/api-config.json"]),
    ("check_unmade", &["check", "unmade/api-config.json"]),
    ("check_no_file", &["check", "absent.json"]),
    (
        "explain_taken",
        &[
            "explain",
            "GET",
            "https://api.test/orders/./%34%32?order=0&x=1",
            "--config",
            "good.json",
            "--header",
            "Authorization: Bearer abc",
            "--header",
            "Origin: https://app.test",
        ],
    ),
    (
        "explain_falls_through",
        &["explain", "DELETE", "/orders/42", "--config", "good.json"],
    ),
    (
        "explain_not_allowed",
        &["explain", "PATCH", "/health", "--config", "good.json"],
    ),
    (
        "explain_trace",
        &["explain", "TRACE", "/health", "--config", "good.json"],
    ),
    (
        "explain_not_found",
        &["explain", "GET", "/nowhere", "--config", "good.json"],
    ),
    (
        "explain_zones",
        &["explain", "GET", "/eu/1", "--config", "zones.json"],
    ),
    (
        "explain_zones_none",
        &["explain", "GET", "/nowhere/1", "--config", "zones.json"],
    ),
    (
        "explain_pinned",
        &[
            "explain",
            "GET",
            "https://all.us.api.test/any/1",
            "--config",
            "zones.json",
        ],
    ),
    (
        "explain_pinned_elsewhere",
        &[
            "explain",
            "GET",
            "https://all.us.api.test/one/1",
            "--config",
            "zones.json",
        ],
    ),
    (
        "explain_json",
        &[
            "explain",
            "GET",
            "/eu/1",
            "--config",
            "zones.json",
            "--format",
            "json",
        ],
    ),
    (
        "explain_json_not_allowed",
        &[
            "explain",
            "PATCH",
            "/health",
            "--config",
            "good.json",
            "--format",
            "json",
        ],
    ),
    (
        "explain_json_bad_config",
        &[
            "explain",
            "GET",
            "/",
            "--config",
            "broken.json",
            "--format",
            "json",
        ],
    ),
    (
        "explain_refused",
        &[
            "explain",
            "GET",
            "/files/..%2fsecret",
            "--config",
            "good.json",
        ],
    ),
    (
        "explain_not_tolerated",
        &["explain", "GET", "/files/a;b", "--config", "good.json"],
    ),
    (
        "explain_host",
        &[
            "explain",
            "GET",
            "/",
            "--config",
            "good.json",
            "--header",
            "Host: shop.api.test",
        ],
    ),
    (
        "explain_preflight",
        &[
            "explain",
            "OPTIONS",
            "/orders/1",
            "--config",
            "good.json",
            "--header",
            "Origin: https://evil.test",
            "--header",
            "Access-Control-Request-Method: GET",
        ],
    ),
    (
        "explain_wildcard",
        &[
            "explain",
            "GET",
            "/files/a/b?key=mine",
            "--config",
            "good.json",
        ],
    ),
    (
        "explain_answer",
        &["explain", "GET", "/health", "--config", "good.json"],
    ),
    (
        "explain_signers",
        &["explain", "GET", "/", "--config", "signers.json"],
    ),
    (
        "explain_supabase",
        &["explain", "POST", "/code", "--config", "signers.json"],
    ),
    (
        "explain_require",
        &[
            "explain",
            "DELETE",
            "/orders/42",
            "--config",
            "callers.json",
        ],
    ),
    (
        "explain_several",
        &["explain", "GET", "/orders/42", "--config", "callers.json"],
    ),
    (
        "explain_public_keys",
        &["explain", "GET", "/", "--config", "keys.json"],
    ),
    (
        "explain_asked",
        &["explain", "GET", "/", "--config", "asked.json"],
    ),
    (
        "explain_identity_header",
        &["explain", "GET", "/header", "--config", "identities.json"],
    ),
    (
        "explain_identity_aws",
        &["explain", "GET", "/aws/a(b)", "--config", "identities.json"],
    ),
    (
        "explain_identity_basic",
        &["explain", "GET", "/basic", "--config", "identities.json"],
    ),
    (
        "explain_identity_faulty",
        &["explain", "GET", "/faulty", "--config", "identities.json"],
    ),
    (
        "explain_mirror",
        &["explain", "HEAD", "/orders", "--config", "mirror.json"],
    ),
    (
        "explain_mirror_not",
        &["explain", "POST", "/orders", "--config", "mirror.json"],
    ),
    (
        "explain_hook",
        &["explain", "POST", "/hooked", "--config", "good.json"],
    ),
    (
        "explain_credentials",
        &[
            "explain",
            "GET",
            "/orders?a=1&key=abc",
            "--config",
            "credentials.json",
        ],
    ),
    (
        "explain_bad_config",
        &["explain", "GET", "/", "--config", "broken.json"],
    ),
    (
        "explain_bad_url",
        &["explain", "GET", "nonsense", "--config", "good.json"],
    ),
    (
        "simulate_outage",
        &[
            "simulate",
            "../../examples/simulation/zone-outage.json",
            "--config",
            "../../examples/simulation/api-config.json",
            "--server",
            "shop",
        ],
    ),
    (
        "simulate_json",
        &[
            "simulate",
            "scenario.json",
            "--config",
            "spread.json",
            "--server",
            "all",
            "--format",
            "json",
        ],
    ),
    (
        "simulate_single",
        &[
            "simulate",
            "scenario_single.json",
            "--config",
            "spread.json",
            "--server",
            "one",
        ],
    ),
    (
        "simulate_bad",
        &[
            "simulate",
            "scenario_bad.json",
            "--config",
            "spread.json",
            "--server",
            "all",
        ],
    ),
    (
        "simulate_bad_config",
        &[
            "simulate",
            "scenario.json",
            "--config",
            "broken.json",
            "--server",
            "all",
        ],
    ),
    (
        "simulate_no_server",
        &[
            "simulate",
            "scenario.json",
            "--config",
            "spread.json",
            "--server",
            "any",
        ],
    ),
    (
        "compile_bad",
        &["compile", "bad.json", "-o", "never-written.bin"],
    ),
];

#[test]
fn every_command_prints_what_it_did() {
    let mut different = Vec::new();
    for (name, arguments) in CASES {
        let output = causeway(arguments);
        let shown = format!(
            "$ causeway {}\nexit status {}\n\n{}{}",
            arguments.join(" "),
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap()
        );
        assert!(!shown.contains("hunter2"), "{name} shows a secret");
        let path = folder().join(format!("{name}.txt"));
        if std::env::var_os("CAUSEWAY_BLESS").is_some() {
            fs::write(&path, &shown).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != shown {
            different.push(shown);
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(!folder().join("never-written.bin").exists());
}

#[test]
fn the_page_on_simulation_shows_what_is_printed() {
    let page = workspace::root().join("docs/simulate.md");
    let page = fs::read_to_string(page).unwrap();
    let printed = fs::read_to_string(folder().join("simulate_outage.txt")).unwrap();
    for shown in page.split("```text\n").skip(1) {
        let shown = shown.split("```").next().unwrap();
        assert!(printed.contains(shown), "docs/simulate.md is old: {shown}");
    }
}

#[test]
fn the_schema_is_the_committed_one() {
    let printed: serde_json::Value = serde_json::from_slice(&causeway(&["schema"]).stdout).unwrap();
    assert!(printed == causeway::config::schema());
}

#[test]
fn a_compiled_config_is_read_back() {
    let output = std::env::temp_dir().join(format!("causeway-plan-{}.bin", std::process::id()));
    let done = causeway(&["compile", "good.json", "-o", output.to_str().unwrap()]);
    assert!(done.status.success());
    let read = causeway::plan::Blueprint::from_bytes(&fs::read(&output).unwrap());
    fs::remove_file(output).unwrap();
    let text = fs::read_to_string(folder().join("good.json")).unwrap();
    assert_eq!(read.ok(), causeway::plan::compile(&text).blueprint);
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    for (arguments, status) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&[], 2),
        (&["chek"], 2),
        (&["explain", "GET", "/", "--header", "no colon"], 2),
    ] {
        assert_eq!(
            causeway(arguments).status.code(),
            Some(status),
            "{arguments:?}"
        );
    }
}

fn causeway(arguments: &[&str]) -> Output {
    Command::new(workspace::program("causeway"))
        .args(arguments)
        .current_dir(folder())
        .output()
        .unwrap()
}

fn folder() -> PathBuf {
    workspace::root().join("tests/cli")
}
