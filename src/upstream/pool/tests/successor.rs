//! What the pool of another plan takes over.

use super::*;
use crate::plan::{CanarySpec, GuardSpec, RetryOn, RetrySpec};

#[test]
fn another_plan_goes_on_with_what_is_known_of_the_same_endpoints() {
    let endpoints = [(0, 1), (1, 1), (2, 1)];
    let hour = OutlierSpec {
        base_ejection_ms: 3_600_000,
        ..OUTLIER
    };
    let spec = PoolSpec {
        outlier: Some(hour),
        ..PoolSpec::default()
    };
    let before = pool(spec.clone(), &endpoints);
    eject(&before, 0, 0);
    before.rest(1, 5_000);
    before.set_down(2, true);
    let under_way = before.began(2, 0);

    let mut same = pool(spec.clone(), &endpoints);
    same.take_over(&before);
    assert_eq!(same.in_flight(2), 1);
    before.ended(&under_way, 1, Outcome::Success);
    assert_eq!(same.in_flight(2), 0, "it ends for both");
    assert_eq!(shares(&same, &Want::default(), 4_000, 60), [0, 0, 60]);
    assert_eq!(shares(&same, &Want::default(), 5_000, 60), [0, 30, 30]);

    // One more endpoint, another weight and another place: each keeps what is its own.
    let mut more = pool(spec.clone(), &[(0, 7), (1, 1), (2, 1), (3, 1)]);
    more.endpoints.swap(0, 3);
    more.take_over(&same);
    let picked = shares(&more, &Want::default(), 5_000, 90);
    assert_eq!(picked, [30, 30, 30, 0]);

    // Another address is another endpoint, whatever its name.
    let mut moved = pool(spec.clone(), &endpoints);
    moved.endpoints[0].base = Base::new("http://b.test");
    moved.take_over(&same);
    assert_eq!(shares(&moved, &Want::default(), 5_000, 90), [30; 3]);

    // A trial under way ends in the old one; the new one makes its own.
    let mut tried = pool(spec, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
    assert_eq!(same.began(0, 3_600_000).endpoint, 0);
    tried.take_over(&same);
    let robust = Want {
        robust: true,
        ..Want::default()
    };
    assert!(shares(&tried, &robust, 3_600_000, 80)[0] > 0);
}

#[test]
fn the_budget_is_kept_unless_its_rule_changes() {
    let retry = |percent| RetrySpec {
        num_retries: 1,
        on: RetryOn::default(),
        base_ms: 1,
        max_ms: 1,
        budget_percent: percent,
        budget_min_per_second: 1,
        max_body_bytes: 0,
    };
    let with = |percent| PoolSpec {
        retry: Some(retry(percent)),
        ..spec()
    };
    let before = pool(with(20), &[(0, 1), (1, 1)]);
    assert!(before.withdraw(0) && !before.withdraw(0));
    let mut same = pool(with(20), &[(0, 1), (1, 1), (2, 1)]);
    same.take_over(&before);
    assert!(!same.withdraw(0));
    let mut other = pool(with(30), &[(0, 1), (1, 1)]);
    other.take_over(&before);
    assert!(other.withdraw(0));
}

#[test]
fn the_hold_of_a_canary_is_kept_for_that_canary() {
    let guard = GuardSpec {
        max_error_percent: 5,
        min_requests: 1,
        window_ms: 1_000,
        hold_ms: 60_000,
    };
    let canary = CanarySpec {
        percent: 100,
        hash_on: None,
        header: None,
        cookie: None,
        guard: Some(guard),
    };
    let make = |url: &str| {
        let spec = PoolSpec {
            canary: Some(canary.clone()),
            ..PoolSpec::default()
        };
        let mut pool = pool(spec, &[(0, 1), (0, 1)]);
        pool.endpoints[1].canary = true;
        pool.endpoints[1].base = Base::new(url);
        pool
    };
    let before = make("http://v2.test");
    let flight = before.began(1, 1);
    assert_eq!(
        before.ended(&flight, 1, GATEWAY),
        [None, Some(Event::CanaryHeld)]
    );
    let gets = |url: &str| {
        let mut next = make(url);
        next.take_over(&before);
        next.is_canary(None, None, 0, 2)
    };
    assert!(!gets("http://v2.test"));
    assert!(gets("http://v3.test"), "another version");
}
