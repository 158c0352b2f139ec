//! What becomes of outages under the rules that hold where a config says nothing.

use serde_json::{Value, json};

use super::*;
use crate::plan::{GuardSpec, compile};

/// Three endpoints with further members of their server.
fn server(members: &Value) -> Target {
    let mut server = json!({ "alias": "s", "endpoints": [
        { "url": "http://0.test", "name": "e0" },
        { "url": "http://1.test", "name": "e1" },
        { "url": "http://2.test", "name": "e2" },
    ]});
    for (key, value) in members.as_object().unwrap() {
        server[key] = value.clone();
    }
    let path = json!({ "method": "GET", "path": "/", "auth": false, "integration": { "type": "http", "server": "s" } });
    let config = json!({ "servers": [server], "paths": [path] }).to_string();
    let compiled = compile(&config);
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics
    );
    Target::of(&compiled.blueprint.unwrap(), "s").unwrap()
}

fn steady(ms: f64) -> Behaviour {
    Behaviour {
        latency: Latency::Fixed(ms),
        ..well()
    }
}

/// 100 requests in a second, for so many seconds.
fn load(seconds: u64) -> Scenario {
    Scenario {
        timeout_ms: 30_000,
        ..scenario(3, 100.0, Until::Us(seconds * 1_000_000))
    }
}

fn ms(from_ms: u64, to_ms: u64, endpoints: u64) -> Incident {
    Incident {
        from_us: from_ms * 1000,
        to_us: to_ms * 1000,
        ..incident(0, 0, endpoints)
    }
}

fn dead(from_ms: u64, to_ms: u64, endpoints: u64) -> Incident {
    Incident {
        refuse_percent: 100.0,
        ..ms(from_ms, to_ms, endpoints)
    }
}

fn silent(from_ms: u64, to_ms: u64, endpoints: u64) -> Incident {
    Incident {
        hang_percent: 100.0,
        ..ms(from_ms, to_ms, endpoints)
    }
}

fn failures(served: &[Served], from_ms: u64, to_ms: u64) -> usize {
    let within = |one: &&Served| (from_ms * 1000..to_ms * 1000).contains(&one.began_us);
    served
        .iter()
        .filter(within)
        .filter(|one| one.status >= 400)
        .count()
}

fn shares(served: &[Served]) -> [usize; 3] {
    let count = |e| served.iter().filter(|one| one.endpoint == Some(e)).count();
    [0, 1, 2].map(|e| count(e) * 1000 / served.len())
}

#[test]
fn the_last_one_that_is_well_is_not_ejected_when_all_stall_for_a_moment() {
    for (name, members, timeout_ms, incidents) in [
        (
            "one is dead all the time, and requests give up soon",
            json!({ "timeouts": { "try_ms": 300 } }),
            30_000,
            vec![dead(0, ALWAYS, 0b001), silent(10_000, 11_600, 0b110)],
        ),
        (
            "the path's own time is over",
            json!({}),
            1_000,
            vec![dead(0, ALWAYS, 0b100), silent(10_000, 11_600, 0b011)],
        ),
        (
            "the one that stays dead fails last",
            json!({ "timeouts": { "try_ms": 300 } }),
            30_000,
            vec![dead(10_600, ALWAYS, 0b100), silent(10_000, 11_600, 0b011)],
        ),
    ] {
        let scenario = Scenario {
            timeout_ms,
            incidents,
            ..load(40)
        };
        let (served, _) = all_of(&server(&members), &scenario);
        assert_eq!(failures(&served, 0, 9_000), 0, "{name}: before");
        // Up to 28 of them failed when all could be ejected.
        assert!(failures(&served, 11_600, ALWAYS) <= 2, "{name}: after");
    }
}

#[test]
fn who_comes_back_alone_is_found_at_once() {
    for per_second in [5.0, 20.0, 100.0] {
        let scenario = Scenario {
            per_second,
            incidents: vec![dead(5_000, 25_000, 0b001), dead(5_000, ALWAYS, 0b110)],
            ..load(60)
        };
        let (served, _) = all_of(&server(&json!({})), &scenario);
        // Of 981 requests within 10 s, 474 failed while successes in spite of an ejection were not counted.
        let failed = failures(&served, 25_000, ALWAYS);
        assert!(failed <= 2, "{failed} at {per_second}");
    }
}

