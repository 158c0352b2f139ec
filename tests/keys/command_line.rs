//! From `causeway key new` to a request.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use peers::{Options, Request, Upstream, workspace};
use serde_json::{Value, json};

use crate::protected;

const PEPPER: &str = "a pepper of the environment, long enough";

fn causeway(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(workspace::program("causeway"))
        .args(arguments)
        .env("CAUSEWAY_TEST_PEPPER", PEPPER)
        .env("CAUSEWAY_TEST_SHORT", "short")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever refuses its arguments does not read.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn printed(arguments: &[&str], input: &str) -> String {
    let output = causeway(arguments, input);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The key and its stored form.
#[track_caller]
fn new_key(arguments: &[&str]) -> (String, Value) {
    let text = printed(&[&["key", "new"], arguments].concat(), "");
    let mut lines = text.lines();
    let mut line = |name| {
        lines
            .next()
            .unwrap()
            .strip_prefix(name)
            .unwrap()
            .trim()
            .to_owned()
    };
    let key = line("key");
    (key, serde_json::from_str(&line("stored")).unwrap())
}

#[test]
fn a_new_key_comes_in_where_its_stored_form_is_in_the_config() {
    let upstream = Upstream::start();
    let options = [
        "--owner",
        "acme",
        "--expires",
        "2100-01-01",
        "--prefix",
        "acme_live",
    ];
    let (plain, stored) = new_key(&options);
    assert!(plain.starts_with("acme_live_"), "{plain}");
    assert!(!stored.to_string().contains(&plain));
    assert_eq!(stored["owner"], "acme");
    assert_eq!(stored["expires"], "2100-01-01");
    let (other, _) = new_key(&options);
    assert_ne!(plain, other);
    let (peppered, peppered_stored) = new_key(&["--pepper-env", "CAUSEWAY_TEST_PEPPER"]);
    assert!(peppered.starts_with("cw_"), "{peppered}");

    let authorizers = json!({
        "plain": { "type": "api_key", "keys": [stored] },
        "peppered": { "type": "api_key", "keys": [peppered_stored], "pepper": "$secret.PEPPER" },
    });
    let options = Options::default().text("PEPPER", PEPPER);
    let gateway = protected(&upstream, authorizers, options);
    for (key, status) in [(&plain, 200), (&peppered, 200), (&other, 401)] {
        let request = Request::get("/").header("X-Api-Key", key);
        assert_eq!(gateway.send(&request).status, status, "{key}");
    }
    for (key, stored, arguments) in [
        (&plain, &stored, &[][..]),
        (
            &peppered,
            &peppered_stored,
            &["--pepper-env", "CAUSEWAY_TEST_PEPPER"],
        ),
    ] {
        let again = printed(&[&["key", "hash"], arguments].concat(), &format!("{key}\n"));
        let again: Value = serde_json::from_str(&again).unwrap();
        assert_eq!(
            (&again["id"], &again["hash"]),
            (&stored["id"], &stored["hash"])
        );
    }
}

#[test]
fn a_hashed_password_comes_in() {
    let upstream = Upstream::start();
    let hash = printed(
        &["password", "hash", "--iterations", "10000"],
        "open sesame\r\n",
    );
    let again = printed(
        &["password", "hash", "--iterations", "10000"],
        "open sesame",
    );
    assert_ne!(hash, again, "each has its own salt");
    let users = json!([{ "name": "ann", "password": hash.trim() }]);
    let authorizers = json!({ "a": { "type": "basic", "users": users } });
    let gateway = protected(&upstream, authorizers, Options::default());
    let basic = format!("Basic {}", STANDARD.encode("ann:open sesame"));
    let request = Request::get("/").header("Authorization", &basic);
    assert_eq!(gateway.send(&request).status, 200);
}

/// Runs a command at a terminal, types a line after each prompt, and answers what the terminal showed, what was printed,
/// and whether the terminal still shows what is typed afterwards.
#[cfg(unix)]
fn at_a_terminal(arguments: &[&str], answers: &[(&str, &str)]) -> (String, Output, bool) {
    use std::fs::File;
    use std::io::Read;

    use nix::pty::openpty;
    use nix::sys::termios::{LocalFlags, tcgetattr};

    let pty = openpty(None, None).unwrap();
    let child = Command::new(workspace::program("causeway"))
        .args(arguments)
        .stdin(pty.slave.try_clone().unwrap())
        .stdout(Stdio::piped())
        .stderr(pty.slave.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut terminal = File::from(pty.master);
    let mut shown = String::new();
    let mut until = |terminal: &mut File, end: &str| {
        let mut byte = [0];
        while !shown.ends_with(end) {
            terminal.read_exact(&mut byte).unwrap();
            shown.push(char::from(byte[0]));
        }
    };
    for (prompt, answer) in answers {
        until(&mut terminal, prompt);
        terminal.write_all(answer.as_bytes()).unwrap();
        until(&mut terminal, "\n");
    }
    let output = child.wait_with_output().unwrap();
    let settings = tcgetattr(&pty.slave).unwrap().local_flags;
    let restored = settings.contains(LocalFlags::ECHO | LocalFlags::ISIG);
    // An end for whoever reads all that it shows.
    File::from(pty.slave).write_all(b"\nend.").unwrap();
    until(&mut terminal, "end.");
    (shown, output, restored)
}

#[cfg(unix)]
#[test]
fn what_is_typed_at_a_terminal_is_asked_for_and_not_shown() {
    let hash = ["password", "hash", "--iterations", "10000"];
    let typed = [
        ("Password: ", "open sesame\n"),
        ("Password again: ", "open sesame\n"),
    ];
    let (shown, output, restored) = at_a_terminal(&hash, &typed);
    assert!(output.status.success(), "{shown}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("$pbkdf2"), "{printed}");
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(restored);

    let key = "cw_9fjwRA2Z0O6V_tiszZKEod9nBtotCs3btYBVxL0NHYv9s0tTLIS";
    let (shown, output, restored) =
        at_a_terminal(&["key", "hash"], &[("Key: ", &format!("{key}\n"))]);
    assert!(output.status.success(), "{shown}");
    assert!(!shown.contains("tiszZKEod9"), "{shown}");
    assert!(restored);

    for (answers, words) in [
        (
            &[("Password: ", "one\n"), ("Password again: ", "two\n")][..],
            "not the same",
        ),
        // Ctrl-C, Ctrl-D.
        (&[("Password: ", "one\x03")], "interrupted"),
        (
            &[("Password: ", "\x04"), ("Password again: ", "\x04")],
            "not empty",
        ),
    ] {
        let (shown, output, restored) = at_a_terminal(&hash, answers);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        assert!(shown.contains(words), "{shown}");
        assert!(output.stdout.is_empty());
        assert!(restored, "{words}");
    }
}

#[test]
fn what_cannot_be_made_is_refused_in_words() {
    for (arguments, input, words) in [
        (&["key", "new", "--prefix", "A-b"][..], "", "no prefix"),
        (&["key", "new", "--expires", "soon"], "", "no point in time"),
        (
            &["key", "new", "--pepper-env", "CAUSEWAY_NOT_SET"],
            "",
            "is not set",
        ),
        (
            &["key", "new", "--pepper-env", "CAUSEWAY_TEST_SHORT"],
            "",
            "at least 32",
        ),
        (&["key", "hash"], "cw_abc\n", "no key"),
        (&["key", "hash"], "", "no key"),
        (&["password", "hash"], "\n", "not empty"),
        (
            &["password", "hash", "--iterations", "1"],
            "x",
            "from 10000 to 100000",
        ),
    ] {
        let output = causeway(arguments, input);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
