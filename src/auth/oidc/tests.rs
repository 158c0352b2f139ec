//! Sessions, in virtual time.

#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

use std::cell::Cell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::Client;
use super::provider::Directory;
use super::renewal::{Ended, Renewals};
use super::seal::Sealer;
use super::session::{Expiry, Session};
use super::*;
use crate::auth::Effects;
use crate::edits::{Edit, Edits};
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};
use crate::host::{SendError, Told};

const ISSUER: &str = "https://login.test";
/// Seconds.
const NOW: u64 = 1_800_000_000;

/// A provider whose token endpoint answers with a status, and with a text where there is one, and counts.
fn host(
    now: u64,
    status: Rc<Cell<u16>>,
    text: Rc<Cell<&'static str>>,
    asked: Rc<Cell<u32>>,
) -> MemoryHost {
    MemoryHost::new(now * 1000, &[]).with_teller(move |ask| {
        let told = |status, body: String| {
            Ok(Told {
                status,
                body,
                ..Told::default()
            })
        };
        if ask.url.ends_with("/token") {
            asked.set(asked.get() + 1);
            assert!(ask.body.unwrap().contains("grant_type=refresh_token"));
            let number = asked.get();
            let body = format!(
                r#"{{"access_token":"a{number}","refresh_token":"r{number}","expires_in":100}}"#
            );
            let body = match text.get() {
                "" => body,
                text => text.to_owned(),
            };
            return match status.get() {
                0 => (50, Err(SendError::Unreachable("it is down".into()))),
                status => (50, told(status, body)),
            };
        }
        let endpoint = |name: &str| format!(r#""{name}_endpoint":"{ISSUER}/{name}""#);
        let document = format!(
            r#"{{"issuer":"{ISSUER}","jwks_uri":"{ISSUER}/jwks",{},{}}}"#,
            endpoint("authorization"),
            endpoint("token")
        );
        (10, told(200, document))
    })
}

struct Setup {
    client: Client,
    sealer: Sealer,
    renewals: Renewals,
    status: Rc<Cell<u16>>,
    text: Rc<Cell<&'static str>>,
    asked: Rc<Cell<u32>>,
}

impl Setup {
    fn new() -> Setup {
        let algorithms = &JwsAlgorithm::PUBLIC;
        Setup {
            client: Client {
                issuer: ISSUER.into(),
                id: "web".into(),
                secret: Some(Secret::new("the client's secret")),
                scope: "openid".into(),
                audience: None,
                parameters: Vec::new(),
                max_age: None,
                directory: Directory::discovered(ISSUER),
                id_tokens: id_tokens(JwtKeys::Discovery, ISSUER, "web", algorithms).unwrap(),
            },
            sealer: Sealer::new(&["a session key of the tests, long enough".into()], &[]).unwrap(),
            renewals: Renewals::default(),
            status: Rc::new(Cell::new(200)),
            text: Rc::default(),
            asked: Rc::default(),
        }
    }

    fn host(&self, now: u64) -> MemoryHost {
        let (status, text) = (Rc::clone(&self.status), Rc::clone(&self.text));
        host(now, status, text, Rc::clone(&self.asked))
    }

    fn current(&self, host: &MemoryHost, session: &Session) -> Result<(Session, bool), Ended> {
        let session = session.clone();
        let renewals = &self.renewals;
        run(renewals.current(host, &self.client, &self.sealer, session, false))
    }
}

/// One whose access token lives for 100 seconds from [`NOW`] on.
fn session() -> Session {
    Session {
        id: [1; 16],
        id_token: "x.y.z".into(),
        refresh_token: Some("r0".into()),
        access_token: None,
        expires: Some(Expiry::new(NOW + 100, NOW)),
        begun: NOW,
        seen: NOW,
    }
}

#[test]
fn a_session_is_renewed_in_the_last_quarter_and_once() {
    let setup = Setup::new();
    let (same, renewed) = setup.current(&setup.host(NOW + 74), &session()).unwrap();
    assert_eq!((same, renewed), (session(), false));
    let (first, renewed) = setup.current(&setup.host(NOW + 75), &session()).unwrap();
    assert!(renewed);
    assert_eq!(first.refresh_token.as_deref(), Some("r1"));
    assert_eq!((first.id, first.begun), ([1; 16], NOW));
    // The old cookie comes again, and much later, when what it led to is due itself.
    let (again, renewed) = setup.current(&setup.host(NOW + 90), &session()).unwrap();
    assert_eq!((again, renewed, setup.asked.get()), (first, true, 1));
    let (second, _) = setup.current(&setup.host(NOW + 300), &session()).unwrap();
    assert_eq!(second.refresh_token.as_deref(), Some("r2"));
    assert_eq!(setup.asked.get(), 2);
}

#[test]
fn an_isolate_nearby_finds_what_came_of_a_refresh_token() {
    let (here, there) = (Setup::new(), Setup::new());
    let host = here.host(NOW + 80);
    let (first, _) = here.current(&host, &session()).unwrap();
    let beside = there.host(NOW + 81).beside(&host);
    let (found, renewed) = there.current(&beside, &session()).unwrap();
    assert_eq!((found, renewed), (first, true));
    assert_eq!(there.asked.get(), 0);
}

#[test]
fn trouble_lets_a_session_serve_to_its_end_and_a_refusal_ends_it_there() {
    for (status, text) in [
        (0, ""),
        (500, ""),
        (429, ""),
        (404, ""),
        (403, "<html>"),
        (302, ""),
        (400, "{}"),
        (400, r#"{"error":"invalid_request"}"#),
        (401, r#"{"error":"invalid_client"}"#),
        (200, "<html>"),
        (200, r#"{"access_token":"a"#),
        (200, "{}"),
        (200, r#"{"access_token":""}"#),
        (200, r#"{"access_token":"a","token_type":"DPoP"}"#),
    ] {
        let setup = Setup::new();
        setup.status.set(status);
        setup.text.set(text);
        let kept = setup.current(&setup.host(NOW + 99), &session()).unwrap();
        assert_eq!(kept, (session(), false), "{status}");
        let over = setup.current(&setup.host(NOW + 102), &session());
        assert!(matches!(over, Err(Ended::Unavailable(_))), "{status}");
        assert_eq!(setup.asked.get(), 1, "it is not asked at once again");
        setup.status.set(200);
        setup.text.set("");
        let (_, renewed) = setup.current(&setup.host(NOW + 110), &session()).unwrap();
        assert!(renewed, "{status}");
    }
    // Auth0 says so with another status.
    for status in [400, 403] {
        let setup = Setup::new();
        setup.status.set(status);
        setup.text.set(r#"{"error":"invalid_grant"}"#);
        let kept = setup.current(&setup.host(NOW + 80), &session()).unwrap();
        assert_eq!(kept, (session(), false));
        let over = setup.current(&setup.host(NOW + 100), &session());
        assert!(matches!(over, Err(Ended::Expired(_))));
        assert_eq!(setup.asked.get(), 1, "it is never asked again");
    }
}

#[test]
fn tokens_that_have_ended_when_they_come_make_no_loop() {
    let setup = Setup::new();
    let late = setup.host(NOW + 80);
    let mut endless = session();
    endless.expires = Some(Expiry::new(NOW, NOW));
    let (_, renewed) = setup.current(&late, &endless).unwrap();
    assert!(renewed);
    assert_eq!(setup.asked.get(), 1);
}

/// An authorizer whose sessions live for an hour, and ten minutes without a request.
fn oidc(forwards: bool) -> Oidc {
    Oidc::new(OidcSpec {
        issuer: ISSUER.into(),
        client_id: "web".into(),
        client_secret: None,
        scope: "openid".into(),
        audience: None,
        parameters: Vec::new(),
        redirect_path: "/auth/callback".into(),
        after_logout: "/".into(),
        keys: vec!["a session key of the tests, long enough".into()],
        max_age: 3600,
        idle: Some(600),
        cookie: "__Host-causeway".into(),
        forwards,
    })
    .unwrap()
}

/// The `Cookie` field of a browser that has this session.
fn cookie_of(oidc: &Oidc, session: &Session) -> String {
    let mut answer = Edits::default();
    let host = MemoryHost::new(0, &[]);
    assert!(oidc.keep(&host, session, "", NOW, &mut answer));
    let Some(Edit::Append("set-cookie", cookie)) = answer.iter().next() else {
        panic!("{answer:?}");
    };
    cookie.split(';').next().unwrap().to_owned()
}

/// Who is known by a session's cookie at a time: the subject or the code; and the answer's changes.
fn known(oidc: &Oidc, cookie: &str, now: u64) -> (String, Edits, Option<String>) {
    let host = MemoryHost::new(now * 1000, &[("cookie", cookie)]);
    let effects = Effects::default();
    let presented = Presented {
        host: &host,
        request: Request::new("GET", "https://gateway.test/").unwrap(),
        path: "/",
        query: None,
        effects: &effects,
    };
    let told = match run(oidc.authenticate(&presented)) {
        Ok(claims) => claims.claim("sub").unwrap().into_owned(),
        Err(denied) => denied.code().to_owned(),
    };
    let (answer, bearer) = effects.into_parts();
    (told, answer, bearer)
}

/// One without a refresh token, of alice.
fn of_alice() -> Session {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let (header, claims) = (part(r#"{"alg":"RS256"}"#), part(r#"{"sub":"alice"}"#));
    Session {
        id_token: format!("{header}.{claims}.{}", part("checked when it came")),
        refresh_token: None,
        access_token: Some("its access token".into()),
        ..session()
    }
}

#[test]
fn a_session_ends_by_its_age_and_by_idleness_and_lives_on_by_use() {
    let oidc = oidc(false);
    let first = cookie_of(&oidc, &of_alice());
    for (after, told) in [
        (0, "alice"),
        (599, "alice"),
        (600, "session_expired"),
        (3600, "session_expired"),
    ] {
        assert_eq!(known(&oidc, &first, NOW + after).0, told, "{after}");
    }
    assert_eq!(known(&oidc, &first, NOW + 59).1, Edits::default());
    // Each use is written down, and none makes it younger.
    let mut cookie = first;
    let mut after = 0;
    while after < 3000 {
        after += 500;
        let (told, answer, bearer) = known(&oidc, &cookie, NOW + after);
        assert_eq!((told.as_str(), bearer), ("alice", None), "{after}");
        let mut edits = answer.iter();
        let Some(Edit::Append("set-cookie", renewed)) = edits.next() else {
            panic!("{answer:?}");
        };
        assert!(
            renewed.contains(&format!("Max-Age={};", 3600 - after)),
            "{renewed}"
        );
        cookie = renewed.split(';').next().unwrap().to_owned();
        assert_eq!(edits.next(), Some(Edit::Set("cache-control", "no-store")));
    }
    assert_eq!(known(&oidc, &cookie, NOW + 3599).0, "alice");
    assert_eq!(known(&oidc, &cookie, NOW + 3600).0, "session_expired");
}

#[test]
fn an_access_token_that_has_ended_does_not_go_on() {
    let oidc = oidc(true);
    let cookie = cookie_of(&oidc, &of_alice());
    let (told, _, bearer) = known(&oidc, &cookie, NOW + 99);
    assert_eq!(
        (told.as_str(), bearer.as_deref()),
        ("alice", Some("its access token"))
    );
    let (told, _, bearer) = known(&oidc, &cookie, NOW + 100);
    assert_eq!((told.as_str(), bearer), ("session_expired", None));
    let without = Session {
        access_token: None,
        ..of_alice()
    };
    let cookie = cookie_of(&oidc, &without);
    assert_eq!(known(&oidc, &cookie, NOW).0, "session_expired");
}
