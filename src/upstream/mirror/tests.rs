use super::*;
use crate::edits::Edit;
use crate::exchange::{Answer, Kind, Request};
use crate::gateway::serve;
use crate::host::SendError;
use crate::host::memory::{MemoryHost, Reply, run as drive};
use crate::plan::compile;

/// A plan with a path `/a` that is mirrored like this.
fn plan(method: &str, mirror: &str) -> Plan {
    let text = format!(
        r#"{{
          "servers": [
            {{ "alias": "main", "url": "https://main.test",
              "identity": {{ "type": "header", "name": "X-Key", "secret": "main-secret" }} }},
            {{ "alias": "other", "url": "https://other.test/v1",
              "identity": {{ "type": "header", "name": "X-Other", "secret": "other-secret" }} }}
          ],
          "paths": [{{ "method": "{method}", "path": "/a", "integration": {{ "type": "http", "server": "main",
            "mirror": {{ "server": "other", {mirror} }} }} }}]
        }}"#
    );
    let compiled = compile(&text);
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics
    );
    let nothing = |_: &str| None::<String>;
    let (plan, faults) = Plan::load(compiled.blueprint.unwrap(), &nothing).unwrap();
    assert_eq!(faults, []);
    plan
}

/// A host whose primary and mirror answer with these bodies.
fn host(primary: &'static str, mirror: &'static str) -> MemoryHost {
    MemoryHost::new(0, &[]).with_peer(move |forward| {
        let is_mirror = forward.url.starts_with("https://other.test/");
        let body = if is_mirror { mirror } else { primary };
        let reply = Reply {
            status: 200,
            fields: vec![("content-length".into(), body.len().to_string())],
            body: body.to_owned(),
        };
        (5, Ok(reply))
    })
}

fn ask(plan: &Plan, host: &MemoryHost, method: &str, body: Body) -> Answer<Reply> {
    let request = Request::new(method, "https://gateway.test/a?q=1").unwrap();
    drive(serve(plan, host, request.with_body(body)))
}

/// Asks, and lets the mirror be asked; the line for the log.
fn mirrored(plan: &Plan, host: &MemoryHost) -> Option<String> {
    let shadow = ask(plan, host, "GET", Body::None).shadow;
    drive(run(plan, host, *shadow.expect("a shadow")))
}

fn counts(plan: &Plan) -> Counts {
    plan.mirrors.count(0, |_| ())
}

