//! Where the config comes from, what becomes of a bad one, and what its references mean.

#![cfg(test)]

mod support;

use std::rc::Rc;
use std::time::Duration;

use peers::upstream::Fault;
use peers::{Gateway, Kv, Options, Request, Source, Upstream};
use serde_json::{Value, json};
use support::tokens::{self, SECRET};
use support::{assert_problem, eventually, gateway};

/// Longer than any test machine needs for what takes some tens of milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the gateways of these tests look at KV.
const REFRESH: (&str, &str) = ("CAUSEWAY_CONFIG_REFRESH_MS", "100");

/// A config that answers `/who` with a word.
fn says(word: &str) -> String {
    json!({ "paths": [{ "method": "GET", "path": "/who", "response": word }] }).to_string()
}

fn plan(config: &str) -> Source {
    let blueprint = causeway::plan::compile(config).blueprint.unwrap();
    Source::Plan(blueprint.to_bytes().unwrap())
}

/// A gateway whose bundled plan says `bundled` and that is bound to this namespace.
fn bundled_and(kv: &Rc<Kv>) -> Options {
    let bound = Rc::clone(kv);
    Options::default()
        .source(plan(&says("bundled")))
        .text(REFRESH.0, REFRESH.1)
        .with(move |worker| worker.kv("CONFIG", &bound))
}

fn who(gateway: &Gateway) -> String {
    let answer = gateway.get("/who");
    match answer.status {
        200 => answer.json().as_str().unwrap().to_owned(),
        status => format!("{status} {}", answer.json()["code"]),
    }
}

#[test]
fn the_variable_goes_before_kv_and_kv_before_the_bundled_plan() {
    let kv = Rc::new(Kv::start());
    let bundled = gateway("", bundled_and(&kv));
    assert_eq!(who(&bundled), "bundled", "the namespace has no such key");
    kv.put("api-config.json", says("kv"));
    let stored = gateway("", bundled_and(&kv));
    assert_eq!(who(&stored), "kv");
    let options = bundled_and(&kv).text("SAG_API_CONFIG_JSON", &says("variable"));
    let variable = gateway("", options);
    assert_eq!(who(&variable), "variable");
}

#[test]
fn kv_may_hold_a_compiled_config() {
    let compiled = |word: &str| match plan(&says(word)) {
        Source::Plan(bytes) => bytes,
        _ => unreachable!(),
    };
    let kv = Rc::new(Kv::start());
    let mut damaged = compiled("damaged");
    *damaged.last_mut().unwrap() ^= 1;
    kv.put("api-config.json", damaged.clone());
    let gateway = gateway("", bundled_and(&kv));
    assert_eq!(who(&gateway), "500 \"config_error\"");
    assert!(gateway.logs("config: api-config.json: "));

    kv.put("api-config.json", compiled("first"));
    assert!(eventually(PATIENCE, || who(&gateway) == "first"));
    // One that cannot be used leaves the last one in place, be it damaged or of another version.
    let mut other_version = compiled("other");
    other_version[8] ^= 1;
    for bad in [damaged, other_version, compiled("cut")[..20].to_vec()] {
        let reads = kv.reads();
        kv.put("api-config.json", bad);
        assert!(eventually(PATIENCE, || {
            assert_eq!(who(&gateway), "first");
            kv.reads() >= reads + 3
        }));
    }
    kv.put("api-config.json", says("text"));
    assert!(eventually(PATIENCE, || who(&gateway) == "text"));
}

#[test]
fn a_build_without_the_compiler_serves_what_is_compiled_and_refuses_a_text() {
    let folder = xtask::build(xtask::Profile::Release, xtask::Compiler::LeftOut).unwrap();
    let bundled = || Options::default().source(plan(&says("bundled")));
    let start = |options: Options| Gateway::start("", options.folder(&folder));
    assert_eq!(who(&start(bundled())), "bundled");

    let variable = start(bundled().text("SAG_API_CONFIG_JSON", &says("variable")));
    assert_eq!(who(&variable), "500 \"config_error\"");
    assert!(variable.logs("SAG_API_CONFIG_JSON: this build has only the bundled config"));

    let kv = Rc::new(Kv::start());
    let bound = Rc::clone(&kv);
    let interval = bundled().text(REFRESH.0, REFRESH.1);
    let stored = start(interval.with(move |worker| worker.kv("CONFIG", &bound)));
    assert_eq!(who(&stored), "bundled");
    let reads = kv.reads();
    kv.put("api-config.json", says("text"));
    assert!(eventually(PATIENCE, || {
        assert_eq!(who(&stored), "bundled");
        kv.reads() >= reads + 3
    }));
    assert!(stored.logs("api-config.json: this build has only the bundled config"));
}

