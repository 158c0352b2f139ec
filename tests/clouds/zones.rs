//! Requests that are kept within zones: by residency, by the path, by the hostname.

use peers::{Options, Request};
use serde_json::{Value, json};

use super::{Clouds, clouds_with};
use crate::support::{assert_problem, mistakes};

fn served(clouds: &Clouds, request: &Request) -> Option<String> {
    let answer = clouds.gateway.send(request);
    answer.header("x-server").map(str::to_owned)
}

#[test]
fn data_of_a_jurisdiction_stays_there_even_when_all_of_it_fails() {
    let rules = json!([{ "to": { "type": "Only", "zones": ["azure-eu", "gcp-eu"] } }]);
    let clouds = clouds_with(
        json!({ "locality": { "home": "nearest", "failover": rules } }),
        |config| {
            let paths = config["paths"].as_array_mut().unwrap();
            let mut orders = paths[0].clone();
            orders["path"] = "/orders/{.+}".into();
            orders["residency"] = "eu".into();
            orders["integration"]["zones"] = json!(["gcp-eu", "azure-eu"]);
            paths.push(orders);
        },
        Options::default().with(|worker| worker.cf_header("Test-Cf")),
    );
    // The client is in America.
    let cf = json!({ "continent": "NA", "latitude": "40", "longitude": "-75" }).to_string();
    let ask = |target: &str| Request::get(target).header("Test-Cf", &cf);
    assert_eq!(served(&clouds, &ask("/other")).as_deref(), Some("aws-us"));
    for _ in 0..10 {
        let server = served(&clouds, &ask("/orders/1")).expect("an answer");
        assert!(server.ends_with("-eu"), "{server}");
    }
    clouds.gcp.stop();
    clouds.azure.stop();
    let before = clouds.aws.seen();
    for _ in 0..10 {
        let answer = clouds.gateway.send(&ask("/orders/1"));
        assert_problem(&answer, 502, "upstream_unreachable");
    }
    assert_eq!(clouds.aws.seen(), before);
}

#[test]
fn a_way_out_of_the_jurisdiction_is_a_mistake_and_closed() {
    let config = json!({
        "zones": { "eu": { "jurisdiction": "eu" }, "us": { "jurisdiction": "us" } },
        "servers": [{ "alias": "s", "endpoints": [
            { "url": "https://a.test", "zone": "eu" }, { "url": "https://b.test", "zone": "us" },
        ] }],
        "paths": [{
            "method": "GET", "path": "/x", "residency": "eu", "integration": { "type": "http", "server": "s" },
        }],
    });
    let told = mistakes(&config.to_string());
    assert!(
        told[0].contains("endpoint `us` of server `s` leads to zone `us`"),
        "{told:?}"
    );
    let gateway = crate::support::gateway(config, Options::default());
    assert_problem(&gateway.get("/x"), 500, "config_error");
}

#[test]
fn what_contradicts_a_zone_is_closed_also_where_only_the_environment_says_it() {
    let zones = json!({
        "eu": { "region": "eu-central-1", "jurisdiction": "eu" },
        "us": { "region": "us-east-1", "jurisdiction": "us" },
    });
    let path = json!({
        "method": "GET", "path": "/x", "residency": "eu", "integration": { "type": "http", "server": "s" },
    });
    let bound = json!({
        "zones": zones,
        "serviceBindings": [{ "alias": "w", "binding": "USW", "zone": "us" }],
        "servers": [{ "alias": "s", "endpoints": [{ "binding": "w", "zone": "eu" }] }],
        "paths": [path],
    });
    let named = json!({
        "zones": zones,
        "servers": [{ "alias": "s", "url": "$env.BACKEND", "zone": "eu" }],
        "paths": [path],
    });
    assert!(mistakes(&bound.to_string())[0].contains("error[contradiction]"));
    assert!(
        !mistakes(&named.to_string())
            .iter()
            .any(|m| m.contains("error["))
    );
    let host = "https://x.execute-api.us-east-1.amazonaws.com";
    let worker = "export default { fetch() { return new Response('us') } }";
    for config in [bound, named] {
        let options = Options::default().text("BACKEND", host);
        let gateway = crate::support::gateway(config, options.service("USW", worker, None));
        assert_problem(&gateway.get("/x"), 500, "config_error");
    }
}

#[test]
fn a_hostname_pins_a_request_to_a_zone_of_its_server_and_opens_nothing() {
    let clouds = clouds_with(
        json!({}),
        |config| {
            config["hosts"] = json!({ "template": "{server}.{zone}.api.example.com" });
            config["authorizer"] = crate::support::authorizer();
            let mut secret: Value = config["paths"][0].clone();
            secret["path"] = "/secret".into();
            secret["auth"] = true.into();
            let mut hosted = config["paths"][0].clone();
            hosted["host"] = "api.example.com".into();
            hosted["path"] = "/hosted".into();
            let own = json!({ "method": "GET", "path": "/own", "response": {} });
            let mut asked = secret.clone();
            asked["path"] = "/asked".into();
            asked["require"] = json!({ "expression": "request.host != 'api.example.com'" });
            config["paths"]
                .as_array_mut()
                .unwrap()
                .extend([secret, hosted, own, asked]);
        },
        crate::support::options(),
    );
    let ask = |host: &str, target: &str| Request::get(target).header("Host", host);
    for zone in ["gcp-eu", "aws-us", "azure-eu"] {
        let host = format!("catalog.{zone}.api.example.com");
        for host in [
            host.clone(),
            format!("{host}:8443"),
            host.to_ascii_uppercase(),
        ] {
            for target in ["/x", "/hosted"] {
                let served = served(&clouds, &ask(&host, target));
                assert_eq!(served.as_deref(), Some(zone), "{host} {target}");
            }
        }
        assert_eq!(clouds.gateway.send(&ask(&host, "/secret")).status, 401);
    }
    // What is asked of the host is asked of the one that the paths are for.
    let token = format!("Bearer {}", crate::support::token(json!({ "sub": "u" })));
    let asked = |host: &str| {
        let request = ask(host, "/asked").header("Authorization", &token);
        clouds.gateway.send(&request).status
    };
    assert_eq!(asked("other.example.com"), 200);
    assert_eq!(asked("api.example.com"), 403);
    assert_eq!(asked("catalog.aws-us.api.example.com"), 403);
    for (host, target) in [
        ("catalog.aws-eu.api.example.com", "/x"),
        ("orders.aws-us.api.example.com", "/x"),
        ("catalog.aws-us.api.example.com", "/own"),
    ] {
        assert_problem(&clouds.gateway.send(&ask(host, target)), 404, "not_found");
    }
    // Pinned is pinned: nobody else answers for a zone that is down.
    clouds.aws.stop();
    let answer = clouds
        .gateway
        .send(&ask("catalog.aws-us.api.example.com", "/x"));
    assert_problem(&answer, 502, "upstream_unreachable");
}
