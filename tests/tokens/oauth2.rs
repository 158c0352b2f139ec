//! Client credentials of OAuth 2.0, at a certified provider and at servers that fail.

use std::thread;

use peers::{Oidc, Request};

use super::*;

const RESOURCE: &str = "https://orders.test";

fn machine(provider: &Oidc, more: &Value) -> Value {
    let mut identity = json!({
        "type": "oauth2", "token_url": format!("{}/token", provider.issuer()), "client_id": "machine",
        "client_secret": "$secret.SECRET", "scope": "read", "resource": RESOURCE,
    });
    let more = more.as_object().unwrap().clone();
    identity.as_object_mut().unwrap().extend(more);
    identity
}

/// The claims of a token whose signature nobody needs here.
fn claims(authorization: &str) -> Value {
    let token = authorization
        .strip_prefix("Bearer ")
        .expect("a Bearer token");
    let token = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("a JWT");
    token.claims
}

#[test]
fn a_certified_provider_gives_the_gateway_a_token_once_for_many_requests() {
    let (provider, upstream) = (Oidc::start(), Upstream::start());
    provider.set("late", "500");
    let poster =
        json!({ "client_id": "poster", "client_secret": "poster's secret", "client_auth": "post" });
    let identities = [
        ("basic", machine(&provider, &json!({}))),
        ("post", machine(&provider, &poster)),
    ];
    let gateway = proving(&upstream, &identities);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..200)
            .map(|_| scope.spawn(|| gateway.get("/basic").status))
            .collect();
        for asked in asked {
            assert_eq!(asked.join().unwrap(), 200);
        }
    });
    assert_eq!(provider.asked("/token"), 1);
    assert_eq!(upstream.requests().len(), 200);
    let first = shown(&upstream);
    let claims_of = claims(&first);
    assert_eq!(claims_of["aud"], RESOURCE);
    assert_eq!(claims_of["client_id"], "machine");
    assert_eq!(claims_of["scope"], "read");
    for request in upstream.requests() {
        assert_eq!(
            support::arrived(&request, "authorization"),
            [first.as_str()]
        );
    }

    // A client's own goes nowhere.
    for smuggled in ["Bearer mine", "Basic bWluZQ==", ""] {
        let request = Request::get("/basic")
            .header("Authorization", smuggled)
            .header("Authorization", "Bearer more")
            .header("Proxy-Authorization", smuggled)
            .header("Connection", "Authorization");
        assert_eq!(gateway.send(&request).status, 200);
        assert_eq!(shown(&upstream), first);
        assert_eq!(
            support::arrived(&upstream.last(), "proxy-authorization").len(),
            0
        );
    }
    assert_eq!(gateway.get("/post").status, 200);
    assert_eq!(claims(&shown(&upstream))["client_id"], "poster");
    assert_eq!(provider.asked("/token"), 2);
}

