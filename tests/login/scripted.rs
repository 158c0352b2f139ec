//! What a provider answers to a code, and what becomes of it.

use peers::upstream::Script;

use super::*;
use crate::support::issuer::{Pair, ed25519, jwks, p256, p384, rsa};
use crate::support::tokens::in_seconds;

/// A provider that answers what it is told to.
struct Scripted {
    upstream: Upstream,
    key: Pair,
}

impl Scripted {
    fn start() -> Scripted {
        let scripted = Scripted {
            upstream: Upstream::start(),
            key: rsa(),
        };
        let issuer = scripted.issuer();
        scripted.answers(
            "/.well-known/openid-configuration",
            &json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
                "authorization_response_iss_parameter_supported": true,
            }),
        );
        scripted.answers("/jwks", &jwks(&[scripted.key.jwk("k")]));
        scripted
    }

    fn issuer(&self) -> String {
        self.upstream.url()
    }

    fn answers(&self, path: &str, json: &Value) {
        let script = Script {
            status: 200,
            lines: "Content-Type: application/json\r\n".into(),
            body: json.to_string(),
            ..Script::default()
        };
        self.upstream.script(path, script);
    }
}

#[test]
fn an_id_token_must_be_of_this_login_this_client_and_this_issuer() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |_| {});
    let other = support::issuer::rsa_other();
    for (name, value, outcome) in [
        ("sub", json!("alice"), None),
        ("aud", json!(["web"]), None),
        ("azp", json!("web"), None),
        ("nonce", json!("that of an earlier login"), Some("nonce")),
        ("nonce", json!(null), Some("nonce")),
        ("aud", json!("other"), Some("aud")),
        ("aud", json!(["web", "other"]), Some("azp")),
        ("azp", json!("other"), Some("azp")),
        ("iss", json!("https://evil.test"), Some("iss")),
        ("exp", json!(in_seconds(-60)), Some("exp")),
        ("sub", json!(null), Some("sub")),
        ("kid", json!("of another key"), Some("signature")),
    ] {
        let mut browser = Browser::alone(&gateway);
        let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
        let mut claims = json!({
            "iss": issuer, "aud": "web", "sub": "alice", "nonce": parameter(&to, "nonce"),
            "iat": in_seconds(0), "exp": in_seconds(600),
        });
        claims[name] = value.clone();
        let key = if name == "kid" { &other } else { &scripted.key };
        let id_token = key.sign("RS256", Some("k"), &claims);
        scripted.answers(
            "/token",
            &json!({ "access_token": "t", "token_type": "Bearer", "id_token": id_token }),
        );
        let state = parameter(&to, "state");
        let callback = format!("{ORIGIN}/auth/callback?code=c&state={state}&iss={issuer}");
        let answer = browser.go(&callback);
        match outcome {
            None => {
                assert_eq!(answer.status, 302, "{name}={value}: {}", answer.text());
                assert_eq!(browser.fetch("GET", "/page").status, 200);
            }
            Some(reason) => {
                assert_problem(&answer, 502, "login_failed");
                assert!(gateway.logs(reason), "{name}={value}: {}", gateway.log());
                assert!(
                    !browser.cookie().contains("__Host-causeway="),
                    "{name}={value}"
                );
            }
        }
    }
}

#[test]
fn an_id_token_may_be_signed_by_any_algorithm_of_public_keys() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |_| {});
    let keys = [rsa(), p256(), p384(), ed25519()];
    let published: Vec<Value> = ["rsa", "p256", "p384", "ed"]
        .iter()
        .zip(&keys)
        .map(|(kid, key)| key.jwk(kid))
        .collect();
    scripted.answers("/jwks", &jwks(&published));
    let [rsa, p256, p384, ed25519] = &keys;
    for (alg, kid, key) in [
        ("RS256", "rsa", rsa),
        ("RS384", "rsa", rsa),
        ("RS512", "rsa", rsa),
        ("PS256", "rsa", rsa),
        ("PS384", "rsa", rsa),
        ("PS512", "rsa", rsa),
        ("ES256", "p256", p256),
        ("ES384", "p384", p384),
        ("EdDSA", "ed", ed25519),
    ] {
        let mut browser = Browser::alone(&gateway);
        let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
        let claims = json!({
            "iss": issuer, "aud": "web", "sub": "alice", "nonce": parameter(&to, "nonce"),
            "iat": in_seconds(0), "exp": in_seconds(600),
        });
        let id_token = key.sign(alg, Some(kid), &claims);
        let tokens = json!({ "access_token": "t", "token_type": "Bearer", "id_token": id_token });
        scripted.answers("/token", &tokens);
        let state = parameter(&to, "state");
        let callback = format!("{ORIGIN}/auth/callback?code=c&state={state}&iss={issuer}");
        let answer = browser.go(&callback);
        assert_eq!(answer.status, 302, "{alg}: {}", answer.text());
    }
}

