//! Keys that an issuer publishes, in virtual time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};

use super::issuer::{Pair, jwks, p256, rsa, rsa_other};
use super::*;
use crate::host::memory::{MemoryHost, run};
use crate::host::{SendError, Told};

const ISSUER: &str = "https://login.test/tenant/";
const DOCUMENT: &str = "https://login.test/tenant/.well-known/openid-configuration";
const KEYS: &str = "https://login.test/keys";
const MINUTE: u64 = 60_000;

/// An issuer whose answers can be changed while it runs.
#[derive(Clone, Default)]
struct Issuer {
    answers: Rc<RefCell<Vec<(String, Told)>>>,
    asked: Rc<RefCell<Vec<String>>>,
    /// How long an answer takes.
    takes_ms: Rc<Cell<u64>>,
}

impl Issuer {
    /// One that publishes these keys at [`KEYS`].
    fn new(keys: &[Value]) -> Issuer {
        let issuer = Issuer::default();
        issuer.publish(keys, "");
        issuer
    }

    fn publish(&self, keys: &[Value], cache_control: &str) {
        self.answer(KEYS, 200, cache_control, &jwks(keys).to_string());
    }

    fn answer(&self, url: &str, status: u16, cache_control: &str, body: &str) {
        let told = Told {
            status,
            fields: vec![("cache-control".into(), cache_control.into())],
            body: body.into(),
        };
        self.answers.borrow_mut().retain(|(known, _)| known != url);
        self.answers.borrow_mut().push((url.into(), told));
    }

    fn gone(&self) {
        self.answers.borrow_mut().clear();
    }

    fn host(&self) -> MemoryHost {
        let it = self.clone();
        MemoryHost::new(NOW * 1000, &[]).with_teller(move |ask| {
            it.asked.borrow_mut().push(ask.url.to_owned());
            let answers = it.answers.borrow();
            let found = answers.iter().find(|(url, _)| url == ask.url);
            let told = found.map(|(_, told)| told.clone());
            let gone = SendError::Unreachable("connection refused".into());
            (it.takes_ms.get(), told.ok_or(gone))
        })
    }

    fn asked(&self) -> usize {
        self.asked.borrow().len()
    }
}

fn remote() -> Jwt {
    jwt(JwtSpec {
        keys: JwtKeys::JwksUri(KEYS.into()),
        algorithms: JwsAlgorithm::OF_PUBLIC_KEYS.to_vec(),
        ..spec()
    })
}

fn discovered() -> Jwt {
    jwt(JwtSpec {
        keys: JwtKeys::Discovery,
        issuers: vec![ISSUER.into()],
        algorithms: JwsAlgorithm::OF_PUBLIC_KEYS.to_vec(),
        ..spec()
    })
}

/// A token whose claims have this number, so that it is another than the last.
fn numbered(pair: &Pair, kid: &str, number: u64) -> String {
    let claims = json!({ "exp": 1_900_000_000_u64, "iss": ISSUER, "n": number });
    pair.sign(
        if kid.starts_with("ec") {
            "ES256"
        } else {
            "RS256"
        },
        Some(kid),
        &claims,
    )
}

fn verify(jwt: &Jwt, host: &MemoryHost, token: &str) -> Option<Cause> {
    cause(run(jwt.verify(token, host)))
}

#[test]
fn a_set_is_fetched_once_for_many_tokens_and_again_when_it_is_old() {
    let pair = p256();
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    let (jwt, host) = (remote(), issuer.host());
    for number in 0..20 {
        assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", number)), None);
    }
    assert_eq!(issuer.asked(), 1);
    // Ten minutes where the answer says nothing.
    host.pass(10 * MINUTE);
    issuer.publish(&[pair.jwk("ec")], "max-age=3600");
    assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", 30)), None);
    assert_eq!(issuer.asked(), 2);
    host.pass(59 * MINUTE);
    assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", 31)), None);
    assert_eq!(issuer.asked(), 2);
    host.pass(MINUTE);
    assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", 32)), None);
    assert_eq!(issuer.asked(), 3);
}

