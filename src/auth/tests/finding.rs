//! Where a token is found.

use std::borrow::Cow;

use super::*;
use crate::auth::Found::{self, Missing, NotBearer};
use crate::auth::Presented;
use crate::exchange::Request;
use crate::host::memory::{MemoryHost, run};

fn token(text: &str) -> Found {
    Found::Token(text.to_owned())
}

fn find(
    sources: &[TokenSource],
    headers: &[(&'static str, &'static str)],
    query: Option<&str>,
) -> Found {
    let header = |name: &str| {
        let (_, value) = headers.iter().find(|(n, _)| *n == name)?;
        Some(Cow::Borrowed(*value))
    };
    let spec = JwtSpec {
        sources: sources.to_vec(),
        ..spec()
    };
    jwt(spec).find_token(&header, query)
}

/// What comes of a request with this `Authorization`.
fn authenticate(authorization: Option<&str>) -> Result<Claims, Denied> {
    let headers: Vec<(&str, &str)> = authorization
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    let host = MemoryHost::new(NOW * 1000, &headers);
    let presented = Presented {
        host: &host,
        request: Request::new("GET", "http://api.test/").unwrap(),
        path: "/",
        query: None,
        effects: Box::leak(Box::default()),
    };
    run(jwt(spec()).authenticate(&presented))
}

#[test]
fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
    let cases = [
        ("Bearer a.b.c", token("a.b.c")),
        ("bearer a.b.c", token("a.b.c")),
        ("BEARER a.b.c", token("a.b.c")),
        ("bEaReR   a.b.c  ", token("a.b.c")),
        (" Bearer a.b.c", token("a.b.c")),
        ("Bearer", NotBearer),
        ("Bearer ", NotBearer),
        ("Bearer a b", NotBearer),
        ("Bearer a, Bearer b", NotBearer),
        ("Bearer a\u{e9}", NotBearer),
        ("Bearera.b.c", NotBearer),
        ("Bearer=a.b.c", NotBearer),
        ("Basic YTpi", NotBearer),
        ("a.b.c", NotBearer),
        ("", NotBearer),
    ];
    for (value, expected) in cases {
        let found = find(&[TokenSource::Bearer], &[("authorization", value)], None);
        assert_eq!(found, expected, "{value:?}");
    }
    assert_eq!(find(&[TokenSource::Bearer], &[], None), Missing);
}

#[test]
fn a_header_is_a_token_as_a_whole() {
    let cases = [
        ("a.b.c", token("a.b.c")),
        ("  a.b.c ", token("a.b.c")),
        ("", Missing),
        ("Bearer a.b.c", NotBearer),
        ("a.b.c, d.e.f", NotBearer),
    ];
    for (value, expected) in cases {
        let found = find(
            &[TokenSource::Header("x-token".to_owned())],
            &[("x-token", value)],
            None,
        );
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn a_cookie_is_found_by_its_exact_name() {
    let cases = [
        ("t=a.b.c", token("a.b.c")),
        ("x=1; t=a.b.c; y=2", token("a.b.c")),
        ("x=1;t=a.b.c;y", token("a.b.c")),
        ("t=\"a.b.c\"", token("a.b.c")),
        ("t=a=b", token("a=b")),
        ("t=", Missing),
        ("t", Missing),
        ("T=a.b.c", Missing),
        ("xt=a.b.c; t2=a; x=t=a", Missing),
        ("t=a.b.c; t=d.e.f", NotBearer),
        ("t=a.b.c; t=a.b.c", NotBearer),
        ("t=a b", NotBearer),
        (";;=;", Missing),
        ("", Missing),
    ];
    for (value, expected) in cases {
        let found = find(
            &[TokenSource::Cookie("t".to_owned())],
            &[("cookie", value)],
            None,
        );
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn a_query_parameter_is_found_decoded() {
    let cases = [
        (Some("token=a.b.c"), token("a.b.c")),
        (Some("x=1&token=a%2Eb.c&y"), token("a.b.c")),
        (Some("%74oken=a.b.c"), token("a.b.c")),
        (Some("token=a.b.c&token=d.e.f"), NotBearer),
        (Some("token=a.b.c&%74oken=d.e.f"), NotBearer),
        (Some("token=a+b"), NotBearer),
        (Some("token=%ff"), NotBearer),
        (Some("token="), Missing),
        (Some("Token=a.b.c"), Missing),
        (Some(""), Missing),
        (None, Missing),
    ];
    for (query, expected) in cases {
        let found = find(&[TokenSource::Query("token".to_owned())], &[], query);
        assert_eq!(found, expected, "{query:?}");
    }
}

#[test]
fn the_first_place_that_has_something_decides() {
    let all = [
        TokenSource::Bearer,
        TokenSource::Header("x-token".to_owned()),
        TokenSource::Cookie("t".to_owned()),
        TokenSource::Query("q".to_owned()),
    ];
    let bearer = ("authorization", "Bearer bearer");
    let broken = ("authorization", "Bearer a b");
    let basic = ("authorization", "Basic YTpi");
    let header = ("x-token", "header");
    let cookie = ("cookie", "t=cookie");
    let query = Some("q=query");
    assert_eq!(
        find(&all, &[cookie, header, bearer], query),
        token("bearer")
    );
    assert_eq!(find(&all, &[cookie, header], query), token("header"));
    assert_eq!(find(&all, &[cookie], query), token("cookie"));
    assert_eq!(find(&all, &[], query), token("query"));
    assert_eq!(find(&all, &[broken, cookie], query), NotBearer);
    assert_eq!(find(&all, &[basic, cookie], query), token("cookie"));
    assert_eq!(find(&all, &[basic], None), NotBearer);
    assert_eq!(find(&all, &[], None), Missing);
    assert_eq!(find(&all[1..], &[bearer], None), Missing);
}

#[test]
fn a_request_without_a_bearer_token_gets_the_plain_challenge() {
    for value in [None, Some("Basic YTpi"), Some("Bearer ")] {
        let denied = authenticate(value).unwrap_err();
        assert_eq!(denied.code(), "AUTH_ERROR", "{value:?}");
    }
    let bearer = format!("Bearer {}", sign(HEADER, r#"{"sub":"s","exp":1900000000}"#));
    let claims = authenticate(Some(&bearer)).unwrap();
    assert_eq!(claims.claim("sub").as_deref(), Some("s"));
}
