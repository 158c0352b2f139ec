//! One-time codes.

use std::time::Duration;

use peers::upstream::Script;
use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};

use crate::KEY;
use crate::support::{self, assert_problem, gateway};

const OTP: &str = "/auth/v1/otp";
const VERIFY: &str = "/auth/v1/verify";

fn path(name: &str, integration: Value) -> Value {
    json!({ "method": "POST", "path": name, "auth": false, "timeout_ms": 1000, "integration": integration })
}

/// A gateway with all steps, whose project is known by its authorizer.
fn asking(project: &str) -> Gateway {
    let config = json!({
        "authorizer": { "type": "supabase", "url": project, "anon_key": "$secret.KEY" },
        "cors": { "allow_origins": ["https://app.test"] },
        "paths": [
            path("/send", json!({ "type": "supabase_passwordless_auth" })),
            path("/send-known", json!({ "type": "supabase_passwordless_auth", "create_user": false })),
            path("/send-email", json!({ "type": "supabase_passwordless_auth_alt" })),
            path("/verify", json!({ "type": "supabase_passwordless_verify" })),
        ],
    });
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    gateway(config, Options::default().text("KEY", KEY))
}

fn post(gateway: &Gateway, path: &str, body: &str) -> Answer {
    gateway.send(&Request::post(path, body).header("Origin", "https://app.test"))
}

fn answers(status: u16, body: &Value) -> Script {
    Script {
        status,
        lines: "Content-Type: application/json\r\n".into(),
        body: body.to_string(),
        ..Script::default()
    }
}

#[test]
fn a_code_is_asked_for_with_the_anon_key_and_nothing_else_of_the_client() {
    let supabase = Upstream::start();
    supabase.script(OTP, answers(200, &json!({ "message_id": "internal" })));
    let gateway = asking(&supabase.url());
    for (path, sent, arrived) in [
        (
            "/send",
            r#"{"email":"ann@example.com"}"#,
            r#"{"email":"ann@example.com","create_user":true}"#,
        ),
        (
            "/send",
            r#"{"phone":"+491701234567"}"#,
            r#"{"phone":"+491701234567","create_user":true}"#,
        ),
        // Of two addresses the e-mail's counts; what is not known stays here.
        (
            "/send",
            r#"{"phone":"+49","email":" ann@example.com ","create_user":false,"data":{"role":"admin"},"redirect_to":"https://evil.test"}"#,
            r#"{"email":"ann@example.com","create_user":true}"#,
        ),
        (
            "/send",
            r#"{"email":"\u0061\"@example.com","captcha_token":"c"}"#,
            r#"{"email":"a\"@example.com","create_user":true,"gotrue_meta_security":{"captcha_token":"c"}}"#,
        ),
        (
            "/send-known",
            r#"{"email":"ann@example.com","phone":null}"#,
            r#"{"email":"ann@example.com","create_user":false}"#,
        ),
        (
            "/send-email",
            r#"{"email":"ann@example.com"}"#,
            r#"{"email":"ann@example.com","create_user":true}"#,
        ),
    ] {
        let request = Request::post(path, sent)
            .header("Origin", "https://app.test")
            .header("Cookie", "s=1")
            .header("Authorization", "Bearer of the client")
            .header("apikey", "the client's own");
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 200, "{sent}: {}", answer.text());
        assert_eq!(answer.json()["success"], true);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://app.test")
        );
        assert!(!answer.text().contains("internal") && !answer.text().contains("ann@"));
        let got = supabase.last();
        assert_eq!(got.head.word(0), "POST");
        assert_eq!(got.head.word(1), OTP);
        assert_eq!(String::from_utf8_lossy(&got.body), arrived);
        assert_eq!(got.head.header("apikey"), Some(KEY));
        assert_eq!(got.head.header("content-type"), Some("application/json"));
        for absent in ["cookie", "authorization", "origin"] {
            assert_eq!(got.head.header(absent), None, "{absent}");
        }
    }
}

#[test]
fn a_code_is_taken_for_a_session_of_which_no_more_than_its_members_come_back() {
    let supabase = Upstream::start();
    let session = json!({
        "access_token": "a.b.c", "token_type": "bearer", "expires_in": 3600, "expires_at": 1_800_000_000,
        "refresh_token": "r", "user": { "id": "8d1f", "email": "ann@example.com" },
    });
    let mut told = session.clone();
    told["provider_token"] = "of somebody else".into();
    supabase.script(VERIFY, answers(200, &told));
    let gateway = asking(&supabase.url());
    for (sent, arrived) in [
        (
            r#"{"email":"ann@example.com","token":"123456","type":"recovery"}"#,
            r#"{"email":"ann@example.com","token":"123456","type":"email"}"#,
        ),
        (
            r#"{"phone":"+491701234567","token":"123456"}"#,
            r#"{"phone":"+491701234567","token":"123456","type":"sms"}"#,
        ),
    ] {
        let answer = post(&gateway, "/verify", sent);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), session);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let got = supabase.last();
        assert_eq!(got.head.word(1), VERIFY);
        assert_eq!(String::from_utf8_lossy(&got.body), arrived);
    }
}

