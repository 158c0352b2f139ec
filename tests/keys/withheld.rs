//! Credentials that stay with the gateway.

use peers::{Options, Request, Upstream};
use serde_json::{Value, json};

use crate::support::tokens::{self, SECRET};
use crate::support::{arrived, gateway, target};
use crate::{key, protected, stored, user};

/// An authorizer that takes keys from everywhere.
fn everywhere(forward: Option<bool>) -> Value {
    let mut authorizer = json!({
        "type": "api_key", "keys": [stored(&key(1), None, json!({ "owner": "acme" }))],
        "key_from": [{ "header": "X-Api-Key" }, { "scheme": "ApiKey" }, { "cookie": "key" }, { "query": "key" }],
    });
    if let Some(forward) = forward {
        authorizer["forward_credential"] = forward.into();
    }
    authorizer
}

/// A request with a key in every place; the first one is the one that is taken.
fn full(path: &str) -> Request {
    let key = key(1);
    Request::get(&format!("{path}?a=%20+'&k%65y={key}&&b=/x/../y&key=2"))
        .header("X-Api-Key", &key)
        .header("Authorization", &format!("ApiKey {key}"))
        .header("Cookie", &format!("a=\"1\"; key={key};b=2;  c=3"))
}

#[test]
fn a_key_goes_no_further_and_the_rest_stays_byte_for_byte() {
    let upstream = Upstream::start();
    let gateway = protected(
        &upstream,
        json!({ "a": everywhere(None) }),
        Options::default(),
    );
    let answer = gateway.send(&full("/"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let last = upstream.last();
    // The apostrophe is the one byte of a query that the platform writes anew.
    assert_eq!(target(&last), "/?a=%20+%27&&b=/x/../y");
    assert_eq!(arrived(&last, "cookie"), [r#"a="1";b=2;  c=3"#]);
    assert!(arrived(&last, "authorization").is_empty());
    assert!(arrived(&last, "x-api-key").is_empty());

    let alone = Request::get(&format!("/?key={}", key(1))).header("Cookie", "key=x");
    let alone = alone.header("X-Api-Key", &key(1));
    assert_eq!(gateway.send(&alone).status, 200);
    let last = upstream.last();
    assert_eq!(target(&last), "/");
    assert!(arrived(&last, "cookie").is_empty());

    // Other credentials in the same places are not the gateway's.
    let others = Request::get("/?keys=1&Key=2")
        .header("X-Api-Key", &key(1))
        .header("Authorization", "Bearer for the upstream")
        .header("Cookie", "keys=1; Key=2");
    assert_eq!(gateway.send(&others).status, 200);
    let last = upstream.last();
    assert_eq!(target(&last), "/?keys=1&Key=2");
    assert_eq!(arrived(&last, "authorization"), ["Bearer for the upstream"]);
    assert_eq!(arrived(&last, "cookie"), ["keys=1; Key=2"]);
}

#[test]
fn what_is_to_go_on_goes_on_and_on_a_public_path_nothing_is_touched() {
    let upstream = Upstream::start();
    let forwarding = protected(
        &upstream,
        json!({ "a": everywhere(Some(true)) }),
        Options::default(),
    );
    let withholding = protected(
        &upstream,
        json!({ "a": everywhere(None) }),
        Options::default(),
    );
    for (gateway, path) in [(&forwarding, "/"), (&withholding, "/open")] {
        let key = key(1);
        assert_eq!(gateway.send(&full(path)).status, 200);
        let last = upstream.last();
        let expected = format!("?a=%20+%27&k%65y={key}&&b=/x/../y&key=2");
        assert!(target(&last).ends_with(&expected), "{}", target(&last));
        assert_eq!(arrived(&last, "x-api-key"), [key.as_str()]);
        assert_eq!(arrived(&last, "authorization"), [format!("ApiKey {key}")]);
        assert_eq!(
            arrived(&last, "cookie"),
            [format!("a=\"1\"; key={key};b=2;  c=3")]
        );
    }
}

#[test]
fn a_credential_is_withheld_also_when_another_one_let_the_caller_in() {
    let upstream = Upstream::start();
    let authorizers = json!({
        "a_tokens": { "type": "jwt", "secret": "$secret.JWT", "forward_credential": false },
        "b_people": { "type": "basic", "users": [user("ann")] },
        "c_keys": everywhere(None),
    });
    let options = Options::default().text("JWT", SECRET);
    let gateway = protected(&upstream, authorizers, options);
    let token = tokens::bearer(json!({ "sub": "u1" }));
    let request = full("/");
    // `full` has an Authorization of its own.
    let by_token = Request::get(&format!("/?key={}", key(1)))
        .header("Authorization", &token)
        .header("X-Api-Key", "not even one")
        .header("Cookie", "key=1; a=2");
    for request in [&by_token, &request] {
        let answer = gateway.send(request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = upstream.last();
        assert!(!target(&last).contains("key"), "{}", target(&last));
        assert!(arrived(&last, "authorization").is_empty());
        assert!(arrived(&last, "x-api-key").is_empty());
        assert!(!arrived(&last, "cookie").join(";").contains("key"));
    }
    assert_eq!(arrived(&upstream.requests()[0], "x-sub"), ["u1"]);
}

#[test]
fn what_an_authorizer_at_fault_would_take_is_withheld_too() {
    let upstream = Upstream::start();
    let mut keys = everywhere(None);
    keys["pepper"] = "$secret.NOT_SET".into();
    keys["keys"][0]["hash"] =
        format!("hmac-{}", keys["keys"][0]["hash"].as_str().expect("a hash")).into();
    let tokens = json!({ "type": "jwt", "secret": "$secret.JWT" });
    let options = Options::default().text("JWT", SECRET);
    let gateway = protected(
        &upstream,
        json!({ "a_keys": keys, "b_tokens": tokens }),
        options,
    );
    let token = tokens::bearer(json!({ "sub": "u1" }));
    let request = Request::get(&format!("/?key={}&a=1", key(1))).header("Authorization", &token);
    assert_eq!(
        gateway.send(&request.header("X-Api-Key", &key(1))).status,
        200
    );
    let last = upstream.last();
    assert_eq!(target(&last), "/?a=1");
    assert!(arrived(&last, "x-api-key").is_empty());
    assert_eq!(arrived(&last, "authorization"), [token]);
}

/// A worker whose functions tell what they see.
const FUNCTIONS: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export default { fetch() { return new Response(null); } };
export class Functions extends WorkerEntrypoint {
  async tell(request) {
    return Response.json({ url: request.url, method: request.method, headers: [...request.headers], body: await request.text() });
  }
  async look(request) {
    console.log("HOOK " + JSON.stringify({ url: request.url, headers: [...request.headers] }));
    return true;
  }
}
"#;

#[test]
fn hooks_functions_and_mappings_do_not_see_it_either() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "serviceBindings": [{ "alias": "f", "binding": "FUNCTIONS" }],
        "authorizer": everywhere(None),
        "paths": [
            { "method": "ANY", "path": "/told", "auth": true,
              "integration": { "type": "service_binding", "binding": "f", "function": "tell" } },
            { "method": "ANY", "path": "/mapped", "auth": true,
              "pre_process": { "binding": "f", "function": "look" },
              "integration": { "type": "http", "server": "a" },
              "mapping": { "headers": {
                  "X-A": "$request.header.x-api-key", "X-B": "$request.header.cookie", "X-C": "$request.query.key",
                  "X-D": "$request.query.b", "X-Api-Key": "$config.UPSTREAM_KEY",
              }, "query": { "q": "$request.query.key", "b": "$request.query.b" } } },
        ],
        "variables": { "UPSTREAM_KEY": "the upstream's own" },
    });
    let options = Options::default().service("FUNCTIONS", FUNCTIONS, Some("Functions"));
    let gateway = gateway(config, options);
    let posted = Request::post(&format!("/told?key={}&a=1", key(1)), "the body");
    for request in [full("/told"), posted.header("X-Api-Key", &key(1))] {
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(!answer.text().contains(&key(1)), "{}", answer.text());
        assert!(answer.json()["url"].as_str().expect("a URL").contains("a="));
    }
    let posted = gateway.send(&Request::post("/told", "the body").header("X-Api-Key", &key(1)));
    assert_eq!(posted.json()["body"], "the body");
    assert_eq!(posted.json()["method"], "POST");

    assert_eq!(gateway.send(&full("/mapped")).status, 200);
    let last = upstream.last();
    assert_eq!(target(&last), "/mapped?a=%20+%27&b=%2Fx%2F..%2Fy");
    for (name, value) in [
        ("x-b", r#"a="1";b=2;  c=3"#),
        ("x-d", "/x/../y"),
        ("x-api-key", "the upstream's own"),
    ] {
        assert_eq!(arrived(&last, name), [value], "{name}");
    }
    assert!(arrived(&last, "x-a").is_empty() && arrived(&last, "x-c").is_empty());
    assert!(gateway.logs("HOOK "));
    assert!(!gateway.log().contains(&key(1)));
}
