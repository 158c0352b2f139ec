//! User names and passwords (RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use peers::{Options, Request, Upstream};
use serde_json::json;

use crate::support::{arrived, assert_problem};
use crate::{PASSWORD, assert_refused, protected, user};

const CHALLENGE: &str = r#"Basic realm="causeway", charset="UTF-8""#;

fn with(credentials: &str) -> Request {
    let encoded = STANDARD.encode(credentials);
    Request::get("/").header("Authorization", &format!("Basic {encoded}"))
}

#[test]
fn a_known_name_with_its_password_comes_in_and_nobody_else() {
    let upstream = Upstream::start();
    let mut referred = user("bö");
    let hash = referred["password"].as_str().expect("a hash").to_owned();
    referred["password"] = "$secret.BO".into();
    let users = json!([user("ann"), referred]);
    let authorizer = json!({ "type": "basic", "users": users });
    let options = Options::default().text("BO", &hash);
    let gateway = protected(&upstream, json!({ "a": authorizer }), options);
    for name in ["ann", "bö", "ann"] {
        let answer = gateway.send(&with(&format!("{name}:{PASSWORD}")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = upstream.last();
        assert_eq!(arrived(&last, "x-sub"), [name]);
        assert_eq!(arrived(&last, "x-scope"), ["admin"]);
        assert!(arrived(&last, "authorization").is_empty());
    }
    let served = upstream.requests().len();
    for (request, code) in [
        (Request::get("/"), "credentials_missing"),
        (
            Request::get("/").header("Authorization", "Bearer abc"),
            "credentials_missing",
        ),
        (
            Request::get("/").header("Authorization", "Basic"),
            "credentials_invalid",
        ),
        (
            Request::get("/").header("Authorization", "Basic %%%"),
            "credentials_invalid",
        ),
        (with(""), "credentials_invalid"),
        (with("ann"), "credentials_invalid"),
        (with("ann:"), "credentials_invalid"),
        (with("ann:wrong"), "credentials_invalid"),
        (with("ann:wrong"), "credentials_invalid"),
        (with("nobody:wrong"), "credentials_invalid"),
        (with(&format!("Ann:{PASSWORD}")), "credentials_invalid"),
        (with(&format!("ann:{PASSWORD} ")), "credentials_invalid"),
        (
            with(&format!("ann:{}", "x".repeat(2000))),
            "credentials_invalid",
        ),
    ] {
        assert_refused(&gateway.send(&request), CHALLENGE, code, code);
    }
    assert_eq!(upstream.requests().len(), served);
    assert!(!gateway.log().contains("horse"));
}

#[test]
fn a_hash_that_is_not_there_or_none_closes_the_path() {
    let upstream = Upstream::start();
    for value in [None, Some("a password and no hash")] {
        let users = json!([user("ann"), { "name": "bob", "password": "$secret.BOB" }]);
        let options = match value {
            Some(value) => Options::default().text("BOB", value),
            None => Options::default(),
        };
        let authorizer = json!({ "type": "basic", "users": users });
        let gateway = protected(&upstream, json!({ "a": authorizer }), options);
        let answer = gateway.send(&with(&format!("ann:{PASSWORD}")));
        assert_problem(&answer, 500, "config_error");
        assert!(gateway.logs("config_error"));
        assert!(!gateway.log().contains("a password and no hash"));
    }
}

#[test]
fn several_ways_in_are_all_told_in_the_challenge() {
    let upstream = Upstream::start();
    let authorizers = json!({
        "people": { "type": "basic", "users": [user("ann")] },
        "tokens": { "type": "jwt", "secret": "$secret.JWT" },
    });
    let options = Options::default().text("JWT", crate::support::tokens::SECRET);
    let gateway = protected(&upstream, authorizers, options);
    let both = format!(r#"{CHALLENGE}, Bearer realm="causeway""#);
    assert_refused(&gateway.get("/"), &both, "credentials_missing", "nothing");
    let wrong = gateway.send(&with("ann:wrong"));
    assert_refused(&wrong, &both, "credentials_invalid", "a wrong one");
    let token = crate::support::tokens::bearer(json!({ "sub": "u1" }));
    for request in [
        with(&format!("ann:{PASSWORD}")),
        Request::get("/").header("Authorization", &token),
    ] {
        assert_eq!(gateway.send(&request).status, 200);
    }
    // The token goes on, as it always did.
    assert_eq!(arrived(&upstream.last(), "authorization"), [token]);
}
