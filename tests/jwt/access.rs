//! Where a token is looked for, and which requests need one.

use peers::{Options, Request, Upstream};
use serde_json::{Value, json};

use crate::support::tokens::{SECRET, bearer, in_seconds, sign, sign_with};
use crate::support::{assert_problem, gateway};
use crate::{NO_TOKEN, NOT_JWS, assert_refused, good_claims, protected, with};

#[test]
fn a_token_is_taken_from_where_the_authorizer_says_and_nowhere_else() {
    let upstream = Upstream::start();
    let token = sign(&good_claims());
    let by_header = Request::get("/").header("X-Token", &token);
    let by_cookie = Request::get("/").header("Cookie", &format!("a=1; session={token}; b=2"));
    let by_query = Request::get(&format!("/?a=1&token={token}"));
    let by_bearer = with(&format!("Bearer {token}"));
    let requests = [&by_bearer, &by_header, &by_cookie, &by_query];
    for (place, from) in [
        json!("bearer"),
        json!({ "header": "X-Token" }),
        json!({ "cookie": "session" }),
        json!({ "query": "token" }),
    ]
    .into_iter()
    .enumerate()
    {
        let gateway = protected(&upstream, json!({ "token_from": [from] }));
        for (index, request) in requests.iter().enumerate() {
            let answer = gateway.send(request);
            match index == place {
                true => assert_eq!(answer.status, 200, "{from}: {}", answer.text()),
                false => assert_refused(&answer, NO_TOKEN, &format!("{from}")),
            }
        }
    }
    let from = json!([{ "cookie": "session" }, "bearer"]);
    let gateway = protected(&upstream, json!({ "token_from": from }));
    assert_eq!(gateway.send(&by_bearer).status, 200);
    assert_eq!(gateway.send(&by_cookie).status, 200);
    let both = by_bearer.header("Cookie", "session=broken");
    assert_refused(&gateway.send(&both), NOT_JWS, "the first place decides");
    let twice = Request::get("/").header("Cookie", &format!("session={token}; session={token}"));
    assert_refused(&gateway.send(&twice), NO_TOKEN, "two cookies of the name");
}

#[test]
fn each_path_asks_the_authorizer_that_it_names() {
    let other_secret = "another secret, which is long enough for HS256";
    let config = |paths: Value, default: Value| {
        json!({
            "authorizers": {
                "staff": { "type": "jwt", "secret": "$secret.STAFF", "audience": "staff" },
                "public": { "type": "jwt", "secret": "$secret.PUBLIC" },
            },
            "defaults": { "auth": default },
            "paths": paths,
        })
    };
    let path = |path: &str, auth: Value| {
        let mut entry = json!({ "method": "GET", "path": path, "response": 1 });
        if !auth.is_null() {
            entry["auth"] = auth;
        }
        entry
    };
    let paths = json!([
        path("/default", Value::Null),
        path("/true", json!(true)),
        path("/staff", json!("staff")),
        path("/public", json!("public")),
        path("/open", json!(false)),
    ]);
    let start = |default: Value| {
        let options = Options::default()
            .text("STAFF", SECRET)
            .text("PUBLIC", other_secret);
        gateway(config(paths.clone(), default), options)
    };
    let claims = json!({ "aud": "staff", "exp": in_seconds(600) });
    let staff = format!("Bearer {}", sign(&claims));
    let public = format!("Bearer {}", sign_with("HS256", other_secret, &claims));

    let gateway = start(json!("staff"));
    let status = |target: &str, authorization: &str| {
        let request = Request::get(target).header("Authorization", authorization);
        gateway.send(&request).status
    };
    for target in ["/default", "/true", "/staff"] {
        assert_eq!(status(target, &staff), 200, "{target}");
        assert_eq!(status(target, &public), 401, "{target}");
        assert_eq!(gateway.get(target).status, 401, "{target}");
    }
    assert_eq!(status("/public", &public), 200);
    assert_eq!(status("/public", &staff), 401);
    assert_eq!(gateway.get("/open").status, 200);
    assert_eq!(status("/open", "Bearer broken"), 200);

    // With several authorizers and none of them chosen, `true` says too little: it is closed, not open.
    let gateway = start(json!(false));
    assert_eq!(gateway.get("/default").status, 200);
    assert_problem(&gateway.get("/true"), 500, "config_error");
    assert_eq!(gateway.get("/staff").status, 401);
}

#[test]
fn a_head_request_is_asked_for_credentials_like_a_get() {
    let upstream = Upstream::start();
    let gateway = protected(&upstream, json!({}));
    let refused = gateway.send(&Request::new("HEAD", "/"));
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"Bearer realm="causeway""#)
    );
    assert!(refused.body.is_empty());
    assert!(upstream.requests().is_empty());
    let token = bearer(json!({}));
    let request = Request::new("HEAD", "/").header("Authorization", &token);
    let answer = gateway.send(&request);
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_empty());
    assert_eq!(upstream.last().head.word(0), "HEAD");
}

