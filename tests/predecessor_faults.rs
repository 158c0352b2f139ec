//! Faults of the gateway whose configs Causeway reads, one test each: here they are not.

#![cfg(test)]

mod support;

use peers::{Client, Request};
use serde_json::{Value, json};
use support::{
    ORIGIN, SECRET, arrived, assert_problem, mistakes, now, open, signed, target, token,
};

fn bearer(target: &str, token: &str) -> Request {
    Request::get(target).header("Authorization", &format!("Bearer {token}"))
}

/// `open` with a caller, and other members.
fn with(mut path: Value, members: Value) -> Value {
    for (name, value) in members.as_object().into_iter().flatten() {
        path[name] = value.clone();
    }
    path
}

/// A bound worker whose hook refuses, and tells what it was given.
const GUARD: &str = r#"
    import { WorkerEntrypoint } from 'cloudflare:workers';
    export default class extends WorkerEntrypoint {
        refuse() { return new Response('refused by the hook', { status: 403 }); }
        tell(request, env, context) { return { data: env }; }
    }
"#;

#[test]
fn fault_1_what_is_misspelt_is_closed_and_told_before_it_is_deployed() {
    let config = support::with_upstream(
        json!({
            "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
            "paths": [
                with(open("GET", "/no-authorizer"), json!({ "auth": true })),
                with(open("GET", "/typo"), json!({ "integration": { "type": "htpp", "server": "up" } })),
                with(open("GET", "/unknown-hook"), json!({ "pre_process": { "binding": "gaurd", "function": "refuse" } })),
                { "method": "GET", "path": "/static", "response": "in", "auth": false,
                  "pre_process": { "binding": "guard", "function": "refuse" } },
            ],
        }),
        "http://127.0.0.1:1",
    );
    let told = mistakes(&config).join("\n");
    for code in ["auth_without_authorizer", "unknown_type", "unknown_alias"] {
        assert!(told.contains(code), "{told}");
    }
    let gateway = support::gateway(&config, support::options().service("GUARD", GUARD, None));
    for target in ["/no-authorizer", "/typo", "/unknown-hook"] {
        assert_problem(&gateway.get(target), 500, "config_error");
    }
    let answer = gateway.get("/static");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (403, "refused by the hook")
    );

    let unknown = json!({ "authorizer": { "type": "jtw", "secret": "x" }, "paths": [
        { "method": "GET", "path": "/x", "response": 1, "auth": true }] });
    assert!(
        mistakes(&unknown.to_string())
            .join("\n")
            .contains("unknown_type")
    );
    let gateway = support::gateway(unknown.to_string(), support::options());
    assert_problem(&gateway.get("/x"), 500, "config_error");
}

#[test]
fn fault_2_the_rules_of_the_format_are_enforced_by_the_worker_itself() {
    let misspelt = json!({ "paths": [
        { "method": "GET", "path": "/open", "response": 1, "auth": false },
        { "method": "GET", "path": "/closed", "response": 1, "atuh": true, "auth": false },
    ] });
    let gateway = support::gateway(misspelt.to_string(), support::options());
    assert_eq!(gateway.get("/open").status, 200);
    assert_problem(&gateway.get("/closed"), 500, "config_error");
}

#[test]
fn fault_3_no_other_spelling_reaches_a_protected_path() {
    let setup = support::setup(json!({ "authorizer": support::authorizer(), "paths": [
        with(open("ANY", "/admin"), json!({ "auth": true })),
        with(open("ANY", "/admin/x"), json!({ "auth": true })),
        open("ANY", "/{.+}"),
    ] }));
    for spelling in [
        "//admin/x",
        "/%61dmin",
        "/admin%2Fx",
        "/admin;a=1",
        "/x/../admin",
    ] {
        let status = setup.gateway.get(spelling).status;
        assert!(matches!(status, 400 | 401), "{spelling}: {status}");
    }
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn fault_4_a_parameter_goes_before_a_wildcard_whatever_their_order() {
    let named = |path: &str, name: &str| json!({ "method": "GET", "path": path, "response": name, "auth": false });
    for reversed in [false, true] {
        let mut paths = vec![
            named("/{.+}", "all"),
            named("/users/{.+}", "wildcard"),
            named("/users/{id}", "parameter"),
            named("/users/me", "exact"),
            named("/{section}/me/x", "later literal"),
        ];
        if reversed {
            paths.reverse();
        }
        let gateway = support::gateway(json!({ "paths": paths }).to_string(), support::options());
        for (target, name) in [
            ("/users/5", "parameter"),
            ("/users/me", "exact"),
            ("/users/5/6", "wildcard"),
            ("/users", "wildcard"),
            ("/other", "all"),
            ("/teams/me/x", "later literal"),
        ] {
            assert_eq!(gateway.get(target).json(), name, "{target}");
        }
    }
}

#[test]
fn fault_5_a_mapped_header_is_never_the_clients_own() {
    let setup = support::setup(json!({ "authorizer": support::authorizer(), "paths": [
        with(open("GET", "/x"), json!({ "auth": true, "mapping": { "headers": { "X-Email": "$request.jwt.email" } } })),
    ] }));
    let request = bearer("/x", &token(json!({}))).header("X-Email", "admin");
    assert_eq!(setup.gateway.send(&request).status, 200);
    assert!(arrived(&setup.upstream.last(), "x-email").is_empty());
}

#[test]
fn fault_6_only_allowed_origins_are_let_in() {
    for origins in [
        json!(["*"]),
        json!(["null"]),
        json!(["https://*example.net"]),
    ] {
        let config =
            json!({ "cors": { "allow_origins": origins, "allow_credentials": true }, "paths": [] });
        assert!(!mistakes(&config.to_string()).is_empty(), "{config}");
    }
    let setup = support::setup(json!({
        "cors": { "allow_origins": [ORIGIN, "https://*.example.net"], "allow_credentials": true },
        "paths": [open("GET", "/{.+}")],
    }));
    let from = |origin: &str| {
        let upstream = "/headers?Access-Control-Allow-Origin=*&Access-Control-Allow-Credentials=true&Vary=Accept";
        setup
            .gateway
            .send(&Request::get(upstream).header("Origin", origin))
    };
    for origin in [
        "null",
        "https://evilexample.net",
        "https://app.test.evil.test",
        "http://app.test",
    ] {
        let answer = from(origin);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            None,
            "{origin}"
        );
        assert_eq!(answer.all("vary").join(", "), "Accept, Origin", "{origin}");
    }
    for origin in [ORIGIN, "https://a.example.net", "https://a.b.example.net"] {
        let answer = from(origin);
        assert_eq!(answer.all("access-control-allow-origin"), [origin]);
        assert_eq!(answer.all("vary").join(", "), "Accept, Origin");
    }
}

