//! What holds whatever happens, and that nobody is forgotten.

mod outages;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::plan::{
    CanarySpec, Failover, FailoverTo, HashKey, HedgeSpec, Home, Locality, OutlierSpec, RetryOn,
    RetrySpec, Sticky,
};
use crate::upstream::Geography;

const ZONES: u16 = 3;

fn target(spec: PoolSpec, endpoints: &[(u16, u32, bool)]) -> Target {
    let endpoints = endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(index, (zone, weight, canary))| pool::Endpoint {
        name: format!("e{index}"),
        base: Base::new(""),
        binding: None,
        zone: Some(*zone),
        identity: None,
        weight: *weight,
        canary: *canary,
    });
    let zone = |index: u16| Zone {
        name: format!("z{index}"),
        location: Some((f32::from(index) * 20.0, 0.0)),
        ..Zone::default()
    };
    Target {
        zones: (0..ZONES).map(zone).collect(),
        spec,
        endpoints: endpoints.collect(),
    }
}

fn scenario(endpoints: usize, per_second: f64, until: Until) -> Scenario {
    Scenario {
        per_second,
        until,
        seed: 1,
        isolates: 1,
        timeout_ms: 1_000,
        post_percent: 0.0,
        keys: 50,
        zones: None,
        clients: vec![Clients {
            share: 1,
            geography: Geography::default(),
        }],
        endpoints: vec![well(); endpoints],
        incidents: Vec::new(),
    }
}

fn well() -> Behaviour {
    Behaviour {
        latency: Latency::LogNormal {
            p50: 20.0,
            p99: 60.0,
        },
        errors: Vec::new(),
        refuse_percent: 0.0,
        hang_percent: 0.0,
        max_concurrent: None,
    }
}

fn incident(from_s: u64, to_s: u64, endpoints: u64) -> Incident {
    Incident {
        from_us: from_s * 1_000_000,
        to_us: to_s * 1_000_000,
        endpoints,
        slower: 1.0,
        errors: Vec::new(),
        refuse_percent: 0.0,
        hang_percent: 0.0,
    }
}

fn all_of(target: &Target, scenario: &Scenario) -> (Vec<Served>, Rest) {
    let served = RefCell::new(Vec::new());
    let rest = run(target, scenario, &|one| served.borrow_mut().push(one));
    (served.into_inner(), rest)
}

/// Each case is hundreds of requests. `PROPTEST_CASES` asks for more of them.
fn half() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases / 2,
        ..usual
    }
}

fn balance() -> impl Strategy<Value = Balance> {
    select(vec![
        Balance::RoundRobin,
        Balance::Random,
        Balance::PeakEwma,
        Balance::ConsistentHash {
            on: HashKey::ClientIp,
            bounded_load_percent: 125,
        },
    ])
}

fn locality() -> impl Strategy<Value = Locality> {
    let home = select(vec![Home::Nearest, Home::Zone(0), Home::Zone(1)]);
    let to = select(vec![
        vec![],
        vec![FailoverTo::Any],
        vec![FailoverTo::Only(vec![1]), FailoverTo::Any],
        vec![FailoverTo::AnyExcept(vec![2])],
    ]);
    (home, to, 1..100_u32).prop_map(|(home, to, threshold)| Locality {
        home,
        failover: to
            .into_iter()
            .map(|to| Failover { from: None, to })
            .collect(),
        threshold,
    })
}

fn retry() -> impl Strategy<Value = RetrySpec> {
    (1..5_u32, 1..200_u32, 0..60_u32, 0..10_u32, any::<bool>()).prop_map(
        |(num_retries, base_ms, budget_percent, budget_min_per_second, server_error)| RetrySpec {
            num_retries,
            on: RetryOn {
                reset: true,
                gateway_error: true,
                server_error,
                ..RetryOn::default()
            },
            base_ms,
            max_ms: base_ms * 3,
            budget_percent,
            budget_min_per_second,
            max_body_bytes: 0,
        },
    )
}

fn outlier() -> impl Strategy<Value = OutlierSpec> {
    (1..6_u32, 100..2_000_u32, 0..=100_u32, 0..30_u32, 1..4_u32).prop_map(
        |(failures, base, most, panic, trials)| OutlierSpec {
            consecutive_failures: failures,
            consecutive_gateway_errors: 0,
            failure_percent: 50,
            min_requests: 10,
            window_ms: 5_000,
            base_ejection_ms: base,
            max_ejection_ms: base * 3,
            max_ejected_percent: most,
            panic_percent: panic,
            probation_requests: trials,
        },
    )
}

