//! The circuit breaker, state by state.

use super::*;

const SPEC: OutlierSpec = OutlierSpec {
    consecutive_failures: 3,
    consecutive_gateway_errors: 2,
    failure_percent: 50,
    min_requests: 10,
    window_ms: 10_000,
    base_ejection_ms: 1_000,
    max_ejection_ms: 2_500,
    max_ejected_percent: 100,
    panic_percent: 0,
    probation_requests: 2,
};
const FAILED: Outcome = Outcome::Failure(Failure::Server);
const GATEWAY: Outcome = Outcome::Failure(Failure::Gateway);

fn after(outlier: &mut Outlier, now: u64, outcome: Outcome) -> bool {
    let trial = outlier.began(&SPEC, now);
    outlier.ended(&SPEC, now, outcome, &flight(now, trial))
}

fn flight(began: u64, trial: Option<Trial>) -> Flight {
    Flight {
        endpoint: 0,
        began,
        trial,
    }
}

#[test]
fn failures_one_after_another_eject() {
    let mut outlier = Outlier::default();
    assert!(!after(&mut outlier, 0, FAILED));
    assert!(!after(&mut outlier, 0, FAILED));
    assert!(!after(&mut outlier, 0, Outcome::Success));
    assert!(!after(&mut outlier, 0, FAILED));
    assert!(!after(&mut outlier, 0, Outcome::Cancelled));
    assert!(!after(&mut outlier, 0, FAILED));
    assert!(after(&mut outlier, 0, FAILED));
}

#[test]
fn gateway_errors_are_counted_apart() {
    let mut outlier = Outlier::default();
    assert!(!after(&mut outlier, 0, GATEWAY));
    assert!(!after(&mut outlier, 0, FAILED));
    assert!(!after(&mut outlier, 0, Outcome::Success));
    assert!(!after(&mut outlier, 0, GATEWAY));
    assert!(after(&mut outlier, 0, GATEWAY));
}

#[test]
fn a_share_of_failures_ejects_once_there_are_enough_requests() {
    let mut outlier = Outlier::default();
    let outcomes = [FAILED, FAILED, Outcome::Success];
    let ejects = (0..12).map(|i| after(&mut outlier, i, outcomes[(i % 3) as usize]));
    assert_eq!(ejects.collect::<Vec<_>>().iter().position(|e| *e), Some(9));
}

#[test]
fn what_comes_back_is_on_probation_and_is_out_longer_each_time() {
    let mut outlier = Outlier::default();
    outlier.eject(&SPEC, 10_000);
    let at = |outlier: &Outlier, now| outlier.availability(&SPEC, now);
    assert_eq!(at(&outlier, 10_999), Availability::Out(11_000));
    assert_eq!(at(&outlier, 11_000), Availability::OnProbation);
    // Two trials at once, no third.
    let trial = outlier.began(&SPEC, 11_000);
    assert!(trial.is_some() && outlier.began(&SPEC, 11_000) == trial);
    assert_eq!(at(&outlier, 11_000), Availability::Out(11_001));
    assert!(outlier.began(&SPEC, 11_000).is_none());
    assert!(!outlier.ended(
        &SPEC,
        11_000,
        Outcome::Success,
        &flight(0, Some(Trial(outlier.probations)))
    ));
    assert!(outlier.ended(
        &SPEC,
        11_000,
        FAILED,
        &flight(0, Some(Trial(outlier.probations)))
    ));
    outlier.eject(&SPEC, 11_000);
    assert_eq!(at(&outlier, 11_000), Availability::Out(13_000));
    assert!(outlier.began(&SPEC, 13_000).is_some());
    assert!(outlier.ended(
        &SPEC,
        13_000,
        FAILED,
        &flight(0, Some(Trial(outlier.probations)))
    ));
    outlier.eject(&SPEC, 13_000);
    assert_eq!(at(&outlier, 13_000), Availability::Out(15_500), "bounded");
    for _ in 0..2 {
        assert!(outlier.began(&SPEC, 15_500).is_some());
        assert!(!outlier.ended(
            &SPEC,
            15_500,
            Outcome::Success,
            &flight(0, Some(Trial(outlier.probations)))
        ));
    }
    assert_eq!(at(&outlier, 15_500), Availability::Well);
    // After a quiet time it counts as a first one again.
    outlier.eject(&SPEC, 100_000);
    assert_eq!(at(&outlier, 100_000), Availability::Out(101_000));
}

#[test]
fn where_no_request_survives_a_failure_any_one_is_a_trial() {
    let mut outlier = Outlier::default();
    outlier.eject(&SPEC, 0);
    let at = |outlier: &Outlier, now| outlier.availability(&SPEC, now);
    assert_eq!(at(&outlier, 1_999), Availability::OnProbation);
    assert_eq!(at(&outlier, 2_000), Availability::Well);
    assert!(outlier.began(&SPEC, 2_000).is_some() && outlier.began(&SPEC, 2_000).is_some());
    assert_eq!(at(&outlier, 2_000), Availability::Out(2_001));
    assert!(!outlier.ended(
        &SPEC,
        2_010,
        Outcome::Success,
        &flight(0, Some(Trial(outlier.probations)))
    ));
    assert_eq!(at(&outlier, 2_010), Availability::Well);
    assert!(outlier.ended(
        &SPEC,
        2_010,
        FAILED,
        &flight(0, Some(Trial(outlier.probations)))
    ));
}

#[test]
fn a_cancelled_trial_makes_room_for_another() {
    let mut outlier = Outlier::default();
    outlier.eject(&SPEC, 0);
    for _ in 0..10 {
        assert!(outlier.began(&SPEC, 1_000).is_some());
        assert!(!outlier.ended(
            &SPEC,
            1_000,
            Outcome::Cancelled,
            &flight(0, Some(Trial(outlier.probations)))
        ));
    }
    assert_eq!(
        outlier.availability(&SPEC, 1_000),
        Availability::OnProbation
    );
}

#[test]
fn a_trial_that_never_ends_is_lost_and_says_nothing_later() {
    let mut outlier = Outlier::default();
    outlier.eject(&SPEC, 0);
    let lost = outlier.began(&SPEC, 1_000);
    assert!(lost.is_some() && outlier.began(&SPEC, 1_000).is_some());
    assert_eq!(
        outlier.availability(&SPEC, 60_999),
        Availability::Out(61_000)
    );
    assert_eq!(
        outlier.availability(&SPEC, 61_000),
        Availability::OnProbation
    );
    let trial = outlier.began(&SPEC, 61_000);
    assert!(trial.is_some() && trial != lost);
    assert!(!outlier.ended(&SPEC, 61_000, FAILED, &flight(1_000, lost)));
    assert!(outlier.ended(&SPEC, 61_000, FAILED, &flight(61_000, trial)));
}
