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
