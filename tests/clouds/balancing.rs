//! How requests are spread.

use std::collections::BTreeSet;

use peers::{Load, Options, Request};
use serde_json::json;

use super::{clouds, clouds_with};

#[test]
fn the_share_of_each_zone_follows_the_weights() {
    for policy in ["round_robin", "random"] {
        let clouds = clouds_with(
            json!({ "balance": { "policy": policy } }),
            |config| {
                for (endpoint, weight) in [(0, 6), (1, 3), (2, 1)] {
                    config["servers"][0]["endpoints"][endpoint]["weight"] = weight.into();
                }
            },
            Options::default(),
        );
        let outcome = Load::on(clouds.gateway.address(), 4_000).run();
        assert_eq!(outcome.failures(), 0, "{outcome}");
        let servers = outcome.servers();
        for (zone, percent) in [("gcp-eu", 60.0), ("aws-us", 30.0), ("azure-eu", 10.0)] {
            let share = servers[zone] as f64 / 40.0;
            assert!(
                (share - percent).abs() <= 2.0,
                "{policy}, {zone}: {share} %\n{outcome}"
            );
        }
    }
}

#[test]
fn peak_ewma_keeps_the_weights_where_all_are_as_quick() {
    let clouds = clouds_with(
        json!({ "balance": { "policy": "peak_ewma" } }),
        |config| {
            for (endpoint, weight) in [(0, 5), (1, 3), (2, 2)] {
                config["servers"][0]["endpoints"][endpoint]["weight"] = weight.into();
            }
        },
        Options::default(),
    );
    for (_, cloud) in clouds.all() {
        cloud.fail(peers::upstream::Fault::Slow(
            std::time::Duration::from_millis(20),
        ));
    }
    let outcome = Load::on(clouds.gateway.address(), 1_000).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    let servers = outcome.servers();
    for (zone, percent) in [("gcp-eu", 50.0), ("aws-us", 30.0), ("azure-eu", 20.0)] {
        let share = servers[zone] as f64 / 10.0;
        assert!(
            (share - percent).abs() <= 5.0,
            "{zone}: {share} %\n{outcome}"
        );
    }
}

#[test]
fn peak_ewma_leaves_a_slow_endpoint_alone() {
    let clouds = clouds(json!({ "balance": { "policy": "peak_ewma" } }));
    clouds.aws.fail(peers::upstream::Fault::Slow(
        std::time::Duration::from_millis(150),
    ));
    let outcome = Load::on(clouds.gateway.address(), 1_000).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    assert!(outcome.servers()["aws-us"] < 60, "{outcome}");
}

#[test]
fn one_key_goes_to_one_endpoint() {
    let clouds = clouds(json!({
        "balance": { "policy": "consistent_hash", "hash_on": "$request.header.X-Tenant" },
    }));
    let mut used = BTreeSet::new();
    for tenant in 0..20 {
        let ask = || {
            let request = Request::get("/x").header("X-Tenant", &format!("tenant-{tenant}"));
            let answer = clouds.gateway.send(&request);
            answer.header("x-server").expect("a name").to_owned()
        };
        let first = ask();
        assert!((0..5).all(|_| ask() == first), "tenant {tenant}");
        used.insert(first);
    }
    assert_eq!(used.len(), 3);
}

#[test]
fn a_cookie_brings_a_client_back() {
    let clouds = clouds(json!({
        "balance": { "sticky": { "cookie": "upstream", "max_age_seconds": 600 } },
    }));
    let first = clouds.gateway.get("/x");
    let cookie = first.header("set-cookie").expect("a cookie");
    let (pair, rest) = cookie.split_once(';').expect("attributes");
    assert_eq!(rest, " Path=/; Max-Age=600; HttpOnly; SameSite=Lax");
    let ask = |cookie: &str| {
        clouds
            .gateway
            .send(&Request::get("/x").header("Cookie", cookie))
    };
    for _ in 0..6 {
        let again = ask(&format!("a=b; {pair}"));
        assert_eq!(again.header("x-server"), first.header("x-server"));
        assert_eq!(again.header("set-cookie"), None);
    }
    // Its endpoint fails: the client gets another one, and its cookie.
    let (_, cloud) = clouds
        .all()
        .into_iter()
        .find(|(name, _)| first.header("x-server") == Some(*name))
        .unwrap();
    cloud.stop();
    let other = ask(pair);
    assert_eq!(other.status, 200, "{}", other.text());
    assert_ne!(other.header("x-server"), first.header("x-server"));
    assert!(
        other
            .header("set-cookie")
            .is_some_and(|c| c.starts_with("upstream="))
    );
    assert!(ask("upstream=made-up").header("set-cookie").is_some());
}

#[test]
fn the_canary_gets_its_share_and_who_asks_for_it() {
    let clouds = clouds_with(
        json!({ "canary": { "percent": 10, "header": "X-Canary", "cookie": "canary", "hash_on": "$request.header.X-User" } }),
        |config| config["servers"][0]["endpoints"][1]["group"] = "canary".into(),
        Options::default(),
    );
    let ask = |user: usize, line: &str| {
        let request = Request::get("/x").header("X-User", &format!("user-{user}"));
        let answer = clouds.gateway.send(&request.line(line.as_bytes()));
        answer.header("x-server").expect("a name") == "aws-us"
    };
    let canaries: Vec<usize> = (0..500).filter(|user| ask(*user, "X-A: b")).collect();
    assert!((30..70).contains(&canaries.len()), "{}", canaries.len());
    assert!(
        canaries.iter().all(|user| ask(*user, "X-A: b")),
        "a user stays"
    );
    assert!((0..20).all(|user| ask(user, "X-Canary: always")));
    assert!(!(0..50).any(|user| ask(user, "Cookie: canary=never")));
}

#[test]
fn a_canary_that_is_down_is_served_by_the_others() {
    let clouds = clouds_with(
        json!({ "canary": { "percent": 100 } }),
        |config| config["servers"][0]["endpoints"][1]["group"] = "canary".into(),
        Options::default(),
    );
    clouds.aws.stop();
    let outcome = Load::on(clouds.gateway.address(), 200).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
}

#[test]
fn a_canary_that_fails_gets_no_more_requests() {
    let clouds = clouds_with(
        json!({
            "canary": { "percent": 50, "guard": { "max_error_percent": 20, "min_requests": 10 } },
            "outlier": false,
        }),
        |config| config["servers"][0]["endpoints"][1]["group"] = "canary".into(),
        Options::default(),
    );
    clouds.aws.fail(peers::upstream::Fault::Status(500));
    let outcome = Load::on(clouds.gateway.address(), 400).run();
    assert!(clouds.gateway.logs("\"event\":\"canary_held\""));
    assert!(outcome.failures() < 30, "{outcome}");
    assert_eq!(outcome.after(200).failures(), 0, "{outcome}");
    clouds.aws.heal();
    assert!(clouds.aws.seen() >= 10);
}
