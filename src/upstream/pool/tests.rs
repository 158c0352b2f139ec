mod successor;

use proptest::prelude::*;

use super::*;
use crate::plan::{Balance, Failover, FailoverTo, HashKey, Locality, OutlierSpec};

const OUTLIER: OutlierSpec = OutlierSpec {
    consecutive_failures: 2,
    consecutive_gateway_errors: 0,
    failure_percent: 0,
    min_requests: 20,
    window_ms: 10_000,
    base_ejection_ms: 1_000,
    max_ejection_ms: 60_000,
    max_ejected_percent: 100,
    panic_percent: 10,
    probation_requests: 1,
};
const GATEWAY: Outcome = Outcome::Failure(Failure::Gateway);

/// Endpoints by zone and weight.
fn pool(spec: PoolSpec, endpoints: &[(u16, u32)]) -> Pool {
    let endpoints = endpoints.iter().enumerate();
    let endpoints = endpoints.map(|(index, (zone, weight))| Endpoint {
        name: format!("e{index}"),
        base: Base::new("http://a.test"),
        binding: None,
        zone: Some(*zone),
        identity: None,
        weight: *weight,
        canary: false,
    });
    Pool::new("s", spec, endpoints.collect(), 8)
}

fn spec() -> PoolSpec {
    PoolSpec {
        outlier: Some(OUTLIER),
        ..PoolSpec::default()
    }
}

fn local(threshold: u32) -> PoolSpec {
    let rule = |to| Failover { from: None, to };
    PoolSpec {
        locality: Some(Locality {
            home: Home::Zone(0),
            failover: vec![rule(FailoverTo::Only(vec![1])), rule(FailoverTo::Any)],
            threshold,
        }),
        ..spec()
    }
}

/// How often each endpoint is picked.
fn shares(pool: &Pool, want: &Want<'_>, now: u64, picks: u64) -> Vec<u64> {
    let mut shares = vec![0; pool.endpoints.len()];
    for number in 0..picks {
        let picked = pool.pick(want, now, hash_number(&number.to_string()));
        shares[picked.unwrap()] += 1;
    }
    shares
}

fn fail(pool: &Pool, endpoint: usize, now: u64) -> Option<Event> {
    let flight = pool.began(endpoint, now);
    let [ejection, _] = pool.ended(&flight, now, GATEWAY);
    ejection
}

fn eject(pool: &Pool, endpoint: usize, now: u64) {
    assert_eq!(fail(pool, endpoint, now), None);
    assert_eq!(fail(pool, endpoint, now), Some(Event::Ejected(endpoint)));
}

#[test]
fn weights_are_kept_by_every_policy_that_has_them() {
    let hashed = Balance::ConsistentHash {
        on: HashKey::ClientIp,
        bounded_load_percent: 125,
    };
    for balance in [Balance::RoundRobin, Balance::Random, hashed] {
        let spec = PoolSpec {
            balance: balance.clone(),
            ..spec()
        };
        let pool = pool(spec, &[(0, 5), (1, 3), (2, 2), (3, 0)]);
        let shares = shares(&pool, &Want::default(), 0, 10_000);
        for (share, expected) in shares.iter().zip([5_000, 3_000, 2_000, 0_u64]) {
            assert!(share.abs_diff(expected) <= 200, "{balance:?}: {shares:?}");
        }
    }
}

#[test]
fn round_robin_mixes_evenly() {
    let pool = pool(spec(), &[(0, 3), (0, 1)]);
    let picks = (0..8).map(|_| pool.pick(&Want::default(), 0, 0).unwrap());
    assert_eq!(picks.collect::<Vec<_>>(), [0, 0, 1, 0, 0, 0, 1, 0]);
}

#[test]
fn peak_ewma_prefers_what_is_quick_and_idle() {
    let spec = PoolSpec {
        balance: Balance::PeakEwma,
        ..spec()
    };
    let pool = pool(spec, &[(0, 1), (0, 1), (0, 1)]);
    for (endpoint, ms) in [(0, 10), (1, 10), (2, 400)] {
        let flight = pool.began(endpoint, 0);
        pool.ended(&flight, ms, Outcome::Success);
    }
    let picked = shares(&pool, &Want::default(), 400, 3_000);
    assert_eq!(picked[2], 0, "{picked:?}");
    let busy: Vec<Flight> = (0..60).map(|_| pool.began(0, 400)).collect();
    let picked = shares(&pool, &Want::default(), 400, 3_000);
    assert!(picked[1] > 1_900 && picked[0] <= picked[2], "{picked:?}");
    for flight in &busy {
        pool.ended(flight, 400, Outcome::Cancelled);
    }
    assert_eq!(shares(&pool, &Want::default(), 400, 3_000)[2], 0);
}