#[test]
fn fault_7_a_token_is_taken_only_as_configured() {
    let mut strict = support::authorizer();
    strict["audience"] = "https://api.test".into();
    let setup = support::setup(json!({ "authorizer": strict, "paths": [
        with(open("GET", "/x"), json!({ "auth": true })),
    ] }));
    let exp = now() + 3600;
    let good = json!({ "exp": exp, "aud": "https://api.test" });
    let status = |token: &str| setup.gateway.send(&bearer("/x", token));
    assert_eq!(
        status(&signed(&json!({ "alg": "HS256" }), &good)).status,
        200
    );
    for (alg, claims, code) in [
        ("HS384", good.clone(), "ERR_JWS_INVALID"),
        ("HS512", good.clone(), "ERR_JWS_INVALID"),
        ("none", good.clone(), "ERR_JWS_INVALID"),
        (
            "HS256",
            json!({ "aud": "https://api.test" }),
            "ERR_JWT_CLAIM_VALIDATION_FAILED",
        ),
        (
            "HS256",
            json!({ "exp": exp }),
            "ERR_JWT_CLAIM_VALIDATION_FAILED",
        ),
        (
            "HS256",
            json!({ "exp": exp, "aud": "else" }),
            "ERR_JWT_CLAIM_VALIDATION_FAILED",
        ),
        (
            "HS256",
            json!({ "exp": now() - 60, "aud": "https://api.test" }),
            "ERR_JWT_EXPIRED",
        ),
    ] {
        let answer = status(&signed(&json!({ "alg": alg }), &claims));
        assert_problem(&answer, 401, code);
    }
    assert_eq!(setup.upstream.requests().len(), 1);
    // Audiences of Auth0's tokens: tests/login/auth0.rs; how often keys are fetched: tests/jwks.
    let tenant = json!({
        "type": "auth0", "domain": setup.upstream.url(), "client_id": "a b&c", "client_secret": SECRET,
        "redirect_uri": "https://x.test/back?a=1&b", "scope": "openid email",
    });
    let logins = support::setup(json!({ "authorizer": tenant, "paths": [
        { "method": "GET", "path": "/login", "auth": false, "integration": { "type": "auth0_callback_redirect" } },
    ] }));
    let sent = logins
        .gateway
        .send(&Request::get("/login").header("Host", "localhost"));
    assert_eq!(sent.status, 302, "{}", sent.text());
    let location = sent.header("location").unwrap();
    let (endpoint, query) = location.split_once('?').unwrap();
    assert_eq!(endpoint, format!("{}/authorize", setup.upstream.url()));
    let parameters: Vec<&str> = query.split('&').collect();
    for part in [
        "response_type=code",
        "client_id=a+b%26c",
        "redirect_uri=https%3A%2F%2Fx.test%2Fback%3Fa%3D1%26b",
        "scope=openid+email",
        "code_challenge_method=S256",
    ] {
        assert!(parameters.contains(&part), "{part} in {location}");
    }
    for name in ["state=", "nonce=", "code_challenge="] {
        let value = parameters.iter().find_map(|p| p.strip_prefix(name));
        assert!(value.is_some_and(|v| v.len() >= 22), "{name} in {location}");
    }
}

