//! Tokens end to end: who comes in, and what everybody else is told.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers are part of tests; clippy takes them for library code"
)]

mod support;

use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::tokens::{SECRET, base64, bearer, in_seconds, sign, sign_parts, sign_with};
use support::{assert_problem, gateway};

const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "https://api.example.com";

const NO_TOKEN: (&str, &str) = (
    "AUTH_ERROR",
    "No token provided or token format is invalid.",
);
const NOT_JWS: (&str, &str) = ("ERR_JWS_INVALID", "Invalid JWS");
const SIGNATURE: (&str, &str) = (
    "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    "Signature verification failed",
);
const EXPIRED: (&str, &str) = ("ERR_JWT_EXPIRED", "Token has expired.");
const CLAIMS: (&str, &str) = (
    "ERR_JWT_CLAIM_VALIDATION_FAILED",
    "JWT claim validation failed",
);

/// One protected path, `/`, behind an authorizer of type `jwt` with these members.
fn protected(upstream: &Upstream, mut authorizer: Value) -> Gateway {
    authorizer["type"] = "jwt".into();
    authorizer["secret"] = "$secret.JWT_SECRET".into();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "authorizer": authorizer,
        "paths": [{ "method": "GET", "path": "/", "auth": true, "integration": { "type": "http", "server": "a" } }],
    });
    gateway(config, Options::default().text("JWT_SECRET", SECRET))
}

fn with(authorization: &str) -> Request {
    Request::get("/").header("Authorization", authorization)
}

fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "exp": in_seconds(600) })
}

/// The good claims with one changed; `null` takes it away.
fn changed(name: &str, value: Value) -> Value {
    let mut claims = good_claims();
    claims[name] = value;
    claims.as_object_mut().unwrap().retain(|_, v| !v.is_null());
    claims
}

/// The whole answer of a refusal: status, challenge, body.
#[track_caller]
fn assert_refused(answer: &Answer, (code, text): (&str, &str), what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    let challenge = match code {
        // RFC 6750 section 3.1.
        "AUTH_ERROR" => r#"Bearer realm="causeway""#.to_owned(),
        _ => {
            format!(r#"Bearer realm="causeway", error="invalid_token", error_description="{text}""#)
        }
    };
    assert_eq!(answer.all("www-authenticate"), [challenge], "{what}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let expected = json!({
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": text,
        "code": code,
        "error": text,
        "message": text,
        "request_id": answer.header("x-request-id").unwrap(),
    });
    assert_eq!(answer.json(), expected, "{what}");
}