#[test]
fn a_text_that_is_not_utf_8_is_refused() {
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", b"{ \"paths\": [] } // \xff".to_vec());
    let gateway = gateway("", bundled_and(&kv));
    assert_eq!(who(&gateway), "500 \"config_error\"");
    assert!(gateway.logs("config: api-config.json: the byte 0xFF in line 1 is not UTF-8"));
}

#[test]
fn without_any_binding_the_bundled_plan_serves() {
    let gateway = gateway("", Options::default().source(plan(&says("bundled"))));
    assert_eq!(who(&gateway), "bundled");
}

#[test]
fn while_kv_fails_at_the_start_nothing_is_served_and_then_kv_is() {
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", says("kv"));
    kv.fail(true);
    let gateway = gateway("", bundled_and(&kv));
    for _ in 0..3 {
        assert_problem(&gateway.get("/who"), 500, "config_error");
    }
    kv.fail(false);
    assert!(
        eventually(PATIENCE, || who(&gateway) == "kv"),
        "{}",
        gateway.log()
    );
}

#[test]
fn after_a_failure_of_kv_a_missing_key_still_means_the_bundled_plan() {
    let kv = Rc::new(Kv::start());
    kv.fail(true);
    let gateway = gateway("", bundled_and(&kv));
    assert_problem(&gateway.get("/who"), 500, "config_error");
    kv.fail(false);
    assert!(
        eventually(PATIENCE, || who(&gateway) == "bundled"),
        "{}",
        gateway.log()
    );
}

#[test]
fn a_bad_variable_closes_everything_and_is_never_passed_over() {
    for bad in [
        "{",
        "not JSON",
        "[]",
        r#"{ "paths": [{ "method": "GET", "path": "/who", "response": 1 }], "defaults": 5 }"#,
        r#"{ "path": [] }"#,
    ] {
        let options = Options::default()
            .source(plan(&says("bundled")))
            .text("SAG_API_CONFIG_JSON", bad);
        let gateway = gateway("", options);
        for target in ["/who", "/", "/else"] {
            assert_problem(&gateway.get(target), 500, "config_error");
        }
        assert!(
            gateway.logs("SAG_API_CONFIG_JSON:1:"),
            "{bad}: {}",
            gateway.log()
        );
    }
}

#[test]
fn a_new_config_in_kv_forgets_no_webhook_that_was_accepted() {
    // By `openssl dgst -sha256 -hmac`, as a sender signs.
    const SECRET: &str = "a secret of a sender of webhooks";
    let config = |word: &str| {
        json!({
            "authorizer": { "type": "webhook", "scheme": "stripe", "secret": SECRET },
            "paths": [
                { "method": "POST", "path": "/hook", "auth": true, "response": "in" },
                { "method": "GET", "path": "/who", "response": word, "auth": false },
            ],
        })
        .to_string()
    };
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", config("first"));
    let gateway = gateway("", bundled_and(&kv));
    let now = tokens::in_seconds(0);
    let tag = tokens::hmac_hex(SECRET, &format!("{now}.{{}}"));
    let delivery =
        Request::post("/hook", "{}").header("Stripe-Signature", &format!("t={now},v1={tag}"));
    assert_eq!(gateway.send(&delivery).status, 200);
    assert_problem(&gateway.send(&delivery), 401, "signature_replayed");
    kv.put("api-config.json", config("second"));
    assert!(eventually(PATIENCE, || who(&gateway) == "second"));
    assert_problem(&gateway.send(&delivery), 401, "signature_replayed");
}

