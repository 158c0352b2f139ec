//! Logins of people with browsers, end to end, with a certified OpenID provider.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod auth0;
mod browser;
mod local;
mod real;
mod refusals;
mod scripted;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::thread::sleep;
use std::time::Duration;

use peers::{Gateway, Oidc, Request, Upstream};
use serde_json::{Value, json};
use support::{assert_problem, mistakes};

use browser::{Browser, ORIGIN, location, parameter};

const KEY: &str = "a session key of the tests, long enough";
const OTHER_KEY: &str = "another session key, as long as that";
const WEB_SECRET: &str = "web-secret-that-is-as-long-as-those-of-providers";

/// A gateway with a login at `issuer`, in front of an upstream. `change` may change the authorizer.
struct Setup {
    gateway: Gateway,
    upstream: Upstream,
}

fn setup(issuer: &str, change: impl FnOnce(&mut Value)) -> Setup {
    let upstream = Upstream::start();
    let gateway = gateway(issuer, &upstream, &[KEY], change);
    Setup { gateway, upstream }
}

fn gateway(
    issuer: &str,
    upstream: &Upstream,
    keys: &[&str],
    change: impl FnOnce(&mut Value),
) -> Gateway {
    let names: Vec<String> = (0..keys.len()).map(|n| format!("$secret.KEY{n}")).collect();
    let mut authorizer = json!({
        "type": "oidc", "issuer": issuer, "client_id": "web", "client_secret": "$secret.WEB_SECRET",
        "scope": "openid email profile", "login_path": "/auth/login", "logout_path": "/auth/logout",
        "session": { "keys": names },
    });
    change(&mut authorizer);
    let integration = json!({ "type": "http", "server": "up" });
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": {
            "people": authorizer,
            "machines": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        },
        "defaults": { "auth": "people" },
        "paths": [
            { "method": "GET", "path": "/public/{.+}", "auth": false, "integration": integration },
            { "method": "GET", "path": "/both", "auth": ["machines", "people"], "response": "in" },
            {
                "method": "ANY", "path": "/{.+}", "integration": integration,
                "mapping": { "headers": { "X-Email": "$request.jwt.email" } },
            },
        ],
    });
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    let mut options = support::options().text("WEB_SECRET", WEB_SECRET);
    for (number, key) in keys.iter().enumerate() {
        options = options.text(&format!("KEY{number}"), key);
    }
    support::gateway(config, options)
}

#[test]
fn a_browser_is_sent_to_log_in_and_comes_back_to_where_it_wanted() {
    let provider = Oidc::start();
    let Setup { gateway, upstream } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");

    let first = browser.go(&format!("{ORIGIN}/page?a=1&b=%2F"));
    assert_eq!(first.status, 302, "{}", first.text());
    assert_eq!(first.header("cache-control"), Some("no-store"));
    let to = location(&first, ORIGIN);
    assert!(
        to.starts_with(&format!("{}/auth?", provider.issuer())),
        "{to}"
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", "http://localhost/auth/callback"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(parameter(&to, name), value);
    }
    assert_eq!(parameter(&to, "state").len(), 22);
    assert_eq!(parameter(&to, "nonce").len(), 22);
    assert_eq!(parameter(&to, "code_challenge").len(), 43);

    let callback = browser.until(&to, "/auth/callback");
    let back = browser.go(&callback);
    assert_eq!(back.status, 302, "{}", back.text());
    assert_eq!(back.header("location"), Some("/page?a=1&b=%2F"));
    assert_eq!(back.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(back.header("cache-control"), Some("no-store"));
    let names: Vec<&str> = browser
        .cookies
        .keys()
        .filter(|k| k.0)
        .map(|k| k.1.as_str())
        .collect();
    assert_eq!(names, ["__Host-causeway"], "the login's cookie is gone");

    browser
        .cookies
        .insert((true, "theme".into()), "dark".into());
    assert_eq!(browser.go(&format!("{ORIGIN}/page?a=1")).status, 200);
    let arrived = upstream.last();
    assert_eq!(
        support::arrived(&arrived, "x-email"),
        ["alice@example.test"]
    );
    assert_eq!(support::arrived(&arrived, "cookie"), ["theme=dark"]);
    assert_eq!(
        support::arrived(&arrived, "authorization"),
        Vec::<String>::new()
    );
    // On a path that everyone may use the browser sends its session all the same.
    assert_eq!(browser.go(&format!("{ORIGIN}/public/x")).status, 200);
    assert_eq!(support::arrived(&upstream.last(), "cookie"), ["theme=dark"]);
    assert_eq!(provider.asked("/token"), 1);
}

#[test]
fn what_is_no_browser_is_told_and_not_sent_away() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    for request in [
        Request::get("/page"),
        Request::get("/page").header("Accept", "application/json"),
        Request::get("/page")
            .header("Accept", "text/html")
            .header("Sec-Fetch-Mode", "cors"),
        Request::post("/page", "x").header("Accept", "text/html"),
    ] {
        let answer = gateway.send(&request);
        assert_problem(&answer, 401, "session_missing");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Session realm="causeway""#)
        );
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 0);
}

#[test]
fn of_two_ways_in_either_serves_and_a_bad_token_is_not_sent_to_log_in() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let page = Request::get("/both")
        .header("Host", "localhost")
        .header("Accept", "text/html");
    assert_eq!(gateway.send(&page).status, 302);
    let bearer = |token: &str| {
        page.clone()
            .header("Authorization", &format!("Bearer {token}"))
    };
    assert_eq!(
        gateway.send(&bearer(&support::token(json!({})))).status,
        200
    );
    assert_problem(&gateway.send(&bearer("x.y.z")), 401, "ERR_JWS_INVALID");
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/both");
}

