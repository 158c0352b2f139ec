//! An Auth0 tenant: its tokens, and the predecessor's integrations around its logins.

use super::*;
use peers::Answer;

/// The predecessor's own form of a config.
fn tenant(domain: &str, change: impl FnOnce(&mut Value)) -> Setup {
    let upstream = Upstream::start();
    let at = |kind: &str| json!({ "type": kind });
    let mut config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "serviceBindings": [{ "alias": "people", "binding": "PEOPLE" }],
        "authorizer": {
            "type": "auth0", "domain": domain, "client_id": "web", "client_secret": "$secret.WEB_SECRET",
            "redirect_uri": "http://localhost/auth/callback", "scope": "openid email",
        },
        "paths": [
            { "method": "GET", "path": "/auth/login", "auth": false, "integration": at("auth0_callback_redirect") },
            { "method": "GET", "path": "/auth/callback", "auth": false, "integration": at("auth0_callback") },
            { "method": "GET", "path": "/auth/userinfo", "auth": false, "integration": at("auth0_userinfo") },
            { "method": "POST", "path": "/auth/refresh", "auth": false, "integration": at("auth0_refresh") },
            {
                "method": "GET", "path": "/me", "auth": true, "integration": { "type": "http", "server": "up" },
                "mapping": { "headers": { "X-Email": "$request.jwt.email" } },
            },
        ],
    });
    change(&mut config);
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    let people = "import { WorkerEntrypoint } from 'cloudflare:workers';
export default class extends WorkerEntrypoint {
  known(request, env, context) { return true; }
  greeted(request, env, context) { return { data: JSON.parse(context).jwt.email }; }
}";
    let options = support::options()
        .text("WEB_SECRET", WEB_SECRET)
        .service("PEOPLE", people, None);
    Setup {
        gateway: support::gateway(config, options),
        upstream,
    }
}