#[test]
fn a_new_key_is_found_at_once_and_a_flood_of_unknown_ones_asks_once_per_cool_down() {
    let (old, new) = (p256(), rsa());
    let issuer = Issuer::new(&[old.jwk("ec")]);
    let (jwt, host) = (remote(), issuer.host());
    assert_eq!(verify(&jwt, &host, &numbered(&old, "ec", 0)), None);
    issuer.publish(&[new.jwk("new")], "");
    assert_eq!(verify(&jwt, &host, &numbered(&new, "new", 0)), None);
    assert_eq!(issuer.asked(), 2);
    // The old key is gone, and with it the memory of its tokens.
    assert_eq!(
        verify(&jwt, &host, &numbered(&old, "ec", 0)),
        Some(Cause::NoMatchingKey)
    );
    for number in 0..50 {
        let token = numbered(&old, &format!("ec{number}"), number);
        assert_eq!(verify(&jwt, &host, &token), Some(Cause::NoMatchingKey));
    }
    assert_eq!(issuer.asked(), 2);
    for minutes in 1..4 {
        host.pass(30_000);
        for number in 0..10 {
            let token = numbered(&old, &format!("ec{number}"), number);
            assert_eq!(verify(&jwt, &host, &token), Some(Cause::NoMatchingKey));
        }
        assert_eq!(issuer.asked(), 2 + minutes);
    }
}

#[test]
fn an_outage_is_served_with_the_last_good_set_for_a_day_and_asked_about_ever_less() {
    let pair = p256();
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    let (jwt, host) = (remote(), issuer.host());
    assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", 0)), None);
    issuer.gone();
    host.pass(10 * MINUTE);
    let mut number = 1;
    let mut minute = |host: &MemoryHost| {
        for _ in 0..60 {
            number += 1;
            assert_eq!(verify(&jwt, host, &numbered(&pair, "ec", number)), None);
            host.pass(1000);
        }
    };
    let before = issuer.asked();
    minute(&host);
    // After 0, 1, 3, 7, 15 and 31 seconds.
    assert_eq!(issuer.asked() - before, 6);
    minute(&host);
    assert!(issuer.asked() - before <= 8, "{}", issuer.asked());
    host.pass(24 * 60 * MINUTE);
    let late = numbered(&pair, "ec", 1_000_000);
    assert_eq!(verify(&jwt, &host, &late), Some(Cause::Unavailable));
    // Back again.
    issuer.publish(&[pair.jwk("ec")], "");
    host.pass(30_000);
    assert_eq!(verify(&jwt, &host, &late), None);
}