#[test]
fn no_spelling_of_a_protected_path_gets_in_without_a_token() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "paths": [
            { "method": "ANY", "path": "/admin/{.+}", "auth": true, "integration": { "type": "http", "server": "a" } },
            { "method": "ANY", "path": "/{.+}", "auth": false, "integration": { "type": "http", "server": "a" } },
        ],
    });
    let gateway = gateway(config, Options::default().text("JWT_SECRET", SECRET));
    for target in [
        "/admin/x",
        "/%61dmin/x",
        "/x/../admin/x",
        "/x/%2e%2e/admin/x",
        "/./admin/x",
        "//admin/x",
        "/admin%2Fx",
        "/x/..%2Fadmin/x",
        "/admin;a=1/x",
        "/admin/..;/admin/x",
        "/x\\..\\admin\\x",
        "/x/%5C../admin/x",
        "/%2561dmin/x",
        "/admin%00/x",
    ] {
        let answer = gateway.get(target);
        let reached = upstream.requests();
        let sent: Vec<_> = reached.iter().map(|r| r.head.word(1)).collect();
        // What passes as another path must be sent as that other path.
        let other = target == "/%2561dmin/x" && sent == ["/%2561dmin/x"];
        assert!(
            matches!(answer.status, 400 | 401) || other,
            "{target}: {} {sent:?}",
            answer.status
        );
    }
}

#[test]
fn a_cookie_is_no_credential_where_another_sites_page_could_have_sent_it() {
    let upstream = Upstream::start();
    let token = sign(&good_claims());
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizer": {
            "type": "jwt", "secret": "$secret.JWT_SECRET", "token_from": [{ "cookie": "session" }, "bearer"],
        },
        "paths": [{ "method": "ANY", "path": "/{.+}", "auth": true, "integration": { "type": "http", "server": "a" } }],
    });
    let gateway = gateway(config, Options::default().text("JWT_SECRET", SECRET));
    let own = "http://api.test".to_owned();
    let by_cookie = format!("session={token}");
    for (method, fields, status) in [
        ("GET", &[("Sec-Fetch-Site", "cross-site")][..], 200),
        ("HEAD", &[], 200),
        ("POST", &[], 403),
        (
            "POST",
            &[
                ("Origin", "https://evil.test"),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            403,
        ),
        ("POST", &[("Origin", "null")], 403),
        ("DELETE", &[("Sec-Fetch-Site", "same-site")], 403),
        ("PUT", &[("Sec-Fetch-Site", "same-origin")], 200),
        ("POST", &[("Origin", own.as_str())], 200),
    ] {
        let mut request = Request::new(method, "/x")
            .header("Host", "api.test")
            .header("Cookie", &by_cookie);
        for (name, value) in fields {
            request = request.header(name, value);
        }
        let answer = gateway.send(&request);
        assert_eq!(
            answer.status,
            status,
            "{method} {fields:?}: {}",
            answer.text()
        );
        if status == 403 {
            assert_problem(&answer, 403, "cross_site_request");
        }
    }
    // A page of another site can open a WebSocket.
    let answer = gateway.send(
        &Request::get("/x")
            .header("Cookie", &by_cookie)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("Origin", "https://evil.test"),
    );
    assert_problem(&answer, 403, "cross_site_request");
    // Whoever writes it into a header knows it.
    let bearer = Request::new("POST", "/x").header("Authorization", &format!("Bearer {token}"));
    assert_eq!(gateway.send(&bearer).status, 200);
}

#[test]
fn a_secret_is_replaced_while_tokens_of_both_are_in_use() {
    let (old, new) = (SECRET, "the secret to come, which is long enough as well");
    let config = json!({
        "authorizer": { "type": "jwt", "secret": ["$secret.NEW", "$secret.OLD"] },
        "paths": [{ "method": "GET", "path": "/", "auth": true, "response": 1 }],
    });
    assert_eq!(
        crate::support::mistakes(&config.to_string()),
        Vec::<String>::new()
    );
    let options = Options::default().text("OLD", old).text("NEW", new);
    let gateway = gateway(config, options);
    for (secret, status) in [
        (old, 200),
        (new, 200),
        ("neither of these, and as long as they", 401),
    ] {
        let token = sign_with("HS256", secret, &good_claims());
        let answer = gateway.send(&with(&format!("Bearer {token}")));
        assert_eq!(answer.status, status, "{secret}: {}", answer.text());
    }
}

#[test]
fn a_claim_within_a_claim_goes_on() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "paths": [{
            "method": "GET", "path": "/", "auth": true, "integration": { "type": "http", "server": "a" },
            "mapping": { "headers": {
                "X-Org": "$request.jwt.client_metadata.organisation_name",
                "X-Roles": "$request.jwt.realm_access.roles",
                "X-Flat": "$request.jwt.a.b",
                "X-None": "$request.jwt.client_metadata.other",
                "X-Bearer": "Bearer $request.jwt.sub",
            } },
        }],
    });
    let gateway = gateway(config, Options::default().text("JWT_SECRET", SECRET));
    let mut claims = good_claims();
    claims["client_metadata"] = json!({ "organisation_name": "SuperOrg" });
    claims["realm_access"] = json!({ "roles": ["a", "b"] });
    claims["a.b"] = json!("flat");
    claims["a"] = json!({ "b": "deep" });
    let token = sign(&claims);
    let request = with(&format!("Bearer {token}")).header("X-None", "mine");
    assert_eq!(gateway.send(&request).status, 200);
    let arrived = upstream.last();
    for (name, value) in [
        ("x-org", &["SuperOrg"][..]),
        ("x-roles", &[r#"["a","b"]"#]),
        ("x-flat", &["flat"]),
        ("x-none", &[]),
        ("x-bearer", &["u1"]),
    ] {
        assert_eq!(crate::support::arrived(&arrived, name), value, "{name}");
    }
}