#[test]
fn only_a_code_that_is_refused_is_the_browsers_fault() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |_| {});
    let error = |code: &str| json!({ "error": code }).to_string();
    for (status, body, expected, blame, reason) in [
        (
            400,
            error("invalid_grant"),
            (400, "login_state_invalid"),
            "client",
            "invalid_grant",
        ),
        (
            401,
            error("invalid_client"),
            (502, "login_failed"),
            "gateway",
            "invalid_client",
        ),
        (
            400,
            error("invalid_client"),
            (502, "login_failed"),
            "gateway",
            "invalid_client",
        ),
        (
            400,
            error("invalid_request"),
            (502, "login_failed"),
            "gateway",
            "invalid_request",
        ),
        (
            400,
            error("unauthorized_client"),
            (502, "login_failed"),
            "gateway",
            "unauthorized",
        ),
        (
            400,
            "{}".to_owned(),
            (502, "login_failed"),
            "upstream",
            "status 400",
        ),
        (
            403,
            "<html>".to_owned(),
            (502, "login_failed"),
            "upstream",
            "status 403",
        ),
        (
            404,
            String::new(),
            (502, "login_failed"),
            "upstream",
            "status 404",
        ),
        (
            302,
            String::new(),
            (502, "login_failed"),
            "upstream",
            "status 302",
        ),
        (
            200,
            "<html>".to_owned(),
            (502, "login_failed"),
            "upstream",
            "no access token",
        ),
        (
            200,
            "{}".to_owned(),
            (502, "login_failed"),
            "upstream",
            "no access token",
        ),
        (
            200,
            json!({ "access_token": "", "token_type": "Bearer" }).to_string(),
            (502, "login_failed"),
            "upstream",
            "no access token",
        ),
        (
            200,
            json!({ "access_token": "t", "token_type": "DPoP" }).to_string(),
            (502, "login_failed"),
            "upstream",
            "another type",
        ),
        (
            500,
            error("server_error"),
            (503, "authorizer_unavailable"),
            "gateway",
            "status 500",
        ),
        (
            429,
            String::new(),
            (503, "authorizer_unavailable"),
            "gateway",
            "status 429",
        ),
    ] {
        let mut browser = Browser::alone(&gateway);
        let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
        let script = Script {
            status,
            lines: "Content-Type: application/json\r\nLocation: /elsewhere\r\n".into(),
            body: body.clone(),
            ..Script::default()
        };
        scripted.upstream.script("/token", script);
        let state = parameter(&to, "state");
        let callback = format!("{ORIGIN}/auth/callback?code=c&state={state}&iss={issuer}");
        let answer = browser.go(&callback);
        assert_problem(&answer, expected.0, expected.1);
        let id = answer.json()["request_id"].as_str().unwrap().to_owned();
        assert!(gateway.logs(&id), "{}", gateway.log());
        let log = gateway.log();
        let line = log.lines().find(|line| line.contains(&id)).unwrap();
        let level = if blame == "client" { "info" } else { "error" };
        for part in [blame, level, reason] {
            assert!(line.contains(part), "{status} {body}: {line}");
        }
    }
}