#[test]
fn the_mirror_is_asked_after_the_primary_with_its_own_proof_alone() {
    let (plan, host) = (plan("GET", r#""percent": 100"#), host("1", "2"));
    let answer = ask(&plan, &host, "GET", Body::None);
    assert!(matches!(answer.kind, Kind::Reply(_)), "{answer:?}");
    assert_eq!(host.sent().len(), 1);
    let shadow = answer.shadow.unwrap();
    assert_eq!(drive(run(&plan, &host, *shadow)), None);
    let [primary, mirror] = host.sent().try_into().unwrap();
    assert_eq!(primary.url, "https://main.test/a?q=1");
    assert_eq!(mirror.url, "https://other.test/v1/a?q=1");
    let sets = |edits: &Edits, name: &str| {
        let mut last = None;
        for edit in edits.iter() {
            match edit {
                Edit::Set(n, value) if n == name => last = Some(value.to_owned()),
                Edit::Remove(n) if n == name => last = None,
                _ => {}
            }
        }
        last
    };
    for (name, at_primary, at_mirror) in [
        ("x-key", Some("main-secret"), None),
        ("x-other", None, Some("other-secret")),
        (FIELD, None, Some("1")),
        ("x-forwarded-proto", Some("https"), Some("https")),
        (
            "x-request-id",
            Some(answer.request_id.as_str()),
            Some(answer.request_id.as_str()),
        ),
    ] {
        assert_eq!(sets(&primary.edits, name).as_deref(), at_primary, "{name}");
        assert_eq!(sets(&mirror.edits, name).as_deref(), at_mirror, "{name}");
    }
}

#[test]
fn only_requests_that_are_chosen_are_sent_twice() {
    for (method, mirror, asked, body, chosen) in [
        ("GET", r#""percent": 100"#, "GET", Body::None, true),
        ("GET", r#""percent": 100"#, "HEAD", Body::None, true),
        ("GET", r#""percent": 0"#, "GET", Body::None, false),
        ("ANY", r#""percent": 100"#, "PUT", Body::Sized, true),
        ("ANY", r#""percent": 100"#, "PUT", Body::Chunked, false),
        ("ANY", r#""percent": 100"#, "POST", Body::Sized, false),
        ("ANY", r#""percent": 100"#, "PROPFIND", Body::None, false),
        (
            "ANY",
            r#""percent": 100, "unsafe_methods": true"#,
            "POST",
            Body::Sized,
            true,
        ),
        (
            "ANY",
            r#""percent": 100, "methods": ["DELETE"]"#,
            "GET",
            Body::None,
            false,
        ),
        (
            "PUT",
            r#""percent": 100, "max_body_bytes": 2"#,
            "PUT",
            Body::Sized,
            false,
        ),
    ] {
        let what = format!("{asked} {body:?} of {method} {mirror}");
        let plan = plan(method, mirror);
        let host = host("1", "1").with_body(b"abc");
        let answer = ask(&plan, &host, asked, body);
        assert_eq!(answer.shadow.is_some(), chosen, "{what}");
        // What is not chosen is handed on as ever.
        assert_eq!(matches!(answer.kind, Kind::Forward(_)), !chosen, "{what}");
    }
}

#[test]
fn a_share_of_the_requests_is_chosen() {
    let (plan, host) = (plan("GET", r#""percent": 30"#), host("1", "1"));
    let chosen = (0..1_000).filter(|_| ask(&plan, &host, "GET", Body::None).shadow.is_some());
    assert!((250..350).contains(&chosen.count()));
}

#[test]
fn what_differs_is_told_and_what_does_not_is_counted() {
    let compared = r#""percent": 100, "compare": { "body": "json", "ignore": ["/at"] }"#;
    let plan = plan("GET", compared);
    for (primary, mirror, told) in [
        (r#"{"a":1,"at":1}"#, r#"{"at":2,"a":1.0}"#, None),
        (
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            Some("\"body\":[\"/a\"],\"body_more\":false,\"seen\":2,\"same\":1,\"different\":1,"),
        ),
    ] {
        let line = mirrored(&plan, &host(primary, mirror));
        match (line, told) {
            (None, None) => {}
            (Some(line), Some(told)) => {
                assert!(line.contains(told), "{line}");
                let line: serde_json::Value = serde_json::from_str(&line).unwrap();
                assert_eq!(line["event"], "mirror_differs");
                assert_eq!(
                    (&line["method"], &line["path"]),
                    (&"GET".into(), &"/a".into())
                );
            }
            (line, told) => panic!("{line:?} {told:?}"),
        }
    }
}

#[test]
fn a_mirror_that_fails_is_told_and_an_answer_too_long_to_compare_is_not() {
    let compared =
        r#""percent": 100, "timeout_ms": 10, "max_body_bytes": 3, "compare": { "body": "bytes" }"#;
    let plan = plan("GET", compared);
    let slow = MemoryHost::new(0, &[]).with_peer(|forward| {
        let is_mirror = forward.url.starts_with("https://other.test/");
        (if is_mirror { 11 } else { 0 }, Ok(Reply::default()))
    });
    let line = mirrored(&plan, &slow).unwrap();
    assert!(line.contains(r#""event":"mirror_failed""#), "{line}");
    assert!(line.contains(r#""reason":"upstream_timeout""#), "{line}");
    assert_eq!(mirrored(&plan, &host("1234", "1234")), None);
    let line = mirrored(&plan, &host("123", "1234")).unwrap();
    assert!(line.contains(r#""body_longer":true"#), "{line}");
    let expected = Counts {
        seen: 3,
        different: 1,
        failed: 1,
        uncompared: 1,
        ..Counts::default()
    };
    assert_eq!(counts(&plan), expected);
}

#[test]
fn where_the_primary_does_not_answer_nothing_is_mirrored() {
    let plan = plan("GET", r#""percent": 100"#);
    let down = MemoryHost::new(0, &[])
        .with_peer(|_| (0, Err(SendError::Unreachable("told to fail".into()))));
    let answer = ask(&plan, &down, "GET", Body::None);
    assert!(matches!(answer.kind, Kind::Own { status: 502, .. }));
    assert_eq!((answer.shadow, counts(&plan).skipped), (None, 1));
}

#[test]
fn beyond_the_limit_of_a_minute_requests_go_their_usual_way() {
    let plan = plan("GET", r#""percent": 100, "max_per_minute": 2"#);
    let host = host("1", "1");
    for _ in 0..2 {
        mirrored(&plan, &host);
    }
    let answer = ask(&plan, &host, "GET", Body::None);
    assert!(matches!(answer.kind, Kind::Forward(_)));
    assert_eq!((counts(&plan).seen, counts(&plan).skipped), (3, 1));
    host.pass(60_000);
    assert!(ask(&plan, &host, "GET", Body::None).shadow.is_some());
}