#[test]
fn a_provider_that_refuses_or_fails_is_told_of_in_the_log_alone() {
    let (provider, upstream) = (Oidc::start(), Upstream::start());
    let identities = [
        ("good", machine(&provider, &json!({}))),
        (
            "stranger",
            machine(&provider, &json!({ "client_secret": "$secret.BAD_SECRET" })),
        ),
        (
            "gone",
            machine(
                &provider,
                &json!({ "token_url": "http://127.0.0.1:1/token" }),
            ),
        ),
    ];
    let gateway = proving(&upstream, &identities);
    for name in ["stranger", "gone"] {
        let refused = gateway.get(&format!("/{name}"));
        support::assert_problem(&refused, 502, "upstream_identity_failed");
        assert!(!refused.text().contains("token"), "{}", refused.text());
    }
    assert!(gateway.logs("it refused with status 401, invalid_client"));
    assert!(gateway.logs("127.0.0.1:1/token"));
    provider.set("failing", "503");
    support::assert_problem(&gateway.get("/good"), 502, "upstream_identity_failed");
    assert!(gateway.logs("it refused with status 503, told_to_fail"));
    let log = gateway.log();
    assert!(
        log.contains(&format!(
            "the OAuth 2.0 server ({}/token)",
            provider.issuer()
        )),
        "{log}"
    );
    assert!(log.contains(r#""blame":"upstream""#), "{log}");
    for secret in ["machine-secret", "another-secret", "Basic "] {
        assert!(!log.contains(secret), "{log}");
    }
    assert_eq!(upstream.requests().len(), 0, "nothing is sent without");

    // It is asked again, but not by every request.
    let before = provider.asked("/token");
    for _ in 0..10 {
        assert_eq!(gateway.get("/good").status, 502);
    }
    assert!(provider.asked("/token") <= before + 1);
    provider.set("failing", "");
    assert!(support::eventually(support::PATIENCE, || {
        gateway.get("/good").status == 200
    }));
}

#[test]
fn an_answer_that_is_none_is_a_failure() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let of_another_type = json!({ "access_token": "t", "token_type": "mac" });
    let answered = [
        ("none", json!({}), "its answer has no token"),
        (
            "type",
            of_another_type,
            "its token is of another type than Bearer",
        ),
        (
            "split",
            token("a\nb: c"),
            "its token is not fit for a header field",
        ),
        ("list", json!([]), "its answer has no token"),
    ];
    let identities = answered.each_ref().map(|(name, body, _)| {
        answers(&cloud, &format!("/{name}"), 200, body);
        let identity = json!({
            "type": "oauth2", "token_url": format!("{}/{name}", cloud.url()), "client_id": "machine",
            "client_secret": "$secret.SECRET", "audience": "a", "params": { "tenant": "t 1" },
        });
        (*name, identity)
    });
    let gateway = proving(&upstream, &identities);
    for (name, _, reason) in answered {
        let refused = gateway.get(&format!("/{name}"));
        support::assert_problem(&refused, 502, "upstream_identity_failed");
        assert!(gateway.logs(reason), "{}", gateway.log());
    }
    assert_eq!(
        cloud.last().body,
        b"grant_type=client_credentials&audience=a&tenant=t+1"
    );
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn a_token_is_renewed_before_it_ends_and_nobody_waits_for_it() {
    let (provider, upstream) = (Oidc::start(), Upstream::start());
    let cloud = Upstream::start();
    let lives = |token: &str, seconds: u32| json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds });
    let identity = |path: &str| {
        let url = format!("{}{path}", cloud.url());
        machine(&provider, &json!({ "token_url": url }))
    };
    let identities = [("slow", identity("/slow")), ("busy", identity("/busy"))];
    let gateway = proving(&upstream, &identities);
    let ask = |path: &str| {
        assert_eq!(gateway.get(path).status, 200);
        shown(&upstream)
    };
    // They are renewed from the 18th second on, and over after the 21st.
    for path in ["/slow", "/busy"] {
        answers(&cloud, path, 200, &lives("t1", 24));
        assert_eq!(ask(path), "Bearer t1");
    }
    let slow = Script {
        status: 200,
        lines: "Content-Type: application/json\r\n".into(),
        body: lives("t2", 3600).to_string(),
        pause: Duration::from_millis(700),
    };
    cloud.script("/slow", slow);
    answers(&cloud, "/busy", 503, &json!({ "error": "busy" }));
    let mut while_renewing = 0;
    assert!(support::eventually(LIFE, || {
        let is_asked = cloud.count("/slow") == 2;
        let shown = ask("/slow");
        while_renewing += u32::from(is_asked && shown == "Bearer t1");
        shown == "Bearer t2"
    }));
    assert!(while_renewing > 0, "a request waited for the new token");
    assert_eq!(cloud.count("/slow"), 2);

    // Where it is refused, the old one serves to its end, and the operator is told meanwhile.
    assert_eq!(ask("/busy"), "Bearer t1");
    let told = r#"{"level":"warn","event":"identity_not_renewed","server":"busy","reason":"the OAuth 2.0 server"#;
    assert!(
        support::eventually(support::PATIENCE, || gateway.log().contains(told)),
        "{}",
        gateway.log()
    );
    assert!(support::eventually(LIFE, || {
        gateway.get("/busy").status == 502
    }));
}

/// More than a token of this test lives.
const LIFE: Duration = Duration::from_secs(60);

#[test]
fn clients_that_leave_while_a_token_is_fetched_keep_nobody_waiting() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    let late = Script {
        status: 200,
        lines: "Content-Type: application/json\r\n".into(),
        body: token("t").to_string(),
        pause: Duration::from_millis(800),
    };
    cloud.script("/token", late);
    let identity = json!({
        "type": "oauth2", "token_url": format!("{}/token", cloud.url()), "client_id": "machine",
        "client_secret": "$secret.SECRET",
    });
    let gateway = proving(&upstream, &[("a", identity)]);
    thread::scope(|scope| {
        for wave in 0..4 {
            for _ in 0..20 {
                let gateway = &gateway;
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(wave * 150));
                    let mut leaving = gateway.connect();
                    leaving.send(&Request::get("/a").bytes());
                    thread::sleep(Duration::from_millis(140));
                    leaving.reset();
                });
            }
        }
        thread::sleep(Duration::from_millis(100));
        let begun = std::time::Instant::now();
        assert_eq!(gateway.get("/a").status, 200);
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
    });
    assert_eq!(cloud.count("/token"), 1, "what one has begun serves all");
}