#[test]
fn hedging_does_not_hide_an_endpoint_that_hangs() {
    let target = server(&json!({ "hedge": { "percentile": 95 } }));
    let scenario = Scenario {
        until: Until::Requests(485),
        incidents: vec![silent(0, ALWAYS, 0b010)],
        ..load(0)
    };
    let (served, _) = all_of(&target, &scenario);
    let tries = served.iter().flat_map(|one| &one.tries);
    let to_it = tries.filter(|(_, endpoint)| *endpoint == 1).count();
    let events = served.iter().flat_map(|one| &one.events);
    assert!(events.eq(&[Event::Ejected(1)]));
    // 163 of them were sent there when lost races did not count.
    assert!(to_it <= 8, "{to_it}");
    assert_eq!(failures(&served, 0, ALWAYS), 0);
}

#[test]
fn hedging_ejects_nobody_who_is_only_slow_now_and_then() {
    let target = server(&json!({ "hedge": { "percentile": 90 } }));
    let mut scenario = load(600);
    for endpoint in &mut scenario.endpoints {
        endpoint.latency = Latency::LogNormal {
            p50: 20.0,
            p99: 400.0,
        };
    }
    let (served, _) = all_of(&target, &scenario);
    assert!(served.iter().all(|one| one.events.is_empty()));
}

#[test]
fn peak_ewma_keeps_the_weights_where_all_are_as_quick() {
    for (per_second, noisy, most) in [
        (5.0, false, 10),
        (100.0, false, 10),
        (1_000.0, false, 10),
        (100.0, true, 40),
        (1_000.0, true, 20),
    ] {
        let mut target = server(&json!({ "balance": { "policy": "peak_ewma" } }));
        for (endpoint, weight) in target.endpoints.iter_mut().zip([5, 3, 2]) {
            endpoint.weight = weight;
        }
        let mut scenario = Scenario {
            per_second,
            until: Until::Requests(20_000),
            ..load(0)
        };
        if !noisy {
            scenario.endpoints = vec![steady(20.0); 3];
        }
        let (served, _) = all_of(&target, &scenario);
        // Thousandths; they were 782, 179 and 38 when a weight counted twice.
        let shares = shares(&served);
        let is_kept = |(share, expected): (&usize, usize)| share.abs_diff(expected) <= most;
        assert!(
            shares.iter().zip([500, 300, 200]).all(is_kept),
            "{per_second}: {shares:?}"
        );
    }
}

#[test]
fn peak_ewma_soon_trusts_who_has_healed() {
    let target = server(&json!({ "balance": { "policy": "peak_ewma" } }));
    for (per_second, ill_ms, most_s, most_slow) in [
        (100.0, 3_000, 10.0, 6),
        (5.0, 3_000, 10.0, 3),
        (100.0, 30_000, 22.0, 10),
    ] {
        let healed = 5_000 + ill_ms;
        let slow = Incident {
            slower: 100.0,
            ..ms(5_000, healed, 0b001)
        };
        let scenario = Scenario {
            per_second,
            endpoints: vec![steady(20.0); 3],
            incidents: vec![slow],
            ..load(120)
        };
        let (served, _) = all_of(&target, &scenario);
        let its = served.iter().filter(|one| one.endpoint == Some(0));
        let again = its.map(|one| one.began_us).find(|at| *at >= healed * 1_000);
        let after = again.unwrap() as f64 / 1e6 - healed as f64 / 1e3;
        assert!(
            after <= most_s,
            "{after} s at {per_second}, ill for {ill_ms} ms"
        );
        // To find out costs few requests.
        let slow = served.iter().filter(|one| one.took_us > 1_000_000).count();
        assert!(
            slow <= most_slow,
            "{slow} at {per_second}, ill for {ill_ms} ms"
        );
    }
}

#[test]
fn a_canary_that_dies_is_held_after_six_errors() {
    for percent in [5, 50] {
        let mut target = server(&json!({ "outlier": false }));
        target.endpoints[2].canary = true;
        target.spec.canary = Some(CanarySpec {
            percent,
            hash_on: None,
            header: None,
            cookie: None,
            guard: Some(GuardSpec {
                max_error_percent: 5,
                min_requests: 20,
                window_ms: 60_000,
                hold_ms: 600_000,
            }),
        });
        let scenario = Scenario {
            incidents: vec![dead(60_000, ALWAYS, 0b100)],
            ..load(120)
        };
        let (served, _) = all_of(&target, &scenario);
        let tries = served.iter().flat_map(|one| &one.tries);
        let errors = tries.filter(|(at, endpoint)| *at >= 60_000_000 && *endpoint == 2);
        let errors = errors.count();
        // Requests that were under way when it was held may add to them.
        assert!((3..=7).contains(&errors), "{errors} of {percent} %");
        assert!(served.iter().any(|one| one.events == [Event::CanaryHeld]));
    }
}

/// Longer than any scenario, in milliseconds.
const ALWAYS: u64 = 1_000_000;
