//! What happens when a cloud fails, and which clouds are used first.

use std::time::Duration;

use peers::upstream::Fault;
use peers::{Load, Options, Request};
use serde_json::{Value, json};

use super::{Clouds, clouds, clouds_with};
use crate::support::{PATIENCE, assert_problem, eventually};

fn home(zone: &str, failover: Value) -> Value {
    json!({
        "locality": { "home": zone, "failover": failover },
        "outlier": { "consecutive_failures": 3, "base_ejection_ms": 300 },
    })
}

/// Whether so many requests are all served by the zone that is home.
fn all_at_home(clouds: &Clouds, count: usize) -> bool {
    let servers = Load::on(clouds.gateway.address(), count).run().servers();
    servers.get("gcp-eu") == Some(&count)
}

#[test]
fn the_primary_zone_dies_under_load_and_no_idempotent_request_fails() {
    let clouds = clouds(home("gcp-eu", json!([{ "to": { "type": "Any" } }])));
    let outcome = Load::on(clouds.gateway.address(), 10_000)
        .requests(|number| match number % 3 {
            0 => Request::new("PUT", &format!("/items/{number}")).body("{\"a\":1}"),
            _ => Request::get(&format!("/items/{number}")),
        })
        .once(3_000, || clouds.gcp.stop())
        .once(6_000, || clouds.gcp.start_again())
        .run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    let before = outcome.before(3_000).servers();
    assert_eq!(before["gcp-eu"], 3_000, "home alone: {before:?}");
    // It recovers by itself.
    let back = || all_at_home(&clouds, 100);
    assert!(eventually(PATIENCE, back), "{outcome}");
    assert!(clouds.gateway.logs("\"event\":\"endpoint_ejected\""));
}

#[test]
fn every_kind_of_failure_of_a_zone_goes_unnoticed() {
    for fault in [
        Fault::Status(503),
        Fault::Reset,
        Fault::Stall,
        Fault::Status(502),
    ] {
        let mut members = home("gcp-eu", json!([{ "to": { "type": "Any" } }]));
        members["timeouts"] = json!({ "try_ms": 300 });
        let clouds = clouds(members);
        let what = format!("{fault:?}");
        let outcome = Load::on(clouds.gateway.address(), 600)
            .once(100, || clouds.gcp.fail(fault.clone()))
            .once(400, || clouds.gcp.heal())
            .run();
        assert_eq!(outcome.failures(), 0, "{what}: {outcome}");
        assert!(eventually(PATIENCE, || all_at_home(&clouds, 20)), "{what}");
    }
}

#[test]
fn zones_are_used_in_the_order_of_the_rules_and_no_others() {
    let clouds = clouds(home(
        "gcp-eu",
        json!([{ "from": { "zones": ["gcp-eu"] }, "to": { "type": "Only", "zones": ["azure-eu"] } }]),
    ));
    let served = |count| Load::on(clouds.gateway.address(), count).run().servers();
    assert_eq!(served(100)["gcp-eu"], 100);
    clouds.gcp.stop();
    let outcome = Load::on(clouds.gateway.address(), 300).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    assert_eq!(outcome.servers()["azure-eu"], 300);
    clouds.azure.stop();
    // There is nobody left but the zone that no rule leads to.
    let refused = clouds.gateway.get("/x");
    assert_problem(&refused, 502, "upstream_unreachable");
    assert_eq!(clouds.aws.seen(), 0);
}

#[test]
fn the_nearest_zone_is_home() {
    let clouds = clouds_with(
        json!({ "locality": { "home": "nearest", "failover": [{ "to": { "type": "Any" } }] } }),
        |config| config["zones"]["azure-eu"]["near"] = json!(["country:AT"]),
        Options::default().with(|worker| worker.cf_header("Test-Cf")),
    );
    let ask = |cf: Value| {
        let request = Request::get("/x").header("Test-Cf", &cf.to_string());
        let answer = clouds.gateway.send(&request);
        answer.header("x-server").map(str::to_owned)
    };
    for (cf, zone) in [
        (
            json!({ "colo": "AMS", "country": "NL", "continent": "EU", "latitude": "52.37", "longitude": "4.89" }),
            "gcp-eu",
        ),
        (
            json!({ "colo": "VIE", "country": "AT", "continent": "EU", "latitude": "48.2", "longitude": "16.4" }),
            "azure-eu",
        ),
        (
            json!({ "colo": "IAD", "country": "US", "continent": "NA", "latitude": "38.9", "longitude": "-77.0" }),
            "aws-us",
        ),
        (json!({ "continent": "SA" }), "aws-us"),
        (json!({}), "aws-us"),
    ] {
        assert_eq!(ask(cf.clone()).as_deref(), Some(zone), "{cf}");
    }
}

#[test]
fn where_no_endpoint_may_be_used_the_answer_says_when_to_come_back() {
    let mut members = home("gcp-eu", json!([]));
    members["outlier"] =
        json!({ "consecutive_failures": 1, "base_ejection_ms": 60_000, "panic_percent": 0 });
    members["retry"] = false.into();
    let clouds = clouds(members);
    clouds.gcp.fail(Fault::Status(500));
    assert_eq!(
        clouds.gateway.get("/x").status,
        500,
        "the upstream's own answer"
    );
    let refused = clouds.gateway.get("/x");
    assert_problem(&refused, 503, "no_endpoint");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((55..=60).contains(&seconds), "{seconds}");
    assert_eq!(clouds.gcp.seen(), 1);
}

#[test]
fn a_client_that_leaves_is_forgotten() {
    // Each endpoint takes its share of the requests in flight: those whose clients left must not count for ever.
    let clouds = clouds(json!({
        "balance": { "policy": "consistent_hash", "hash_on": "$request.header.X-Tenant", "bounded_load_percent": 100 },
    }));
    let tenant = |target: &str| Request::get(target).header("X-Tenant", "one");
    let owner = clouds
        .gateway
        .send(&tenant("/x"))
        .header("x-server")
        .unwrap()
        .to_owned();
    let (_, cloud) = clouds
        .all()
        .into_iter()
        .find(|(name, _)| owner == *name)
        .unwrap();
    for number in 0..5 {
        let target = format!("/hold?{number}");
        let mut client = clouds.gateway.connect();
        client.send(&tenant(&target).bytes());
        let seen = cloud.in_flight();
        assert!(eventually(PATIENCE, || clouds
            .all()
            .iter()
            .any(|(_, c)| c.in_flight() > seen)
            || seen > 0));
        std::thread::sleep(Duration::from_millis(50));
        client.reset();
    }
    let again = || clouds.gateway.send(&tenant("/x")).header("x-server") == Some(owner.as_str());
    assert!(eventually(PATIENCE, || (0..5).all(|_| again())));
}
