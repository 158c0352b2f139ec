//! Answers that the config holds itself.

#![cfg(test)]

mod support;

use peers::{Options, Request};
use serde_json::{Value, json};
use support::{assert_problem, gateway};

fn path(path: &str, response: Value) -> Value {
    json!({ "method": "GET", "path": path, "response": response })
}

#[test]
fn a_response_is_sent_as_json_whatever_its_type() {
    let bodies = [
        (
            json!({ "a": [true, null, "x"], "b": 1 }),
            r#"{"a":[true,null,"x"],"b":1}"#,
        ),
        (json!([]), "[]"),
        (json!("hello"), r#""hello""#),
        (json!(""), r#""""#),
        (
            json!("línea\n\"zwei\"\u{2028}"),
            "\"línea\\n\\\"zwei\\\"\u{2028}\"",
        ),
        (json!(12.5), "12.5"),
        (json!(false), "false"),
        (json!(null), "null"),
    ];
    let paths: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(i, (body, _))| path(&format!("/{i}"), body.clone()))
        .collect();
    let gateway = gateway(json!({ "paths": paths }), Options::default());
    for (i, (_, sent)) in bodies.iter().enumerate() {
        let answer = gateway.get(&format!("/{i}"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(&answer.text(), sent);
        assert!(answer.header("x-request-id").is_some());
    }
}

#[test]
fn numbers_keys_and_order_stay_as_they_were_written() {
    let config = r#"{ "paths": [{ "method": "GET", "path": "/", "response":
        { "z": 1.0, "a": 12345678901234567890, "m": 1e2, /* a comment */ "b": -0, } }] }"#;
    let gateway = gateway(config, Options::default());
    let text = gateway.get("/").text();
    assert_eq!(text, r#"{"z":1.0,"a":12345678901234567890,"m":1e2,"b":-0}"#);
}

#[test]
fn status_and_headers_are_the_config_s() {
    let mut teapot = path("/teapot", json!({ "error": "short and stout" }));
    teapot["response_status"] = 418.into();
    teapot["response_headers"] = json!({
        "Content-Type": "application/vnd.teapot+json",
        "Cache-Control": "no-store",
        "X-Number": 5,
        "X-Flag": true,
    });
    let gateway = gateway(json!({ "paths": [teapot] }), Options::default());
    let answer = gateway.get("/teapot");
    assert_eq!(answer.status, 418);
    assert_eq!(answer.text(), r#"{"error":"short and stout"}"#);
    assert_eq!(answer.all("content-type"), ["application/vnd.teapot+json"]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-number"), Some("5"));
    assert_eq!(answer.header("x-flag"), Some("true"));
}

#[test]
fn a_redirect_can_be_an_answer() {
    let mut moved = path("/old", Value::Null);
    moved["response_status"] = 308.into();
    moved["response_headers"] = json!({ "Location": "https://new.example.com/?a=1&b=2" });
    let gateway = gateway(json!({ "paths": [moved] }), Options::default());
    let answer = gateway.get("/old?x");
    assert_eq!(answer.status, 308);
    assert_eq!(
        answer.header("location"),
        Some("https://new.example.com/?a=1&b=2")
    );
}

#[test]
fn a_status_without_body_has_none() {
    let paths: Vec<Value> = [204, 205, 304]
        .into_iter()
        .map(|status| {
            let mut entry = path(&format!("/{status}"), Value::Null);
            entry["response_status"] = status.into();
            entry["response_headers"] = json!({ "X-Kept": "1" });
            entry
        })
        .collect();
    let gateway = gateway(json!({ "paths": paths }), Options::default());
    for status in [204, 205, 304] {
        let answer = gateway.get(&format!("/{status}"));
        assert_eq!(answer.status, status);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("content-type"), None);
        assert_eq!(answer.header("x-kept"), Some("1"));
    }
}

#[test]
fn head_gets_the_fields_of_get_and_no_body() {
    let mut entry = path("/", json!({ "a": 1 }));
    entry["response_headers"] = json!({ "X-Kept": "1" });
    let gateway = gateway(json!({ "paths": [entry] }), Options::default());
    let get = gateway.get("/");
    let head = gateway.send(&Request::new("HEAD", "/"));
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    for name in ["content-type", "x-kept"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    // RFC 9110 section 8.6: a length, if there is one, is that of GET.
    if let Some(length) = head.header("content-length") {
        assert_eq!(length, get.body.len().to_string());
    }
    let refused = gateway.send(&Request::post("/", "x"));
    assert_problem(&refused, 405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
}

#[test]
fn references_are_strings_of_the_answer() {
    let mut entry = path(
        "/",
        json!({ "name": "$env.NAME", "list": [1, "$env.NAME"], "text": "not $env.NAME" }),
    );
    entry["response_headers"] = json!({ "X-Name": "$env.NAME" });
    let config = json!({ "paths": [entry, path("/alone", json!("$env.NAME"))] });
    let name = "\"quoted\" \\ {\"json\":1}";
    let gateway = gateway(config, Options::default().text("NAME", name));
    let answer = gateway.get("/");
    assert_eq!(
        answer.json(),
        json!({ "name": name, "list": [1, name], "text": "not $env.NAME" })
    );
    assert_eq!(answer.header("x-name"), Some(name));
    assert_eq!(gateway.get("/alone").json(), name);
}

#[test]
fn a_secret_is_not_sent_to_every_caller() {
    let mut entry = path("/header", json!(1));
    entry["response_headers"] = json!({ "X-Key": "$secret.KEY" });
    let config = json!({ "paths": [path("/body", json!(["$secret.KEY"])), entry] });
    let gateway = gateway(config, Options::default().text("KEY", "hidden-key"));
    for target in ["/body", "/header"] {
        let answer = gateway.get(target);
        assert_problem(&answer, 500, "config_error");
        assert!(!answer.text().contains("hidden"));
        assert_eq!(answer.header("x-key"), None);
    }
    assert!(gateway.logs("config_error"));
    assert!(!gateway.log().contains("hidden"));
}

#[test]
fn a_request_s_body_does_not_disturb_a_static_answer() {
    let mut entry = path("/", json!({ "a": 1 }));
    entry["method"] = "POST".into();
    let gateway = gateway(json!({ "paths": [entry] }), Options::default());
    let answer = gateway.send(&Request::post("/", "x".repeat(100_000)));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), r#"{"a":1}"#);
}