#[test]
fn fault_8_a_bound_service_receives_only_the_variables_that_are_named() {
    let call = |path: &str, env: Value| {
        json!({ "method": "GET", "path": path, "auth": false, "integration":
        { "type": "service_binding", "binding": "guard", "function": "tell", "env": env } })
    };
    let config = json!({
        "serviceBindings": [{ "alias": "guard", "binding": "GUARD" }],
        "paths": [call("/none", json!([])), call("/one", json!(["REGION"]))],
    });
    let options = support::options()
        .text("REGION", "eu")
        .service("GUARD", GUARD, None);
    let gateway = support::gateway(config.to_string(), options);
    for (target, expected) in [("/none", json!({})), ("/one", json!({ "REGION": "eu" }))] {
        let answer = gateway.get(target);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let env: Value =
            serde_json::from_str(answer.json()["data"]["data"].as_str().unwrap()).unwrap();
        assert_eq!(env, expected);
        assert!(!answer.text().contains(SECRET));
    }
}

#[test]
fn fault_9_an_upstream_that_is_down_is_answered_for() {
    let config = json!({ "cors": support::cors(), "paths": [open("GET", "/{.+}")] });
    let config = support::with_upstream(config, "http://127.0.0.1:1");
    let gateway = support::gateway(&config, support::options());
    let answer = gateway.send(&Request::get("/x").header("Origin", ORIGIN));
    assert_problem(&answer, 502, "upstream_unreachable");
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
}

#[test]
fn fault_10_what_a_proxy_must_do_is_done() {
    let setup = support::setup(json!({ "authorizer": support::authorizer(), "paths": [
        open("GET", "/{.+}"),
        with(open("GET", "/closed"), json!({ "auth": true })),
    ] }));
    let (_, mut socket) = Client::websocket(setup.gateway.address(), "/ws", &[]);
    socket.send("hello".into()).unwrap();
    assert_eq!(
        socket.read().unwrap().into_text().unwrap().as_str(),
        "hello"
    );

    let answer = setup.gateway.send(&Request::new("DELETE", "/x"));
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(setup.gateway.send(&Request::new("HEAD", "/x")).status, 200);
    let answer = setup.gateway.get("/x");
    assert!(answer.header("x-request-id").is_some());
    for name in [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
        "forwarded",
    ] {
        assert_eq!(arrived(&setup.upstream.last(), name).len(), 1, "{name}");
    }
    let answer = setup.gateway.get("/closed");
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer realm="causeway""#)
    );
}

#[test]
fn fault_11_mapping_keeps_repeated_keys_and_other_scripts_and_refuses_line_breaks() {
    let setup = support::setup(json!({ "authorizer": support::authorizer(), "paths": [
        with(open("GET", "/x"), json!({ "auth": true, "mapping": {
            "headers": { "X-Name": "$request.jwt.name" }, "query": { "who": "$request.jwt.name" } } })),
    ] }));
    let answer = setup
        .gateway
        .send(&bearer("/x?tag=1&tag=2", &token(json!({ "name": "Zoë" }))));
    assert_eq!(answer.status, 200);
    let got = setup.upstream.last();
    assert_eq!(target(&got), "/x?tag=1&tag=2&who=Zo%C3%AB");
    assert_eq!(arrived(&got, "x-name"), ["Zoë"]);
    let answer = setup
        .gateway
        .send(&bearer("/x", &token(json!({ "name": "a\r\nX-Admin: 1" }))));
    assert_problem(&answer, 400, "mapped_value_invalid");
}

#[test]
fn fault_12_a_refused_token_is_not_told_what_was_expected() {
    let mut strict = support::authorizer();
    strict["audience"] = "https://hidden.test".into();
    strict["issuer"] = "https://hidden.test".into();
    let setup = support::setup(json!({ "authorizer": strict, "paths": [
        { "method": "GET", "path": "/x", "response": 1, "auth": true },
    ] }));
    let answer = setup
        .gateway
        .send(&bearer("/x", &token(json!({ "aud": "a", "iss": "b" }))));
    assert_eq!(answer.status, 401);
    let head = String::from_utf8_lossy(&answer.head.raw).into_owned();
    assert!(!answer.text().contains("hidden") && !head.contains("hidden"));
    // Codes that are refused or not JSON, and the key: tests/supabase.
}

#[test]
fn fault_13_queries_and_credentials_are_never_logged() {
    let setup = support::setup(json!({ "authorizer": support::authorizer(), "paths": [
        with(open("GET", "/closed"), json!({ "auth": true })),
        open("GET", "/{.+}"),
    ] }));
    for path in ["/x", "/closed", "/reset", "/junk", "/%zz"] {
        let request = Request::get(&format!("{path}?code=s3cr3t"));
        setup.gateway.send(
            &request
                .header("Authorization", "Bearer s3cr3t")
                .header("Cookie", "s3cr3t"),
        );
    }
    // The last request's log line is the sign that those of the others are there.
    assert!(setup.gateway.logs("upstream_unreachable"));
    let log = setup.gateway.log();
    assert!(!log.contains("s3cr3t"), "{log}");
}
