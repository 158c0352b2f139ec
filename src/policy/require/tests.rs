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
        let (name, challenge) = check(&require, &held, &Asked).unwrap_err().header.unwrap();
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

/// What an expression comes to over these claims: `Err` is why it has no answer.
fn evaluated(expression: &str, json: &str) -> Result<bool, String> {
    match refusal(json!({ "expression": expression }), json) {
        None => Ok(true),
        Some((code, reason)) => {
            assert_eq!(code, "forbidden");
            match reason.strip_prefix("the expression could not be evaluated: ") {
                Some(why) => Err(why.to_owned()),
                None => Ok(false),
            }
        }
    }
}

#[test]
fn expressions_come_to_what_the_language_says() {
    let json = r#"{"sub":"42","n":3,"x":2.0,"t":true,"f":false,"nil":null,"org":{"id":"o","tier":2},
        "list":["a","b"],"nums":[1,2,3],"https://x.test/y":["z"]}"#;
    for (expression, holds) in [
        ("claims.sub == params.id", true),
        ("claims.sub == \"42\" && params[\"id\"] == '42'", true),
        ("claims[\"https://x.test/y\"][0] == \"z\"", true),
        (
            "claims.org.id == 'o' && claims[\"org\"][\"tier\"] == 2",
            true,
        ),
        (
            "request.method == 'GET' && request.path == '/orders/42' && request.host == 'shop.test'",
            true,
        ),
        ("request.headers['X-Team'] == 'blue'", true),
        ("request.headers.host == 'x' || true == claims.t", true),
        (
            "'x-team' in request.headers && !('x-other' in request.headers)",
            true,
        ),
        (
            "request.query.state == 'open' && !('none' in request.query)",
            true,
        ),
        (
            "has(claims.org.id) && !has(claims.org.name) && !has(claims.none) && has(claims.nil)",
            true,
        ),
        ("'sub' in claims && 'tier' in claims.org", true),
        ("claims.t", true),
        ("!claims.f", true),
        ("claims.f ? claims.t : claims.f", false),
        (
            "claims.n > 2 && claims.n >= 3 && claims.n < 3.5 && claims.n <= 3 && claims.x == 2",
            true,
        ),
        ("claims.n == '3'", false),
        ("claims.n != '3'", true),
        ("claims.sub < '5' && claims.sub >= '42'", true),
        ("claims.nil == null", true),
        ("claims.n == -3", false),
        ("claims.n > -3", true),
        ("'a' in claims.list && !('c' in claims.list)", true),
        ("claims.sub in ['41', '42']", true),
        ("claims.list == ['a', 'b']", true),
        ("claims.list != ['b', 'a']", true),
        (
            "claims.org == claims.org && claims.org != claims.list",
            true,
        ),
        (
            "size(claims.list) == 2 && claims.sub.size() == 2 && size(claims.org) == 2 && size([]) == 0",
            true,
        ),
        (
            "claims.sub.startsWith('4') && claims.sub.endsWith('2') && claims.sub.contains('42')",
            true,
        ),
        (
            "claims.list.exists(e, e == 'b') && claims.nums.all(n, n > 0)",
            true,
        ),
        (
            "claims.nums.exists_one(n, n > 2) && !claims.nums.exists_one(n, n > 1)",
            true,
        ),
        ("[].all(e, e) && ![].exists(e, e)", true),
        ("claims.org.exists(k, k == 'tier')", true),
        (
            "claims.list.exists(e, claims.nums.exists(n, n == 3 && e == 'b'))",
            true,
        ),
        ("claims.list.exists(e, claims.nums.exists(e, e == 3))", true),
        ("claims.list.all(claims, claims in ['a', 'b'])", true),
        // What decides wins over what fails, on either side.
        ("claims.none == 1 || claims.t", true),
        ("claims.t || claims.none == 1", true),
        ("claims.none == 1 && claims.f", false),
        ("claims.list.exists(e, e > 1 || e == 'a')", true),
        ("[1, 'a'].exists(e, e > 0)", true),
    ] {
        assert_eq!(evaluated(expression, json), Ok(holds), "{expression}");
    }
    for (expression, why) in [
        ("claims.none == 1", "there is no claim `none`"),
        ("claims.org.name == 'a'", "there is no member `name`"),
        ("claims.sub.name == 'a'", "what is no object has no members"),
        ("claims.list[2] == 'a'", "there is no element at this index"),
        (
            "claims.list[-1] == 'a'",
            "there is no element at this index",
        ),
        ("claims.list['a'] == 'a'", "an index is of the wrong type"),
        ("claims.sub", "what must be true or false is neither"),
        (
            "claims.n && claims.t",
            "what must be true or false is neither",
        ),
        ("claims.n < '4'", "values that have no order were compared"),
        ("claims.n.startsWith('3')", "what must be a text is none"),
        ("size(claims.n) == 1", "what has no size was measured"),
        ("'a' in claims.sub", "`in` asks what is no list"),
        (
            "claims.sub.all(e, true)",
            "a quantifier goes over what is no list",
        ),
        ("request.headers.none == 'a'", "there is no header `none`"),
        ("request.query.none == 'a'", "there is no query key `none`"),
        ("request.query.x == '1'", "the query key `x` stands twice"),
        ("'x' in request.query", "the query key `x` stands twice"),
        (
            "claims.nums.all(n, n > 0 && claims.none)",
            "there is no claim `none`",
        ),
        (
            "['a', 1].exists_one(e, e > 0)",
            "values that have no order were compared",
        ),
    ] {
        assert_eq!(evaluated(expression, json), Err(why.into()), "{expression}");
    }
}

