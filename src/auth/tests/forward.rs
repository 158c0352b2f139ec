//! Requests that somebody else decides about, in virtual time.

use std::cell::RefCell;
use std::rc::Rc;

use crate::auth::{Claims, Denied, ForwardAuth, Presented};
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};
use crate::host::{SendError, Told};
use crate::plan::{AnsweredClaims, ForwardAuthSpec, RequestPart};

const NOW: u64 = 1_800_000_000;

#[derive(Clone)]
struct Other {
    answer: Rc<RefCell<(u64, Result<Told, SendError>)>>,
    asked: Rc<RefCell<Vec<String>>>,
}

impl Other {
    fn new(status: u16, fields: &[(&str, &str)], body: &str) -> Other {
        let told = Told {
            status,
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.to_owned(),
        };
        Other {
            answer: Rc::new(RefCell::new((1, Ok(told)))),
            asked: Rc::default(),
        }
    }

    fn host(&self, headers: &[(&str, &str)]) -> MemoryHost {
        let it = self.clone();
        MemoryHost::new(NOW * 1000, headers).with_teller(move |ask| {
            let body = ask.body.unwrap_or("no body");
            let binding = ask.binding.unwrap_or("no binding");
            it.asked.borrow_mut().push(format!(
                "{} {} {binding} {body}\n{}",
                ask.method,
                ask.url,
                ask.fields.as_str()
            ));
            it.answer.borrow().clone()
        })
    }

    fn count(&self) -> usize {
        self.asked.borrow().len()
    }
}

fn spec() -> ForwardAuthSpec {
    ForwardAuthSpec {
        url: "https://decides.test/ask".into(),
        binding: None,
        request_headers: vec!["authorization".into()],
        max_body: None,
        copy_headers: Vec::new(),
        claims: AnsweredClaims::None,
        refusal_headers: vec!["www-authenticate".into()],
        refusal_body: false,
        redirects: false,
        timeout_ms: 5_000,
        cache_seconds: 0,
        cache_by: vec![RequestPart::Method, RequestPart::Path],
    }
}

fn forward(spec: ForwardAuthSpec) -> ForwardAuth {
    ForwardAuth::new(spec).ok().unwrap()
}

fn ask_at(
    forward: &ForwardAuth,
    host: &MemoryHost,
    method: &str,
    path: &str,
) -> Result<Claims, Denied> {
    run(forward.authenticate(&Presented {
        host,
        request: Request::new(method, "https://api.test/").unwrap(),
        path,
        query: Some("a=1&b"),
        effects: Box::leak(Box::default()),
    }))
}

fn ask(forward: &ForwardAuth, host: &MemoryHost) -> Result<Claims, Denied> {
    ask_at(forward, host, "PUT", "/orders/1")
}