#[test]
fn a_policy_that_is_not_understood_allows_no_other_origin() {
    let text = r#"{ "paths": [{ "method": "GET", "path": "/who", "response": 1 }], "cors": 5 }"#;
    let options = Options::default().text("SAG_API_CONFIG_JSON", text);
    let gateway = gateway("", options);
    let answer = gateway.send(&Request::get("/who").header("Origin", support::ORIGIN));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = Request::new("OPTIONS", "/who")
        .header("Origin", support::ORIGIN)
        .header("Access-Control-Request-Method", "GET");
    assert_problem(&gateway.send(&preflight), 403, "cors_origin_denied");
    assert!(gateway.logs("SAG_API_CONFIG_JSON:1:"), "{}", gateway.log());
}

#[test]
fn a_new_config_in_kv_takes_over_and_a_bad_one_does_not() {
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", says("first"));
    let gateway = gateway("", bundled_and(&kv));
    assert_eq!(who(&gateway), "first");

    kv.put("api-config.json", says("second"));
    assert!(eventually(PATIENCE, || who(&gateway) == "second"));

    let mistaken = "{\n  \"paths\": [\n    { \"method\": \"GET\", \"path\": \"/who\", \"respons\": \"third\" }\n  ]\n}";
    kv.put("api-config.json", mistaken);
    let told = "api-config.json:3:40: error[unknown_field]";
    assert!(
        eventually(PATIENCE, || {
            assert_eq!(who(&gateway), "second");
            gateway.log().contains(told)
        }),
        "{}",
        gateway.log()
    );
    assert!(gateway.logs("(paths[0].respons)"), "{}", gateway.log());
    // It is looked at once, not told again at every look.
    let reads = kv.reads();
    assert!(eventually(PATIENCE, || {
        assert_eq!(who(&gateway), "second");
        kv.reads() >= reads + 3
    }));
    assert_eq!(gateway.log().matches(told).count(), 1, "{}", gateway.log());

    kv.put("api-config.json", says("third"));
    assert!(eventually(PATIENCE, || who(&gateway) == "third"));
}

#[test]
fn a_new_config_keeps_what_is_known_of_endpoints_that_it_does_not_touch() {
    let [ill, well] = [Upstream::start(), Upstream::start()];
    ill.fail(Fault::Status(503));
    let config = |word: &str, more: &[&Upstream]| {
        let endpoints = [("a", &ill), ("b", &well)].into_iter();
        let endpoints = endpoints.chain(more.iter().map(|upstream| ("c", *upstream)));
        let endpoints = endpoints.map(|(name, up)| json!({ "name": name, "url": up.url() }));
        json!({
            "servers": [{
                "alias": "s", "endpoints": endpoints.collect::<Vec<_>>(),
                "outlier": { "consecutive_failures": 1, "base_ejection_ms": 60_000 },
            }],
            "paths": [
                { "method": "GET", "path": "/who", "response": word },
                { "method": "GET", "path": "/x", "integration": { "type": "http", "server": "s" } },
            ],
        })
        .to_string()
    };
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", config("first", &[]));
    let gateway = gateway("", bundled_and(&kv));
    let all_well = || (0..6).for_each(|_| assert_eq!(gateway.get("/x").status, 200));
    all_well();
    assert_eq!(ill.seen(), 1, "it is ejected");
    kv.put("api-config.json", config("second", &[]));
    assert!(eventually(PATIENCE, || who(&gateway) == "second"));
    all_well();
    // Another endpoint beside it says nothing of this one.
    let third = Upstream::start();
    kv.put("api-config.json", config("third", &[&third]));
    assert!(eventually(PATIENCE, || who(&gateway) == "third"));
    all_well();
    assert_eq!(ill.seen(), 1);
    assert!(third.seen() > 0);
}

#[test]
fn kv_that_fails_while_running_leaves_the_last_config_in_place() {
    let kv = Rc::new(Kv::start());
    kv.put("api-config.json", says("first"));
    let gateway = gateway("", bundled_and(&kv));
    assert_eq!(who(&gateway), "first");
    kv.fail(true);
    assert!(
        eventually(PATIENCE, || {
            assert_eq!(who(&gateway), "first");
            gateway.log().contains("KV")
        }),
        "{}",
        gateway.log()
    );
    kv.put("api-config.json", says("second"));
    kv.fail(false);
    assert!(eventually(PATIENCE, || who(&gateway) == "second"));
}

