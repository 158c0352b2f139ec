//! Client credentials.

use super::*;
use crate::edits::Edit;

fn oauth2(in_form: bool) -> Fetched {
    let spec = OAuth2Spec {
        token_url: "https://login.test/token".into(),
        client_id: "the client".into(),
        client_secret: "s:c+t&".into(),
        in_form,
        form: vec![
            ("scope".into(), "read write".into()),
            ("resource".into(), "https://a.test".into()),
            ("resource".into(), "https://b.test".into()),
        ],
    };
    Fetched::oauth2(&spec).unwrap()
}

#[test]
fn client_credentials_are_shown_as_rfc_6749_section_2_3_1_has_it() {
    for (in_form, fields, form) in [
        (
            false,
            "=accept\napplication/json\n=content-type\napplication/x-www-form-urlencoded\n\
             =authorization\nBasic dGhlK2NsaWVudDpzJTNBYyUyQnQlMjY=\n",
            "grant_type=client_credentials&scope=read+write&resource=https%3A%2F%2Fa.test&resource=https%3A%2F%2Fb.test",
        ),
        (
            true,
            "=accept\napplication/json\n=content-type\napplication/x-www-form-urlencoded\n",
            "grant_type=client_credentials&scope=read+write&resource=https%3A%2F%2Fa.test&resource=https%3A%2F%2Fb.test\
             &client_id=the+client&client_secret=s%3Ac%2Bt%26",
        ),
    ] {
        let (host, log) = host(&[token("t1")]);
        let client = oauth2(in_form);
        for _ in 0..3 {
            assert_eq!(
                expose(run(client.bearer(&host))),
                Ok("Bearer t1".to_owned())
            );
        }
        let [asked] = &log.borrow()[..] else {
            panic!("asked once")
        };
        assert_eq!(asked.fields, fields);
        assert_eq!(asked.body, form);
    }
}

#[test]
fn who_refused_and_why_is_told_without_the_secret() {
    let refusal = json!({ "error": "invalid_client", "error_description": "s:c+t& is wrong" });
    let (host, log) = host(&[(401, refusal)]);
    let client = oauth2(false);
    let expected = "the OAuth 2.0 server (https://login.test/token): it refused with status 401, invalid_client";
    for _ in 0..3 {
        assert_eq!(expose(run(client.bearer(&host))), Err(expected.to_owned()));
    }
    assert_eq!(log.borrow().len(), 1, "the next try waits");
    host.pass(1_000);
    assert_eq!(
        expose(run(client.bearer(&host))),
        Err(
            "the OAuth 2.0 server (https://login.test/token): it did not answer in time".to_owned()
        )
    );
}

#[test]
fn what_is_due_is_told_once_and_renewed_once() {
    let answers = [token("t1"), token("t2"), (503, json!({})), token("t3")];
    let (host, log) = host(&answers);
    let identity = Identity::Fetched(Box::new(oauth2(false)));
    let identities = Identities::of("orders", Ok(identity));
    let shown = || {
        let (mut edits, mut url) = (Edits::default(), "https://a.test/".to_owned());
        let outgoing = Outgoing {
            method: "GET",
            url: &mut url,
            body: Body::None,
        };
        run(identities.prove(&host, 0, outgoing, &mut edits)).unwrap();
        match edits.iter().last() {
            Some(Edit::Set("authorization", value)) => value.to_owned(),
            other => panic!("{other:?}"),
        }
    };
    const HOUR: u64 = 60 * 60 * 1000;
    assert_eq!(shown(), "Bearer t1");
    assert_eq!(identities.due(), [0; 0]);
    // Nobody comes to it for a while, as where an isolate makes nothing but health checks.
    host.pass(HOUR - 5 * 60 * 1000);
    for _ in 0..4 {
        assert_eq!(shown(), "Bearer t1");
        host.pass(12_000);
    }
    assert_eq!(identities.due(), [0]);
    assert_eq!(identities.due(), [0; 0]);
    for _ in 0..2 {
        run(identities.renew(&host, 0)).unwrap();
    }
    assert_eq!(log.borrow().len(), 2);
    assert_eq!(shown(), "Bearer t2");
    assert_eq!(identities.due(), [0; 0]);

    host.pass(HOUR - 5 * 60 * 1000);
    assert_eq!(shown(), "Bearer t2");
    let [index] = identities.due()[..] else {
        panic!("it is due")
    };
    let line = run(identities.renew(&host, index)).unwrap_err();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["event"], "identity_not_renewed");
    assert_eq!(line["server"], "orders");
    assert_eq!(shown(), "Bearer t2");
    host.pass(1_000);
    assert_eq!(shown(), "Bearer t2");
    assert_eq!(identities.due(), [0]);
    run(identities.renew(&host, 0)).unwrap();
    assert_eq!(shown(), "Bearer t3");
}
