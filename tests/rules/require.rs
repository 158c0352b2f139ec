//! `require`: what a known caller must be allowed.

use peers::{Gateway, Options, Request, Source, Upstream};
use serde_json::{Value, json};

use crate::support::tokens::{SECRET, bearer};
use crate::support::{ORIGIN, assert_problem, cors, gateway, mistakes, options, token, worker};

fn config(upstream: &Upstream) -> Value {
    let path = |method: &str, path: &str, require: Value| {
        let mut entry = json!({
            "method": method, "path": path, "auth": true, "integration": { "type": "http", "server": "up" },
        });
        if !require.is_null() {
            entry["require"] = require;
        }
        entry
    };
    json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "cors": cors(),
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "defaults": { "require": { "scopes": ["base"] } },
        "paths": [
            path("GET", "/default", Value::Null),
            path("GET", "/lifted", json!(false)),
            path("GET", "/scopes", json!({ "scopes": ["orders:read", "orders:list"] })),
            path("OPTIONS", "/scopes", json!({ "scopes": ["orders:read"] })),
            path("GET", "/groups", json!({ "any_group": ["staff", "on call"] })),
            path("GET", "/claims", json!({ "claims": {
                "email_verified": true, "org.id": { "one_of": ["hidden-a", "hidden-b"] }, "roles": { "contains": "admin" },
                "amr": { "exists": true }, "https://x.test/y": 1,
            } })),
            path("GET", "/users/{id}", json!({ "expression":
                "claims.sub == params.id || claims.roles.exists(r, r == 'admin') && request.headers['x-team'] == 'blue'" })),
            { "method": "GET", "path": "/open", "auth": false, "response": 1 },
        ],
    })
}

fn start(upstream: &Upstream) -> Gateway {
    let config = config(upstream);
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    gateway(config, Options::default().text("JWT_SECRET", SECRET))
}

fn asked(target: &str, claims: Value) -> Request {
    Request::get(target).header("Authorization", &bearer(claims))
}

#[test]
fn whoever_lacks_a_scope_is_told_which_are_needed() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    let refused = gateway.send(&asked("/scopes", json!({ "scope": "orders:read" })));
    assert_problem(&refused, 403, "insufficient_scope");
    assert_eq!(
        refused.all("www-authenticate"),
        [r#"Bearer realm="causeway", error="insufficient_scope", scope="orders:read orders:list""#]
    );
    assert!(upstream.requests().is_empty());
    let told = "`orders:list` is missing";
    assert!(gateway.logs(told), "{}", gateway.log());

    let granted = json!({ "scope": "orders:list openid orders:read" });
    assert_eq!(gateway.send(&asked("/scopes", granted)).status, 200);

    // Who it is comes before what they may.
    let stranger = gateway.get("/scopes");
    assert_problem(&stranger, 401, "AUTH_ERROR");
    assert_eq!(
        stranger.all("www-authenticate"),
        [r#"Bearer realm="causeway""#]
    );
}

#[test]
fn other_rules_refuse_by_their_kind_and_never_tell_what_was_expected() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    let good = json!({
        "email_verified": true, "org": { "id": "hidden-a" }, "roles": ["user", "admin"], "amr": ["pwd"],
        "https://x.test/y": 1.0,
    });
    assert_eq!(gateway.send(&asked("/claims", good.clone())).status, 200);
    for (name, value) in [
        ("email_verified", json!("true")),
        ("org", json!({ "id": "hidden-c" })),
        ("roles", json!("admin")),
        ("amr", Value::Null),
        ("https://x.test/y", json!(2)),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        let refused = gateway.send(&asked("/claims", claims));
        assert_problem(&refused, 403, "forbidden");
        assert_eq!(
            refused.json()["detail"],
            "The caller's claims do not allow this."
        );
        assert_eq!(refused.header("www-authenticate"), None);
        assert!(!refused.text().contains("hidden"), "{}", refused.text());
        assert!(!refused.text().contains(name), "{}", refused.text());
    }
    let told = gateway.logs("the claim `org.id` has another value");
    let log = gateway.log();
    assert!(told, "{log}");
    assert!(!log.contains("hidden"), "{log}");

    let refused = gateway.send(&asked("/groups", json!({ "groups": ["guests"] })));
    assert_problem(&refused, 403, "forbidden");
    assert_eq!(
        refused.json()["detail"],
        "The caller is not in a group that may do this."
    );
    let staff = json!({ "cognito:groups": ["staff"] });
    assert_eq!(gateway.send(&asked("/groups", staff)).status, 200);
    assert_eq!(upstream.requests().len(), 2);
}

#[test]
fn an_expression_decides_over_caller_and_request_and_closes_where_it_fails() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    let ask = |target: &str, claims: Value, team: &str| {
        gateway
            .send(&asked(target, claims).header("X-Team", team))
            .status
    };
    assert_eq!(ask("/users/u%31", json!({ "sub": "u1" }), "red"), 200);
    assert_eq!(
        ask(
            "/users/u2",
            json!({ "sub": "u1", "roles": ["admin"] }),
            "blue"
        ),
        200
    );
    assert_eq!(
        ask(
            "/users/u2",
            json!({ "sub": "u1", "roles": ["admin"] }),
            "red"
        ),
        403
    );
    assert_eq!(
        ask(
            "/users/u2",
            json!({ "sub": "u1", "roles": ["user"] }),
            "blue"
        ),
        403
    );
    assert_eq!(ask("/users/u2", json!({ "sub": "u1" }), "blue"), 403);
    assert_eq!(ask("/users/u2", json!({ "roles": "admin" }), "blue"), 403);
    let without = gateway.send(&asked(
        "/users/u2",
        json!({ "sub": "u1", "roles": ["admin"] }),
    ));
    assert_problem(&without, 403, "forbidden");
    assert_eq!(
        without.json()["detail"],
        "The path's condition does not allow this."
    );
    for reason in [
        "the expression is false",
        "the expression could not be evaluated: there is no claim `roles`",
        "the expression could not be evaluated: there is no header `x-team`",
    ] {
        assert!(gateway.logs(reason), "{reason}: {}", gateway.log());
    }
}