#[test]
fn a_fault_inside_one_path_closes_that_path_alone() {
    let config = json!({
        "servers": [{ "alias": "a", "url": "http://127.0.0.1:9" }],
        "paths": [
            { "method": "GET", "path": "/who", "response": "kv" },
            { "method": "GET", "path": "/shut/{id}", "integration": { "type": "http", "server": "b" } },
            { "method": "GET", "path": "/{.+}", "response": "wide" },
        ],
    });
    let gateway = gateway(config, Options::default().source(Source::Kv));
    assert_eq!(who(&gateway), "kv");
    assert_problem(&gateway.get("/shut/1"), 500, "config_error");
    assert_eq!(gateway.get("/other").json(), "wide");
    for part in ["api-config.json:1:", "(paths[1].integration.server)"] {
        assert!(gateway.logs(part), "{part}: {}", gateway.log());
    }
}

#[test]
fn an_unset_reference_closes_the_paths_that_need_it() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [
            { "alias": "set", "url": "$env.SET_URL" },
            { "alias": "unset", "url": "$env.UNSET_URL" },
            { "alias": "bad", "url": "$env.BAD_URL" },
        ],
        "authorizers": {
            "unset": { "type": "jwt", "secret": "$secret.UNSET_SECRET" },
            "weak": { "type": "jwt", "secret": "$secret.WEAK_SECRET" },
            "set": { "type": "jwt", "secret": "$secrets.JWT_SECRET" },
        },
        "variables": { "unset": "$env.UNSET_VARIABLE" },
        "defaults": { "auth": false },
        "paths": [
            { "method": "GET", "path": "/open", "integration": { "type": "http", "server": "set" } },
            { "method": "GET", "path": "/signed", "auth": "set", "integration": { "type": "http", "server": "set" } },
            { "method": "GET", "path": "/no-server", "integration": { "type": "http", "server": "unset" } },
            { "method": "GET", "path": "/bad-server", "integration": { "type": "http", "server": "bad" } },
            { "method": "GET", "path": "/no-secret", "auth": "unset", "integration": { "type": "http", "server": "set" } },
            { "method": "GET", "path": "/weak-secret", "auth": "weak", "response": 1 },
            { "method": "GET", "path": "/no-variable", "integration": { "type": "http", "server": "set" },
              "mapping": { "headers": { "X-Unset": "$config.unset" } } },
            { "method": "GET", "path": "/no-response", "response": { "value": "$env.UNSET_BODY" } },
            { "method": "GET", "path": "/no-header", "response": 1, "response_headers": { "X-Unset": "$env.EMPTY" } },
            { "method": "GET", "path": "/bad-header", "response": 1, "response_headers": { "X-Bad": "$env.TWO_LINES" } },
        ],
    });
    let options = Options::default()
        .text("SET_URL", &upstream.url())
        .text("BAD_URL", "ftp://hidden.example.com")
        .text("JWT_SECRET", SECRET)
        .text("WEAK_SECRET", "weak-and-hidden")
        .text("TWO_LINES", "first\r\nX-Second: hidden")
        .text("EMPTY", "");
    let gateway = gateway(config, options);
    assert_eq!(gateway.get("/open").status, 200);
    let signed = Request::get("/signed").header("Authorization", &tokens::bearer(json!({})));
    assert_eq!(gateway.send(&signed).status, 200);
    let served = upstream.requests().len();
    let token = tokens::bearer(json!({}));
    for target in [
        "/no-server",
        "/bad-server",
        "/no-secret",
        "/weak-secret",
        "/no-variable",
        "/no-response",
        "/no-header",
        "/bad-header",
    ] {
        for request in [
            Request::get(target),
            Request::get(target).header("Authorization", &token),
        ] {
            let answer = gateway.send(&request);
            assert_problem(&answer, 500, "config_error");
            for hidden in ["UNSET", "EMPTY", "WEAK", "hidden", SECRET] {
                assert!(!answer.text().contains(hidden), "{}", answer.text());
            }
        }
    }
    assert_eq!(upstream.requests().len(), served);
    for named in ["UNSET_URL", "UNSET_SECRET", "UNSET_VARIABLE", "UNSET_BODY"] {
        assert!(gateway.logs(named), "{named} in {}", gateway.log());
    }
    let log = gateway.log();
    for hidden in [SECRET, "weak-and-hidden", "X-Second: hidden"] {
        assert!(!log.contains(hidden), "{hidden} in {log}");
    }
}