fn spec() -> impl Strategy<Value = PoolSpec> {
    let hedge =
        (50..99_u32, 1..100_u32, 1..3_u32).prop_map(|(percentile, delay_ms, max_hedges)| {
            HedgeSpec {
                percentile,
                delay_ms,
                max_hedges,
            }
        });
    let canary = (0..100_u32).prop_map(|percent| CanarySpec {
        percent,
        hash_on: None,
        header: None,
        cookie: None,
        guard: None,
    });
    let sticky = Sticky {
        cookie: "c".into(),
        max_age_seconds: None,
    };
    (
        balance(),
        prop::option::of(Just(sticky)),
        prop::option::of(locality()),
        prop::option::of(10..500_u32),
        prop::option::of(retry()),
        prop::option::of(hedge),
        prop::option::of(outlier()),
        prop::option::of(canary),
    )
        .prop_map(
            |(balance, sticky, locality, try_ms, retry, hedge, outlier, canary)| PoolSpec {
                balance,
                sticky,
                locality,
                try_ms,
                retry,
                hedge,
                outlier,
                canary,
                health: None,
            },
        )
}

fn errors() -> impl Strategy<Value = Vec<ErrorShare>> {
    let error = (
        select(vec![429, 500, 503]),
        0.0..50.0,
        prop::option::of(0..2_u32),
    );
    let error = error.prop_map(|(status, percent, retry_after_s)| ErrorShare {
        status,
        percent,
        retry_after_s,
    });
    prop::collection::vec(error, 0..2)
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let latency = select(vec![
        Latency::Fixed(0.0),
        Latency::Fixed(5.0),
        Latency::Uniform {
            min: 1.0,
            max: 800.0,
        },
        Latency::LogNormal {
            p50: 20.0,
            p99: 2_000.0,
        },
    ]);
    (
        latency,
        errors(),
        0.0..30.0,
        0.0..10.0,
        prop::option::of(1..10_usize),
    )
        .prop_map(
            |(latency, errors, refuse_percent, hang_percent, max_concurrent)| Behaviour {
                latency,
                errors,
                refuse_percent,
                hang_percent,
                max_concurrent,
            },
        )
}

/// Anything at all: a pool, how its endpoints behave, and who may use which zones.
fn case() -> impl Strategy<Value = (Target, Scenario)> {
    let endpoint = (0..ZONES, 0..4_u32, prop::bool::weighted(0.2), behaviour());
    let endpoints = prop::collection::vec(endpoint, 1..6);
    let zones = select(vec![None, Some(vec![0]), Some(vec![1, 2])]);
    let outage = (0..5_u64, 1..5_u64, any::<u64>(), 0.0..100.0, 0.0..100.0);
    let outages = prop::collection::vec(outage, 0..3);
    let load = (
        1.0..200.0,
        0.0..100.0,
        1..3_usize,
        1..1_000_u32,
        any::<u64>(),
    );
    (spec(), endpoints, zones, outages, load).prop_map(
        |(spec, endpoints, zones, outages, (per_second, post, isolates, timeout_ms, seed))| {
            let places: Vec<_> = endpoints.iter().map(|e| (e.0, e.1, e.2)).collect();
            let outages = outages.into_iter();
            let scenario = Scenario {
                seed,
                isolates,
                timeout_ms,
                post_percent: post,
                zones,
                endpoints: endpoints.into_iter().map(|e| e.3).collect(),
                incidents: outages
                    .map(
                        |(from, length, set, refuse_percent, hang_percent)| Incident {
                            refuse_percent,
                            hang_percent,
                            ..incident(from, from + length, set)
                        },
                    )
                    .collect(),
                ..scenario(0, per_second, Until::Requests(300))
            };
            (target(spec, &places), scenario)
        },
    )
}

