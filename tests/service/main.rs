//! Endpoints that are taken out of service: by an operator, and by health checks.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod checks;
mod drains;
#[path = "../support/mod.rs"]
mod support;

use std::rc::Rc;
use std::time::Duration;

use peers::upstream::Script;
use peers::{Gateway, Kv, Load, Options, Request, Source, Terminator, Tls, Upstream};
use serde_json::{Value, json};
use support::{PATIENCE, assert_problem, eventually, gateway, mistakes};

/// How often the gateways of these tests look at KV and at the board.
const OFTEN: &str = "100";

/// Two clouds, and a config that serves from the one until it is out of service.
struct Clouds {
    gcp: Upstream,
    aws: Upstream,
}

impl Clouds {
    fn start() -> Clouds {
        Clouds {
            gcp: Upstream::cloud("blue", "gcp"),
            aws: Upstream::cloud("green", "aws"),
        }
    }

    /// `extra` are further members of the server.
    fn config(&self, extra: Value) -> String {
        let mut server = json!({
            "alias": "catalog",
            "endpoints": [
                { "name": "blue", "url": self.gcp.url(), "zone": "gcp-eu" },
                { "name": "green", "url": self.aws.url(), "zone": "aws-eu" },
            ],
            "locality": { "home": "gcp-eu", "failover": [{ "to": { "type": "Any" } }] },
        });
        let members = extra.as_object().unwrap().clone();
        server.as_object_mut().unwrap().extend(members);
        let config = json!({
            "zones": {
                "gcp-eu": { "cloud": "gcp", "region": "europe-west4" },
                "aws-eu": { "cloud": "aws", "region": "eu-west-1" },
            },
            "servers": [server],
            "paths": [{
                "method": "ANY", "path": "/{.+}", "auth": false,
                "integration": { "type": "http", "server": "catalog" },
            }],
        });
        let config = config.to_string();
        assert_eq!(mistakes(&config), Vec::<String>::new());
        config
    }
}

fn often() -> Options {
    Options::default()
        .text("CAUSEWAY_CONFIG_REFRESH_MS", OFTEN)
        .text("CAUSEWAY_HEALTH_REFRESH_MS", OFTEN)
}

/// Which backend serves a request, or the refusal's code.
fn server(gateway: &Gateway, isolate: usize) -> String {
    let answer = Request::get("/bench").send(gateway.isolate(isolate));
    match answer.header("x-server") {
        Some(server) => server.to_owned(),
        None => answer.json()["code"].as_str().unwrap().to_owned(),
    }
}

fn served_by(gateway: &Gateway, isolate: usize, expected: &str) -> bool {
    eventually(PATIENCE, || server(gateway, isolate) == expected)
}

/// Waits until the gateway has looked at KV a few more times.
fn looks_again(gateway: &Gateway, kv: &Kv) {
    let reads = kv.reads();
    assert!(eventually(PATIENCE, || {
        gateway.get("/bench");
        kv.reads() >= reads + 6
    }));
}