#[test]
fn a_literal_secret_of_a_config_is_never_logged() {
    let hidden = "abcdefghijklmnopqrstuvwxyz-0123456789-hidden";
    for config in [
        json!({
            "authorizer": { "type": "jwt", "secret": hidden, "algoritm": "HS256" },
            "paths": [{ "method": "GET", "path": "/who", "auth": true, "response": 1 }],
        }),
        json!({
            "authorizer": { "type": "jwt", "secret": [[hidden]] },
            "paths": [{ "method": "GET", "path": "/who", "auth": true, "response": 1 }],
        }),
        json!({ "authoriser": { "type": "jwt", "secret": hidden }, "paths": [] }),
    ] {
        let gateway = gateway(&config, Options::default());
        let answer = gateway.get("/who");
        assert_problem(&answer, 500, "config_error");
        assert!(!answer.text().contains(hidden));
        let told = gateway.logs("SAG_API_CONFIG_JSON:1:");
        let log = gateway.log();
        assert!(told, "{log}");
        assert!(!log.contains(hidden), "{log}");
    }
}

#[test]
fn references_are_looked_up_wherever_they_may_stand() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "a", "url": "$env.SERVER" }],
        "cors": { "allow_origins": ["$env.ORIGIN"] },
        "authorizer": { "type": "jwt", "secret": "$secret.KEY", "issuer": "$env.ISSUER", "audience": "$env.AUDIENCE" },
        "variables": { "global": "$env.GLOBAL" },
        "defaults": { "auth": false },
        "paths": [
            { "method": "GET", "path": "/static",
              "response": { "list": ["$env.GLOBAL", "$environment", "a $env.GLOBAL"] },
              "response_headers": { "X-Global": "$env.GLOBAL" } },
            { "method": "GET", "path": "/mapped", "auth": true,
              "integration": { "type": "http", "server": "a" },
              "variables": { "own": "$secret.OWN" },
              "mapping": {
                  "headers": { "X-Global": "$config.global", "X-Own": "$config.own" },
                  "query": { "global": "$config.global" },
              } },
        ],
    });
    let options = Options::default()
        .text("SERVER", &format!("{}/prefix", upstream.url()))
        .text("ORIGIN", "https://app.example.com")
        .text("KEY", SECRET)
        .text("ISSUER", "https://login.example.com/")
        .text("AUDIENCE", "api")
        .text("GLOBAL", "it is \"global\"")
        .text("OWN", "own-secret");
    let gateway = gateway(config, options);

    let answer = gateway.send(&Request::get("/static").header("Origin", "https://app.example.com"));
    let expected: Value = json!({ "list": ["it is \"global\"", "$environment", "a $env.GLOBAL"] });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("x-global"), Some("it is \"global\""));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://app.example.com")
    );

    let claims = json!({ "iss": "https://login.example.com/", "aud": "api" });
    let request = Request::get("/mapped").header("Authorization", &tokens::bearer(claims));
    assert_eq!(gateway.send(&request).status, 200);
    let head = upstream.last().head;
    assert_eq!(head.word(1), "/prefix/mapped?global=it%20is%20%22global%22");
    assert_eq!(head.header("x-global"), Some("it is \"global\""));
    assert_eq!(head.header("x-own"), Some("own-secret"));
    let other = json!({ "iss": "https://login.example.com/", "aud": "other" });
    let request = Request::get("/mapped").header("Authorization", &tokens::bearer(other));
    assert_eq!(gateway.send(&request).status, 401);
    assert!(!gateway.log().contains("own-secret"));
}