proptest! {
    #![proptest_config(half())]

    #[test]
    fn whatever_happens_the_promises_are_kept((target, scenario) in case()) {
        let (served, rest) = all_of(&target, &scenario);
        prop_assert_eq!(rest.hanging, 0);
        prop_assert_eq!(served.len(), 300, "every request is answered");
        prop_assert_eq!(rest.in_flight, 0, "nothing is left");
        let spec = &target.spec;
        for one in &served {
            // The gateway's clock has steps of a millisecond.
            let limit = u64::from(scenario.timeout_ms) * 1000 + 1_000;
            prop_assert!(one.took_us <= limit, "{one:?}");
            prop_assert!(one.idempotent || one.tries.len() <= 1, "sent twice: {one:?}");
            prop_assert!(one.refused || !one.tries.is_empty(), "{one:?}");
            for (_, endpoint) in &one.tries {
                let endpoint = &target.endpoints[*endpoint];
                let zone = endpoint.zone.unwrap();
                prop_assert!(endpoint.weight > 0, "{one:?}");
                let may = scenario.zones.as_ref().is_none_or(|zones| zones.contains(&zone));
                prop_assert!(may, "{zone} is not for it: {one:?}");
                let reached = spec.locality.as_ref().is_none_or(|l| is_reached(l, one.home, zone));
                prop_assert!(reached, "no rule leads to {zone}: {one:?}");
            }
            let retries = one.tries.len().saturating_sub(1) - one.hedges as usize;
            let most = spec.retry.as_ref().map_or(0, |retry| retry.num_retries as usize);
            prop_assert!(retries <= most, "{one:?}");
        }
        if let Some(retry) = &spec.retry {
            for isolate in 0..scenario.isolates {
                let its: Vec<_> = served.iter().filter(|one| one.isolate == isolate).collect();
                let more: u64 = its.iter().map(|one| one.tries.len().saturating_sub(1) as u64).sum();
                let free = u64::from(retry.budget_min_per_second);
                let free = free + free * rest.elapsed_us.div_ceil(1_000_000);
                let share = its.len() as u64 * u64::from(retry.budget_percent) / 100;
                prop_assert!(more <= share + free + 1, "{more} beside {}", its.len());
            }
        }
    }

    #[test]
    fn the_same_seed_is_the_same_run((target, scenario) in case()) {
        let told = |(served, rest): (Vec<Served>, Rest)| format!("{served:?} {rest:?}");
        prop_assert_eq!(told(all_of(&target, &scenario)), told(all_of(&target, &scenario)));
    }

    #[test]
    fn an_endpoint_that_comes_back_gets_requests_again(
        balance in balance(), retry in prop::option::of(retry()), outlier in prop::option::of(outlier()),
        post_percent in select(vec![0.0, 50.0, 100.0]), slow in any::<bool>(), seed in any::<u64>(),
    ) {
        let spec = PoolSpec { balance, retry, outlier, ..PoolSpec::default() };
        let target = target(spec, &[(0, 1, false), (1, 1, false)]);
        let ill = incident(5, 15, 1);
        let ill = match slow {
            true => Incident { slower: 40.0, ..ill },
            false => Incident { refuse_percent: 60.0, hang_percent: 60.0, ..ill },
        };
        let scenario = Scenario {
            seed,
            post_percent,
            incidents: vec![ill],
            ..scenario(2, 20.0, Until::Us(80_000_000))
        };
        let (served, _) = all_of(&target, &scenario);
        let starts: Vec<_> = served.iter().flat_map(|one| &one.tries).collect();
        let share = |from: u64, to: u64| {
            let within = |at: u64| (from * 1_000_000..to * 1_000_000).contains(&at);
            let its = starts.iter().filter(|(at, e)| within(*at) && *e == 0).count();
            its * 100 / starts.iter().filter(|(at, _)| within(*at)).count()
        };
        prop_assert!(share(0, 5) > 0, "at first");
        prop_assert!(share(60, 80) >= 5, "in the end: {}", share(60, 80));
    }
}

/// Whether the rules lead from home to a zone, read as they are written.
fn is_reached(locality: &Locality, home: Option<u16>, zone: u16) -> bool {
    let rules = locality.failover.iter();
    let rules = rules.take_while(|rule| rule.to != FailoverTo::None);
    Some(zone) == home
        || rules.into_iter().any(|rule| match &rule.to {
            FailoverTo::Any => true,
            FailoverTo::Only(only) => only.contains(&zone),
            FailoverTo::AnyExcept(not) => !not.contains(&zone),
            FailoverTo::None => false,
        })
}

#[test]
fn every_endpoint_that_is_well_gets_its_share() {
    let policies = [
        Balance::RoundRobin,
        Balance::Random,
        Balance::PeakEwma,
        Balance::ConsistentHash {
            on: HashKey::ClientIp,
            bounded_load_percent: 125,
        },
    ];
    for balance in policies {
        let spec = PoolSpec {
            balance: balance.clone(),
            ..PoolSpec::default()
        };
        let places = [(0, 1, false), (0, 1, false), (1, 1, false), (1, 2, false)];
        let target = target(spec, &places);
        let (served, _) = all_of(&target, &scenario(4, 50.0, Until::Requests(5_000)));
        for endpoint in 0..4 {
            let its = served.iter().filter(|one| one.endpoint == Some(endpoint));
            let its = its.count();
            assert!(its >= 500, "{balance:?}: {its} for {endpoint}");
        }
    }
}

#[test]
fn a_quick_failure_does_not_attract_requests() {
    let spec = PoolSpec {
        balance: Balance::PeakEwma,
        ..PoolSpec::default()
    };
    let target = target(spec, &[(0, 1, false), (1, 1, false)]);
    let mut scenario = scenario(2, 50.0, Until::Requests(5_000));
    scenario.endpoints[0].refuse_percent = 80.0;
    let (served, _) = all_of(&target, &scenario);
    let its = served.iter().filter(|one| one.tries[0].1 == 0).count();
    assert!(its <= 3_000, "{its}");
}
