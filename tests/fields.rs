//! Which of the client's fields reach an upstream, on every way out.

#![cfg(test)]

mod support;

use causeway::upstream::fields::{ORDERS, REMOVED};
use peers::{Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::{PATIENCE, Setup, arrived, gateway, mistakes, open, target};

/// A worker that tells the fields that it is shown.
const FUNCTIONS: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch() {} };
export class Functions extends WorkerEntrypoint {
  tell(request) { return Response.json([...request.headers]); }
}
"#;

/// A gateway with a way out of each kind; whatever is asked, `up` and `mirror` are sent it.
fn every_way_out() -> (Setup, Upstream) {
    let (upstream, mirror) = (Upstream::start(), Upstream::start());
    let path = |path: &str, server: &str| {
        let mut path = open("ANY", path);
        path["integration"]["server"] = server.into();
        path
    };
    let mut mirrored = path("/mirrored/{.+}", "up");
    mirrored["integration"]["mirror"] = json!({ "server": "mirror", "percent": 100 });
    let mut called = open("ANY", "/called/{.+}");
    called["integration"] =
        json!({ "type": "service_binding", "binding": "f", "function": "tell" });
    let config = json!({
        "servers": [
            { "alias": "up", "url": upstream.url() },
            { "alias": "pool", "endpoints": [{ "url": upstream.url() }], "retry": {} },
            { "alias": "mirror", "url": mirror.url() },
        ],
        "serviceBindings": [{ "alias": "f", "binding": "F" }],
        "paths": [path("/plain/{.+}", "up"), path("/pool/{.+}", "pool"), mirrored, called],
    })
    .to_string();
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let options = Options::default().service("F", FUNCTIONS, Some("Functions"));
    let gateway = gateway(config, options);
    (Setup { gateway, upstream }, mirror)
}

/// In any case, and with what CGI takes for a hyphen in place of one.
fn spellings(name: &str) -> [String; 5] {
    let mixed = name.char_indices().map(|(index, c)| match (index % 2, c) {
        (1, '-') => '_',
        (0, c) => c.to_ascii_uppercase(),
        (_, c) => c,
    });
    [
        name.to_owned(),
        name.to_ascii_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "."),
        mixed.collect(),
    ]
}

#[test]
fn what_only_a_proxy_could_know_is_dropped_in_every_spelling_on_every_way_out() {
    let (setup, mirror) = every_way_out();
    let set_anew = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
    ];
    let names: Vec<String> = REMOVED
        .iter()
        // It is answered by the runtime, and has a test of its own.
        .filter(|name| **name != "expect")
        .chain(&set_anew)
        .map(|name| name.replace('*', "uri"))
        .collect();
    let spoofing = |mut request: Request| {
        for spelling in names.iter().flat_map(|name| spellings(name)) {
            request = request.header(&spelling, "spoofed");
        }
        for twin in ["CF_Connecting_IP", "Content_Length", "Transfer.Encoding"] {
            request = request.header(twin, "spoofed");
        }
        request.header("X-Kept", "1").header("X_Kept_Too", "1")
    };
    for way in ["plain", "pool", "mirrored", "called"] {
        let mut requests = vec![
            Request::get(&format!("/{way}/a")),
            Request::post(&format!("/{way}/b"), "body"),
        ];
        // No GET with a body can be handed to another worker.
        if way != "called" {
            requests.push(Request::get(&format!("/{way}/c")).body("body"));
        }
        for request in requests {
            let answer = setup.gateway.send(&spoofing(request));
            assert_eq!(answer.status, 200, "{way}: {}", setup.gateway.log());
            let seen = match way {
                "called" => answer.text().to_string(),
                _ => setup.upstream.last().head.raw.escape_ascii().to_string(),
            };
            let seen = seen.to_ascii_lowercase();
            assert!(!seen.contains("spoofed"), "{way}: {seen}");
            assert!(
                seen.contains("x-kept") && seen.contains("x_kept_too"),
                "{seen}"
            );
        }
    }
    assert!(mirror.wait_requests(1, PATIENCE));
    for got in mirror.requests() {
        let seen = got.head.raw.escape_ascii().to_string();
        assert!(
            !seen.contains("spoofed") && seen.contains("X_Kept_Too"),
            "{seen}"
        );
    }
}

