//! How long a session lives, and by which keys.

use super::*;

#[test]
fn a_session_is_renewed_while_it_is_used_and_once_for_all_that_ask() {
    let provider = Oidc::start();
    provider.set("life", "4");
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let first = browser.cookie();
    let with = |cookie: &str| {
        Request::get("/page")
            .header("Host", "localhost")
            .header("Cookie", cookie)
    };
    assert_eq!(provider.asked("/token"), 1);
    sleep(Duration::from_millis(4_200));
    // A page's many requests, all with the old cookie, while the provider takes its time.
    provider.set("late", "300");
    let address = gateway.address();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let request = with(&first);
            std::thread::spawn(move || request.send(address))
        })
        .collect();
    for thread in threads {
        let answer = thread.join().unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("set-cookie").is_some());
    }
    assert_eq!(provider.asked("/token"), 2);
    // The old cookie leads to the new session; the new one has the new refresh token, which is good in its turn.
    let renewed = browser.fetch("GET", "/page");
    assert_eq!(renewed.status, 200);
    assert_eq!(provider.asked("/token"), 2);
    sleep(Duration::from_millis(4_200));
    assert_eq!(browser.fetch("GET", "/page").status, 200);
    assert_eq!(provider.asked("/token"), 3);
    assert_eq!(
        gateway.send(&with(&first)).status,
        200,
        "by the chain of renewals"
    );
    assert_eq!(provider.asked("/token"), 3);
}

#[test]
fn where_a_session_is_not_renewed_it_serves_until_its_end() {
    let provider = Oidc::start();
    provider.set("life", "8");
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let mut refused = Browser::new(&gateway, &provider, "bob");
    refused.enter("/page");
    let begun = std::time::Instant::now();
    provider.set("failing", "503");
    sleep(Duration::from_millis(6_200));
    assert_eq!(
        browser.fetch("GET", "/page").status,
        200,
        "with trouble at the provider"
    );
    provider.set("error", "invalid_grant");
    provider.set("failing", "400");
    assert_eq!(refused.fetch("GET", "/page").status, 200, "with a refusal");
    sleep(Duration::from_millis(8_300).saturating_sub(begun.elapsed()));
    provider.set("failing", "503");
    assert_problem(
        &browser.fetch("GET", "/page"),
        503,
        "authorizer_unavailable",
    );
    assert_problem(&refused.fetch("GET", "/page"), 401, "session_expired");
    provider.set("failing", "");
    assert_eq!(
        refused.go(&format!("{ORIGIN}/page")).status,
        302,
        "a browser logs in again"
    );
    assert!(support::eventually(support::PATIENCE, || browser
        .fetch("GET", "/page")
        .status
        == 200));
}

#[test]
fn a_browser_that_leaves_while_its_session_is_renewed_keeps_what_comes_of_it() {
    let provider = Oidc::start();
    provider.set("life", "4");
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let cookie = browser.cookie();
    let page = Request::get("/page")
        .header("Host", "localhost")
        .header("Cookie", &cookie);
    sleep(Duration::from_millis(4_200));
    provider.set("late", "800");
    let mut leaving = gateway.connect();
    leaving.send(&page.bytes());
    sleep(Duration::from_millis(200));
    leaving.reset();
    // The provider takes a refresh token once.
    let begun = std::time::Instant::now();
    let answer = gateway.send(&page);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(provider.asked("/token"), 2);
}

#[test]
fn a_session_ends_by_idleness() {
    let provider = Oidc::start();
    let Setup {
        gateway,
        upstream: _upstream,
    } = setup(&provider.issuer(), |authorizer| {
        authorizer["session"]["idle"] = 60.into();
    });
    let mut browser = Browser::new(&gateway, &provider, "alice");
    browser.enter("/page");
    let before = browser.cookie();
    assert_eq!(browser.fetch("GET", "/page").header("set-cookie"), None);
    sleep(Duration::from_millis(6_200));
    assert_eq!(browser.fetch("GET", "/page").status, 200);
    assert_ne!(browser.cookie(), before, "its use is written down");
}

#[test]
fn a_key_is_replaced_while_its_sessions_live_on() {
    let provider = Oidc::start();
    let Setup {
        gateway: old,
        upstream,
    } = setup(&provider.issuer(), |_| {});
    let mut browser = Browser::new(&old, &provider, "alice");
    browser.enter("/page");
    let with_old = Request::get("/page")
        .header("Host", "localhost")
        .header("Cookie", &browser.cookie());
    let both = gateway(&provider.issuer(), &upstream, &[OTHER_KEY, KEY], |_| {});
    assert_eq!(both.send(&with_old).status, 200);
    let new = gateway(&provider.issuer(), &upstream, &[OTHER_KEY], |_| {});
    assert_problem(&new.send(&with_old), 401, "session_invalid");
    // New sessions are of the first key.
    let mut browser = Browser::new(&both, &provider, "alice");
    browser.enter("/page");
    let with_new = Request::get("/page")
        .header("Host", "localhost")
        .header("Cookie", &browser.cookie());
    assert_eq!(new.send(&with_new).status, 200);
    assert_problem(&old.send(&with_new), 401, "session_invalid");
}

#[test]
fn a_missing_or_short_key_closes_the_path_and_no_other() {
    let provider = Oidc::start();
    let upstream = Upstream::start();
    let gateway = gateway(&provider.issuer(), &upstream, &["short"], |_| {});
    let page = Request::get("/page")
        .header("Host", "localhost")
        .header("Accept", "text/html");
    assert_problem(&gateway.send(&page), 500, "config_error");
    assert_problem(
        &gateway.get("/auth/callback?state=x&code=y"),
        500,
        "config_error",
    );
    assert_eq!(gateway.get("/public/x").status, 200);
}
