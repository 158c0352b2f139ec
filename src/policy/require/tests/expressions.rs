use serde_json::json;

use super::{config, refusal};
use crate::plan::{Blueprint, compile};

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
    assert_eq!(Blueprint::from_bytes(&bytes), Ok(blueprint));
}