#[test]
fn without_any_set_the_door_stays_closed_and_the_log_says_why() {
    let pair = p256();
    let token = numbered(&pair, "ec", 0);
    let long = format!(r#"{{"keys":[{}]}}"#, " ".repeat(256 * 1024));
    let private = json!({ "kty": "EC", "crv": "P-256", "x": "A", "y": "A", "d": "A" });
    for (status, body, reason) in [
        (200, String::new(), "no key"),
        (200, "<html>".into(), "no key"),
        (200, r#"{"keys":[]}"#.into(), "no key"),
        (200, jwks(&[private]).to_string(), "no key"),
        (200, long, "too long"),
        (500, jwks(&[pair.jwk("ec")]).to_string(), "status 500"),
        (302, jwks(&[pair.jwk("ec")]).to_string(), "status 302"),
        (204, String::new(), "status 204"),
    ] {
        let issuer = Issuer::default();
        issuer.answer(KEYS, status, "", &body);
        let (jwt, host) = (remote(), issuer.host());
        for _ in 0..10 {
            let denied = run(jwt.verify(&token, &host)).unwrap_err();
            assert_eq!(denied.cause, Cause::Unavailable);
            assert_eq!(
                (denied.status(), denied.code()),
                (503, "authorizer_unavailable")
            );
            assert!(denied.reason.contains(reason), "{}", denied.reason);
        }
        assert_eq!(issuer.asked(), 1, "{reason}");
    }
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    issuer.takes_ms.set(60_000);
    let (jwt, host) = (remote(), issuer.host());
    let denied = run(jwt.verify(&token, &host)).unwrap_err();
    assert!(denied.reason.contains("in time"), "{}", denied.reason);
    assert_eq!(host_age_s(&host), 5);
}

fn host_age_s(host: &MemoryHost) -> u64 {
    use crate::host::Host;
    (host.now_ms() / 1000).saturating_sub(NOW)
}

#[test]
fn a_token_that_could_not_be_good_asks_nobody() {
    let pair = p256();
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    let (jwt, host) = (remote(), issuer.host());
    let good = numbered(&pair, "ec", 0);
    let (message, _) = good.rsplit_once('.').unwrap();
    for token in [
        "a.b.c".to_owned(),
        format!("{message}.{}", base64([0_u8; 64])),
        format!("{message}.{}", base64([1_u8; 63])),
        sign(HEADER, "{}"),
        rsa().sign("RS512", Some("ec"), &json!({})),
        "x".repeat(20_000),
    ] {
        assert!(verify(&jwt, &host, &token).is_some(), "{token}");
    }
    assert_eq!(issuer.asked(), 0);
    assert_eq!(verify(&jwt, &host, &good), None);
}

#[test]
fn another_isolate_finds_the_set_where_the_first_has_left_it() {
    let pair = p256();
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    let (first, second) = (issuer.host(), issuer.host());
    let second = second.beside(&first);
    assert_eq!(verify(&remote(), &first, &numbered(&pair, "ec", 0)), None);
    let other = remote();
    assert_eq!(verify(&other, &second, &numbered(&pair, "ec", 1)), None);
    assert_eq!(issuer.asked(), 1);
    // A kid that is not in it asks the issuer itself.
    issuer.publish(&[pair.jwk("ec"), rsa().jwk("new")], "");
    assert_eq!(verify(&other, &second, &numbered(&rsa(), "new", 1)), None);
    assert_eq!(issuer.asked(), 2);
}

#[test]
fn discovery_finds_the_keys_of_its_own_issuer_and_of_no_other() {
    let pair = p256();
    let document = |issuer: &str, uri: &str| json!({ "issuer": issuer, "jwks_uri": uri, "x": 1 });
    let token = numbered(&pair, "ec", 0);
    for (body, refused) in [
        (document(ISSUER, KEYS).to_string(), None),
        (
            document("https://login.test/tenant", KEYS).to_string(),
            Some("another issuer"),
        ),
        (
            document("https://LOGIN.test/tenant/", KEYS).to_string(),
            Some("another issuer"),
        ),
        (
            document(ISSUER, "http://login.test/keys").to_string(),
            Some("not safe"),
        ),
        (
            document(ISSUER, "http://127.0.0.1/keys").to_string(),
            Some("not safe"),
        ),
        (document(ISSUER, "/keys").to_string(), Some("not safe")),
        (json!({ "issuer": ISSUER }).to_string(), Some("no sound")),
        (
            format!(r#"{{"issuer":"{ISSUER}","issuer":"{ISSUER}","jwks_uri":"{KEYS}"}}"#),
            Some("no sound"),
        ),
    ] {
        let issuer = Issuer::new(&[pair.jwk("ec")]);
        issuer.answer(DOCUMENT, 200, "max-age=3600", &body);
        let (jwt, host) = (discovered(), issuer.host());
        let outcome = run(jwt.verify(&token, &host));
        match refused {
            None => assert!(outcome.is_ok(), "{body}"),
            Some(reason) => {
                let denied = outcome.unwrap_err();
                assert_eq!(denied.cause, Cause::Unavailable, "{body}");
                assert!(denied.reason.contains(reason), "{}", denied.reason);
            }
        }
    }
    // The document is asked for once while it is fresh, and its keys serve on while it is gone.
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    issuer.answer(
        DOCUMENT,
        200,
        "max-age=3600",
        &document(ISSUER, KEYS).to_string(),
    );
    let (jwt, host) = (discovered(), issuer.host());
    for number in 0..3 {
        assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", number)), None);
        host.pass(10 * MINUTE);
    }
    assert_eq!(*issuer.asked.borrow(), [DOCUMENT, KEYS, KEYS, KEYS]);
    host.pass(60 * MINUTE);
    issuer.answer(DOCUMENT, 500, "", "");
    assert_eq!(verify(&jwt, &host, &numbered(&pair, "ec", 9)), None);
    assert_eq!(issuer.asked(), 6);
}

#[test]
fn a_good_token_is_checked_once_a_minute_and_its_times_always() {
    let pair = p256();
    let issuer = Issuer::new(&[pair.jwk("ec")]);
    let host = issuer.host();
    let jwt = remote();
    let claims = json!({ "exp": NOW + 90, "n": 1 });
    let token = pair.sign("ES256", Some("ec"), &claims);
    for _ in 0..10 {
        assert_eq!(verify(&jwt, &host, &token), None);
    }
    assert_eq!(host.verified(), 1);
    host.pass(MINUTE);
    assert_eq!(verify(&jwt, &host, &token), None);
    assert_eq!(host.verified(), 2);
    host.pass(30_000);
    assert_eq!(verify(&jwt, &host, &token), Some(Cause::Expired));
    assert_eq!(host.verified(), 2);
    // Another one with the same claims and another signature is another token.
    let forged = format!("{}A", &token[..token.len() - 1]);
    let forged = if forged == token {
        format!("{}Q", &token[..token.len() - 1])
    } else {
        forged
    };
    assert_ne!(verify(&jwt, &host, &forged), Some(Cause::Expired));
}

#[test]
fn the_memory_of_good_tokens_is_bounded() {
    use crate::auth::seen::{Seen, digest};
    let claims: Rc<Claims> = Rc::new(serde_json::from_str("{}").unwrap());
    for (bytes, expected) in [(100, 1_000), (16 * 1024, 64)] {
        let mut seen = Seen::default();
        for number in 0..2_000 {
            seen.keep(digest(&number.to_string()), bytes, Rc::clone(&claims), 1, 0);
        }
        let count = |seen: &mut Seen, keys, now| {
            let found =
                (0..2_000).filter(|n| seen.find(&digest(&n.to_string()), keys, now).is_some());
            found.count()
        };
        assert_eq!(count(&mut seen, 1, 59_999), expected);
        assert!(seen.find(&digest("1999"), 1, 0).is_some());
        assert!(seen.find(&digest("0"), 1, 0).is_none());
        assert_eq!(count(&mut seen, 1, 60_000), 0);
        assert_eq!(count(&mut seen, 2, 0), 0);
        assert_eq!(count(&mut seen, 1, 0), 0);
    }
}

#[test]
fn a_wrong_key_of_the_right_name_does_not_open() {
    let issuer = Issuer::new(&[rsa().jwk("a")]);
    let (jwt, host) = (remote(), issuer.host());
    let token = numbered(&rsa_other(), "a", 0);
    assert_eq!(verify(&jwt, &host, &token), Some(Cause::Signature));
    assert_eq!(verify(&jwt, &host, &numbered(&rsa(), "a", 0)), None);
}

#[test]
fn a_token_that_is_checked_while_the_keys_change_is_not_remembered_by_the_new_ones() {
    use crate::auth::keys::{Place, Remote};
    use crate::auth::public::{Keys, PublicKeys};
    use crate::auth::seen;
    use crate::auth::token::Token;
    use crate::host::Host;

    let (old, new) = (p256(), rsa());
    let issuer = Issuer::new(&[old.jwk("ec")]);
    let host = issuer.host();
    let remote = Remote::new(Place::Jwks(KEYS.into()));
    let keys = PublicKeys::new(
        JwsAlgorithm::OF_PUBLIC_KEYS.to_vec(),
        Keys::Remote(Box::new(remote)),
    );
    let (first, second) = (numbered(&old, "ec", 0), numbered(&new, "new", 0));
    let check = |token: &str| run(keys.check(&Token::read(token).ok().unwrap(), &host));
    let before = check(&first).unwrap();
    // Another request brings the new keys, while the first one is still at it.
    issuer.publish(&[new.jwk("new")], "");
    let after = check(&second).unwrap();
    let claims = Rc::new(Token::read(&first).ok().unwrap().claims().unwrap());
    for (token, generation, is_seen) in [(&first, before, false), (&second, after, true)] {
        let digest = seen::digest(token);
        keys.see(digest, token.len(), &claims, generation, host.now_ms());
        assert_eq!(keys.seen(&digest, host.now_ms()).is_some(), is_seen);
    }
}