#[test]
fn one_key_goes_to_one_endpoint_until_that_is_overloaded() {
    let balance = Balance::ConsistentHash {
        on: HashKey::ClientIp,
        bounded_load_percent: 100,
    };
    let pool = pool(PoolSpec { balance, ..spec() }, &[(0, 1), (0, 1), (0, 1)]);
    let want = Want {
        hash: Some(hash_number("user-1")),
        ..Want::default()
    };
    let owner = pool.pick(&want, 0, 0).unwrap();
    assert!((0..100).all(|random| pool.pick(&want, 0, random) == Ok(owner)));
    let flights: Vec<Flight> = (0..4).map(|_| pool.began(owner, 0)).collect();
    let other = pool.pick(&want, 0, 0).unwrap();
    assert_ne!(other, owner);
    assert!((0..100).all(|random| pool.pick(&want, 0, random) == Ok(other)));
    for flight in &flights {
        pool.ended(flight, 0, Outcome::Success);
    }
    assert_eq!(pool.pick(&want, 0, 0), Ok(owner));
}

#[test]
fn home_is_used_alone_until_too_few_of_it_are_well() {
    let pool = pool(local(50), &[(0, 1), (0, 1), (0, 1), (0, 1), (1, 1), (2, 1)]);
    let want = Want {
        home: Some(0),
        ..Want::default()
    };
    let at_home = |now| shares(&pool, &want, now, 10_000)[..4].iter().sum::<u64>();
    assert_eq!(at_home(0), 10_000);
    eject(&pool, 0, 0);
    eject(&pool, 1, 0);
    assert_eq!(
        at_home(0),
        10_000,
        "half of it is well: that is the threshold"
    );
    eject(&pool, 2, 0);
    let picked = shares(&pool, &want, 0, 10_000);
    assert!(
        picked[3].abs_diff(5_000) <= 200 && picked[5] == 0,
        "{picked:?}"
    );
    eject(&pool, 3, 0);
    assert_eq!(shares(&pool, &want, 0, 100), [0, 0, 0, 0, 100, 0]);
    eject(&pool, 4, 0);
    assert_eq!(shares(&pool, &want, 0, 100), [0, 0, 0, 0, 0, 100]);
    // They come back, one trial at a time, for requests that would survive it.
    let robust = Want {
        robust: true,
        ..want
    };
    assert!(
        shares(&pool, &robust, 1_000, 100)[..4]
            .iter()
            .all(|share| *share > 0)
    );
}

#[test]
fn another_try_goes_to_another_zone_first_and_then_to_another_endpoint() {
    let pool = pool(local(50), &[(0, 1), (0, 1), (1, 1), (2, 1)]);
    let pick = |tried: &[usize]| {
        let tried = tried.iter().fold(0, |set, index| set | bit(*index));
        let want = Want {
            home: Some(0),
            tried,
            robust: true,
            ..Want::default()
        };
        pool.pick(&want, 0, 7).unwrap()
    };
    assert_eq!(pick(&[0]), 2);
    assert_eq!(pick(&[0, 2]), 3);
    assert_eq!(pick(&[0, 2, 3]), 1);
    assert!(pick(&[0, 1, 2, 3]) < 2, "all were tried: home again");
}

#[test]
fn where_failover_leads_nowhere_no_try_leaves_home() {
    let mut spec = local(100);
    spec.locality.as_mut().unwrap().failover.clear();
    let pool = pool(spec, &[(0, 1), (1, 1)]);
    let want = Want {
        home: Some(0),
        tried: bit(0),
        robust: true,
        ..Want::default()
    };
    assert_eq!(pool.pick(&want, 0, 1), Ok(0));
    eject(&pool, 0, 0);
    assert_eq!(pool.pick(&want, 0, 1), Ok(0), "better than nobody: panic");
}

#[test]
fn without_panic_there_is_nobody_and_it_is_said_for_how_long() {
    let outlier = OutlierSpec {
        panic_percent: 0,
        ..OUTLIER
    };
    let spec = PoolSpec {
        outlier: Some(outlier),
        ..PoolSpec::default()
    };
    let pool = pool(spec, &[(0, 1), (1, 1)]);
    eject(&pool, 0, 0);
    eject(&pool, 1, 200);
    let nobody = pool.pick(&Want::default(), 300, 0);
    assert_eq!(
        nobody,
        Err(Nobody {
            retry_after_ms: 700
        })
    );
    assert!(
        pool.pick(&Want::default(), 1_000, 0).is_ok(),
        "on probation"
    );
}