#[test]
fn every_bad_token_is_refused_with_its_own_words() {
    let upstream = Upstream::start();
    let authorizer = json!({ "issuer": ISSUER, "audience": AUDIENCE });
    let gateway = protected(&upstream, authorizer);
    let good = sign(&good_claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let alg = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "JWT" });
        sign_parts("HS256", SECRET, &header, &good_claims())
    };
    let with_header = |header: Value| sign_parts("HS256", SECRET, &header, &good_claims());
    let mut last = signature.chars().last().unwrap();
    last = if last == 'A' { 'E' } else { 'A' };
    let cases: Vec<(&str, String, (&str, &str))> = vec![
        ("another scheme", format!("Basic {good}"), NO_TOKEN),
        ("no scheme", good.clone(), NO_TOKEN),
        ("a scheme alone", "Bearer".into(), NO_TOKEN),
        ("an empty token", "Bearer ".into(), NO_TOKEN),
        ("two tokens", format!("Bearer {good} {good}"), NO_TOKEN),
        ("one word", "Bearer abc".into(), NOT_JWS),
        ("two parts", format!("Bearer {header}.{claims}"), NOT_JWS),
        ("four parts", format!("Bearer {good}.x"), NOT_JWS),
        ("empty parts", "Bearer ..".into(), NOT_JWS),
        (
            "a token of 100 KB",
            format!("Bearer {}", "x".repeat(100_000)),
            NOT_JWS,
        ),
        (
            "no base64",
            format!("Bearer {header}.{claims}.!!!"),
            NOT_JWS,
        ),
        (
            "no JSON",
            format!("Bearer {}.{claims}.{signature}", base64("{")),
            NOT_JWS,
        ),
        (
            "alg none",
            format!("Bearer {}.{claims}.", base64(r#"{"alg":"none"}"#)),
            NOT_JWS,
        ),
        (
            "alg none in capitals",
            format!("Bearer {}", alg("NONE")),
            NOT_JWS,
        ),
        ("RS256", format!("Bearer {}", alg("RS256")), NOT_JWS),
        ("ES256", format!("Bearer {}", alg("ES256")), NOT_JWS),
        (
            "no alg",
            format!("Bearer {}", with_header(json!({ "typ": "JWT" }))),
            NOT_JWS,
        ),
        (
            "a critical member",
            format!(
                "Bearer {}",
                with_header(json!({ "alg": "HS256", "crit": ["b64"], "b64": false }))
            ),
            NOT_JWS,
        ),
        (
            "HS512 where HS256 is meant",
            format!("Bearer {}", sign_with("HS512", SECRET, &good_claims())),
            NOT_JWS,
        ),
        (
            "another secret",
            format!(
                "Bearer {}",
                sign_with("HS256", &SECRET[1..], &good_claims())
            ),
            SIGNATURE,
        ),
        (
            "no signature",
            format!("Bearer {header}.{claims}."),
            SIGNATURE,
        ),
        (
            "a changed signature",
            format!(
                "Bearer {header}.{claims}.{}{last}",
                &signature[..signature.len() - 1]
            ),
            SIGNATURE,
        ),
        (
            "changed claims",
            format!(
                "Bearer {header}.{}.{signature}",
                base64(changed("sub", json!("admin")).to_string())
            ),
            SIGNATURE,
        ),
    ];
    for (what, authorization, refusal) in cases {
        assert_refused(&gateway.send(&with(&authorization)), refusal, what);
    }
    assert_refused(&gateway.get("/"), NO_TOKEN, "nothing");
    let twice = with(&format!("Bearer {good}")).header("Authorization", &format!("Bearer {good}"));
    assert_refused(&gateway.send(&twice), NO_TOKEN, "two headers");

    assert!(
        upstream.requests().is_empty(),
        "a refused request was sent on"
    );
    assert_eq!(gateway.send(&with(&format!("Bearer {good}"))).status, 200);
    assert_eq!(gateway.send(&with(&format!("bearer {good}"))).status, 200);
    let log = gateway.log();
    assert!(!log.contains(&good) && !log.contains(SECRET), "{log}");
}

#[test]
fn every_claim_that_is_not_as_expected_is_refused() {
    let upstream = Upstream::start();
    let authorizer = json!({
        "issuer": ISSUER, "audience": [AUDIENCE, "other-api"], "leeway": 30, "max_age": 3600,
        "required_claims": ["sub", "tenant"],
    });
    let gateway = protected(&upstream, authorizer);
    let ask = |mut claims: Value| {
        if claims.get("tenant").is_none() {
            claims["tenant"] = "t1".into();
        }
        if claims.get("iat").is_none() {
            claims["iat"] = in_seconds(-10).into();
        }
        claims.as_object_mut().unwrap().retain(|_, v| *v != "gone");
        gateway.send(&with(&format!("Bearer {}", sign(&claims))))
    };
    let refused = [
        ("exp", json!(in_seconds(-90)), EXPIRED),
        ("exp", json!(0), EXPIRED),
        ("exp", Value::Null, CLAIMS),
        ("exp", json!("never"), CLAIMS),
        ("nbf", json!(in_seconds(300)), CLAIMS),
        ("nbf", json!("soon"), CLAIMS),
        ("iat", json!(in_seconds(300)), CLAIMS),
        ("iat", json!(in_seconds(-7200)), EXPIRED),
        ("iat", json!("gone"), CLAIMS),
        ("iss", json!("https://evil.example/"), CLAIMS),
        ("iss", json!("https://login.example.com"), CLAIMS),
        ("iss", json!([ISSUER]), CLAIMS),
        ("iss", Value::Null, CLAIMS),
        ("aud", json!("https://api.example.com/"), CLAIMS),
        ("aud", json!(["third-api"]), CLAIMS),
        ("aud", json!([]), CLAIMS),
        ("aud", json!(5), CLAIMS),
        ("aud", Value::Null, CLAIMS),
        ("sub", Value::Null, CLAIMS),
        ("tenant", json!("gone"), CLAIMS),
    ];
    for (name, value, refusal) in refused {
        let what = format!("{name}: {value}");
        assert_refused(&ask(changed(name, value)), refusal, &what);
    }
    assert!(
        upstream.requests().is_empty(),
        "a refused request was sent on"
    );
    let accepted = [
        ("exp", json!(in_seconds(-5))),
        ("exp", json!(in_seconds(600))),
        ("nbf", json!(in_seconds(10))),
        ("aud", json!("other-api")),
        ("aud", json!(["third-api", AUDIENCE])),
    ];
    for (name, value) in accepted {
        let what = format!("{name}: {value}");
        let answer = ask(changed(name, value));
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
}

#[test]
fn the_configured_algorithms_and_no_others_are_accepted() {
    let upstream = Upstream::start();
    let all = ["HS256", "HS384", "HS512"];
    for (authorizer, accepted) in [
        (json!({}), &all[..1]),
        (json!({ "algorithm": "HS256" }), &all[..1]),
        (json!({ "algorithm": "HS384" }), &all[1..2]),
        (json!({ "algorithm": "HS512" }), &all[2..]),
        (
            json!({ "algorithms": ["HS256", "HS384", "HS512"] }),
            &all[..],
        ),
    ] {
        let gateway = protected(&upstream, authorizer);
        for algorithm in all {
            let token = sign_with(algorithm, SECRET, &good_claims());
            let answer = gateway.send(&with(&format!("Bearer {token}")));
            match accepted.contains(&algorithm) {
                true => assert_eq!(answer.status, 200, "{algorithm}: {}", answer.text()),
                false => assert_refused(&answer, NOT_JWS, algorithm),
            }
        }
    }
}

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
