//! The lines of the log: where they say things went wrong, and by which of the console's methods they are written.

#![cfg(test)]

mod support;

use peers::workerd::Worker;
use peers::{Gateway, Request, Upstream};
use serde_json::{Value, json};
use support::{authorizer, cors, gateway, open, options};

/// What the console was told: its method's level, and the line.
fn told(gateway: &Gateway) -> Vec<(String, Value)> {
    let log = gateway.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter_map(|line: Value| {
            let told = serde_json::from_str(line["message"].as_str()?).ok()?;
            Some((line["level"].as_str()?.to_owned(), told))
        })
        .collect()
}

#[test]
fn a_line_names_path_server_and_endpoint_and_has_its_level() {
    let upstream = Upstream::start();
    let path = |path: &str, server: &str| {
        let mut path = open("ANY", path);
        path["integration"]["server"] = server.into();
        path["timeout_ms"] = 400.into();
        path
    };
    let mut post = path("/post/{id}", "one");
    post["integration"]["post_process"] = json!({ "binding": "f", "function": "f" });
    let mut proven = path("/proven/{id}", "closed");
    proven["auth"] = false.into();
    let config = json!({
        "cors": cors(),
        "authorizer": authorizer(),
        "servers": [
            { "alias": "one", "url": "http://127.0.0.1:1/v1" },
            { "alias": "slow", "url": upstream.url() },
            { "alias": "pool \"a\"", "endpoints": [{ "name": "dead", "url": "http://127.0.0.1:1" }], "retry": {} },
            { "alias": "slow pool", "endpoints": [{ "name": "late", "url": upstream.url() }], "retry": {} },
            { "alias": "closed", "url": upstream.url(), "identity": {
                "type": "oauth2", "token_url": "http://127.0.0.1:1/token", "client_id": "c", "client_secret": "$secret.JWT_SECRET" } },
        ],
        "serviceBindings": [{ "alias": "f", "binding": "F" }],
        "paths": [
            path("/one/{id}", "one"), path("/slow/{.+}", "slow"), path("/pool/{id}", "pool \"a\""),
            path("/late/{.+}", "slow pool"), post, proven,
            { "method": "GET", "path": "/guarded/{id}", "auth": true, "response": 1 },
        ],
    });
    let options = options()
        .service("F", "export default { fetch() {} }", None)
        .with(Worker::json_log);
    let gateway = gateway(config, options);
    let here = upstream.url();
    for (target, status, pattern, server, endpoint) in [
        ("/one/7", 502, "/one/{id}", "one", "http://127.0.0.1:1"),
        ("/slow/hold", 504, "/slow/{.+}", "slow", &here),
        ("/pool/7", 502, "/pool/{id}", "pool \"a\"", "dead"),
        ("/late/hold", 504, "/late/{.+}", "slow pool", "late"),
        ("/post/7", 502, "/post/{id}", "one", "http://127.0.0.1:1"),
        ("/proven/7", 502, "/proven/{id}", "closed", &here),
    ] {
        let answer = gateway.get(target);
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert!(
            gateway.logs(&format!(r#"request_id\":\"{id}"#)),
            "{}",
            gateway.log()
        );
        let told = told(&gateway);
        let mut lines = told.iter().filter(|(_, line)| line["request_id"] == *id);
        let (level, line) = lines.rfind(|(_, line)| line["status"] == status).unwrap();
        assert_eq!(level, "error", "{line}");
        for (name, value) in [
            ("level", "error"),
            ("path", pattern),
            ("server", server),
            ("endpoint", endpoint),
        ] {
            assert_eq!(line[name], value, "{target}: {line}");
        }
    }
    let warned = told(&gateway);
    let mut warned = warned.iter().filter(|(level, _)| level == "warn");
    let (_, line) = warned
        .find(|(_, line)| line["event"] == "upstream_failed")
        .unwrap();
    assert_eq!(
        (&line["level"], &line["path"]),
        (&json!("warn"), &json!("/pool/{id}"))
    );

    let refused = gateway.send(&Request::get("/guarded/7").header("Authorization", "Bearer a.b.c"));
    assert_eq!(refused.status, 401);
    assert!(gateway.logs("guarded"), "{}", gateway.log());
    let told = told(&gateway);
    let (level, line) = told.last().unwrap();
    assert_eq!(
        (level.as_str(), &line["level"], &line["path"]),
        ("info", &json!("info"), &json!("/guarded/{id}"))
    );
}
