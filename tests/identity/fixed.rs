//! Secrets in headers, user names and passwords.

use peers::{Options, Request, Upstream};
use serde_json::{Value, json};

use super::config;
use super::support::{PATIENCE, arrived, assert_problem, eventually, gateway, mistakes};

#[test]
fn a_fixed_proof_reaches_the_upstream_in_place_of_what_the_client_sent() {
    let upstream = Upstream::start();
    let identities = [
        json!({ "type": "header", "name": "X-Api-Key", "secret": "$secret.KEY" }),
        json!({ "type": "header", "prefix": "Bearer ", "secret": "$secret.KEY" }),
        json!({ "type": "basic", "username": "$env.USER", "password": "$secret.KEY" }),
        Value::Null,
    ];
    let config = config(&upstream, &identities);
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let options = Options::default()
        .text("KEY", "gateway-key")
        .text("USER", "gateway");
    let gateway = gateway(&config, options);
    for (target, key, authorization) in [
        ("/s0/a", "gateway-key", "Basic Y2xpZW50OnB3"),
        ("/s1/a", "client-key", "Bearer gateway-key"),
        ("/s2/a", "client-key", "Basic Z2F0ZXdheTpnYXRld2F5LWtleQ=="),
        ("/s3/a", "client-key", "Basic Y2xpZW50OnB3"),
    ] {
        let request = Request::get(target)
            .header("X-Api-Key", "client-key")
            .header("Authorization", "Basic Y2xpZW50OnB3")
            .header("Connection", "x-api-key-2, Authorization");
        assert_eq!(gateway.send(&request).status, 200, "{target}");
        let got = upstream.last();
        assert_eq!(arrived(&got, "x-api-key"), [key], "{target}");
        assert_eq!(arrived(&got, "authorization"), [authorization], "{target}");
    }
}

#[test]
fn without_its_secret_a_server_is_closed_and_the_others_serve() {
    let upstream = Upstream::start();
    let identities = [
        json!({ "type": "header", "name": "X-Api-Key", "secret": "$secret.UNSET" }),
        json!({ "type": "basic", "username": "gateway", "password": "$secret.BAD" }),
        json!({ "type": "nonsense" }),
        Value::Null,
    ];
    let options = Options::default().text("BAD", "never\nsent");
    let gateway = gateway(config(&upstream, &identities), options);
    for target in ["/s0/a", "/s1/a", "/s2/a"] {
        let answer = gateway.send(&Request::get(target));
        assert_problem(&answer, 500, "config_error");
    }
    assert_eq!(upstream.requests().len(), 0);
    assert_eq!(gateway.send(&Request::get("/s3/a")).status, 200);
    let told = "identity at server s0: the secret UNSET is not set";
    assert!(
        eventually(PATIENCE, || gateway.log().contains(told)),
        "{}",
        gateway.log()
    );
    assert!(!gateway.log().contains("never"), "{}", gateway.log());
}
