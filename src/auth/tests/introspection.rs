//! Tokens that an authorization server is asked about, in virtual time.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::json;

use crate::auth::{Authorizer, Claims, Denied, Introspection, Presented};
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};
use crate::host::{SendError, Told};
use crate::plan::{
    AuthorizerKind, ClientAuth, IntrospectionEndpoint, IntrospectionSpec, Text, TokenSource,
};

const NOW: u64 = 1_800_000_000;
const SERVER: &str = "https://login.test/introspect";
const ISSUER: &str = "https://login.test";

/// A server whose answer can be changed while it runs, and all forms that it was sent.
#[derive(Clone)]
struct Server {
    answer: Rc<RefCell<(u64, Result<Told, SendError>)>>,
    asked: Rc<RefCell<Vec<(String, String, String)>>>,
}

impl Server {
    fn new(status: u16, body: &str) -> Server {
        let server = Server {
            answer: Rc::new(RefCell::new((0, Err(SendError::TimedOut)))),
            asked: Rc::default(),
        };
        server.answers(status, body);
        server
    }

    fn answers(&self, status: u16, body: &str) {
        let told = Told {
            status,
            fields: Vec::new(),
            body: body.to_owned(),
        };
        *self.answer.borrow_mut() = (10, Ok(told));
    }

    fn fails(&self, takes_ms: u64, error: SendError) {
        *self.answer.borrow_mut() = (takes_ms, Err(error));
    }

    fn host(&self, token: &str) -> MemoryHost {
        let it = self.clone();
        let credentials = format!("Bearer {token}");
        MemoryHost::new(NOW * 1000, &[("Authorization", &credentials)]).with_teller(move |ask| {
            it.asked.borrow_mut().push((
                ask.url.to_owned(),
                ask.body.unwrap_or_default().to_owned(),
                ask.fields.as_str().to_owned(),
            ));
            it.answer.borrow().clone()
        })
    }

    fn count(&self) -> usize {
        self.asked.borrow().len()
    }
}

fn spec() -> IntrospectionSpec {
    IntrospectionSpec {
        endpoint: IntrospectionEndpoint::Url(SERVER.into()),
        client: ClientAuth::Basic {
            id: "gate way".into(),
            secret: "s:cret&".into(),
        },
        token_type_hint: "access_token".into(),
        issuers: Vec::new(),
        audiences: Vec::new(),
        subject: None,
        leeway: 0,
        require_exp: false,
        required_claims: Vec::new(),
        sources: vec![TokenSource::Bearer],
        timeout_ms: 5_000,
        cache_seconds: 60,
    }
}

fn introspection(spec: IntrospectionSpec) -> Introspection {
    Introspection::new(spec).ok().unwrap()
}

fn ask(introspection: &Introspection, host: &MemoryHost) -> Result<Claims, Denied> {
    run(introspection.authenticate(&Presented {
        host,
        request: Request::new("GET", "https://api.test/").unwrap(),
        path: "/",
        query: None,
        effects: Box::leak(Box::default()),
    }))
}

fn code(result: Result<Claims, Denied>) -> &'static str {
    result.map_or_else(|denied| denied.code(), |_| "ok")
}

#[test]
fn an_active_token_lets_in_with_what_the_server_says_of_it() {
    let server = Server::new(
        200,
        r#"{"active":true,"sub":"u1","scope":"read write","n":1.50}"#,
    );
    let claims = ask(&introspection(spec()), &server.host("a+b/c=")).unwrap();
    assert_eq!(claims.claim("sub").as_deref(), Some("u1"));
    assert_eq!(claims.claim("scope").as_deref(), Some("read write"));
    assert_eq!(claims.claim("n").as_deref(), Some("1.50"));
    let asked = server.asked.borrow();
    let (url, form, fields) = &asked[0];
    assert_eq!(url, SERVER);
    assert_eq!(form, "token=a%2Bb%2Fc%3D&token_type_hint=access_token");
    // gate+way:s%3Acret%26
    assert!(
        fields.contains("=authorization\nBasic Z2F0ZSt3YXk6cyUzQWNyZXQlMjY=\n"),
        "{fields}"
    );
}