#[test]
fn no_claim_makes_an_expression_take_long() {
    let many: Vec<u32> = (0..3_000).collect();
    let long = "x".repeat(1_000_000);
    let json = json!({ "many": many, "long": long, "t": true }).to_string();
    for expression in [
        "claims.many.all(a, claims.many.all(b, a == a))",
        "claims.many.all(a, a in claims.many)",
        "claims.many.all(a, !claims.long.contains('yy'))",
        // Not even what would decide passes over it.
        "claims.many.all(a, a in claims.many) || claims.t",
    ] {
        assert_eq!(
            evaluated(expression, &json),
            Err("it takes more than 20000 steps".into()),
            "{expression}"
        );
    }
    assert_eq!(evaluated("claims.many.all(a, a >= 0)", &json), Ok(true));
}

#[test]
fn what_an_expression_cannot_say_is_told_where_it_stands() {
    let mut different = Vec::new();
    for (expression, at, message) in [
        ("claims.a ==", 10, "malformed"),
        ("claims.a = 1", 9, "malformed"),
        ("claims.a == 1)", 13, "malformed"),
        ("(claims.a == 1", 13, "malformed"),
        ("claims.a matches 'x'", 9, "malformed"),
        ("claim.a == 1", 0, "there is no `claim`"),
        ("claims == 1", 0, "`claims` has no value of its own"),
        (
            "claims.a == request",
            12,
            "`request` has no value of its own",
        ),
        ("request.body == 'x'", 8, "`request` has no `body`"),
        (
            "claims.a == params.name",
            19,
            "the path has no parameter `name`",
        ),
        ("claims.a.matches('x+')", 9, "`matches` cannot be used"),
        ("claims.a + 1 == 2", 9, "`+` cannot be used"),
        ("claims.a == {'b': 1}", 12, "`{` cannot be used"),
        (
            "claims.a.map(x, x) == [1]",
            0,
            "`map` and `filter` cannot be used",
        ),
        (
            "request.headers[claims.a] == 'x'",
            15,
            "must be written out",
        ),
        ("claims.a in claims", 9, "must be written out"),
        ("claims.all(c, true)", 0, "must be written out"),
        ("'text'", 0, "neither true nor false"),
        ("request.path", 0, "neither true nor false"),
        ("true", 0, "the same for every caller"),
        ("has(params.id)", 0, "the same for every caller"),
        (
            "timestamp('2026-01-01T00:00:00Z') < claims.a",
            0,
            "`timestamp` cannot be used",
        ),
    ] {
        let text = config(&json!({ "expression": "@" })).replace('@', expression);
        let compiled = compile(&text);
        let list: Vec<_> = compiled.diagnostics.iter().collect();
        let [told] = list.as_slice() else {
            panic!("{expression}: {:?}", compiled.diagnostics.lines("config"));
        };
        assert_eq!(told.place, "paths[0].require.expression", "{expression}");
        let key = r#""expression":""#;
        let start = text.find(key).unwrap() + key.len();
        let place = told.span.start.saturating_sub(start);
        if place != at || !told.message.contains(message) {
            different.push(format!("{expression}: {place}: {}", told.message));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    for expression in [
        "claims".to_owned() + &".a".repeat(100),
        format!("claims.a == '{}'", "x".repeat(2_000)),
        format!("claims.a == {}", "[".repeat(1_980)),
        "(".repeat(1_999),
        "!".repeat(1_999),
        "-".repeat(1_999),
        "{".repeat(1_999),
        "a(".repeat(999),
        "a?".repeat(999),
        "a?a:".repeat(499),
        "a.b(".repeat(499),
        "a[".repeat(999),
        "claims.a.all(x,".repeat(130),
        "a+".repeat(999) + "a",
        format!("{}claims.a{}", "[".repeat(900), "]".repeat(900)),
    ] {
        let text = config(&json!({ "expression": expression }));
        let compiled = compile(&text);
        let codes: Vec<_> = compiled.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["bad_expression"], "{expression}");
    }
}

#[test]
fn an_expression_is_shipped_as_it_is_evaluated() {
    let text = config(&json!({
        "scopes": ["a"], "claims": { "n": 1.5, "b": { "contains": [true, null, "x", 7] } },
        "expression": "claims.a.exists(x, x == -1 || x in ['a', 2.5]) ? size(claims.b) > 1 : request.method != 'GET'",
    }));
    let blueprint = compile(&text).blueprint.unwrap();
    let bytes = blueprint.to_bytes().unwrap();
    assert_eq!(crate::plan::Blueprint::from_bytes(&bytes), Ok(blueprint));
}