fn tokens(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

fn log_in(browser: &mut Browser<'_>) -> Value {
    let callback = browser.until(&format!("{ORIGIN}/auth/login"), "/auth/callback");
    tokens(&browser.go(&callback))
}

#[test]
fn a_login_ends_in_the_tenants_tokens_of_which_the_id_token_is_a_way_in() {
    let provider = Oidc::auth0();
    let Setup { gateway, upstream } = tenant(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    let to = location(&browser.go(&format!("{ORIGIN}/auth/login")), ORIGIN);
    assert!(
        to.starts_with(&format!("{}/authorize?", provider.issuer())),
        "{to}"
    );
    assert_eq!(
        parameter(&to, "redirect_uri"),
        "http://localhost/auth/callback"
    );
    assert_eq!(parameter(&to, "code_challenge_method"), "S256");
    let callback = browser.until(&to, "/auth/callback");
    let waiting = browser.cookies.clone();
    let granted = tokens(&browser.go(&callback));
    assert_eq!(browser.cookie(), "", "nothing is kept");
    for member in ["access_token", "id_token", "refresh_token", "expires_in"] {
        assert!(!granted[member].is_null(), "{member}");
    }
    let me = |token: &str| {
        let bearer = format!("Bearer {token}");
        gateway.send(&Request::get("/me").header("Authorization", &bearer))
    };
    assert_eq!(me(granted["id_token"].as_str().unwrap()).status, 200);
    assert_eq!(
        support::arrived(&upstream.last(), "x-email"),
        ["alice@example.test"]
    );
    assert_problem(
        &me(granted["access_token"].as_str().unwrap()),
        401,
        "ERR_JWS_INVALID",
    );
    assert_problem(&gateway.get("/me"), 401, "AUTH_ERROR");
    // For another audience, or by another algorithm than the tenant's.
    let foreign = provider.access_token("https://other.test", "RS256");
    assert_problem(&me(&foreign), 401, "ERR_JWT_CLAIM_VALIDATION_FAILED");
    let other = provider.access_token("https://other.test", "ES256");
    assert_problem(&me(&other), 401, "ERR_JWS_INVALID");

    // Once, and only in the browser that began.
    browser.cookies = waiting;
    assert_problem(&browser.go(&callback), 400, "login_state_invalid");
    let stray = Request::get("/auth/callback?code=x").header("Host", "localhost");
    assert_problem(&gateway.send(&stray), 400, "login_state_invalid");
}

#[test]
fn the_audience_of_the_config_counts_and_is_asked_for() {
    let provider = Oidc::auth0();
    let Setup {
        gateway,
        upstream: _upstream,
    } = tenant(&provider.issuer(), |config| {
        config["authorizer"]["audience"] = "https://api.test".into();
    });
    let me = |audience: &str| {
        let token = provider.access_token(audience, "RS256");
        let bearer = format!("Bearer {token}");
        gateway
            .send(&Request::get("/me").header("Authorization", &bearer))
            .status
    };
    assert_eq!(me("https://api.test"), 200);
    assert_eq!(me("https://other.test"), 401);
    let login = Request::get("/auth/login").header("Host", "localhost");
    let to = location(&gateway.send(&login), ORIGIN);
    assert_eq!(parameter(&to, "audience"), "https://api.test");
}

#[test]
fn userinfo_is_asked_with_the_callers_own_token() {
    let provider = Oidc::auth0();
    let Setup {
        gateway,
        upstream: _upstream,
    } = tenant(&provider.issuer(), |_| {});
    let granted = log_in(&mut Browser::new(&gateway, &provider, "alice"));
    let token = granted["access_token"].as_str().unwrap();
    for (name, value) in [
        ("X-Access-Token", token.to_owned()),
        ("Authorization", format!("Bearer {token}")),
    ] {
        let answer = gateway.send(&Request::get("/auth/userinfo").header(name, &value));
        assert_eq!(tokens(&answer)["email"], "alice@example.test");
    }
    let missing = gateway.get("/auth/userinfo");
    assert_problem(&missing, 401, "missing_access_token");
    assert!(missing.header("www-authenticate").is_some());
    let wrong = gateway.send(&Request::get("/auth/userinfo").header("X-Access-Token", "wrong"));
    assert_problem(&wrong, 401, "AUTH0_UPSTREAM_ERROR");
}

#[test]
fn tokens_are_refreshed_when_the_time_has_come() {
    let provider = Oidc::auth0();
    let Setup {
        gateway,
        upstream: _upstream,
    } = tenant(&provider.issuer(), |_| {});
    let granted = log_in(&mut Browser::new(&gateway, &provider, "alice"));
    let refresh = granted["refresh_token"].as_str().unwrap();
    let request = || Request::new("POST", "/auth/refresh");
    assert_problem(&gateway.send(&request()), 400, "missing_refresh_token");
    let empty = gateway.send(&request().body("{\"refresh_token\":\"\"}"));
    assert_problem(&empty, 400, "missing_refresh_token");
    // One that is still good needs no other.
    let good = format!("Bearer {}", granted["id_token"].as_str().unwrap());
    let early = request()
        .header("Authorization", &good)
        .header("X-Refresh-Token", refresh);
    assert_eq!(tokens(&gateway.send(&early))["code"], "token_still_valid");
    let second = tokens(&gateway.send(&request().header("X-Refresh-Token", refresh)));
    assert_ne!(second["access_token"], granted["access_token"]);
    let body = json!({ "refresh_token": second["refresh_token"] }).to_string();
    let third = tokens(&gateway.send(&request().body(body)));
    assert_ne!(third["access_token"], second["access_token"]);
    let used = gateway.send(&request().header("X-Refresh-Token", refresh));
    assert_problem(&used, 400, "AUTH0_UPSTREAM_ERROR");
    assert!(!used.text().contains("invalid_grant"), "{}", used.text());
    provider.set("failing", "503");
    let failing = gateway.send(&request().header("X-Refresh-Token", "x"));
    assert_problem(&failing, 503, "AUTH0_UPSTREAM_ERROR");
}

#[test]
fn a_function_may_answer_in_place_of_the_tokens() {
    let provider = Oidc::auth0();
    for (function, told) in [("known", "access_token"), ("greeted", "data")] {
        let Setup {
            gateway,
            upstream: _upstream,
        } = tenant(&provider.issuer(), |config| {
            config["paths"][1]["integration"]["post_process"] =
                json!({ "binding": "people", "function": function });
        });
        let mut browser = Browser::new(&gateway, &provider, "alice");
        let callback = browser.until(&format!("{ORIGIN}/auth/login"), "/auth/callback");
        let answer = browser.go(&callback).json();
        assert!(!answer[told].is_null(), "{answer}");
        if told == "data" {
            // The envelope of any function's object.
            assert_eq!(answer[told]["data"], "alice@example.test");
        }
    }
}

#[test]
fn a_tenant_that_does_not_answer_is_told_apart() {
    let Setup {
        gateway,
        upstream: _upstream,
    } = tenant("http://127.0.0.1:1", |_| {});
    let refresh = Request::new("POST", "/auth/refresh").header("X-Refresh-Token", "x");
    assert_problem(&gateway.send(&refresh), 502, "AUTH0_NETWORK_ERROR");
    let userinfo = Request::get("/auth/userinfo").header("X-Access-Token", "x");
    assert_problem(&gateway.send(&userinfo), 502, "AUTH0_NETWORK_ERROR");
    let me = Request::get("/me").header("Authorization", &support::tokens::bearer(json!({})));
    assert_problem(&gateway.send(&me), 401, "ERR_JWS_INVALID");
}
