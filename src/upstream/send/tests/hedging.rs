//! A second endpoint that is asked meanwhile.

use super::*;

#[test]
fn of_a_request_and_its_hedge_the_quicker_one_wins_and_the_other_is_cancelled() {
    let spec = || PoolSpec {
        hedge: Some(HEDGE),
        ..spec()
    };
    for (first, second, winner, took_ms, cancelled) in [
        // It answers before a hedge is due.
        (99, 10, 0, 99, 0),
        (300, 10, 1, 110, 1),
        (105, 10, 0, 105, 1),
    ] {
        let setup = setup(spec(), &[0, 1]);
        let told = setup.send("GET", |e| after(if e == 0 { first } else { second }, 200));
        assert_eq!(told.status(), (200, Some(winner)));
        assert_eq!((told.took_ms, told.cancelled), (took_ms, cancelled));
        assert_eq!(told.story.hedges, u32::from(first > 100));
    }
    let setup = setup(spec(), &[0, 1]);
    let told = setup.send("POST", |_| after(300, 200));
    assert_eq!(told.status(), (200, Some(0)));
    assert_eq!((setup.sent(), told.story.hedges), (vec![0], 0));
}

#[test]
fn of_a_request_and_its_hedge_a_bad_answer_waits_for_the_other() {
    let spec = PoolSpec {
        hedge: Some(HEDGE),
        ..spec()
    };
    let setup = setup(spec, &[0, 1]);
    let told = setup.send("GET", |e| if e == 0 { after(300, 200) } else { broken(5) });
    assert_eq!(told.status(), (200, Some(0)));
    assert_eq!((told.took_ms, told.cancelled), (300, 0));
    assert_eq!(told.story.failures, [(1, Tried::Broken)]);
    // Both fail: what came last counts, and may be tried again.
    let told = setup.send("GET", |e| if e == 0 { after(300, 502) } else { broken(5) });
    assert_eq!(told.status().0, 502);
}

#[test]
fn an_endpoint_that_hangs_is_found_by_the_races_it_loses() {
    let outlier = OutlierSpec {
        consecutive_failures: 5,
        base_ejection_ms: 5_000,
        ..OUTLIER
    };
    let spec = PoolSpec {
        locality: None,
        hedge: Some(HEDGE),
        outlier: Some(outlier),
        ..spec()
    };
    let setup = setup(spec, &[0, 1, 2]);
    let mut asked = 0;
    let mut ejected = Vec::new();
    for number in 0..300_u32 {
        let told = setup.send("GET", |e| if e == 1 { silent() } else { after(20, 200) });
        assert_eq!(told.status().0, 200);
        asked += setup.sent().iter().filter(|e| **e == 1).count();
        if !told.story.events.is_empty() {
            ejected.push((number, told.story.events));
        }
    }
    // Five races; then, at the end of its ejection, one trial that is lost is enough.
    assert_eq!(asked, 6, "{ejected:?}");
    assert!(
        ejected
            .iter()
            .all(|(_, events)| *events == [Event::Ejected(1)])
    );
    assert_eq!(ejected.len(), 2, "{ejected:?}");
}

#[test]
fn a_hedge_that_comes_too_late_to_win_has_lost_nothing() {
    let outlier = OutlierSpec {
        consecutive_failures: 1,
        ..OUTLIER
    };
    let spec = PoolSpec {
        hedge: Some(HEDGE),
        outlier: Some(outlier),
        ..spec()
    };
    let setup = setup(spec, &[0, 1]);
    for _ in 0..40 {
        let told = setup.send("GET", |e| after(if e == 0 { 105 } else { 50 }, 200));
        assert_eq!((told.status(), told.cancelled), ((200, Some(0)), 1));
        assert!(told.story.events.is_empty());
    }
}
