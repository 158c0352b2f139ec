//! What is safe to read in one way is read so; what is not closes what it may have meant.

#![cfg(test)]

mod support;

use peers::{Options, Request, Upstream};
use serde_json::json;
use support::{assert_problem, gateway, mistakes};

#[test]
fn a_host_in_letters_serves_requests_for_its_punycode() {
    let config = json!({
        "paths": [
            { "method": "GET", "path": "/{.+}", "host": "münchen.example", "response": "one" },
            { "method": "GET", "path": "/{.+}", "host": "*.BÜCHER.example", "response": "below" },
        ],
    });
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    let gateway = gateway(config, Options::default());
    for (host, expected) in [
        ("xn--mnchen-3ya.example", 200),
        ("XN--MNCHEN-3YA.example:8443", 200),
        ("shop.xn--bcher-kva.example", 200),
        ("munchen.example", 404),
    ] {
        let answer = gateway.send(&Request::get("/x").header("Host", host));
        assert_eq!(answer.status, expected, "{host}");
    }
}

#[test]
fn blanks_around_a_url_and_the_case_of_a_method_close_nothing() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [
            { "alias": "written", "url": format!("  {} ", upstream.url()) },
            { "alias": "named", "url": "$env.BACKEND" },
        ],
        "paths": [
            { "method": "get", "path": "/written", "integration": { "type": "http", "server": "written" } },
            { "method": " Get ", "path": "/named", "integration": { "type": "http", "server": "named" } },
        ],
    });
    let told = mistakes(&config.to_string());
    assert!(
        told.iter().all(|line| line.contains("warning[")),
        "{told:?}"
    );
    let backend = format!("{}\n", upstream.url());
    let gateway = gateway(config, Options::default().text("BACKEND", &backend));
    for target in ["/written", "/named"] {
        assert_eq!(gateway.get(target).status, 200, "{target}");
    }
}

#[test]
fn a_wildcard_of_another_gateway_never_leaves_a_path_to_a_wider_one() {
    let upstream = Upstream::start();
    for pattern in [
        "/admin/*",
        "/admin/:page",
        "/admin/(.*)",
        "/admin/<page>",
        "^/admin/",
    ] {
        let config = json!({
            "servers": [{ "alias": "a", "url": upstream.url() }],
            "authorizer": support::authorizer(),
            "paths": [
                { "method": "ANY", "path": pattern, "auth": true, "integration": { "type": "http", "server": "a" } },
                { "method": "ANY", "path": "/{.+}", "auth": false, "integration": { "type": "http", "server": "a" } },
            ],
        });
        let told = mistakes(&config.to_string());
        assert!(told[0].contains("error[bad_path]"), "{told:?}");
        let gateway = gateway(config, Options::default());
        assert_problem(&gateway.get("/admin/users"), 500, "config_error");
    }
    let config = json!({
        "paths": [{ "method": "GET", "path": "/literal\\*", "response": 1 }],
    });
    let gateway = gateway(config, Options::default());
    assert_eq!(gateway.get("/literal*").status, 200);
}

#[test]
fn a_variable_that_is_not_understood_closes_the_paths_that_map_it() {
    let upstream = Upstream::start();
    let mapped = |name: &str| json!({ "headers": { "X-Tier": format!("$config.{name}") } });
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "variables": { "bad": null, "good": "gold" },
        "paths": [
            { "method": "GET", "path": "/bad", "mapping": mapped("bad"), "integration": { "type": "http", "server": "a" } },
            { "method": "GET", "path": "/good", "mapping": mapped("good"), "integration": { "type": "http", "server": "a" } },
        ],
    });
    let gateway = gateway(config, Options::default());
    assert_problem(&gateway.get("/bad"), 500, "config_error");
    assert_eq!(gateway.get("/good").status, 200);
}
