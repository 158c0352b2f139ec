//! What is not sent at all.

use super::*;

#[test]
fn where_nobody_can_take_it_the_answer_is_503_with_retry_after() {
    let spec = PoolSpec {
        outlier: Some(OUTLIER),
        retry: None,
        ..spec()
    };
    let setup = setup(spec, &[0]);
    let told = setup.send("GET", |_| after(1, 500));
    assert_eq!(told.story.events, [Event::Ejected(0)]);
    let told = setup.send("GET", |_| after(1, 200));
    let problem = told.result.err().unwrap();
    assert_eq!((problem.status, problem.code), (503, "no_endpoint"));
    let header = problem.header.as_deref();
    assert_eq!(header, Some(&("retry-after", "5".to_owned())));
    assert_eq!(setup.sent(), [0], "nothing is sent");
}

/// Each endpoint of the set proves itself by a token. The host knows nobody who would give one out.
fn with_identity(spec: PoolSpec, zones: &[u16], endpoints: &[usize]) -> Setup {
    let mut setup = setup(spec, zones);
    let spec = OAuth2Spec {
        token_url: "https://login.test/token".into(),
        client_id: "gateway".into(),
        client_secret: "secret".into(),
        in_form: false,
        form: Vec::new(),
    };
    let identity = Identity::new(IdentityKind::OAuth2(spec), None);
    setup.identities = Identities::of("s", identity);
    for endpoint in endpoints {
        setup.pool.endpoints[*endpoint].identity = Some(0);
    }
    setup
}

#[test]
fn where_the_gateway_cannot_prove_itself_even_a_post_moves_on() {
    for (method, retry) in [("POST", Some(RETRY)), ("GET", Some(RETRY)), ("POST", None)] {
        let setup = with_identity(PoolSpec { retry, ..spec() }, &[0, 1], &[0]);
        let told = setup.send(method, |_| after(1, 200));
        assert_eq!(told.status(), (200, Some(1)));
        assert_eq!(setup.sent(), [1], "nothing is sent to the first one");
        assert_eq!(told.story.failures, [(0, Tried::Unsent)]);
        assert_eq!(told.took_ms, 1, "there is nothing to wait for");
    }
    let setup = with_identity(spec(), &[0, 1], &[0, 1]);
    for _ in 0..3 {
        let told = setup.send("POST", |_| after(1, 200));
        assert_eq!(told.result.err().unwrap().code, "upstream_identity_failed");
        assert_eq!(setup.sent(), [0; 0]);
    }
    let panic_percent = 0;
    let outlier = Some(OutlierSpec {
        panic_percent,
        ..OUTLIER
    });
    let setup = with_identity(PoolSpec { outlier, ..spec() }, &[0], &[0]);
    for _ in 0..3 {
        let told = setup.send("GET", |_| after(1, 200));
        assert_eq!(told.result.err().unwrap().code, "upstream_identity_failed");
    }
}

#[test]
fn an_identity_that_fails_is_left_out_and_costs_no_budget() {
    let retry = Some(RetrySpec {
        budget_percent: 0,
        budget_min_per_second: 0,
        ..RETRY
    });
    let setup = with_identity(PoolSpec { retry, ..spec() }, &[0, 1], &[0]);
    let mut unsent = 0;
    for _ in 0..3_000 {
        let told = setup.send("GET", |_| after(10, 200));
        assert_eq!(told.status(), (200, Some(1)));
        unsent += told.story.failures.len();
    }
    // It is tried again 1, 3, 7 and 15 seconds after the first time.
    assert_eq!(unsent, 5);
}

#[test]
fn an_identity_that_nobody_can_wait_for_is_left_out_too() {
    let setup = with_identity(spec(), &[0, 1], &[0]);
    setup.tokens_take_ms.set(20_000);
    let told = setup.send("GET", |_| after(10, 200));
    assert_eq!((told.status(), told.took_ms), ((502, None), 1_000));
    for _ in 0..50 {
        let told = setup.send("GET", |_| after(10, 200));
        assert_eq!((told.status(), told.took_ms), ((200, Some(1)), 10));
    }
}

#[test]
fn a_hedge_that_is_not_sent_costs_no_budget() {
    let retry = Some(RetrySpec {
        budget_percent: 0,
        budget_min_per_second: 1,
        ..RETRY
    });
    let spec = PoolSpec {
        hedge: Some(HEDGE),
        retry,
        ..spec()
    };
    let setup = with_identity(spec, &[0, 1, 2], &[1]);
    let told = setup.send("GET", |e| after(if e == 0 { 900 } else { 10 }, 200));
    assert_eq!((told.status(), told.took_ms), ((200, Some(2)), 210));
}

#[test]
fn what_is_wrong_at_every_endpoint_is_not_tried_at_another() {
    let mut setup = setup(spec(), &[0, 1]);
    setup.pool.endpoints[0].identity = Some(0);
    setup.identities = Identities::of(
        "s",
        Err(Fault {
            code: "missing_reference".into(),
            message: "told to fail".into(),
        }),
    );
    let told = setup.send("GET", |_| after(1, 200));
    assert_eq!(told.result.err().unwrap().code, "config_error");
    assert_eq!(setup.sent(), [0; 0]);
}
