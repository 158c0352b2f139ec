//! What does not get in.

use super::*;

#[test]
fn an_answer_counts_once_and_only_in_the_browser_that_asked() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    let callback = browser.until(&format!("{ORIGIN}/page"), "/auth/callback");
    let waiting = browser.cookies.clone();

    // Another browser, which began a login of its own.
    let mut victim = Browser::new(&gateway, &provider, "mallory");
    victim.go(&format!("{ORIGIN}/page"));
    let refused = victim.go(&callback);
    assert_problem(&refused, 400, "login_state_invalid");
    assert!(!victim.cookie().contains("__Host-causeway="));
    // The right cookie, and another state.
    let (state, code) = (parameter(&callback, "state"), parameter(&callback, "code"));
    let other_state = format!("{}{}", &state[..8], "x".repeat(14));
    for query in [
        format!("code={code}"),
        format!("state={state}&state={state}&code={code}"),
        format!("state={other_state}&code={code}"),
        format!("state={}&code={code}", &state[..8]),
        format!("state=&code={code}"),
        "state=%00%01%02%03%04%05%06%07".to_owned(),
    ] {
        let answer = browser.go(&format!("{ORIGIN}/auth/callback?{query}"));
        assert_problem(&answer, 400, "login_state_invalid");
    }
    assert_eq!(provider.asked("/token"), 0, "nothing was exchanged");
    assert_eq!(browser.go(&callback).status, 302);
    // Once more, with everything that the browser had.
    browser.cookies = waiting;
    assert_problem(&browser.go(&callback), 400, "login_state_invalid");
    assert_eq!(provider.asked("/token"), 1);
}

#[test]
fn the_code_of_another_login_is_refused_by_its_verifier() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut alice = Browser::new(&gateway, &provider, "alice");
    let callback = alice.until(&format!("{ORIGIN}/page"), "/auth/callback");
    let mut mallory = Browser::new(&gateway, &provider, "mallory");
    let stolen = mallory.until(&format!("{ORIGIN}/page"), "/auth/callback");
    let injected = callback.replace(&parameter(&callback, "code"), &parameter(&stolen, "code"));
    assert_problem(&alice.go(&injected), 400, "login_state_invalid");
    assert!(gateway.logs("invalid_grant"), "{}", gateway.log());
}

#[test]
fn a_login_that_the_provider_refuses_says_so_and_no_more() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "nobody");
    let answer = browser.visit(&format!("{ORIGIN}/page"));
    assert_problem(&answer, 403, "login_denied");
    assert!(!answer.text().contains("script"));
    assert_eq!(browser.cookie(), "");
}

#[test]
fn a_cookie_with_any_change_is_none() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.go(&format!("{ORIGIN}/other"));
    let login = browser.cookie();
    let (_, login) = login.split_once('=').unwrap();
    browser.enter("/page");
    let session = browser.cookies[&(true, "__Host-causeway".to_owned())].clone();
    let outcome = |cookie: &str| {
        let request = Request::get("/page")
            .header("Host", "localhost")
            .header("Cookie", cookie);
        let answer = gateway.send(&request);
        match answer.status {
            200 => "200".to_owned(),
            status => format!("{status} {}", answer.json()["code"].as_str().unwrap()),
        }
    };
    assert_eq!(outcome(&format!("__Host-causeway={session}")), "200");
    let mut changed: Vec<String> = [2, 3, 40, session.len() / 2, session.len() - 1]
        .into_iter()
        .map(|at| {
            let mut bytes = session.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        })
        .collect();
    changed.push(session.replacen("1.", "2.", 1));
    changed.push(session[..session.len() - 4].to_owned());
    changed.push(format!("{session}AAAA"));
    // A login is no session, although it is sealed by the same secret.
    changed.push(format!("1.{login}"));
    changed.push(String::new());
    changed.push("1.".to_owned());
    for value in changed {
        assert_eq!(
            outcome(&format!("__Host-causeway={value}")),
            "401 session_invalid",
            "{value}"
        );
    }
    let twice = format!("__Host-causeway={session}; __Host-causeway={session}");
    assert_eq!(outcome(&twice), "401 session_invalid");
    assert_eq!(
        outcome(&format!("causeway={session}")),
        "401 session_missing"
    );
    let page = Request::get("/page")
        .header("Host", "localhost")
        .header("Accept", "text/html");
    let broken = gateway.send(&page.header("Cookie", "__Host-causeway=1.x"));
    assert_eq!(broken.status, 302, "a browser just logs in again");
}

#[test]
fn what_another_site_makes_a_browser_send_is_refused() {
    let provider = Oidc::start();
    let Setup { gateway, upstream } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let before = upstream.count("/page");
    for (method, fields, refused) in [
        ("POST", &[][..], true),
        ("POST", &[("Origin", "https://evil.test")], true),
        ("POST", &[("Origin", "null")], true),
        ("POST", &[("Sec-Fetch-Site", "cross-site")], true),
        (
            "POST",
            &[("Sec-Fetch-Site", "same-site"), ("Origin", ORIGIN)],
            true,
        ),
        ("DELETE", &[("Origin", "https://evil.test")], true),
        ("PUT", &[("Origin", "http://localhost:81")], true),
        ("POST", &[("Origin", ORIGIN)], false),
        (
            "DELETE",
            &[("Sec-Fetch-Site", "same-origin"), ("Origin", ORIGIN)],
            false,
        ),
        ("GET", &[("Sec-Fetch-Site", "cross-site")], false),
    ] {
        let answer = browser.send(&format!("{ORIGIN}/page"), |target| {
            let mut request = Request::new(method, target);
            for (name, value) in fields {
                request = request.header(name, value);
            }
            request
        });
        if refused {
            assert_problem(&answer, 403, "cross_site_request");
        } else {
            assert_eq!(answer.status, 200, "{method} {fields:?}");
        }
    }
    assert_eq!(upstream.count("/page"), before + 3);
    // A page of another site can open a WebSocket, and read what comes.
    let answer = browser.send(&format!("{ORIGIN}/page"), |target| {
        Request::get(target)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Origin", "https://evil.test")
    });
    assert_problem(&answer, 403, "cross_site_request");
}

#[test]
fn a_provider_that_does_not_answer_lets_nobody_in_and_nobody_out_of_reach() {
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup("http://127.0.0.1:1", |_| {});
    let mut browser = Browser::alone(&gateway);
    assert_problem(
        &browser.go(&format!("{ORIGIN}/page")),
        503,
        "authorizer_unavailable",
    );
    assert_problem(&browser.fetch("GET", "/page"), 401, "session_missing");
    assert_eq!(browser.fetch("GET", "/public/x").status, 200);
}