#[test]
fn a_field_that_the_gateway_sets_or_keeps_has_no_twin() {
    let upstream = Upstream::start();
    let judge = Upstream::named("judge");
    let mut mapped = support::guarded("ANY", "/mapped");
    mapped["auth"] = json!("tokens");
    mapped["mapping"] = json!({ "headers": {
        "X-User-Id": "$request.jwt.sub", "x_tenant": "$request.jwt.tenant", "X-Role": "$request.jwt.role",
    } });
    let mut asked = support::guarded("ANY", "/asked");
    asked["auth"] = json!("judge");
    let mut keyed = support::guarded("ANY", "/keyed");
    keyed["auth"] = json!("keys");
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": {
            "tokens": support::authorizer(),
            "judge": { "type": "forward_auth", "url": format!("{}/echo", judge.url()), "copy_headers": ["X-Upstream", "X-Absent"] },
            "keys": { "type": "jwt", "secret": "$secret.JWT_SECRET", "algorithm": "HS256", "token_from": [{ "header": "X-Api-Key" }, "bearer"], "forward_credential": false },
        },
        "paths": [mapped, asked, keyed],
    })
    .to_string();
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let gateway = gateway(config, support::options());
    let bearer = format!(
        "Bearer {}",
        support::token(json!({ "sub": "u1", "tenant": "t1" }))
    );
    for (path, names) in [
        ("/mapped", &["x-user-id", "x-tenant", "x-role"][..]),
        ("/asked", &["x-upstream", "x-absent"]),
        ("/keyed", &["x-api-key"]),
    ] {
        for name in names {
            let mut request = Request::get(path).header("Authorization", &bearer);
            for spelling in spellings(name) {
                request = request.header(&spelling, "admin");
            }
            if path == "/keyed" {
                request = Request::get(path)
                    .header("Authorization", &bearer)
                    .header("X_Api_Key", "admin");
            }
            let answer = gateway.send(&request);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let raw = upstream.last().head.raw.escape_ascii().to_string();
            assert!(!raw.contains("admin"), "{path} {name}: {raw}");
        }
        let got = upstream.last();
        if path == "/mapped" {
            assert_eq!(arrived(&got, "x-user-id"), ["u1"]);
            assert_eq!(arrived(&got, "x_tenant"), ["t1"]);
        }
    }
}

#[test]
fn a_field_that_a_decision_hung_on_has_no_twin() {
    let upstream = Upstream::start();
    let judge = Upstream::named("judge");
    let mut inside = support::guarded("ANY", "/chosen");
    inside["auth"] = "tokens".into();
    inside["when"] = json!({ "headers": { "X-Is-Admin": "1" } });
    let mut judged = support::guarded("ANY", "/judged");
    judged["auth"] = "judge".into();
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": {
            "tokens": support::authorizer(),
            "judge": { "type": "forward_auth", "url": format!("{}/echo", judge.url()), "request_headers": ["X-Tenant-Id"] },
        },
        "paths": [inside, open("ANY", "/chosen"), judged],
    })
    .to_string();
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let gateway = gateway(config, support::options());
    for (path, name, value, status) in [
        ("/chosen", "X-Is-Admin", Some("1"), 401),
        ("/chosen", "X-Is-Admin", Some("0"), 200),
        ("/chosen", "X-Is-Admin", None, 200),
        ("/judged", "X-Tenant-Id", Some("a"), 200),
        ("/judged", "X-Tenant-Id", None, 200),
    ] {
        let mut request = Request::get(path).header("X_Other", "kept");
        for spelling in &spellings(name)[2..] {
            request = request.header(spelling, "forged");
        }
        if let Some(value) = value {
            request = request.header(name, value);
        }
        let answer = gateway.send(&request);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        if status == 200 {
            let got = upstream.last();
            let seen = got.head.raw.escape_ascii().to_string();
            assert!(!seen.contains("forged"), "{seen}");
            assert_eq!(arrived(&got, name), value.into_iter().collect::<Vec<_>>());
            assert_eq!(arrived(&got, "x_other"), ["kept"]);
        }
    }
}

#[test]
fn what_a_config_sets_goes_on_whatever_its_name() {
    let mut path = open("ANY", "/{.+}");
    path["variables"] = json!({ "user": "u" });
    path["mapping"] = json!({ "headers": {
        "X-Forwarded-User": "$config.user",
        "X-HTTP-Method-Override": "$request.header.X-HTTP-Method-Override",
    } });
    let setup = support::setup(json!({ "paths": [path] }));
    let request = Request::post("/a", "x")
        .header("X-HTTP-Method-Override", "DELETE")
        .header("X_HTTP_Method_Override", "PURGE")
        .header("X_Odd.Name", "1");
    assert_eq!(setup.gateway.send(&request).status, 200);
    let got = setup.upstream.last();
    assert_eq!(arrived(&got, "x-forwarded-user"), ["u"]);
    assert_eq!(arrived(&got, "x-http-method-override"), ["DELETE"]);
    assert_eq!(
        arrived(&got, "x_http_method_override"),
        Vec::<String>::new()
    );
    assert_eq!(arrived(&got, "x_odd.name"), ["1"]);
}

#[test]
fn the_upstream_is_told_what_was_cut_off_before_a_wildcard() {
    let setup = support::setup(json!({ "paths": [
        open("ANY", "/p/q/{.+}"), open("ANY", "/t/{id}/{.+}"), open("ANY", "/{.+}"),
    ] }));
    for (path, sent, prefix) in [
        ("/p/q/x", "/x", Some("/p/q")),
        ("/p/q", "/", Some("/p/q")),
        ("/t/7/echo?a=1", "/t/7/echo?a=1", None),
        ("/other", "/other", None),
    ] {
        let request = Request::get(path).header("X-Forwarded-Prefix", "/theirs");
        assert_eq!(setup.gateway.send(&request).status, 200);
        let got = setup.upstream.last();
        assert_eq!(target(&got), sent);
        let prefix: Vec<&str> = prefix.into_iter().collect();
        assert_eq!(arrived(&got, "x-forwarded-prefix"), prefix, "{path}");
    }
}