#[test]
fn the_other_is_told_of_the_request_and_shown_what_is_named() {
    let other = Other::new(200, &[], "");
    let headers = [
        ("Authorization", "Bearer x"),
        ("Cookie", "session=1"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/public"),
        ("Cf-Connecting-Ip", "192.0.2.1"),
        ("Content-Type", "text/plain"),
    ];
    let host = other.host(&headers).with_body(b"the body");
    assert!(ask(&forward(spec()), &host).is_ok());
    let told = "=authorization\nBearer x\n=x-forwarded-method\nPUT\n=x-forwarded-proto\nhttps\n\
                =x-forwarded-host\napi.test\n=x-forwarded-uri\n/orders/1?a=1&b\n=x-forwarded-for\n192.0.2.1\n";
    assert_eq!(
        other.asked.borrow()[0],
        format!("GET https://decides.test/ask no binding no body\n{told}")
    );
    let shown = forward(ForwardAuthSpec {
        binding: Some("AUTH".into()),
        max_body: Some(8),
        request_headers: Vec::new(),
        ..spec()
    });
    assert!(ask(&shown, &host).is_ok());
    let asked = other.asked.borrow()[1].clone();
    assert!(
        asked.starts_with("POST https://decides.test/ask AUTH the body\n"),
        "{asked}"
    );
    assert!(asked.contains("=content-type\ntext/plain\n"), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[test]
fn a_body_that_is_too_long_or_no_text_lets_nobody_in() {
    let other = Other::new(200, &[], "");
    let reading = forward(ForwardAuthSpec {
        max_body: Some(4),
        ..spec()
    });
    for (body, status, code) in [
        (&b"12345"[..], 413, "body_too_large"),
        (b"\xff", 400, "body_unreadable"),
    ] {
        let denied = ask(&reading, &other.host(&[]).with_body(body)).unwrap_err();
        assert_eq!((denied.status(), denied.code()), (status, code));
    }
    assert_eq!(other.count(), 0);
}

#[test]
fn what_the_answer_decides() {
    let location = [("location", "https://login.test/")];
    for (status, redirects, fields, expected) in [
        (200, false, &[][..], None),
        (204, false, &[], None),
        (299, false, &[], None),
        (401, false, &[], Some(401)),
        (403, false, &[], Some(403)),
        (302, false, &location, Some(503)),
        (302, true, &location, Some(302)),
        (307, true, &location, Some(307)),
        (302, true, &[], Some(503)),
        (304, true, &location, Some(503)),
        (300, true, &location, Some(503)),
        (101, true, &[], Some(503)),
        (400, false, &[], Some(503)),
        (404, false, &[], Some(503)),
        (429, false, &[], Some(503)),
        (500, false, &[], Some(503)),
        (0, false, &[], Some(503)),
    ] {
        let other = Other::new(status, fields, "");
        let asking = forward(ForwardAuthSpec {
            redirects,
            ..spec()
        });
        let result = ask(&asking, &other.host(&[]));
        let refused = result.err().map(|denied| denied.status());
        assert_eq!(refused, expected, "{status} {redirects}");
    }
    let other = Other::new(200, &[], "");
    for answer in [
        (6_000, Err(SendError::Unreachable(String::new()))),
        (0, Err(SendError::Unreachable("refused".into()))),
    ] {
        *other.answer.borrow_mut() = answer;
        let denied = ask(&forward(spec()), &other.host(&[])).unwrap_err();
        assert_eq!(
            (denied.status(), denied.code()),
            (503, "authorizer_unavailable")
        );
    }
    let long = Other::new(200, &[], &"x".repeat(65 * 1024));
    let denied = ask(&forward(spec()), &long.host(&[])).unwrap_err();
    assert_eq!(denied.status(), 503);
}

#[test]
fn of_a_refusal_the_client_gets_what_is_listed() {
    let fields = [
        ("www-authenticate", "Session realm=\"x\""),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-internal", "hidden"),
        ("content-type", "text/html"),
    ];
    let other = Other::new(401, &fields, "<p>no</p>");
    let passed = |spec: ForwardAuthSpec| {
        let denied = ask(&forward(spec), &other.host(&[])).unwrap_err();
        *denied.passed.unwrap()
    };
    let least = passed(spec());
    assert_eq!(least.challenge.as_deref(), Some("Session realm=\"x\""));
    assert_eq!((least.fields, least.body), (Vec::new(), None));
    let nothing = passed(ForwardAuthSpec {
        refusal_headers: Vec::new(),
        ..spec()
    });
    assert_eq!(nothing.challenge, None);
    let more = passed(ForwardAuthSpec {
        refusal_headers: vec!["set-cookie".into(), "location".into()],
        refusal_body: true,
        ..spec()
    });
    let cookie = |value: &str| ("set-cookie".to_owned(), value.to_owned());
    assert_eq!(more.fields, [cookie("a=1"), cookie("b=2")]);
    assert_eq!(
        more.body,
        Some((Some("text/html".into()), "<p>no</p>".into()))
    );
}

#[test]
fn claims_and_fields_come_from_the_answer() {
    let fields = [("x-user", "u1"), ("x-empty", ""), ("x-group", "staff")];
    let other = Other::new(200, &fields, r#"{"sub":"u2","scope":"read"}"#);
    let ask_with = |claims: AnsweredClaims| {
        let copy_headers = vec!["x-user".into(), "x-absent".into()];
        let asking = forward(ForwardAuthSpec {
            claims,
            copy_headers,
            ..spec()
        });
        ask(&asking, &other.host(&[])).unwrap()
    };
    let none = ask_with(AnsweredClaims::None);
    assert_eq!(none.to_json(), "{}");
    assert_eq!(none.fields().map(|f| f.as_str()), Some("=x-user\nu1\n"));
    let body = ask_with(AnsweredClaims::Body);
    assert_eq!(body.to_json(), r#"{"sub":"u2","scope":"read"}"#);
    let named = [("sub", "x-user"), ("e", "x-empty"), ("groups", "x-group")];
    let named = named.map(|(claim, header)| (claim.into(), header.into()));
    let headers = ask_with(AnsweredClaims::Headers(named.to_vec()));
    assert_eq!(headers.to_json(), r#"{"groups":"staff","sub":"u1"}"#);
    let long = format!(r#"{{"sub":"{}"}}"#, "x".repeat(17_000));
    for body in ["", "[]", "null", "{\"a\":1,\"a\":2}", "<html>", &long] {
        let other = Other::new(200, &[], body);
        let asking = forward(ForwardAuthSpec {
            claims: AnsweredClaims::Body,
            ..spec()
        });
        let denied = ask(&asking, &other.host(&[])).unwrap_err();
        assert_eq!(denied.code(), "authorizer_unavailable");
    }
}

#[test]
fn only_a_good_answer_is_remembered_for_the_same_request() {
    let other = Other::new(200, &[], "");
    let asking = forward(ForwardAuthSpec {
        cache_seconds: 30,
        ..spec()
    });
    let ann = other.host(&[("authorization", "ann")]);
    let bob = other.host(&[("authorization", "bob")]);
    for (host, method, path, count) in [
        (&ann, "GET", "/a", 1),
        (&ann, "GET", "/a", 1),
        (&bob, "GET", "/a", 2),
        (&ann, "PUT", "/a", 3),
        (&ann, "GET", "/b", 4),
        (&ann, "GET", "/a", 4),
    ] {
        assert!(ask_at(&asking, host, method, path).is_ok());
        assert_eq!(other.count(), count, "{method} {path}");
    }
    ann.pass(30_000);
    let refusing = Other::new(401, &[], "");
    *other.answer.borrow_mut() = refusing.answer.borrow().clone();
    for count in 5..8 {
        assert!(ask_at(&asking, &ann, "GET", "/a").is_err());
        assert_eq!(other.count(), count, "a refusal is not remembered");
    }
}

#[test]
fn who_cannot_be_asked_safely_is_a_fault() {
    for (url, binding, code) in [
        ("https://decides.test", None, None),
        ("http://127.0.0.1:9", None, None),
        ("http://decides.test", None, Some("insecure_url")),
        ("http://decides.test", Some("AUTH"), None),
        ("decides.test", Some("AUTH"), Some("bad_url")),
    ] {
        let fault = ForwardAuth::new(ForwardAuthSpec {
            url: url.into(),
            binding: binding.map(str::to_owned),
            ..spec()
        });
        assert_eq!(fault.err().map(|f| f.code).as_deref(), code, "{url}");
    }
}