#[test]
fn no_more_are_ejected_than_may_be() {
    let outlier = OutlierSpec {
        max_ejected_percent: 50,
        ..OUTLIER
    };
    let pool = pool(
        PoolSpec {
            outlier: Some(outlier),
            ..PoolSpec::default()
        },
        &[(0, 1), (0, 1), (0, 1)],
    );
    eject(&pool, 0, 0);
    assert_eq!((fail(&pool, 1, 0), fail(&pool, 1, 0)), (None, None));
    let picked = shares(&pool, &Want::default(), 0, 90);
    assert_eq!(picked[0], 0, "{picked:?}");
    assert!(picked[1] > 30);
}

#[test]
fn drained_and_down_endpoints_get_nothing() {
    let pool = pool(spec(), &[(0, 1), (1, 1), (2, 1)]);
    pool.set_drained(|endpoint| endpoint.zone == Some(0));
    pool.set_down(1, true);
    assert_eq!(shares(&pool, &Want::default(), 0, 60), [0, 0, 60]);
    pool.set_drained(|endpoint| endpoint.zone != Some(1));
    assert_eq!(
        shares(&pool, &Want::default(), 0, 60),
        [0, 60, 0],
        "panic, but never what is drained"
    );
    pool.set_drained(|_| true);
    assert!(pool.pick(&Want::default(), 0, 0).is_err());
}

#[test]
fn an_endpoint_that_asks_for_rest_gets_it() {
    let pool = pool(spec(), &[(0, 1), (1, 1)]);
    pool.rest(0, 5_000);
    assert_eq!(shares(&pool, &Want::default(), 4_999, 60), [0, 60]);
    assert_eq!(shares(&pool, &Want::default(), 5_000, 60), [30, 30]);
}

#[test]
fn a_cookie_brings_a_client_back_as_long_as_its_endpoint_is_well() {
    let pool = pool(spec(), &[(0, 1), (1, 1), (2, 1)]);
    let sticky = pool.named(&pool.id(2));
    assert_eq!(sticky, Some(2));
    assert_eq!(pool.named("e2"), None, "names are not told");
    let want = Want {
        sticky,
        ..Want::default()
    };
    assert_eq!(shares(&pool, &want, 0, 60), [0, 0, 60]);
    eject(&pool, 2, 0);
    assert_eq!(shares(&pool, &want, 0, 60), [30, 30, 0]);
}

proptest! {
    /// Whatever happens to the endpoints: a pick stays in the zones that a request may use, and where anything is open
    /// to it and not drained, something is picked.
    #[test]
    fn no_pick_is_ever_outside_of_its_zones(
        weights in prop::collection::vec(0..3_u32, 1..8),
        failures in prop::collection::vec((0..8_usize, 0..4_000_u64, any::<bool>()), 0..60),
        drained in 0..8_u16, zones in prop::collection::vec(0..4_u16, 0..4),
        tried in any::<u64>(), random in any::<u64>(), robust in any::<bool>(),
    ) {
        let endpoints: Vec<_> = weights.iter().enumerate()
            .map(|(index, weight)| (u16::try_from(index % 4).unwrap(), *weight)).collect();
        for spec in [spec(), PoolSpec { balance: Balance::PeakEwma, ..spec() }] {
            let pool = pool(spec, &endpoints);
            let mut now = 0;
            for (endpoint, passed, failed) in &failures {
                now += passed;
                let flight = pool.began(endpoint % endpoints.len(), now);
                pool.ended(&flight, now, if *failed { GATEWAY } else { Outcome::Success });
            }
            pool.set_drained(|endpoint| endpoint.zone == Some(drained));
            let want = Want { zones: Some(&zones), tried, robust, ..Want::default() };
            let open = endpoints.iter().any(|(zone, weight)| {
                *weight > 0 && zones.contains(zone) && *zone != drained
            });
            match pool.pick(&want, now, random) {
                Ok(picked) => {
                    let (zone, weight) = endpoints[picked];
                    prop_assert!(zones.contains(&zone) && zone != drained && weight > 0);
                }
                Err(_) => prop_assert!(!open),
            }
        }
    }
}

