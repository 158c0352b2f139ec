//! What a browser may bring to a login. The first byte says what the rest is: a path to go on to, or the cookies of a
//! request.

use std::borrow::Cow;

use causeway::auth::{Authorizer, Effects, Presented, own_path};
use causeway::exchange::Request;
use causeway::host::memory::{MemoryHost, run};
use causeway::plan::{AuthorizerKind, OidcSpec, Text};
use url::Url;

pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    match mode % 2 {
        0 => stays(&text),
        _ => nobody(&text),
    }
}

/// A browser that is sent to a path stays at the origin that sends it.
fn stays(target: &str) {
    let (Some(path), Ok(own)) = (own_path(target), Url::parse("https://gateway.test/a/b")) else {
        return;
    };
    let reached = own.join(path).map(|url| url.origin());
    assert_eq!(reached, Ok(own.origin()), "{target:?}");
}

/// No cookie that was not sealed here is a session.
fn nobody(cookies: &str) {
    let cookies: Cow<'_, str> = cookies.replace(['\r', '\n', '\0'], " ").into();
    let spec = OidcSpec {
        issuer: Text::Literal("https://login.test".into()),
        client_id: Text::Literal("web".into()),
        client_secret: None,
        scope: "openid".into(),
        parameters: Vec::new(),
        audience: None,
        redirect_path: "/auth/callback".into(),
        after_logout: "/".into(),
        keys: vec![Text::Literal("a session key of the fuzzer's own".into())],
        max_age: 3600,
        idle: None,
        cookie: "__Host-causeway".into(),
        forwards: false,
    };
    let Ok(authorizer) = Authorizer::new(AuthorizerKind::Oidc(Box::new(spec))) else {
        return;
    };
    let host = MemoryHost::new(1_800_000_000_000, &[("cookie", &cookies)]);
    let Some(request) = Request::new("GET", "https://gateway.test/") else {
        return;
    };
    let known = run(authorizer.authenticate(&Presented {
        host: &host,
        request,
        path: "/",
        query: None,
        effects: &Effects::default(),
    }));
    assert!(known.is_err(), "{cookies}");
}