/// Servers `s0` and so on with these identities, and a path `/s0/...` to each.
fn identified(upstream: &Upstream, identities: &[Value]) -> Gateway {
    let servers = identities.iter().enumerate().map(|(index, identity)| {
        json!({ "alias": format!("s{index}"), "url": upstream.url(), "identity": identity })
    });
    let paths = (0..identities.len()).map(|index| {
        let mut path = open("ANY", &format!("/s{index}/{{.+}}"));
        path["integration"]["server"] = format!("s{index}").into();
        path["mapping"] = json!({ "headers": {
            "X-Goog-Meta-A": "$request.header.x-a", "x-amz-meta-a": "$request.header.x-a",
        } });
        path
    });
    let config =
        json!({ "servers": servers.collect::<Vec<_>>(), "paths": paths.collect::<Vec<_>>() });
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    gateway(config, Options::default().text("KEY", "k"))
}

#[test]
fn clients_give_no_orders_in_the_gateway_s_name() {
    let upstream = Upstream::start();
    let gateway = identified(
        &upstream,
        &[
            json!({ "type": "aws", "service": "s3", "region": "auto", "access_key_id": "a", "secret_access_key": "$secret.KEY" }),
            json!({ "type": "header", "prefix": "Bearer ", "secret": "$secret.KEY" }),
            json!({ "type": "basic", "username": "u", "password": "$secret.KEY" }),
            json!({ "type": "header", "name": "X-Key", "secret": "$secret.KEY" }),
        ],
    );
    let ordering = |path: &str| {
        let mut request = Request::get(path);
        for name in ORDERS.iter().map(|name| name.replace('*', "copy-source")) {
            for spelling in spellings(&name) {
                request = request.header(&spelling, "ordered");
            }
        }
        request
            .header("x-ms-version", "2023-11-03")
            .header("x-a", "mapped")
    };
    for (path, given) in [
        ("/s0/a", false),
        ("/s1/a", false),
        ("/s2/a", false),
        ("/s3/a", true),
    ] {
        assert_eq!(gateway.send(&ordering(path)).status, 200);
        let got = upstream.last();
        let raw = got.head.raw.escape_ascii().to_string();
        assert_eq!(raw.contains("ordered"), given, "{path}: {raw}");
        assert_eq!(arrived(&got, "x-ms-version"), ["2023-11-03"], "{path}");
        assert_eq!(arrived(&got, "x-goog-meta-a"), ["mapped"], "{path}");
        assert_eq!(arrived(&got, "x-amz-meta-a"), ["mapped"], "{path}");
        // Who is signed for is who is asked.
        let signed = path == "/s0/a";
        assert_eq!(
            arrived(&got, "x-forwarded-host").is_empty(),
            signed,
            "{path}"
        );
        assert_eq!(
            arrived(&got, "x-forwarded-prefix").is_empty(),
            signed,
            "{path}"
        );
        assert_eq!(
            arrived(&got, "forwarded")[0].contains("host="),
            !signed,
            "{path}"
        );
    }
}

#[test]
fn lines_of_cookies_arrive_as_one() {
    let mut kept = support::guarded("ANY", "/kept");
    kept["auth"] = json!("keys");
    let mut mapped = open("ANY", "/mapped");
    mapped["mapping"] = json!({ "headers": { "X-Cookies": "$request.header.cookie" } });
    let setup = support::setup(json!({
        "authorizers": { "keys": { "type": "jwt", "secret": "$secret.JWT_SECRET", "algorithm": "HS256", "token_from": [{ "cookie": "t" }], "forward_credential": false } },
        "paths": [kept, mapped, open("ANY", "/{.+}")],
    }));
    let ask = |path: &str, lines: &[&str], name: &str| {
        let mut request = Request::get(path);
        for line in lines {
            request = request.header("Cookie", line);
        }
        let answer = setup.gateway.send(&request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        arrived(&setup.upstream.last(), name)
    };
    assert_eq!(ask("/a", &["a=1", "b=2; c=3"], "cookie"), ["a=1; b=2; c=3"]);
    assert_eq!(ask("/a", &["a=1, 2; b=3"], "cookie"), ["a=1, 2; b=3"]);
    assert_eq!(ask("/mapped", &["a=1", "b=2"], "x-cookies"), ["a=1; b=2"]);
    let token = format!("t={}", support::token(json!({})));
    assert_eq!(
        ask("/kept", &["a=1", &token, "b=2"], "cookie"),
        ["a=1; b=2"]
    );
}