#[test]
fn defaults_hold_for_every_path_that_is_not_public_unless_it_says_otherwise() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    let status = |target: &str, scope: &str| {
        gateway
            .send(&asked(target, json!({ "scope": scope })))
            .status
    };
    assert_eq!(status("/default", ""), 403);
    assert_eq!(status("/default", "base"), 200);
    assert_eq!(status("/lifted", ""), 200);
    assert_eq!(gateway.get("/lifted").status, 401);
    assert_eq!(status("/scopes", "base"), 403);
    assert_eq!(gateway.get("/open").status, 200);
}

#[test]
fn a_preflight_is_never_asked_for_credentials_and_another_options_is() {
    let upstream = Upstream::start();
    let gateway = start(&upstream);
    let options = Request::new("OPTIONS", "/scopes").header("Origin", ORIGIN);
    let preflight = options
        .clone()
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "authorization");
    let answer = gateway.send(&preflight);
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(upstream.requests().is_empty());

    let stranger = gateway.send(&options);
    assert_problem(&stranger, 401, "AUTH_ERROR");
    assert_eq!(stranger.header("access-control-allow-origin"), Some(ORIGIN));
    let known = |scope: &str| {
        let authorization = bearer(json!({ "scope": scope }));
        gateway.send(&options.clone().header("Authorization", &authorization))
    };
    let refused = known("orders:list");
    assert_problem(&refused, 403, "insufficient_scope");
    // So that the page can read why.
    assert_eq!(refused.header("access-control-allow-origin"), Some(ORIGIN));
    assert!(upstream.requests().is_empty());
    assert_eq!(known("orders:read").status, 200);
    assert_eq!(upstream.last().head.word(0), "OPTIONS");
}

#[test]
fn a_rule_that_is_not_understood_closes_its_path_alone() {
    let path = |path: &str, require: Value| json!({ "method": "GET", "path": path, "auth": true, "response": 1, "require": require });
    let mut public = path("/public", json!({ "scopes": ["a"] }));
    public["auth"] = false.into();
    let config = json!({
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "paths": [
            path("/member", json!({ "scope": ["a"] })),
            path("/empty", json!({ "any_scope": [] })),
            path("/expression", json!({ "expression": "claims.sub ==" })),
            path("/unknown", json!({ "expression": "claims.sub.matches('a+')" })),
            public,
            path("/good", json!({ "scopes": ["a"] })),
        ],
    });
    // Deeper than any reader's stack, if it did not count.
    let deep = [
        "(".repeat(1_999),
        "[".repeat(1_999),
        "!".repeat(1_999),
        "a(".repeat(999),
        "a?".repeat(999),
        "claims.a.all(x,".repeat(130),
        "claims".to_owned() + &".a".repeat(900),
        "a+".repeat(999) + "a",
    ];
    let mut config = config;
    for (index, expression) in deep.iter().enumerate() {
        let entry = path(
            &format!("/deep/{index}"),
            json!({ "expression": expression }),
        );
        config["paths"].as_array_mut().unwrap().push(entry);
    }
    assert_eq!(mistakes(&config.to_string()).len(), 5 + deep.len());
    let gateway = gateway(config, options());
    let ask = |target: &str| {
        let token = token(json!({ "scope": "a", "sub": "u1" }));
        gateway.send(&Request::get(target).header("Authorization", &format!("Bearer {token}")))
    };
    for target in ["/member", "/empty", "/expression", "/unknown"] {
        assert_problem(&ask(target), 500, "config_error");
        assert_problem(&gateway.get(target), 401, "AUTH_ERROR");
    }
    for index in 0..deep.len() {
        assert_problem(&ask(&format!("/deep/{index}")), 500, "config_error");
    }
    assert_problem(&ask("/public"), 500, "config_error");
    assert_eq!(ask("/good").status, 200);
}

#[test]
fn rules_that_were_compiled_ahead_are_the_same() {
    let upstream = Upstream::start();
    let compiled = causeway::plan::compile(&config(&upstream).to_string());
    let plan = compiled.blueprint.unwrap().to_bytes().unwrap();
    let options = Options::default()
        .text("JWT_SECRET", SECRET)
        .folder(worker())
        .source(Source::Plan(plan));
    let gateway = Gateway::start("", options);
    assert_eq!(
        gateway
            .send(&asked("/users/u1", json!({ "sub": "u1" })))
            .status,
        200
    );
    assert_eq!(
        gateway
            .send(&asked("/users/u2", json!({ "sub": "u1" })))
            .status,
        403
    );
    assert_eq!(
        gateway
            .send(&asked("/default", json!({ "scope": "base" })))
            .status,
        200
    );
    assert_eq!(
        gateway
            .send(&asked("/default", json!({ "scope": "bases" })))
            .status,
        403
    );
}
