//! Where a key may stand, which are accepted, and where their records come from.

use std::rc::Rc;

use peers::{Gateway, Kv, Options, Request, Upstream};
use serde_json::{Value, json};

use crate::support::{arrived, assert_problem};
use crate::{assert_refused, key, protected, stored};

const CHALLENGE: &str = r#"ApiKey realm="causeway""#;
const PEPPER: &str = "a pepper of tests that is long enough";

fn with(key: &str) -> Request {
    Request::get("/").header("X-Api-Key", key)
}

#[track_caller]
fn assert_key(gateway: &Gateway, request: &Request, code: &str, reason: &str) {
    let answer = gateway.send(request);
    assert_refused(&answer, CHALLENGE, code, reason);
    let id = answer
        .header("x-request-id")
        .expect("a request id")
        .to_owned();
    assert!(gateway.logs(&id), "{reason}");
    let log = gateway.log();
    let line = log.lines().find(|line| line.contains(&id)).expect("a line");
    assert!(line.contains(reason), "{reason}: {line}");
}

#[test]
fn a_key_is_taken_from_where_the_authorizer_says_and_nowhere_else() {
    let upstream = Upstream::start();
    let good = key(1);
    let by_header = with(&good);
    let by_scheme = Request::get("/").header("Authorization", &format!("apikey {good}"));
    let by_cookie = Request::get("/").header("Cookie", &format!("a=1; key={good}; b=2"));
    let by_query = Request::get(&format!("/?a=1&key={good}"));
    let requests = [&by_header, &by_scheme, &by_cookie, &by_query];
    for (place, from) in [
        Value::Null,
        json!([{ "scheme": "ApiKey" }]),
        json!([{ "cookie": "key" }]),
        json!([{ "query": "key" }]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut authorizer = json!({ "type": "api_key", "keys": [stored(&good, None, json!({}))] });
        if !from.is_null() {
            authorizer["key_from"] = from.clone();
        }
        let gateway = protected(&upstream, json!({ "a": authorizer }), Options::default());
        for (index, request) in requests.iter().enumerate() {
            let answer = gateway.send(request);
            match index == place {
                true => assert_eq!(answer.status, 200, "{from}: {}", answer.text()),
                false => assert_refused(&answer, CHALLENGE, "api_key_missing", &from.to_string()),
            }
        }
    }
}

#[test]
fn what_is_known_of_a_key_reaches_the_upstream_by_mapping_alone() {
    let upstream = Upstream::start();
    let more = json!({
        "owner": "acme", "expires": "2100-01-01", "scopes": ["orders:read", "orders:write"], "groups": ["partners"],
        "plan": "gold", "claims": { "region": "eu" },
    });
    // Two keys of one owner: the old one lives until everybody has the new one.
    let keys = json!([
        stored(&key(1), None, more.clone()),
        stored(&key(2), None, more)
    ]);
    let authorizer = json!({ "type": "api_key", "keys": keys });
    let gateway = protected(&upstream, json!({ "a": authorizer }), Options::default());
    for number in [1, 2] {
        let key = key(number);
        let answer = gateway.send(&with(&key).header("X-Sub", "admin"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (id, _) = key.rsplit_once('_').expect("an id");
        for (name, value) in [
            ("x-sub", "acme"),
            ("x-key", id),
            ("x-scope", "orders:read orders:write"),
            ("x-groups", r#"["partners"]"#),
            ("x-plan", "gold"),
            ("x-region", "eu"),
        ] {
            assert_eq!(arrived(&upstream.last(), name), [value], "{name}");
        }
    }
}

#[test]
fn every_refusal_has_its_code_and_the_operator_is_told_more_than_the_client() {
    let upstream = Upstream::start();
    let keys = json!([
        stored(&key(1), None, json!({})),
        stored(&key(2), None, json!({ "disabled": true })),
        stored(&key(3), None, json!({ "expires": 1_000_000_000 })),
        stored(
            &key(4),
            None,
            json!({ "expires": "2001-09-09T01:46:40Z", "disabled": true })
        ),
    ]);
    let authorizer = json!({ "type": "api_key", "keys": keys });
    let gateway = protected(&upstream, json!({ "a": authorizer }), Options::default());
    assert_eq!(gateway.send(&with(&key(1))).status, 200);
    let served = upstream.requests().len();
    let mut wrong = key(1);
    wrong.truncate(wrong.len() - 1);
    wrong.push('!');
    for (sent, code, reason) in [
        (String::new(), "api_key_missing", "key_missing"),
        ("x".into(), "api_key_invalid", "key_malformed"),
        ("x".repeat(10_000), "api_key_invalid", "key_malformed"),
        (wrong, "api_key_invalid", "key_malformed"),
        (key(9), "api_key_invalid", "key_unknown"),
        (key(2), "api_key_invalid", "key_disabled"),
        (key(3), "api_key_expired", "key_expired"),
        (key(4), "api_key_invalid", "key_disabled"),
    ] {
        assert_key(&gateway, &with(&sent), code, reason);
    }
    let twice = with(&key(1)).header("X-Api-Key", &key(1));
    assert_key(&gateway, &twice, "api_key_invalid", "key_malformed");
    assert_eq!(upstream.requests().len(), served);
    let log = gateway.log();
    for number in [1, 2, 3, 4, 9] {
        assert!(!log.contains(&key(number)), "a key is in the log");
    }
}

#[test]
fn two_refusals_that_only_the_operator_may_tell_apart_are_the_same_to_the_client() {
    let upstream = Upstream::start();
    let mut other = stored(&key(5), None, json!({}));
    other["hash"] = stored(&key(6), None, json!({}))["hash"].clone();
    let keys = json!([other, stored(&key(2), None, json!({ "disabled": true }))]);
    let authorizer = json!({ "type": "api_key", "keys": keys });
    let gateway = protected(&upstream, json!({ "a": authorizer }), Options::default());
    let told = |key: &str| {
        let answer = gateway.send(&with(key));
        let mut body = answer.json();
        body["request_id"] = Value::Null;
        (
            answer.status,
            body,
            answer.all("www-authenticate").join("|"),
        )
    };
    let unknown = told(&key(9));
    for same in [key(5), key(2), "nonsense".to_owned()] {
        assert_eq!(told(&same), unknown);
    }
}

#[test]
fn keys_in_kv_are_found_changed_and_closed_when_kv_is_down() {
    let upstream = Upstream::start();
    let kv = Rc::new(Kv::start());
    let record = |number: u8, more: Value| stored(&key(number), Some(PEPPER), more).to_string();
    let name = |number: u8| {
        let key = key(number);
        format!("partners/{}", key.rsplit_once('_').expect("an id").0)
    };
    kv.put(&name(1), record(1, json!({ "owner": "acme" })));
    kv.put(
        &name(2),
        record(2, json!({ "owner": "acme", "disabled": true })),
    );
    kv.put(&name(3), "not a record");
    kv.put(&name(4), stored(&key(4), None, json!({})).to_string());
    kv.put(&name(6), record(6, json!({})));
    let bound = Rc::clone(&kv);
    let options = Options::default()
        .text("PEPPER", PEPPER)
        .with(move |worker| worker.kv("KEYS", &bound));
    let authorizer = json!({
        "type": "api_key", "kv": { "binding": "KEYS", "prefix": "partners/" }, "pepper": "$secret.PEPPER",
        "keys": [stored(&key(7), Some(PEPPER), json!({ "owner": "inline" }))],
    });
    let gateway = protected(&upstream, json!({ "a": authorizer }), options);
    for _ in 0..5 {
        assert_eq!(gateway.send(&with(&key(1))).status, 200);
        assert_eq!(arrived(&upstream.last(), "x-sub"), ["acme"]);
    }
    assert_eq!(kv.reads(), 1, "what KV said is remembered");
    assert_eq!(gateway.send(&with(&key(7))).status, 200);
    assert_eq!(arrived(&upstream.last(), "x-sub"), ["inline"]);
    assert_key(
        &gateway,
        &with("acme_live_x"),
        "api_key_invalid",
        "key_malformed",
    );
    assert_eq!(kv.reads(), 1, "neither of these is looked up");
    for (number, reason) in [
        (2, "key_disabled"),
        (3, "key_record"),
        (4, "key_record"),
        (5, "key_unknown"),
    ] {
        assert_key(&gateway, &with(&key(number)), "api_key_invalid", reason);
    }
    let reads = kv.reads();
    assert_key(&gateway, &with(&key(5)), "api_key_invalid", "key_unknown");
    assert_eq!(
        kv.reads(),
        reads,
        "that a key is not there is remembered too"
    );

    kv.fail(true);
    assert_eq!(gateway.send(&with(&key(1))).status, 200, "known already");
    let answer = gateway.send(&with(&key(6)));
    assert_problem(&answer, 503, "authorizer_unavailable");
    assert!(answer.all("www-authenticate").is_empty());
    kv.fail(false);
    assert_eq!(gateway.send(&with(&key(6))).status, 200);
    kv.put(&name(8), record(8, json!({})));
    kv.silence(true);
    assert_problem(&gateway.send(&with(&key(8))), 503, "authorizer_unavailable");
    assert!(gateway.logs("KV gives no answer: it took too long"));
    kv.silence(false);
    assert_eq!(gateway.send(&with(&key(8))).status, 200);
}

#[test]
fn a_namespace_that_is_not_bound_and_a_pepper_that_is_not_set_close_the_path() {
    let upstream = Upstream::start();
    let authorizer = json!({ "type": "api_key", "kv": { "binding": "NOT_BOUND" } });
    let gateway = protected(&upstream, json!({ "a": authorizer }), Options::default());
    assert_problem(&gateway.send(&with(&key(1))), 503, "authorizer_unavailable");
    let keys = json!([stored(&key(1), Some(PEPPER), json!({}))]);
    for pepper in [None, Some("short")] {
        let authorizer = json!({ "type": "api_key", "keys": keys, "pepper": "$secret.PEPPER" });
        let options = match pepper {
            Some(pepper) => Options::default().text("PEPPER", pepper),
            None => Options::default(),
        };
        let gateway = protected(&upstream, json!({ "a": authorizer }), options);
        assert_problem(&gateway.send(&with(&key(1))), 500, "config_error");
        assert_eq!(gateway.get("/open").status, 200);
    }
}
