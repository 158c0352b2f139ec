//! `auth` with several authorizers.

use peers::{Answer, Gateway, Options, Request};
use serde_json::{Value, json};

use crate::support::tokens::{SECRET, in_seconds, sign_with};
use crate::support::{assert_problem, gateway};

const OTHER: &str = "another secret of thirty-two bytes or more";

const BARE: &str = r#"Bearer realm="causeway""#;

/// `people` by Bearer, `pages` by a cookie, `partners` by Bearer with another secret; `broken` has no secret.
fn start() -> Gateway {
    let path = |path: &str, auth: Value| {
        json!({
            "method": "GET", "path": path, "auth": auth, "integration": { "type": "service_binding", "binding": "who",
            "function": "who" },
        })
    };
    let config = json!({
        "serviceBindings": [{ "alias": "who", "binding": "WHO" }],
        "authorizers": {
            "people": { "type": "jwt", "secret": "$secret.PEOPLE" },
            "partners": { "type": "jwt", "secret": "$secret.PARTNERS" },
            "pages": { "type": "jwt", "secret": "$secret.PARTNERS", "token_from": [{ "cookie": "session" }] },
            "broken": { "type": "jwt", "secret": "$secret.UNSET" },
        },
        "paths": [
            path("/list", json!(["people", "partners"])),
            path("/any", json!({ "any": ["people", "pages"] })),
            path("/all", json!({ "all": ["people", "pages"] })),
            path("/all-other-way", json!({ "all": ["pages", "people"] })),
            path("/any-broken-first", json!(["broken", "people"])),
            path("/any-broken-last", json!(["people", "broken"])),
            path("/all-broken-first", json!({ "all": ["broken", "people"] })),
            path("/all-broken-last", json!({ "all": ["people", "broken"] })),
        ],
    });
    let source = r#"
import { WorkerEntrypoint } from "cloudflare:workers";
export class Who extends WorkerEntrypoint {
  async who(request, env, context) { return new Response(context); }
}
export default { fetch() { return new Response(null); } };
"#;
    let options = Options::default()
        .text("PEOPLE", SECRET)
        .text("PARTNERS", OTHER)
        .service("WHO", source, Some("Who"));
    gateway(config, options)
}

fn token(secret: &str, sub: &str, seconds: i64) -> String {
    let claims = json!({ "sub": sub, "exp": in_seconds(seconds) });
    sign_with("HS256", secret, &claims)
}

fn bearer(target: &str, token: &str) -> Request {
    Request::get(target).header("Authorization", &format!("Bearer {token}"))
}

#[track_caller]
fn assert_known(answer: &Answer, sub: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["jwt"]["sub"], sub, "{}", answer.text());
}

#[track_caller]
fn assert_refused(answer: &Answer, code: &str, challenge: &str) {
    assert_problem(answer, 401, code);
    assert_eq!(answer.all("www-authenticate"), [challenge]);
}

fn challenge(text: &str) -> String {
    format!(r#"{BARE}, error="invalid_token", error_description="{text}""#)
}

#[test]
fn any_of_several_authorizers_lets_in_whom_it_knows() {
    let gateway = start();
    for (secret, sub) in [(SECRET, "a person"), (OTHER, "a partner")] {
        let answer = gateway.send(&bearer("/list", &token(secret, sub, 600)));
        assert_known(&answer, sub);
    }
    let page = token(OTHER, "a page", 600);
    let by_cookie = Request::get("/any").header("Cookie", &format!("session={page}"));
    assert_known(&gateway.send(&by_cookie), "a page");
    // A credential that one refuses does not spoil that of another, and the first in the list says who it is.
    let spoiled = by_cookie.header("Authorization", "Bearer broken");
    assert_known(&gateway.send(&spoiled), "a page");
    let both = bearer("/any", &token(SECRET, "a person", 600))
        .header("Cookie", &format!("session={page}"));
    assert_known(&gateway.send(&both), "a person");
}

#[test]
fn whom_none_of_several_knows_is_told_of_the_credential_that_came_furthest() {
    let gateway = start();
    assert_refused(&gateway.get("/list"), "AUTH_ERROR", BARE);
    assert_refused(&gateway.get("/any"), "AUTH_ERROR", BARE);

    let strange = token("a secret that nobody here has ever seen", "x", 600);
    let signature = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED";
    let told = challenge("Signature verification failed");
    assert_refused(&gateway.send(&bearer("/list", &strange)), signature, &told);
    // The cookie is absent: its bare challenge says no more than that of the token.
    assert_refused(&gateway.send(&bearer("/any", &strange)), signature, &told);

    // Its signature holds for the second: that it has expired is what its bearer needs to know.
    let expired = token(OTHER, "a partner", -600);
    let told = format!(
        "{}, {}",
        challenge("Token has expired."),
        challenge("Signature verification failed")
    );
    assert_refused(
        &gateway.send(&bearer("/list", &expired)),
        "ERR_JWT_EXPIRED",
        &told,
    );
}

#[test]
fn all_of_several_authorizers_must_know_the_caller_and_the_first_says_who_it_is() {
    let gateway = start();
    let person = token(SECRET, "a person", 600);
    let page = token(OTHER, "a page", 600);
    for (target, sub) in [("/all", "a person"), ("/all-other-way", "a page")] {
        let request = bearer(target, &person).header("Cookie", &format!("session={page}"));
        assert_known(&gateway.send(&request), sub);

        assert_refused(&gateway.get(target), "AUTH_ERROR", BARE);
        assert_refused(&gateway.send(&bearer(target, &person)), "AUTH_ERROR", BARE);
        let cookie = Request::get(target).header("Cookie", &format!("session={page}"));
        assert_refused(&gateway.send(&cookie), "AUTH_ERROR", BARE);

        let expired = token(OTHER, "a page", -600);
        let request = bearer(target, &person).header("Cookie", &format!("session={expired}"));
        let told = challenge("Token has expired.");
        assert_refused(&gateway.send(&request), "ERR_JWT_EXPIRED", &told);
    }
}

#[test]
fn an_authorizer_with_a_fault_knows_nobody_and_the_others_go_on() {
    let gateway = start();
    let good = token(SECRET, "a person", 600);
    for target in ["/any-broken-first", "/any-broken-last"] {
        assert_known(&gateway.send(&bearer(target, &good)), "a person");
        assert_problem(&gateway.get(target), 500, "config_error");
        assert_problem(
            &gateway.send(&bearer(target, "broken")),
            500,
            "config_error",
        );
    }
    for target in ["/all-broken-first", "/all-broken-last"] {
        assert_problem(&gateway.send(&bearer(target, &good)), 500, "config_error");
    }
    // In their order: whom the first refuses never comes to the fault.
    assert_refused(&gateway.get("/all-broken-last"), "AUTH_ERROR", BARE);
    assert_problem(&gateway.get("/all-broken-first"), 500, "config_error");
}
