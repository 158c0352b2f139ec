//! The authorizer of user names and passwords in memory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};
use crate::plan::{StoredUser, Text};

const NOW_MS: u64 = 1_800_000_000_000;

fn basic() -> Basic {
    let user = |name: &str, password: &str, iterations: u32| StoredUser {
        name: name.to_owned(),
        password: Text::Literal(
            PasswordHash::make(password, b"sixteen bytes...", iterations).written(),
        ),
        claims: format!(r#"{{"sub":"{name}"}}"#),
    };
    let users = vec![
        user("ann", "open sesame", 10_000),
        user("bö", "naïve: 密码", 10_001),
    ];
    Basic::new(BasicSpec { users }).ok().unwrap()
}

fn host(credentials: &str) -> MemoryHost {
    let encoded = format!("Basic {}", STANDARD.encode(credentials));
    MemoryHost::new(NOW_MS, &[("authorization", &encoded)])
}

fn ask(basic: &Basic, host: &MemoryHost) -> Result<Claims, Denied> {
    let presented = Presented {
        host,
        request: Request::new("GET", "http://a/").unwrap(),
        path: "/",
        query: None,
        effects: Box::leak(Box::default()),
    };
    run(basic.authenticate(&presented))
}

#[test]
fn pbkdf2_answers_as_others_do() {
    for (password, salt, iterations, start) in [
        // RFC 7914 section 11.
        ("passwd", "salt", 1, [0x55, 0xac, 0x04, 0x6e]),
        ("password", "salt", 4096, [0xc5, 0xe4, 0x78, 0xd5]),
    ] {
        let derived = pbkdf2(password, salt.as_bytes(), iterations);
        assert_eq!(derived[..4], start, "{password}");
    }
}

#[test]
fn a_stored_password_is_read_back_and_nothing_else_is() {
    let hash = PasswordHash::make("x", b"sixteen bytes...", 10_000);
    let written = hash.written();
    assert!(PasswordHash::read(&written).is_some_and(|read| read == hash));
    let more = written.replace("i=10000", "i=10000,l=32");
    assert!(PasswordHash::read(&more).is_some());
    for other in [
        written.replace("sha256", "sha512"),
        written.replace("i=10000", "i=9999"),
        written.replace("i=10000", "i=100001"),
        written.replace("i=10000", "i=+10000"),
        written.replace("i=10000", "i=10000,l=64"),
        written.replace("i=10000", "10000"),
        format!("{written}$"),
        format!("{written}A"),
        format!("{written}="),
        PasswordHash::make("x", b"short", 10_000).written(),
        "open sesame".to_owned(),
        String::new(),
    ] {
        assert!(PasswordHash::read(&other).is_none(), "{other}");
    }
}

#[test]
fn only_a_known_name_with_its_own_password_comes_in() {
    let basic = basic();
    for (credentials, known, reason) in [
        ("ann:open sesame", true, ""),
        ("bö:naïve: 密码", true, ""),
        ("ann:open sesame ", false, "password_wrong"),
        ("ann:Open sesame", false, "password_wrong"),
        ("bö:open sesame", false, "password_wrong"),
        ("Ann:open sesame", false, "user_unknown"),
        (" ann:open sesame", false, "user_unknown"),
        ("ann", false, "password_malformed"),
        ("ann:", false, "password_malformed"),
        (":open sesame", false, "password_malformed"),
        ("ann:open\tsesame", false, "password_malformed"),
        ("", false, "password_malformed"),
    ] {
        let outcome = ask(&basic, &host(credentials));
        match outcome {
            Ok(claims) => {
                assert!(known, "{credentials}");
                let name = credentials.split(':').next();
                assert_eq!(claims.string("sub").as_deref(), name);
            }
            Err(denied) => {
                assert!(!known, "{credentials}");
                assert_eq!(denied.cause, Cause::Way(&INVALID));
                assert!(denied.reason.starts_with(reason), "{}", denied.reason);
                assert!(!denied.reason.contains("sesame"));
            }
        }
    }
}

#[test]
fn what_is_not_basic_is_told_apart_from_what_is_no_good() {
    let basic = basic();
    let good = STANDARD.encode("ann:open sesame");
    for (header, cause) in [
        (format!("basic  {good}"), None),
        (format!("BASIC {good} "), None),
        (String::new(), Some(Cause::Way(&MISSING))),
        (good.clone(), Some(Cause::Way(&MISSING))),
        (format!("Bearer {good}"), Some(Cause::Way(&MISSING))),
        ("Basic".to_owned(), Some(Cause::Way(&INVALID))),
        (format!("Basic {good},{good}"), Some(Cause::Way(&INVALID))),
        (
            format!("Basic {good}, Basic {good}"),
            Some(Cause::Way(&INVALID)),
        ),
        (format!("Basic {}", good.trim_end_matches('=')), None),
        ("Basic YW5uOv8=".to_owned(), Some(Cause::Way(&INVALID))),
        (
            format!("Basic {}", "A".repeat(1028)),
            Some(Cause::Way(&INVALID)),
        ),
    ] {
        let host = MemoryHost::new(NOW_MS, &[("authorization", &header)]);
        let told = ask(&basic, &host).err().map(|denied| denied.cause);
        assert_eq!(told, cause, "{header}");
    }
}

#[test]
fn an_unknown_user_costs_what_a_known_one_does_and_each_credential_is_hashed_once() {
    let basic = basic();
    for credentials in ["ann:open sesame", "ann:wrong", "nobody:wrong"] {
        let host = host(credentials);
        let first = ask(&basic, &host).is_ok();
        assert_eq!(host.derived(), 1, "{credentials}");
        for _ in 0..5 {
            assert_eq!(ask(&basic, &host).is_ok(), first);
        }
        assert_eq!(host.derived(), 1, "{credentials}");
        host.pass(REMEMBERED_MS);
        assert_eq!(ask(&basic, &host).is_ok(), first);
        assert_eq!(host.derived(), 2, "{credentials}");
    }
}

#[test]
fn a_hash_that_is_none_closes_the_authorizer() {
    let users = vec![StoredUser {
        name: "ann".into(),
        password: "open sesame".into(),
        claims: "{}".into(),
    }];
    let fault = Basic::new(BasicSpec { users }).err().unwrap();
    assert_eq!(fault.code, "bad_password_hash");
    assert!(!fault.message.contains("sesame"));
}