#[test]
fn over_plain_http_a_browser_is_first_sent_to_where_cookies_are_kept() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let page = Request::get("/page?a=1")
        .header("Host", "app.test")
        .header("Accept", "text/html");
    let answer = gateway.send(&page);
    assert_eq!(answer.status, 302);
    assert_eq!(answer.header("location"), Some("https://app.test/page?a=1"));
    assert_eq!(answer.header("set-cookie"), None);
}

#[test]
fn the_login_path_goes_on_to_the_own_origin_alone() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    for (return_to, reached) in [
        ("%2Fpage%3Fa%3D1", "/page?a=1"),
        ("%2F%2Fevil.test", "/"),
        ("%2F%5Cevil.test", "/"),
        ("https%3A%2F%2Fevil.test", "/"),
        ("%2F%09%2Fevil.test", "/"),
        ("javascript%3Aalert(1)", "/"),
        ("", "/"),
        ("%2Fa&return_to=%2Fb", "/"),
    ] {
        let mut browser = Browser::new(&gateway, &provider, "alice");
        let login = format!("{ORIGIN}/auth/login?return_to={return_to}");
        let callback = browser.until(&login, "/auth/callback");
        let back = browser.go(&callback);
        assert_eq!(back.header("location"), Some(reached), "{return_to}");
    }
}

#[test]
fn several_tabs_log_in_at_once() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    let first = location(&browser.go(&format!("{ORIGIN}/first")), ORIGIN);
    let second = location(&browser.go(&format!("{ORIGIN}/second")), ORIGIN);
    let first = browser.until(&first, "/auth/callback");
    let second = browser.until(&second, "/auth/callback");
    assert_eq!(browser.go(&second).header("location"), Some("/second"));
    let back = browser.go(&first);
    let told = format!("{} {}", back.text(), gateway.log());
    assert_eq!(back.header("location"), Some("/first"), "{told}");
    // A browser that begins again and again does not fill its requests with cookies.
    browser
        .cookies
        .retain(|(ours, name), _| !ours || name.contains(".login-"));
    for _ in 0..12 {
        browser.go(&format!("{ORIGIN}/again"));
    }
    let open = browser.cookies.keys().filter(|(ours, _)| *ours).count();
    assert_eq!(open, 5);
}

#[test]
fn who_logs_out_is_logged_out_here_and_there() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let stolen = browser.cookie();
    let other_site = |site: &'static str| {
        move |target: &str| Request::get(target).header("Sec-Fetch-Site", site)
    };
    let logout = format!("{ORIGIN}/auth/logout");
    for site in ["cross-site", "same-site"] {
        let refused = browser.send(&logout, other_site(site));
        assert_problem(&refused, 403, "cross_site_request");
        assert_eq!(refused.header("set-cookie"), None);
    }
    assert_problem(
        &browser.send(&logout, Request::get),
        403,
        "cross_site_request",
    );
    assert_eq!(browser.fetch("GET", "/page").status, 200);

    let answer = browser.fetch("POST", "/auth/logout");
    assert_eq!(answer.status, 303, "{}", answer.text());
    let to = location(&answer, ORIGIN);
    assert!(
        to.starts_with(&format!("{}/session/end?", provider.issuer())),
        "{to}"
    );
    assert_eq!(
        parameter(&to, "post_logout_redirect_uri"),
        "http://localhost/"
    );
    assert!(parameter(&to, "id_token_hint").contains('.'));
    // Beside the answer.
    assert!(support::eventually(support::PATIENCE, || provider
        .asked("/token/revocation")
        == 1));
    assert_eq!(browser.cookie(), "");
    let page = browser.go(&to);
    assert!(
        page.text().contains("Log out"),
        "{} {}",
        page.status,
        page.text()
    );
    assert_problem(&browser.fetch("GET", "/page"), 401, "session_missing");
    // What was copied before is of no use, as far as this isolate knows.
    let copied = Request::get("/page")
        .header("Host", "localhost")
        .header("Cookie", &stolen);
    assert_problem(&gateway.send(&copied), 401, "session_expired");
    // Without a session there is nothing to end.
    let again = browser.fetch("GET", "/auth/logout");
    assert_eq!((again.status, again.header("location")), (302, Some("/")));
}

#[test]
fn an_access_token_goes_on_where_the_config_says_so() {
    let provider = Oidc::start();
    let Setup { gateway, upstream } = setup(&provider.issuer(), |authorizer| {
        authorizer["forward"] = "access_token".into();
    });
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let tokens = support::arrived(&upstream.last(), "authorization");
    let token = tokens[0].strip_prefix("Bearer ").expect("a Bearer token");
    assert_eq!(token.len(), 43, "one of the provider's");
    // The client's own is another's.
    let page = format!("{ORIGIN}/page");
    browser.send(&page, |target| {
        Request::get(target).header("Authorization", "Bearer mine")
    });
    assert_eq!(support::arrived(&upstream.last(), "authorization"), tokens);
}

#[test]
fn claims_of_any_length_are_kept_in_several_cookies() {
    let provider = Oidc::start();
    let Setup { gateway, upstream } = setup(&provider.issuer(), |_| {});
    provider.set("padding", "5000");
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let ours = browser.cookies.keys().filter(|(ours, _)| *ours);
    assert_eq!(ours.count(), 3);
    assert_eq!(
        support::arrived(&upstream.last(), "cookie"),
        Vec::<String>::new()
    );
    provider.set("padding", "11000");
    let mut other = Browser::new(&gateway, &provider, "bob");
    assert_problem(&other.visit(&format!("{ORIGIN}/page")), 502, "login_failed");
    assert!(gateway.logs("too long for a session"), "{}", gateway.log());
}
