//! Tokens that an authorization server is asked about: a certified one, and one that misbehaves.

use std::thread;

use peers::{Oidc, Options};
use serde_json::{Value, json};

use super::*;
use support::gateway as start;

const AUDIENCE: &str = "https://api.test";

/// A gateway with one path for each authorizer of type `introspection`.
fn asking(authorizers: Value) -> Gateway {
    let mut config = json!({ "authorizers": {}, "paths": [] });
    for (name, authorizer) in authorizers.as_object().unwrap() {
        let mut authorizer = authorizer.clone();
        authorizer["type"] = "introspection".into();
        config["authorizers"][name] = authorizer;
        let paths = config["paths"].as_array_mut().unwrap();
        paths.push(json!({ "method": "GET", "path": format!("/{name}"), "auth": name, "response": { "ok": true } }));
        paths.push(json!({
            "method": "GET", "path": format!("/{name}/write"), "auth": name, "response": { "ok": true },
            "require": { "scopes": ["write"] },
        }));
    }
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    start(config, Options::default().text("SECRET", "machine-secret"))
}

#[test]
fn a_certified_provider_is_asked_about_opaque_tokens() {
    let provider = Oidc::start();
    let endpoint = format!("{}/token/introspection", provider.issuer());
    let machine = json!({ "client_id": "machine", "client_secret": "$secret.SECRET" });
    let with = |more: Value| {
        let mut all = machine.clone();
        let more = more.as_object().unwrap().clone();
        all.as_object_mut().unwrap().extend(more);
        all
    };
    let gateway = asking(json!({
        "basic": with(json!({ "issuer": provider.issuer(), "discovery": true, "audience": AUDIENCE })),
        "post": {
            "endpoint": endpoint, "client_id": "poster", "client_secret": "poster's secret", "client_auth": "post",
        },
        "stranger": { "endpoint": endpoint, "client_id": "machine", "client_secret": "another" },
        "elsewhere": with(json!({ "endpoint": endpoint, "audience": "https://other.test" })),
        "always": with(json!({ "endpoint": endpoint, "cache_seconds": 0 })),
        "needs": with(json!({ "endpoint": endpoint, "required_claims": ["email"] })),
    }));
    let ask = |target: &str, token: &str| outcome(&with_token(&gateway, target, token));
    let token = provider.opaque_token(AUDIENCE);
    assert!(!token.contains('.'), "{token} is opaque");
    for _ in 0..20 {
        assert_eq!(ask("/basic", &token), "200");
    }
    assert_eq!(provider.asked("/token/introspection"), 1);
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 1);
    assert_eq!(ask("/post", &token), "200");
    assert_eq!(ask("/always", &token), "200");
    assert_eq!(ask("/basic/write", &token), "403 insufficient_scope");
    assert_eq!(
        ask("/elsewhere", &token),
        "401 ERR_JWT_CLAIM_VALIDATION_FAILED"
    );
    assert_eq!(ask("/needs", &token), "401 ERR_JWT_CLAIM_VALIDATION_FAILED");
    assert_eq!(ask("/stranger", &token), "503 authorizer_unavailable");
    assert!(
        gateway.logs("own credentials are refused"),
        "{}",
        gateway.log()
    );

    let refused = with_token(&gateway, "/basic", "made-up");
    support::assert_problem(&refused, 401, "invalid_token");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(r#"error="invalid_token""#),
        "{challenge}"
    );
    assert_eq!(outcome(&gateway.get("/basic")), "401 AUTH_ERROR");

    provider.revoke(&token);
    assert_eq!(ask("/always", &token), "401 invalid_token");
    // For its minute, what the provider has said counts on.
    assert_eq!(ask("/basic", &token), "200");
}

#[test]
fn a_server_is_asked_once_for_many_requests_that_come_at_once() {
    let upstream = Upstream::start();
    upstream.script(
        "/introspect",
        Script {
            status: 200,
            body: json!({ "active": true, "scope": "read write" }).to_string(),
            pause: Duration::from_millis(700),
            ..Script::default()
        },
    );
    let gateway = asking(json!({
        "one": { "endpoint": format!("{}/introspect", upstream.url()), "bearer_token": "$secret.SECRET" },
    }));
    thread::scope(|scope| {
        let asked: Vec<_> = (0..24)
            .map(|_| scope.spawn(|| outcome(&with_token(&gateway, "/one/write", "t"))))
            .collect();
        for asked in asked {
            assert_eq!(asked.join().unwrap(), "200");
        }
    });
    assert_eq!(upstream.count("/introspect"), 1);
    let asked = upstream.last();
    assert_eq!(asked.head.word(0), "POST");
    assert_eq!(
        support::arrived(&asked, "authorization"),
        ["Bearer machine-secret"]
    );
    assert_eq!(asked.body, b"token=t&token_type_hint=access_token");
}

#[test]
fn a_server_that_misbehaves_lets_nobody_in() {
    let upstream = Upstream::start();
    let active = r#"{"active":true}"#;
    let huge = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(100_000));
    let to = format!("Location: {}/good\r\n", upstream.url());
    script(&upstream, "/good", 200, "", active);
    script(&upstream, "/broken", 500, "", active);
    script(&upstream, "/junk-json", 200, "", "<html>active</html>");
    script(&upstream, "/huge", 200, "", &huge);
    script(&upstream, "/moved", 307, &to, active);
    script(&upstream, "/silent", 200, "", r#"{"sub":"u1"}"#);
    let names = [
        "broken",
        "junk-json",
        "huge",
        "moved",
        "silent",
        "close",
        "cut",
        "hold",
    ];
    let mut authorizers = json!({
        "gone": { "endpoint": "http://127.0.0.1:1/introspect", "bearer_token": "$secret.SECRET" },
        "good": { "endpoint": format!("{}/good", upstream.url()), "bearer_token": "$secret.SECRET" },
    });
    for name in names {
        authorizers[name] = json!({
            "endpoint": format!("{}/{name}", upstream.url()), "bearer_token": "$secret.SECRET", "timeout_ms": 1500,
        });
    }
    let gateway = asking(authorizers);
    for name in names.iter().chain(&["gone"]) {
        let refused = with_token(&gateway, &format!("/{name}"), "t");
        support::assert_problem(&refused, 503, "authorizer_unavailable");
        assert!(
            !refused.text().contains("introspection"),
            "{}",
            refused.text()
        );
    }
    assert_eq!(upstream.count("/good"), 0, "a redirect is not followed");
    assert!(gateway.logs("took too long"), "{}", gateway.log());
    assert_eq!(outcome(&with_token(&gateway, "/good", "t")), "200");
}

#[test]
fn a_client_that_leaves_before_the_answer_does_not_shut_out_its_token() {
    let server = Upstream::start();
    let late = Script {
        status: 200,
        lines: "Content-Type: application/json\r\n".into(),
        body: r#"{"active":true,"sub":"u1"}"#.into(),
        pause: Duration::from_millis(800),
    };
    server.script("/introspect", late);
    let gateway = asking(json!({ "a": {
        "endpoint": format!("{}/introspect", server.url()),
        "client_id": "machine", "client_secret": "$secret.SECRET",
    } }));
    let request = Request::get("/a").header("Authorization", "Bearer opaque");
    let mut leaving = gateway.connect();
    leaving.send(&request.bytes());
    thread::sleep(Duration::from_millis(200));
    leaving.reset();
    let begun = std::time::Instant::now();
    assert_eq!(gateway.send(&request).status, 200);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(server.count("/introspect"), 1);
}