#[test]
fn the_gateway_shows_itself_as_it_is_told() {
    for (client, form, header) in [
        (
            ClientAuth::Post {
                id: "me".into(),
                secret: "s&t".into(),
            },
            "token=t&token_type_hint=access_token&client_id=me&client_secret=s%26t",
            None,
        ),
        (
            ClientAuth::Bearer("b".into()),
            "token=t&token_type_hint=access_token",
            Some("=authorization\nBearer b\n"),
        ),
    ] {
        let server = Server::new(200, r#"{"active":true}"#);
        let asking = introspection(IntrospectionSpec { client, ..spec() });
        assert_eq!(code(ask(&asking, &server.host("t"))), "ok");
        let asked = server.asked.borrow();
        assert_eq!(asked[0].1, form);
        assert_eq!(
            asked[0].2.contains("authorization"),
            header.is_some_and(|header| asked[0].2.contains(header))
        );
    }
}

#[test]
fn only_a_sound_answer_that_says_active_lets_in() {
    for (status, body, expected) in [
        (200, r#"{"active":true}"#, "ok"),
        (200, r#"{"active":false}"#, "invalid_token"),
        (200, r#"{"active":false,"sub":"u1"}"#, "invalid_token"),
        (200, r#"{"active":"true"}"#, "authorizer_unavailable"),
        (200, r#"{"active":1}"#, "authorizer_unavailable"),
        (200, r#"{"active":null}"#, "authorizer_unavailable"),
        (
            200,
            r#"{"active":false,"active":true}"#,
            "authorizer_unavailable",
        ),
        (
            200,
            r#"{"active":true,"sub":"a","sub":"b"}"#,
            "authorizer_unavailable",
        ),
        (200, r#"{"sub":"u1"}"#, "authorizer_unavailable"),
        (200, "[true]", "authorizer_unavailable"),
        (200, "true", "authorizer_unavailable"),
        (200, "", "authorizer_unavailable"),
        (200, "<html>", "authorizer_unavailable"),
        (204, "", "authorizer_unavailable"),
        (201, r#"{"active":true}"#, "authorizer_unavailable"),
        (302, r#"{"active":true}"#, "authorizer_unavailable"),
        (400, r#"{"active":true}"#, "authorizer_unavailable"),
        (401, r#"{"active":true}"#, "authorizer_unavailable"),
        (500, r#"{"active":true}"#, "authorizer_unavailable"),
    ] {
        let server = Server::new(status, body);
        let result = ask(&introspection(spec()), &server.host("t"));
        assert_eq!(code(result), expected, "{status} {body}");
    }
    let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(17_000));
    let server = Server::new(200, &long);
    let denied = ask(&introspection(spec()), &server.host("t")).unwrap_err();
    assert_eq!(
        (denied.status(), denied.code()),
        (503, "authorizer_unavailable")
    );
    for (takes_ms, error) in [
        (6_000, SendError::Unreachable(String::new())),
        (0, SendError::TimedOut),
        (0, SendError::Unreachable("refused".into())),
    ] {
        server.fails(takes_ms, error);
        let host = server.host("t");
        let denied = ask(&introspection(spec()), &host).unwrap_err();
        assert_eq!(denied.status(), 503);
    }
}

#[test]
fn what_is_expected_is_compared_with_what_the_server_says() {
    let good = json!({
        "active": true, "iss": ISSUER, "aud": ["a", "b"], "sub": "u1", "exp": NOW + 60, "client_id": "c",
    });
    let strict = || IntrospectionSpec {
        issuers: vec![ISSUER.into()],
        audiences: vec!["b".into()],
        subject: Some("u1".into()),
        require_exp: true,
        required_claims: vec!["client_id".into()],
        ..spec()
    };
    let refused = "ERR_JWT_CLAIM_VALIDATION_FAILED";
    for (name, value, expected) in [
        ("x", json!(1), "ok"),
        ("iss", json!("https://other.test"), refused),
        ("iss", json!(null), refused),
        ("aud", json!("a"), refused),
        ("aud", json!("b"), "ok"),
        ("sub", json!("u2"), refused),
        ("client_id", json!(null), refused),
        ("exp", json!(NOW), "ERR_JWT_EXPIRED"),
        ("exp", json!("soon"), refused),
        ("nbf", json!(NOW + 60), refused),
    ] {
        let mut told = good.clone();
        told[name] = value.clone();
        let server = Server::new(200, &told.to_string());
        let result = ask(&introspection(strict()), &server.host("t"));
        assert_eq!(code(result), expected, "{name} {value}");
    }
}

#[test]
fn an_answer_counts_for_its_time_and_never_past_the_tokens_own() {
    let server = Server::new(200, r#"{"active":true}"#);
    let asking = introspection(spec());
    let host = server.host("t");
    for (passes, count) in [(0, 1), (59_000, 1), (1_000, 2), (0, 2)] {
        host.pass(passes);
        assert_eq!(code(ask(&asking, &host)), "ok");
        assert_eq!(server.count(), count, "after {passes}");
    }
    assert_eq!(code(ask(&asking, &server.host("other"))), "ok");
    assert_eq!(server.count(), 3, "another token is another question");

    server.answers(200, &json!({ "active": true, "exp": NOW + 5 }).to_string());
    let host = server.host("short");
    assert_eq!(code(ask(&asking, &host)), "ok");
    host.pass(4_000);
    assert_eq!(code(ask(&asking, &host)), "ok");
    assert_eq!(server.count(), 4);
    host.pass(2_000);
    server.answers(200, r#"{"active":false}"#);
    assert_eq!(code(ask(&asking, &host)), "invalid_token");
    assert_eq!(server.count(), 5);
}

#[test]
fn a_refusal_and_a_failure_count_for_a_moment() {
    let server = Server::new(200, r#"{"active":false}"#);
    let asking = introspection(spec());
    let host = server.host("t");
    for _ in 0..3 {
        assert_eq!(code(ask(&asking, &host)), "invalid_token");
    }
    assert_eq!(server.count(), 1);
    host.pass(10_000);
    server.answers(500, "");
    for _ in 0..3 {
        assert_eq!(code(ask(&asking, &host)), "authorizer_unavailable");
    }
    assert_eq!(server.count(), 2);
    host.pass(1_000);
    server.answers(200, r#"{"active":true}"#);
    assert_eq!(code(ask(&asking, &host)), "ok");
    // A flood of made-up tokens leaves the good one in its place.
    server.answers(200, r#"{"active":false}"#);
    for number in 0..3_000 {
        let host = server.host(&format!("junk{number}"));
        assert_eq!(code(ask(&asking, &host)), "invalid_token");
    }
    let asked = server.count();
    assert_eq!(code(ask(&asking, &host)), "ok");
    assert_eq!(server.count(), asked);
}

#[test]
fn without_a_cache_each_request_asks() {
    let server = Server::new(200, r#"{"active":true}"#);
    let asking = introspection(IntrospectionSpec {
        cache_seconds: 0,
        ..spec()
    });
    for count in 1..4 {
        assert_eq!(code(ask(&asking, &server.host("t"))), "ok");
        assert_eq!(server.count(), count);
    }
}

#[test]
fn a_token_that_is_none_or_too_long_is_not_asked_about() {
    let server = Server::new(200, r#"{"active":true}"#);
    let asking = introspection(spec());
    let long = "x".repeat(16 * 1024 + 1);
    for (token, expected) in [
        ("", "AUTH_ERROR"),
        ("a b", "AUTH_ERROR"),
        ("a,b", "AUTH_ERROR"),
        (long.as_str(), "invalid_token"),
    ] {
        assert_eq!(code(ask(&asking, &server.host(token))), expected);
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn the_issuers_document_tells_where_to_ask() {
    let asked: Rc<RefCell<Vec<String>>> = Rc::default();
    let document: Rc<RefCell<Option<String>>> = Rc::default();
    let host = |token: &str| {
        let (asked, document) = (Rc::clone(&asked), Rc::clone(&document));
        let credentials = format!("Bearer {token}");
        MemoryHost::new(NOW * 1000, &[("authorization", &credentials)]).with_teller(move |ask| {
            asked.borrow_mut().push(ask.url.to_owned());
            let body = match ask.url.ends_with("/openid-configuration") {
                true => document.borrow().clone(),
                false => Some(json!({ "active": true, "iss": ISSUER }).to_string()),
            };
            let told = body.map(|body| Told {
                status: 200,
                fields: Vec::new(),
                body,
            });
            (5, told.ok_or(SendError::TimedOut))
        })
    };
    let discovering = || {
        introspection(IntrospectionSpec {
            endpoint: IntrospectionEndpoint::Discovery,
            issuers: vec![ISSUER.into()],
            ..spec()
        })
    };
    for bad in [
        json!({ "issuer": "https://other.test", "introspection_endpoint": SERVER }),
        json!({ "issuer": ISSUER }),
        json!({ "issuer": ISSUER, "introspection_endpoint": "http://login.test/introspect" }),
        json!({ "issuer": ISSUER, "introspection_endpoint": "http://127.0.0.1/introspect" }),
        json!([]),
    ] {
        *document.borrow_mut() = Some(bad.to_string());
        let result = ask(&discovering(), &host("t"));
        assert_eq!(code(result), "authorizer_unavailable", "{bad}");
    }
    let asking = discovering();
    let good = json!({ "issuer": ISSUER, "introspection_endpoint": SERVER });
    *document.borrow_mut() = Some(good.to_string());
    asked.borrow_mut().clear();
    let first = host("t");
    assert_eq!(code(ask(&asking, &first)), "ok");
    assert_eq!(code(ask(&asking, &host("u"))), "ok");
    assert_eq!(asked.borrow().len(), 3, "one document for both");
    // The document is gone, the endpoint is not.
    *document.borrow_mut() = None;
    first.pass(3_600_000);
    assert_eq!(code(ask(&asking, &first)), "ok");
}

#[test]
fn what_cannot_be_asked_safely_is_a_fault() {
    let fault = |spec: IntrospectionSpec| {
        let kind = AuthorizerKind::Introspection(Box::new(spec));
        Authorizer::new(kind).err().map(|fault| fault.code)
    };
    let at = |url: &str| IntrospectionSpec {
        endpoint: IntrospectionEndpoint::Url(url.into()),
        ..spec()
    };
    let client = |id: &str, secret: &str| IntrospectionSpec {
        client: ClientAuth::Basic {
            id: id.into(),
            secret: secret.into(),
        },
        ..spec()
    };
    for (spec, code) in [
        (spec(), None),
        (at("http://127.0.0.1:9/introspect"), None),
        (at("http://login.test/introspect"), Some("insecure_url")),
        (at("login.test"), Some("bad_url")),
        (client("", "x"), Some("bad_credentials")),
        (client("x", ""), Some("bad_credentials")),
        (client("x", "a\nb"), Some("bad_credentials")),
        (
            IntrospectionSpec {
                audiences: vec![Text::from("")],
                ..spec()
            },
            Some("jwt_empty_value"),
        ),
    ] {
        assert_eq!(fault(spec).as_deref(), code);
    }
}
