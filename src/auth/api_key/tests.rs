//! The authorizer of API keys in memory.

use super::refusal::{EXPIRED, INVALID, MISSING};
use super::*;
use crate::auth::Cause;
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};
use crate::plan::KeyNamespace;

const NOW_MS: u64 = 1_800_000_000_000;
const NOW_S: u64 = NOW_MS / 1000;
const PEPPER: &str = "a pepper of thirty-two bytes, ok";

/// The key of a number.
fn key(number: u8) -> String {
    let mut next = number;
    make("cw", || {
        next = next.wrapping_mul(5).wrapping_add(number | 1);
        next
    })
    .unwrap()
}

fn stored(key: &str, pepper: Option<&str>) -> StoredKey {
    let id = stored_name(key).unwrap().to_owned();
    StoredKey {
        hash: KeyHasher::new(pepper).ok().unwrap().hash(key),
        expires: None,
        disabled: false,
        claims: format!(r#"{{"sub":"acme","key_id":"{id}"}}"#),
        id,
    }
}

fn spec(keys: Vec<StoredKey>) -> ApiKeySpec {
    ApiKeySpec {
        places: vec![Place::Header("x-api-key".into())],
        keys,
        kv: None,
        pepper: None,
    }
}

fn in_kv() -> ApiKeys {
    let kv = KeyNamespace {
        binding: "KEYS".into(),
        prefix: "keys/".into(),
    };
    ApiKeys::new(ApiKeySpec {
        kv: Some(kv),
        ..spec(Vec::new())
    })
    .ok()
    .unwrap()
}

fn record(key: &str, more: &str) -> String {
    let hasher = KeyHasher::new(None).ok().unwrap();
    let hash = hasher.written(&hasher.hash(key));
    let id = stored_name(key).unwrap();
    format!(r#"{{"id":"{id}","hash":"{hash}","owner":"acme"{more}}}"#)
}

fn kv_host(key: &str, record: &str) -> MemoryHost {
    let name = format!("keys/{}", stored_name(key).unwrap());
    MemoryHost::new(NOW_MS, &[("x-api-key", key)]).with_stored("KEYS", &name, record)
}

fn ask(keys: &ApiKeys, host: &MemoryHost, query: Option<&str>) -> Result<Claims, Denied> {
    let presented = Presented {
        host,
        request: Request::new("GET", "http://a/").unwrap(),
        path: "/",
        query,
        effects: Box::leak(Box::default()),
    };
    run(keys.authenticate(&presented))
}

#[track_caller]
fn assert_denied(outcome: Result<Claims, Denied>, cause: Cause, reason: &str) {
    let denied = outcome.err().unwrap();
    assert_eq!(denied.cause, cause, "{}", denied.reason);
    assert!(denied.reason.starts_with(reason), "{}", denied.reason);
}

#[test]
fn a_key_is_known_by_its_id_and_its_hash() {
    let mut disabled = stored(&key(2), None);
    disabled.disabled = true;
    let mut expired = stored(&key(3), None);
    expired.expires = Some(NOW_S);
    let mut lives = stored(&key(4), None);
    lives.expires = Some(NOW_S + 1);
    let mut other_hash = stored(&key(5), None);
    other_hash.hash = [1; 32];
    let list = vec![stored(&key(1), None), disabled, expired, lives, other_hash];
    let keys = ApiKeys::new(spec(list)).ok().unwrap();
    let with = |key: &str| ask(&keys, &MemoryHost::new(NOW_MS, &[("x-api-key", key)]), None);

    let claims = with(&key(1)).unwrap();
    assert_eq!(claims.string("sub").as_deref(), Some("acme"));
    let id = claims.string("key_id").unwrap().into_owned();
    assert!(key(1).starts_with(&id));
    assert!(with(&key(4)).is_ok());
    for (key, cause, reason) in [
        ("", Cause::Way(&MISSING), "key_missing"),
        (" ", Cause::Way(&MISSING), "key_missing"),
        ("cw_abc", Cause::Way(&INVALID), "key_malformed"),
        (&key(1)[1..], Cause::Way(&INVALID), "key_malformed"),
        (
            &key(1).replace("cw_", "cx_"),
            Cause::Way(&INVALID),
            "key_malformed",
        ),
        (
            &format!("{}, {}", key(1), key(1)),
            Cause::Way(&INVALID),
            "key_malformed",
        ),
        (&key(9), Cause::Way(&INVALID), "key_unknown"),
        (&key(5), Cause::Way(&INVALID), "key_wrong"),
        (&key(2), Cause::Way(&INVALID), "key_disabled"),
        (&key(3), Cause::Way(&EXPIRED), "key_expired"),
    ] {
        assert_denied(with(key), cause, reason);
        let denied = with(key).err().unwrap();
        assert!(
            key.len() < 20 || !denied.reason.contains(key),
            "{}",
            denied.reason
        );
    }
}

#[test]
fn the_first_place_that_has_a_key_decides() {
    let places = vec![
        Place::Header("x-api-key".into()),
        Place::Scheme("apikey".into()),
        Place::Cookie("key".into()),
        Place::Query("key".into()),
    ];
    let keys = ApiKeys::new(ApiKeySpec {
        places,
        ..spec(vec![stored(&key(1), None)])
    });
    let keys = keys.ok().unwrap();
    let good = key(1);
    for (headers, query, known) in [
        (vec![("x-api-key", good.clone())], None, true),
        (
            vec![("authorization", format!("ApiKey {good}"))],
            None,
            true,
        ),
        (
            vec![("authorization", format!("APIKEY  {good} "))],
            None,
            true,
        ),
        (
            vec![("authorization", format!("Bearer {good}"))],
            None,
            false,
        ),
        (vec![("cookie", format!("a=1; key={good}"))], None, true),
        (
            vec![("cookie", format!("key={good}; key={good}"))],
            None,
            false,
        ),
        (vec![], Some(format!("a=1&key={good}")), true),
        (vec![], Some(format!("key={good}&key={good}")), false),
        (
            vec![("x-api-key", "no".into())],
            Some(format!("key={good}")),
            false,
        ),
        (
            vec![("x-api-key", String::new())],
            Some(format!("key={good}")),
            true,
        ),
    ] {
        let fields: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let host = MemoryHost::new(NOW_MS, &fields);
        let outcome = ask(&keys, &host, query.as_deref());
        assert_eq!(outcome.is_ok(), known, "{headers:?} {query:?}");
    }
}

#[test]
fn with_a_pepper_only_hashes_under_it_count() {
    let host = MemoryHost::new(NOW_MS, &[("x-api-key", &key(1))]);
    for (stored_with, known) in [(Some(PEPPER), true), (None, false)] {
        let keys = ApiKeys::new(ApiKeySpec {
            pepper: Some(PEPPER.into()),
            ..spec(vec![stored(&key(1), stored_with)])
        });
        assert_eq!(ask(&keys.ok().unwrap(), &host, None).is_ok(), known);
    }
    let short = ApiKeys::new(ApiKeySpec {
        pepper: Some("short".into()),
        ..spec(Vec::new())
    });
    assert_eq!(short.err().unwrap().code, "weak_pepper");
}

#[test]
fn a_hash_is_read_back_and_nothing_else_is() {
    for pepper in [None, Some(PEPPER)] {
        let hasher = KeyHasher::new(pepper).ok().unwrap();
        let hash = hasher.hash(&key(1));
        let written = hasher.written(&hash);
        assert_eq!(read_hash(&written, pepper.is_some()), Some(hash));
        assert_eq!(read_hash(&written.to_uppercase(), pepper.is_some()), None);
        assert_eq!(read_hash(&written, pepper.is_none()), None);
        for other in [format!("{written}0"), written.replace(':', ""), key(1)] {
            assert_eq!(read_hash(&other, pepper.is_some()), None, "{other}");
        }
    }
    assert_eq!(
        read_hash(&format!("sha256:{}", "é".repeat(32)), false),
        None
    );
    assert_eq!(
        read_hash(&format!("sha256:{}", "+1".repeat(32)), false),
        None
    );
}

#[test]
fn a_key_in_kv_is_read_once_a_minute() {
    let keys = in_kv();
    let more = r#","expires":"2027-01-16","scopes":["read","write"],"groups":["g"],"plan":"gold","claims":{"region":"eu"}"#;
    let host = kv_host(&key(1), &record(&key(1), more));
    for _ in 0..3 {
        let claims = ask(&keys, &host, None).unwrap();
        assert_eq!(
            claims.to_json(),
            format!(
                r#"{{"sub":"acme","key_id":"{}","scope":"read write","groups":["g"],"plan":"gold","region":"eu"}}"#,
                stored_name(&key(1)).unwrap()
            )
        );
    }
    assert_eq!(host.reads(), 1);
    host.pass(59_999);
    assert!(ask(&keys, &host, None).is_ok());
    assert_eq!(host.reads(), 1);
    host.pass(1);
    assert!(ask(&keys, &host, None).is_ok());
    assert_eq!(host.reads(), 2);
    // 2027-01-16 begins 16 hours after the start of this test.
    host.pass(58_000_000);
    assert_denied(ask(&keys, &host, None), Cause::Way(&EXPIRED), "key_expired");
}

#[test]
fn a_key_that_is_not_in_kv_is_asked_for_every_ten_seconds() {
    let keys = in_kv();
    let host = MemoryHost::new(NOW_MS, &[("x-api-key", &key(1))]);
    for (passed, reads) in [(0, 1), (9_999, 1), (1, 2), (0, 2)] {
        host.pass(passed);
        assert_denied(ask(&keys, &host, None), Cause::Way(&INVALID), "key_unknown");
        assert_eq!(host.reads(), reads);
    }
    let malformed = MemoryHost::new(NOW_MS, &[("x-api-key", "cw_abc")]);
    assert_denied(
        ask(&keys, &malformed, None),
        Cause::Way(&INVALID),
        "key_malformed",
    );
    assert_eq!(malformed.reads(), 0, "no look-up for what is no key");
}

#[test]
fn while_kv_is_down_only_keys_that_were_good_are_served_and_not_for_ever() {
    let keys = in_kv();
    let host = kv_host(&key(1), &record(&key(1), ""));
    assert!(ask(&keys, &host, None).is_ok());
    host.fail_stored(true);
    host.pass(60_000);
    for _ in 0..3 {
        assert!(ask(&keys, &host, None).is_ok());
    }
    assert_eq!(host.reads(), 2, "it is left alone for a while");
    host.pass(5_000);
    assert!(ask(&keys, &host, None).is_ok());
    assert_eq!(host.reads(), 3);
    host.pass(600_000);
    assert_denied(ask(&keys, &host, None), Cause::Unavailable, "key_store");
    host.fail_stored(false);
    assert!(ask(&keys, &host, None).is_ok());

    let stranger = kv_host(&key(2), &record(&key(2), ""));
    stranger.fail_stored(true);
    assert_denied(ask(&keys, &stranger, None), Cause::Unavailable, "key_store");
}

#[test]
fn a_record_that_is_not_understood_lets_nobody_in() {
    let own = record(&key(1), "");
    for bad in [
        "",
        "{}",
        "null",
        &own[1..],
        &own.replace("sha256:", "hmac-sha256:"),
        &own.replace("sha256:", ""),
        &record(&key(2), ""),
        &record(&key(1), r#","expires":"soon""#),
        &record(&key(1), r#","expires":-1"#),
        &record(&key(1), r#","disabled":"no""#),
        &record(&key(1), r#","disabeld":true"#),
        &record(&key(1), r#","scopes":["a b"]"#),
        &record(&key(1), r#","claims":{"sub":"other"}"#),
    ] {
        let keys = in_kv();
        let host = kv_host(&key(1), bad);
        assert_denied(ask(&keys, &host, None), Cause::Way(&INVALID), "key_record");
        assert_denied(ask(&keys, &host, None), Cause::Way(&INVALID), "key_unknown");
        assert_eq!(host.reads(), 1, "{bad}");
    }
}
