mod expressions;

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Facts, check};
use crate::auth::Claims;
use crate::plan::{Requirement, compile};

/// `GET https://shop.test/orders/4%32?state=open&x=1&x=2`
struct Asked;

impl Facts for Asked {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/orders/42"
    }

    fn host(&self) -> Cow<'_, str> {
        "shop.test".into()
    }

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "x-team").then_some("blue".into())
    }

    fn query(&self) -> Option<&str> {
        Some("state=open&x=1&x=2")
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "id").then_some("42".into())
    }
}

fn config(require: &Value) -> String {
    json!({
        "authorizer": { "type": "jwt", "secret": "$secret.S" },
        "paths": [{ "method": "GET", "path": "/orders/{id}", "response": 1, "auth": true, "require": require }],
    })
    .to_string()
}

fn requirement(require: &Value) -> Requirement {
    let compiled = compile(&config(require));
    let lines = compiled.diagnostics.lines("config");
    assert!(lines.is_empty(), "{require}: {lines:?}");
    let path = compiled.blueprint.unwrap().paths.remove(0);
    *path.require.unwrap()
}

fn claims(json: &str) -> Claims {
    serde_json::from_str(json).unwrap()
}

/// What the client is told, and what the log is told.
fn refusal(require: Value, json: &str) -> Option<(String, String)> {
    let refused = check(&requirement(&require), &claims(json), &Asked).err()?;
    assert_eq!(refused.status, 403);
    Some((refused.code.to_owned(), refused.reason.unwrap()))
}

#[track_caller]
fn assert_table(require: Value, code: &str, allowed: &[&str], refused: &[(&str, &str)]) {
    for json in allowed {
        assert_eq!(refusal(require.clone(), json), None, "{require} {json}");
    }
    for (json, reason) in refused {
        let told = refusal(require.clone(), json);
        let expected = Some((code.to_owned(), (*reason).to_owned()));
        assert_eq!(told, expected, "{require} {json}");
    }
}