#[test]
fn a_body_that_is_not_what_it_must_be_is_refused_before_anybody_is_asked() {
    let supabase = Upstream::start();
    let gateway = asking(&supabase.url());
    let long = format!(r#"{{"email":"{}@example.com"}}"#, "a".repeat(300));
    let large = format!(r#"{{"email":"a@b.test","x":"{}"}}"#, "x".repeat(9000));
    for (path, body, status, code) in [
        ("/send", "", 400, "body_invalid"),
        ("/send", "not JSON", 400, "body_invalid"),
        ("/send", "[]", 400, "body_invalid"),
        ("/send", "\u{feff}{}", 400, "body_invalid"),
        ("/send", r#"{"email":1}"#, 400, "body_invalid"),
        ("/send", r#"{"email":{"$ne":null}}"#, 400, "body_invalid"),
        (
            "/send",
            r#"{"email":"a@b.test","email":"c@d.test"}"#,
            400,
            "body_invalid",
        ),
        ("/send", &long, 400, "body_invalid"),
        ("/send", &large, 413, "body_too_large"),
        ("/send", "{}", 400, "missing_email_or_phone"),
        (
            "/send",
            r#"{"email":"","phone":"  "}"#,
            400,
            "missing_email_or_phone",
        ),
        ("/send-email", r#"{"phone":"+49"}"#, 400, "missing_email"),
        (
            "/verify",
            r#"{"email":"a@b.test"}"#,
            400,
            "missing_token_or_contact",
        ),
        (
            "/verify",
            r#"{"token":"1"}"#,
            400,
            "missing_token_or_contact",
        ),
    ] {
        assert_problem(&post(&gateway, path, body), status, code);
    }
    assert!(supabase.requests().is_empty());
    let answer = gateway.send(&Request::get("/send"));
    assert_problem(&answer, 405, "method_not_allowed");
}

#[test]
fn each_refusal_of_supabase_has_its_code_and_none_of_its_words() {
    let supabase = Upstream::start();
    let gateway = asking(&supabase.url());
    let said = |code: &str| json!({ "code": 400, "error_code": code, "msg": "internal words" });
    for (path, status, body, expected, code) in [
        (
            "/verify",
            403,
            said("otp_expired"),
            403,
            "SUPABASE_OTP_INVALID",
        ),
        // Older and newer versions of the API.
        (
            "/verify",
            401,
            json!({ "code": 401, "msg": "internal words" }),
            403,
            "SUPABASE_OTP_INVALID",
        ),
        (
            "/verify",
            403,
            json!({ "code": "otp_expired", "message": "internal words" }),
            403,
            "SUPABASE_OTP_INVALID",
        ),
        (
            "/verify",
            400,
            said("validation_failed"),
            400,
            "SUPABASE_REJECTED",
        ),
        (
            "/verify",
            429,
            said("over_request_rate_limit"),
            429,
            "SUPABASE_RATE_LIMITED",
        ),
        (
            "/verify",
            200,
            json!({ "user": null }),
            502,
            "SUPABASE_ERROR",
        ),
        ("/send", 422, said("otp_disabled"), 400, "SUPABASE_REJECTED"),
        (
            "/send",
            400,
            said("email_address_invalid"),
            400,
            "SUPABASE_REJECTED",
        ),
        (
            "/send",
            400,
            said("captcha_failed"),
            400,
            "SUPABASE_CAPTCHA_FAILED",
        ),
        (
            "/send",
            429,
            said("over_email_send_rate_limit"),
            429,
            "SUPABASE_RATE_LIMITED",
        ),
        (
            "/send",
            500,
            said("unexpected_failure"),
            502,
            "SUPABASE_ERROR",
        ),
        ("/send", 302, json!({}), 502, "SUPABASE_ERROR"),
        // What stands in front of the auth API does not know the key: that is not the client's fault.
        (
            "/send",
            401,
            json!({ "message": "Invalid API key: internal words" }),
            500,
            "config_error",
        ),
    ] {
        let target = if path == "/verify" { VERIFY } else { OTP };
        let mut script = answers(status, &body);
        script.lines.push_str("Retry-After: 60\r\n");
        supabase.script(target, script);
        let answer = post(&gateway, path, r#"{"email":"a@b.test","token":"1"}"#);
        assert_problem(&answer, expected, code);
        assert!(!answer.text().contains("internal"), "{}", answer.text());
        let after = answer.header("retry-after");
        assert_eq!(after, (expected == 429).then_some("60"), "{code}");
    }
    assert!(gateway.logs("over_email_send_rate_limit"));
    assert!(gateway.logs("anon_key"));
    let log = gateway.log();
    assert!(!log.contains("internal") && !log.contains("a@b.test") && !log.contains(KEY));
}

#[test]
fn where_no_users_are_made_an_unknown_address_gets_the_answer_of_a_known_one() {
    let supabase = Upstream::start();
    let gateway = asking(&supabase.url());
    let ask = || {
        let answer = post(&gateway, "/send-known", r#"{"email":"a@b.test"}"#);
        (answer.status, answer.text())
    };
    supabase.script(OTP, answers(200, &json!({})));
    let known = ask();
    supabase.script(
        OTP,
        answers(422, &json!({ "error_code": "otp_disabled", "msg": "no" })),
    );
    assert_eq!(ask(), known);
    assert_eq!(known.0, 200);
}

#[test]
fn a_service_that_is_slow_silent_or_not_there_is_told_apart() {
    let supabase = Upstream::start();
    let gateway = asking(&supabase.url());
    let slow = Script {
        pause: Duration::from_secs(5),
        ..answers(200, &json!({}))
    };
    supabase.script(OTP, slow);
    let send = |gateway: &Gateway| post(gateway, "/send", r#"{"email":"a@b.test"}"#);
    assert_problem(&send(&gateway), 504, "SUPABASE_TIMEOUT");
    supabase.script(
        VERIFY,
        Script {
            status: 200,
            body: "x".repeat(300_000),
            ..Script::default()
        },
    );
    let verify = post(&gateway, "/verify", r#"{"email":"a@b.test","token":"1"}"#);
    assert_problem(&verify, 502, "SUPABASE_NETWORK_ERROR");
    let nobody = Upstream::start().url();
    assert_problem(&send(&asking(&nobody)), 502, "SUPABASE_NETWORK_ERROR");
}

#[test]
fn a_project_is_known_by_its_issuer_or_by_variables_and_never_by_a_key_with_all_rights() {
    let supabase = Upstream::start();
    supabase.script(OTP, answers(200, &json!({})));
    let url = supabase.url();
    let issuer = format!("{url}/auth/v1");
    let predecessor = json!({ "type": "supabase", "jwt_secret": "$secret.JWT", "issuer": issuer, "audience": "authenticated" });
    // {"role":"service_role"}
    let service_role = "e30.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x";
    for (authorizer, url, key, status) in [
        (Some(&predecessor), "", KEY, 200),
        (None, url.as_str(), KEY, 200),
        // {"role":"anon"}
        (None, url.as_str(), "e30.eyJyb2xlIjoiYW5vbiJ9.x", 200),
        (None, url.as_str(), "sb_secret_x", 500),
        (None, url.as_str(), service_role, 500),
        (None, url.as_str(), "", 500),
        (None, "http://project.test", KEY, 500),
        (None, "", KEY, 500),
    ] {
        let mut config =
            json!({ "paths": [path("/send", json!({ "type": "supabase_passwordless_auth" }))] });
        if let Some(authorizer) = authorizer {
            config["authorizer"] = authorizer.clone();
        }
        let options = Options::default()
            .text("JWT", crate::SECRET)
            .text("SUPABASE_URL", url)
            .text("SUPABASE_ANON_KEY", key);
        let gateway = gateway(&config, options);
        let answer = post(&gateway, "/send", r#"{"email":"a@b.test"}"#);
        assert_eq!(answer.status, status, "{url} {key}: {}", answer.text());
        if status == 500 {
            assert_eq!(answer.json()["code"], "config_error");
        } else {
            assert_eq!(supabase.last().head.header("apikey"), Some(key));
        }
    }
}

#[test]
fn of_several_projects_the_named_one_is_asked() {
    let (first, second) = (Upstream::start(), Upstream::start());
    second.script(OTP, answers(200, &json!({})));
    let project = |upstream: &Upstream, key: &str| json!({ "type": "supabase", "url": upstream.url(), "anon_key": key });
    let config = json!({
        "authorizers": { "one": project(&first, "key-1"), "two": project(&second, "key-2") },
        "paths": [path("/send", json!({ "type": "supabase_passwordless_auth", "authorizer": "two" }))],
    });
    let gateway = gateway(config, Options::default());
    assert_eq!(
        post(&gateway, "/send", r#"{"email":"a@b.test"}"#).status,
        200
    );
    assert_eq!(second.last().head.header("apikey"), Some("key-2"));
    assert!(first.requests().is_empty());
}