#[test]
fn a_canary_that_fails_is_served_by_the_others() {
    let canary = |index: usize| index == 2;
    let endpoints = (0..3).map(|index| Endpoint {
        name: format!("e{index}"),
        base: Base::new("http://a.test"),
        binding: None,
        zone: None,
        identity: None,
        weight: 1,
        canary: canary(index),
    });
    let pool = Pool::new("s", spec(), endpoints.collect(), 0);
    let want = Want {
        canary: true,
        ..Want::default()
    };
    assert_eq!(shares(&pool, &want, 0, 30), [0, 0, 30]);
    let again = Want {
        tried: bit(2),
        ..want.clone()
    };
    assert!(shares(&pool, &again, 0, 30)[2] == 0, "not the same again");
    eject(&pool, 2, 0);
    assert_eq!(shares(&pool, &want, 0, 30), [15, 15, 0]);
    pool.set_down(0, true);
    pool.set_down(1, true);
    assert_eq!(shares(&pool, &want, 0, 30)[2], 0, "in a panic, too");
}

/// With the rules that hold where nothing is said of them.
fn usual(endpoints: &[(u16, u32)]) -> Pool {
    let outlier = OutlierSpec {
        max_ejected_percent: 99,
        ..OUTLIER
    };
    let spec = PoolSpec {
        outlier: Some(outlier),
        ..PoolSpec::default()
    };
    pool(spec, endpoints)
}

#[test]
fn the_last_one_that_is_well_stays_and_the_others_are_tried_beside_it() {
    for endpoints in [vec![(0, 1); 3], vec![(0, 1), (0, 1), (0, 1), (0, 0)]] {
        let pool = usual(&endpoints);
        eject(&pool, 0, 1);
        eject(&pool, 1, 1);
        assert_eq!((fail(&pool, 2, 2), fail(&pool, 2, 2)), (None, None));
        let picked = shares(&pool, &Want::default(), 3, 90);
        assert_eq!(picked[..3], [30; 3], "nobody is known to be well");
        succeed(&pool, 2, 3);
        assert_eq!(shares(&pool, &Want::default(), 3, 90)[..3], [0, 0, 90]);
        // Another one is back: now this one may go.
        succeed(&pool, 0, 4);
        eject(&pool, 2, 5);
        assert_eq!(shares(&pool, &Want::default(), 5, 90)[..3], [90, 0, 0]);
    }
    let only = usual(&[(0, 1)]);
    assert_eq!((fail(&only, 0, 2), fail(&only, 0, 2)), (None, None));
    let down = usual(&[(0, 1), (0, 1)]);
    down.set_down(1, true);
    assert_eq!((fail(&down, 0, 2), fail(&down, 0, 2)), (None, None));
}

fn succeed(pool: &Pool, endpoint: usize, now: u64) {
    let flight = pool.began(endpoint, now);
    assert_eq!(pool.ended(&flight, now, Outcome::Success), [None; 2]);
}

#[test]
fn a_success_in_spite_of_an_ejection_brings_back_unless_it_was_sent_before() {
    let pool = pool(spec(), &[(0, 1), (0, 1)]);
    let before = pool.began(0, 5);
    eject(&pool, 0, 10);
    eject(&pool, 1, 10);
    pool.ended(&before, 20, Outcome::Success);
    assert_eq!(shares(&pool, &Want::default(), 20, 60), [30, 30], "panic");
    assert_eq!(fail(&pool, 0, 20), None, "a failure is nothing new");
    succeed(&pool, 1, 21);
    assert_eq!(shares(&pool, &Want::default(), 21, 60), [0, 60]);
}

#[test]
fn where_nobody_is_well_those_are_used_that_answer_all_the_same() {
    for ill in [
        |pool: &Pool, endpoint| pool.rest(endpoint, 60_000),
        |pool: &Pool, endpoint| pool.set_down(endpoint, true),
    ] {
        let pool = pool(spec(), &[(0, 1), (0, 1), (0, 1)]);
        (0..3).for_each(|endpoint| {
            fail(&pool, endpoint, 0);
            ill(&pool, endpoint);
        });
        let picked = |now| shares(&pool, &Want::default(), now, 90);
        assert_eq!(picked(1), [30; 3], "panic");
        succeed(&pool, 1, 2);
        assert_eq!(picked(3), [0, 90, 0]);
        fail(&pool, 1, 4);
        assert_eq!(picked(5), [30; 3]);
    }
    let pool = pool(spec(), &[(0, 1), (0, 1)]);
    pool.set_down(0, true);
    succeed(&pool, 0, 1);
    assert_eq!(
        shares(&pool, &Want::default(), 2, 90),
        [0, 90],
        "down it is"
    );
}
