//! A protected path has one spelling: whatever else reads like it is refused, or is that path, or is another path for
//! every upstream.

#![cfg(test)]

mod support;

use peers::Request;
use serde_json::{Value, json};
use support::{Setup, arrived, assert_problem, guarded, open, target, token};

fn setup() -> Setup {
    // Nothing before the wildcard is stripped: what arrives is what was matched.
    support::setup(json!({
        "authorizer": support::authorizer(),
        "cors": support::cors(),
        "paths": [
            guarded("ANY", "/admin"),
            { "method": "ANY", "path": "/admin/{.+}", "auth": true, "response": "inside" },
            open("ANY", "/{.+}"),
        ],
    }))
}

/// What becomes of a request without a token.
enum Fate {
    /// The gateway refuses it.
    Refused(u16, &'static str),
    /// The runtime refuses it before the gateway sees it.
    RuntimeRefused(u16),
    /// It arrives under this target, which is no spelling of the protected path.
    Arrives(&'static str),
}

use Fate::{Arrives, Refused, RuntimeRefused};

#[test]
fn no_spelling_of_a_protected_path_gets_in_without_a_token() {
    let setup = setup();
    let no_token = || Refused(401, "AUTH_ERROR");
    let attacks: &[(&[u8], Fate)] = &[
        // The path itself, and what is the same path.
        (b"/admin", no_token()),
        (b"/admin?", no_token()),
        (b"/admin/", no_token()),
        (b"/admin/x", no_token()),
        (b"/%61dmin", no_token()),
        (b"/%61%64%6d%69%6E", no_token()),
        (b"/./admin", no_token()),
        (b"/x/../admin", no_token()),
        (b"/../admin", no_token()),
        (b"/x/y/../../admin/x", no_token()),
        (b"/admin/x/..", no_token()),
        (b"/admin/./x", no_token()),
        (b"http://elsewhere.test/admin", no_token()),
        (b"/admin#x", no_token()),
        // What some upstreams would take for it.
        (b"//admin", Refused(400, "path_empty_segment")),
        (b"///admin", Refused(400, "path_empty_segment")),
        (b"/admin//x", Refused(400, "path_empty_segment")),
        (b"/admin%2Fx", Refused(400, "path_encoded_slash")),
        (b"/admin%2fx", Refused(400, "path_encoded_slash")),
        (b"/%2Fadmin", Refused(400, "path_encoded_slash")),
        (b"/admin%5Cx", Refused(400, "path_encoded_backslash")),
        (b"/%5cadmin", Refused(400, "path_encoded_backslash")),
        (b"/admin;a=1", Refused(400, "path_semicolon")),
        (b"/admin%3Ba=1", Refused(400, "path_semicolon")),
        (b"/;/admin", Refused(400, "path_semicolon")),
        (b"/admin/..;/x", Refused(400, "path_disguised_dot_segment")),
        (b"/x/..;/admin", Refused(400, "path_disguised_dot_segment")),
        (
            b"/x/%2e%2e/admin",
            Refused(400, "path_disguised_dot_segment"),
        ),
        (b"/x/.%2E/admin", Refused(400, "path_disguised_dot_segment")),
        (b"/%2e/admin", Refused(400, "path_disguised_dot_segment")),
        (b"/x/..%2Fadmin", Refused(400, "path_disguised_dot_segment")),
        (b"/x/..%5Cadmin", Refused(400, "path_disguised_dot_segment")),
        (b"/x\\..\\admin", Refused(400, "path_backslash")),
        (b"/\\admin", Refused(400, "path_backslash")),
        (b"\\admin", RuntimeRefused(400)),
        (b"/admin%00", Refused(400, "path_control_character")),
        (b"/admin%0d%0a", Refused(400, "path_control_character")),
        (b"/admin%7F", Refused(400, "path_control_character")),
        (b"/x/%C0%AE%C0%AE/admin", Refused(400, "path_not_utf8")),
        (b"/x%C0%AFadmin", Refused(400, "path_not_utf8")),
        (b"/%E0%80%AFadmin", Refused(400, "path_not_utf8")),
        (b"/admin%FF", Refused(400, "path_not_utf8")),
        (b"/admin%zz", Refused(400, "path_bad_percent_encoding")),
        (b"/admin%", Refused(400, "path_bad_percent_encoding")),
        (b"/%u0061dmin", Refused(400, "path_bad_percent_encoding")),
        (b"/admin\x00", RuntimeRefused(400)),
        (b"/admin\x01", RuntimeRefused(400)),
        (b"/ad\tmin", RuntimeRefused(400)),
        (b"/admin\xe9", RuntimeRefused(400)),
        // Another path, for the gateway and for every upstream that decodes once (RFC 3986 section 2.4).
        (b"/%2561dmin", Arrives("/%2561dmin")),
        (b"/ADMIN", Arrives("/ADMIN")),
        (b"/admin.", Arrives("/admin.")),
        (b"/admin%20", Arrives("/admin%20")),
        (b"/%EF%BD%81dmin", Arrives("/%EF%BD%81dmin")),
        (b"/x?/../admin", Arrives("/x?/../admin")),
        (b"/admin/../x", Arrives("/x")),
        (b"/.../admin", Arrives("/.../admin")),
    ];
    let mut arrivals = 0;
    for (attack, fate) in attacks {
        let shown = attack.escape_ascii();
        let mut client = setup.gateway.connect();
        client.send(&[b"GET ", *attack, b" HTTP/1.1\r\nHost: gateway.test\r\n\r\n"].concat());
        let answer = client.answer("GET").unwrap();
        match fate {
            Refused(status, code) => assert_problem(&answer, *status, code),
            RuntimeRefused(status) => {
                assert_eq!(answer.status, *status, "{shown}");
                assert_ne!(
                    answer.header("content-type"),
                    Some("application/problem+json")
                );
            }
            Arrives(as_target) => {
                arrivals += 1;
                assert_eq!(answer.status, 200, "{shown}");
                assert_eq!(target(&setup.upstream.last()), *as_target);
            }
        }
        assert_eq!(setup.upstream.requests().len(), arrivals, "{shown} arrived");
    }
}

#[test]
fn with_a_token_the_one_spelling_arrives() {
    let setup = setup();
    let authorization = format!("Bearer {}", token(json!({})));
    for spelling in ["/admin", "/%61dmin", "/x/../admin", "/./admin"] {
        let request = Request::get(spelling).header("Authorization", &authorization);
        assert_eq!(setup.gateway.send(&request).status, 200, "{spelling}");
        assert_eq!(target(&setup.upstream.last()), "/admin", "{spelling}");
    }
}

#[test]
fn a_target_of_17_kilobytes_is_too_long() {
    let setup = setup();
    for target in [
        format!("/{}", "a".repeat(17 * 1024)),
        format!("/x?{}", "a".repeat(17 * 1024)),
        // It grows beyond the limit when it is written as it must be sent.
        format!("/{}", "^".repeat(8 * 1024)),
    ] {
        assert_problem(&setup.gateway.get(&target), 414, "uri_too_long");
    }
    let longest = format!("/{}", "a".repeat(16 * 1024 - 1));
    assert_eq!(setup.gateway.get(&longest).status, 200);
    assert_eq!(setup.upstream.requests().len(), 1);
}

#[test]
fn a_host_that_is_none_is_refused() {
    let setup = setup();
    let mut accepted = Vec::new();
    for host in [
        "a/b",
        "gateway.test/admin",
        "a?x",
        "a#b",
        "a\\b",
        "u@a",
        "a b",
        "a, b",
        "a%2fb",
        "a;b",
    ] {
        let answer = setup.gateway.send(&Request::get("/x").header("Host", host));
        let code = answer.json()["code"].as_str().unwrap_or("none").to_owned();
        if (answer.status, code.as_str()) != (400, "invalid_host") {
            accepted.push((host, answer.status, code));
        }
    }
    assert_eq!(accepted, []);
    assert!(setup.upstream.requests().is_empty());
}

#[test]
fn the_host_field_and_not_the_target_says_where_an_absolute_form_goes() {
    let setup = setup();
    let answer = setup.gateway.get("http://elsewhere.test/open?a");
    assert_eq!(answer.status, 200);
    let got = setup.upstream.last();
    assert_eq!(target(&got), "/open?a");
    assert_eq!(arrived(&got, "x-forwarded-host"), ["gateway.test"]);
}

#[test]
fn a_path_takes_an_ambiguity_on_itself_and_no_other() {
    let spellings = [
        ("encoded_slash", "/a%2Fb", "path_encoded_slash"),
        ("encoded_backslash", "/a%5Cb", "path_encoded_backslash"),
        ("semicolon", "/a;b=1", "path_semicolon"),
        ("empty_segment", "/a//b", "path_empty_segment"),
    ];
    let mut paths: Vec<Value> = spellings
        .iter()
        .map(|(word, ..)| {
            let mut path = open("GET", &format!("/{word}/{{.+}}"));
            path["allow_in_path"] = json!([word]);
            path
        })
        .collect();
    paths.push(open("GET", "/none/{.+}"));
    let setup = support::setup(json!({ "paths": paths }));
    for (allowed, ..) in spellings {
        for (word, spelling, code) in spellings {
            let answer = setup.gateway.get(&format!("/{allowed}{spelling}"));
            if word == allowed {
                assert_eq!(answer.status, 200, "{allowed} {spelling}");
                assert_eq!(target(&setup.upstream.last()), spelling);
            } else {
                assert_problem(&answer, 400, code);
            }
        }
    }
    for (_, spelling, code) in spellings {
        assert_problem(&setup.gateway.get(&format!("/none{spelling}")), 400, code);
    }
}
