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
    assert_eq!(problem.header, Some(("retry-after", "5".into())));
    assert_eq!(setup.sent(), [0], "nothing is sent");
}

#[test]
fn where_the_gateway_cannot_prove_itself_even_a_post_moves_on() {
    let mut setup = setup(spec(), &[0, 1]);
    setup.pool.endpoints[0].identity = Some(0);
    // The host knows nobody who would give out a token.
    let spec = OAuth2Spec {
        token_url: "https://login.test/token".into(),
        client_id: "gateway".into(),
        client_secret: "secret".into(),
        in_form: false,
        form: Vec::new(),
    };
    let identity = Identity::new(IdentityKind::OAuth2(spec), None);
    setup.identities = Identities::of("s", identity);
    for method in ["POST", "GET"] {
        let told = setup.send(method, |_| after(1, 200));
        assert_eq!(told.status(), (200, Some(1)));
        assert_eq!(setup.sent(), [1], "nothing is sent to the first one");
        assert_eq!(told.story.failures, [(0, Tried::Unsent)]);
    }
    setup.pool.endpoints[1].identity = Some(0);
    let told = setup.send("POST", |_| after(1, 200));
    assert_eq!(told.result.err().unwrap().code, "upstream_identity_failed");
    assert_eq!(setup.sent(), [0; 0]);
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
