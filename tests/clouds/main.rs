//! One API whose backends stand on several clouds, in workerd, with real backends that fail.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

#[path = "../support/mod.rs"]
mod support;

mod balancing;
mod bindings;
mod failover;
mod outages;
mod retries;
mod story;
mod streams;
mod zones;

use peers::{Gateway, Options, Upstream};
use serde_json::{Value, json};
use support::{gateway, mistakes};

/// A gateway in front of three clouds.
struct Clouds {
    gateway: Gateway,
    gcp: Upstream,
    aws: Upstream,
    azure: Upstream,
}

impl Clouds {
    /// The clouds by the names of their zones.
    fn all(&self) -> [(&'static str, &Upstream); 3] {
        [
            ("gcp-eu", &self.gcp),
            ("aws-us", &self.aws),
            ("azure-eu", &self.azure),
        ]
    }
}

/// Starts it with a server `catalog` of an endpoint on each cloud and further members, for every method of every path.
fn clouds(members: Value) -> Clouds {
    clouds_with(members, |_| {}, Options::default())
}

/// The same with a change of the config.
fn clouds_with(members: Value, change: impl FnOnce(&mut Value), options: Options) -> Clouds {
    let [gcp, aws, azure] = [("gcp-eu", "gcp"), ("aws-us", "aws"), ("azure-eu", "azure")]
        .map(|(n, c)| Upstream::cloud(n, c));
    let mut server = json!({
        "alias": "catalog",
        "endpoints": [
            { "url": gcp.url(), "zone": "gcp-eu" },
            { "url": aws.url(), "zone": "aws-us" },
            { "url": azure.url(), "zone": "azure-eu" },
        ],
    });
    for (key, value) in members.as_object().expect("members") {
        server[key] = value.clone();
    }
    let mut config = json!({
        "zones": {
            "gcp-eu": { "cloud": "gcp", "region": "europe-west4", "jurisdiction": "eu" },
            "aws-us": { "cloud": "aws", "region": "us-east-1", "jurisdiction": "us" },
            "azure-eu": { "cloud": "azure", "region": "germanywestcentral", "jurisdiction": "eu" },
        },
        "servers": [server],
        "paths": [{
            "method": "ANY", "path": "/{.+}", "timeout_ms": 10_000,
            "integration": { "type": "http", "server": "catalog" },
        }],
    });
    change(&mut config);
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    Clouds {
        gateway: gateway(config, options),
        gcp,
        aws,
        azure,
    }
}