#[test]
fn the_answer_of_another_issuer_is_refused() {
    let scripted = Scripted::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&scripted.issuer(), |_| {});
    for iss in ["", "&iss=https://evil.test", "&iss="] {
        let mut browser = Browser::alone(&gateway);
        let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
        let state = parameter(&to, "state");
        let answer = browser.go(&format!("{ORIGIN}/auth/callback?code=c&state={state}{iss}"));
        assert_problem(&answer, 400, "login_state_invalid");
    }
}

#[test]
fn the_provider_is_told_what_the_config_says_and_an_older_login_is_refused() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |authorizer| {
        authorizer["authorization_parameters"] =
            json!({ "prompt": "consent", "acr_values": "urn:mfa a&b", "max_age": 300 });
    });
    for (auth_time, status) in [
        (json!(in_seconds(-10)), 302),
        (json!(in_seconds(-320)), 302),
        (json!(in_seconds(-340)), 502),
        (json!(null), 502),
    ] {
        let mut browser = Browser::alone(&gateway);
        let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
        assert_eq!(parameter(&to, "prompt"), "consent");
        assert_eq!(parameter(&to, "acr_values"), "urn:mfa a&b");
        assert_eq!(parameter(&to, "max_age"), "300");
        let claims = json!({
            "iss": issuer, "aud": "web", "sub": "alice", "nonce": parameter(&to, "nonce"),
            "iat": in_seconds(0), "exp": in_seconds(600), "auth_time": auth_time,
        });
        let id_token = scripted.key.sign("RS256", Some("k"), &claims);
        let tokens = json!({ "access_token": "t", "token_type": "Bearer", "id_token": id_token });
        scripted.answers("/token", &tokens);
        let state = parameter(&to, "state");
        let callback = format!("{ORIGIN}/auth/callback?code=c&state={state}&iss={issuer}");
        let answer = browser.go(&callback);
        assert_eq!(answer.status, status, "{auth_time}: {}", answer.text());
    }
    assert!(gateway.logs("auth_time"), "{}", gateway.log());
}

#[test]
fn nobody_who_logs_out_waits_for_the_provider() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    scripted.answers(
        "/.well-known/openid-configuration",
        &json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
            "revocation_endpoint": format!("{issuer}/revoke"),
        }),
    );
    let late = Script {
        status: 200,
        pause: Duration::from_secs(3),
        ..Script::default()
    };
    scripted.upstream.script("/revoke", late);
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |_| {});
    let mut browser = Browser::alone(&gateway);
    let to = location(&browser.go(&format!("{ORIGIN}/page")), ORIGIN);
    let claims = json!({
        "iss": issuer, "aud": "web", "sub": "alice", "nonce": parameter(&to, "nonce"),
        "iat": in_seconds(0), "exp": in_seconds(600),
    });
    let id_token = scripted.key.sign("RS256", Some("k"), &claims);
    scripted.answers(
        "/token",
        &json!({ "access_token": "t", "token_type": "Bearer", "refresh_token": "r", "id_token": id_token }),
    );
    let state = parameter(&to, "state");
    let callback = format!("{ORIGIN}/auth/callback?code=c&state={state}&iss={issuer}");
    assert_eq!(browser.go(&callback).status, 302);
    let begun = std::time::Instant::now();
    assert_eq!(browser.fetch("POST", "/auth/logout").status, 303);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert!(support::eventually(support::PATIENCE, || scripted
        .upstream
        .count("/revoke")
        == 1));
}

#[test]
fn a_browser_that_leaves_while_the_provider_is_looked_up_keeps_nobody_waiting() {
    let scripted = Scripted::start();
    let issuer = scripted.issuer();
    let document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/jwks"),
    });
    let late = Script {
        status: 200,
        body: document.to_string(),
        pause: Duration::from_millis(800),
        ..Script::default()
    };
    scripted
        .upstream
        .script("/.well-known/openid-configuration", late);
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&issuer, |_| {});
    let page = Request::get("/page")
        .header("Host", "localhost")
        .header("Accept", "text/html");
    let mut leaving = gateway.connect();
    leaving.send(&page.bytes());
    sleep(Duration::from_millis(200));
    leaving.reset();
    let begun = std::time::Instant::now();
    assert_eq!(gateway.send(&page).status, 302);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}