#[test]
fn all_scopes_must_be_there_as_words_or_in_lists() {
    assert_table(
        json!({ "scopes": ["orders:read", "orders:write"] }),
        "insufficient_scope",
        &[
            r#"{"scope":"orders:read orders:write"}"#,
            r#"{"scope":"x  orders:write orders:read"}"#,
            r#"{"scp":["orders:read","orders:write"]}"#,
            r#"{"scp":"orders:read orders:write"}"#,
            r#"{"permissions":["orders:read","orders:write"]}"#,
            r#"{"scope":"openid orders:read","permissions":["orders:write"]}"#,
        ],
        &[
            ("{}", "scopes: `orders:read` is missing"),
            (
                r#"{"scope":"orders:read"}"#,
                "scopes: `orders:write` is missing",
            ),
            (
                r#"{"scope":"orders:read,orders:write"}"#,
                "scopes: `orders:read` is missing",
            ),
            (
                r#"{"scope":"orders:read\torders:write"}"#,
                "scopes: `orders:read` is missing",
            ),
            (
                r#"{"scope":"Orders:Read Orders:Write"}"#,
                "scopes: `orders:read` is missing",
            ),
            (
                r#"{"scope":"orders:readx orders:write"}"#,
                "scopes: `orders:read` is missing",
            ),
            (r#"{"scope":null}"#, "scopes: `orders:read` is missing"),
            (
                r#"{"scp":["orders:read orders:write"]}"#,
                "scopes: `orders:read` is missing",
            ),
            (
                r#"{"permissions":["orders:read orders:write"],"scope":"orders:read"}"#,
                "scopes: `orders:write` is missing",
            ),
            (
                r#"{"scp":["orders:read","orders:write",1]}"#,
                "scopes: `orders:read` is missing",
            ),
            (
                r#"{"scopes":["orders:read","orders:write"]}"#,
                "scopes: `orders:read` is missing",
            ),
        ],
    );
}

#[test]
fn one_of_any_scope_is_enough() {
    assert_table(
        json!({ "any_scope": ["a", "b"] }),
        "insufficient_scope",
        &[r#"{"scope":"b"}"#, r#"{"scope":"a b"}"#],
        &[(r#"{"scope":"c"}"#, "scopes: none of `a`, `b` is there")],
    );
    let require = requirement(&json!({ "scopes": ["a", "b"], "any_scope": ["c", "d"] }));
    for (scope, needed) in [("b", "a b"), ("a b", "c d"), ("c", "a b")] {
        let held = claims(&json!({ "scope": scope }).to_string());
        let (name, challenge) = *check(&require, &held, &Asked).unwrap_err().header.unwrap();
        assert_eq!(name, "www-authenticate");
        assert_eq!(
            challenge,
            format!(r#"Bearer realm="causeway", error="insufficient_scope", scope="{needed}""#)
        );
    }
}

#[test]
fn groups_are_names_as_they_stand() {
    assert_table(
        json!({ "groups": ["staff"], "any_group": ["on call", "lead"] }),
        "forbidden",
        &[
            r#"{"groups":["staff","on call"]}"#,
            r#"{"roles":["staff","lead"]}"#,
            r#"{"cognito:groups":["staff"],"roles":"on call"}"#,
        ],
        &[
            (r#"{"groups":["lead"]}"#, "groups: `staff` is missing"),
            (r#"{"groups":"staff lead"}"#, "groups: `staff` is missing"),
            (
                r#"{"groups":["staff","on","call"]}"#,
                "groups: none of `on call`, `lead` is there",
            ),
        ],
    );
}

#[test]
fn a_claim_is_compared_by_type_and_value() {
    for (expected, equal, other) in [
        (
            json!("a"),
            vec![r#""a""#, r#""\u0061""#],
            vec![r#""A""#, "1", "null", r#"["a"]"#],
        ),
        (json!("1"), vec![r#""1""#], vec!["1", "1.0", r#""1.0""#]),
        (json!(""), vec![r#""""#], vec!["null", "false"]),
        (
            json!(1),
            vec!["1", "1.0", "1e0"],
            vec![r#""1""#, "true", "2", "1.5"],
        ),
        (json!(1.5), vec!["1.5", "15e-1"], vec!["1", "2"]),
        (json!(true), vec!["true"], vec![r#""true""#, "1", "false"]),
        (json!(null), vec!["null"], vec!["0", r#""""#, "false", "{}"]),
        (
            json!(9_007_199_254_740_993_i64),
            vec!["9007199254740993"],
            vec!["9007199254740992", "9007199254740994"],
        ),
    ] {
        let require = json!({ "claims": { "c": expected } });
        for value in equal {
            assert_eq!(
                refusal(require.clone(), &format!(r#"{{"c":{value}}}"#)),
                None,
                "{expected} {value}"
            );
        }
        for value in other {
            let (code, reason) = refusal(require.clone(), &format!(r#"{{"c":{value}}}"#)).unwrap();
            assert_eq!(
                (code.as_str(), reason.as_str()),
                ("forbidden", "the claim `c` has another value")
            );
        }
        assert_eq!(
            refusal(require, "{}").unwrap().1,
            "the claim `c` is missing"
        );
    }
}

#[test]
fn a_claim_is_one_of_some_holds_some_or_is_there_or_not() {
    assert_table(
        json!({ "claims": { "c": { "one_of": ["a", 2] } } }),
        "forbidden",
        &[r#"{"c":"a"}"#, r#"{"c":2}"#],
        &[
            (r#"{"c":"2"}"#, "the claim `c` has another value"),
            (r#"{"c":["a"]}"#, "the claim `c` has another value"),
            ("{}", "the claim `c` is missing"),
        ],
    );
    assert_table(
        json!({ "claims": { "c": { "contains": ["a", 1] } } }),
        "forbidden",
        &[r#"{"c":[1,"x",{},"a"]}"#],
        &[
            (r#"{"c":["a"]}"#, "the claim `c` lacks a value"),
            (r#"{"c":"a1"}"#, "the claim `c` is no list"),
            (r#"{"c":[["a",1]]}"#, "the claim `c` lacks a value"),
            ("{}", "the claim `c` is missing"),
        ],
    );
    assert_table(
        json!({ "claims": { "c": { "contains": "a" } } }),
        "forbidden",
        &[r#"{"c":["a"]}"#],
        &[(r#"{"c":[]}"#, "the claim `c` lacks a value")],
    );
    assert_table(
        json!({ "claims": { "c": { "exists": true } } }),
        "forbidden",
        &[r#"{"c":false}"#, r#"{"c":""}"#, r#"{"c":[]}"#],
        &[
            (r#"{"c":null}"#, "the claim `c` is missing"),
            ("{}", "the claim `c` is missing"),
        ],
    );
    assert_table(
        json!({ "claims": { "c": { "exists": false } } }),
        "forbidden",
        &["{}", r#"{"c":null}"#],
        &[(r#"{"c":0}"#, "the claim `c` is there")],
    );
}

#[test]
fn a_name_is_first_a_whole_claim_and_then_a_way_to_one() {
    for (name, json, found) in [
        ("https://x.test/y", r#"{"https://x.test/y":1}"#, true),
        ("org.id", r#"{"org.id":1}"#, true),
        ("org.id", r#"{"org":{"id":1}}"#, true),
        ("org.id", r#"{"org.id":2,"org":{"id":1}}"#, false),
        ("org.id", r#"{"org":{"id":2},"org.id":1}"#, true),
        (
            "https://x.test/y.id",
            r#"{"https://x.test/y":{"id":1}}"#,
            true,
        ),
        ("a.b.c", r#"{"a":{"b.c":1}}"#, true),
        ("a.b.c", r#"{"a.b":{"c":1}}"#, true),
        // The longest beginning that is there decides, and nothing else is tried.
        ("a.b.c", r#"{"a.b":{"d":1},"a":{"b.c":1}}"#, false),
        ("a.b", r#"{"a":[{"b":1}]}"#, false),
        ("a.b", r#"{"a":"b"}"#, false),
        ("a.0", r#"{"a":[1]}"#, false),
        ("a..b", r#"{"a":{"":{"b":1}}}"#, true),
        (".a", r#"{"":{"a":1}}"#, true),
        ("a.", r#"{"a":{"":1}}"#, true),
    ] {
        let require = json!({ "claims": { name: 1 } });
        assert_eq!(refusal(require, json).is_none(), found, "{name} {json}");
    }
}

#[test]
fn a_name_twice_within_a_claim_refuses_whatever_is_asked() {
    for rule in [
        json!(1),
        json!({ "exists": false }),
        json!({ "exists": true }),
    ] {
        let require = json!({ "claims": { "org.id": rule } });
        let (code, reason) = refusal(require, r#"{"org":{"id":1,"id":1}}"#).unwrap();
        assert_eq!(code, "forbidden");
        assert!(
            reason.starts_with("the claim `org.id` cannot be read"),
            "{reason}"
        );
    }
    let require = json!({ "expression": "claims.org.id == 1" });
    let (_, reason) = refusal(require, r#"{"org":{"id":1,"id":1}}"#).unwrap();
    assert_eq!(
        reason,
        "the expression could not be evaluated: the claim `org` cannot be read"
    );
}

#[test]
fn all_that_is_asked_must_hold_and_the_first_that_does_not_is_told() {
    let require = json!({
        "scopes": ["s"], "groups": ["g"], "claims": { "c": 1 }, "expression": "claims.e",
    });
    for (json, code, detail) in [
        ("{}", "insufficient_scope", "scopes"),
        (r#"{"scope":"s"}"#, "forbidden", "group"),
        (r#"{"scope":"s","groups":"g"}"#, "forbidden", "claims"),
        (
            r#"{"scope":"s","groups":"g","c":1}"#,
            "forbidden",
            "condition",
        ),
        (
            r#"{"scope":"s","groups":"g","c":1,"e":false}"#,
            "forbidden",
            "condition",
        ),
    ] {
        let refused = check(&requirement(&require), &claims(json), &Asked).unwrap_err();
        assert_eq!(refused.code, code, "{json}");
        assert!(
            refused.detail.contains(detail),
            "{json}: {}",
            refused.detail
        );
    }
    let json = r#"{"scope":"s","groups":"g","c":1,"e":true}"#;
    assert_eq!(refusal(require, json), None);
}
