//! Callers that sign what they send, end to end: who comes in, what the upstream gets, what everybody else is told.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod public;
#[path = "../support/mod.rs"]
mod support;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use peers::{Answer, Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{gateway, tokens::in_seconds};

const SECRET: &str = "a secret of those who sign, long enough";

/// A body that is neither text nor small.
fn body() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n % 251) as u8).collect()
}

fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `POST /hook` behind one authorizer, whose secret is [`SECRET`].
fn behind(upstream: &Upstream, authorizer: Value) -> Gateway {
    let mapping = json!({ "headers": { "x-sender": "$request.jwt.sub" } });
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": { "signed": authorizer },
        "paths": [{
            "method": "ANY", "path": "/hook", "auth": "signed", "mapping": mapping,
            "integration": { "type": "http", "server": "up" },
        }],
    });
    gateway(config, Options::default().text("HOOK_SECRET", SECRET))
}

fn webhook(scheme: &str) -> Value {
    json!({ "type": "webhook", "scheme": scheme, "secret": "$secret.HOOK_SECRET" })
}

fn assert_in(answer: &Answer, upstream: &Upstream, sender: &str, body: &[u8]) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let got = upstream.last();
    assert_eq!(got.head.header("x-sender"), Some(sender));
    assert_eq!(got.body, body, "the body goes on as it came");
    assert_eq!(
        got.head.header("content-length"),
        Some(body.len().to_string().as_str())
    );
}

fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json()["code"], code);
    let challenge = (status == 401).then_some(r#"Signature realm="causeway""#);
    assert_eq!(answer.header("www-authenticate"), challenge);
    assert!(!answer.text().contains(SECRET));
}

#[test]
fn a_webhook_of_github_comes_in_by_its_body() {
    let upstream = Upstream::start();
    let gateway = behind(&upstream, webhook("github"));
    let body = body();
    let signature = format!("sha256={}", hex(&mac(&[&body])));
    let hook = |signature: &str, body: &[u8]| {
        let hook = Request::post("/hook", body).header("X-Hub-Signature-256", signature);
        gateway.send(&hook)
    };
    assert_in(&hook(&signature, &body), &upstream, "github", &body);
    let served = upstream.requests().len();
    assert_refused(&hook(&signature, &body[1..]), 401, "signature_invalid");
    assert_refused(&hook("sha256=00", &body), 401, "signature_invalid");
    assert_refused(
        &gateway.send(&Request::post("/hook", body.clone())),
        401,
        "signature_missing",
    );
    assert_eq!(
        upstream.requests().len(),
        served,
        "the upstream saw none of them"
    );
}

#[test]
fn a_body_that_comes_in_chunks_is_checked_and_goes_on() {
    let upstream = Upstream::start();
    let gateway = behind(&upstream, webhook("github"));
    let signature = format!("sha256={}", hex(&mac(&[b"hello chunks"])));
    let mut client = gateway.connect();
    let head = format!(
        "POST /hook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Hub-Signature-256: {signature}\r\n\r\n"
    );
    client.send(head.as_bytes());
    client.send(b"6\r\nhello \r\n6\r\nchunks\r\n0\r\n\r\n");
    let answer = client.answer("POST").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(upstream.last().body, b"hello chunks");
}

#[test]
fn a_body_over_the_bound_is_refused_before_it_is_read() {
    let upstream = Upstream::start();
    let mut authorizer = webhook("github");
    authorizer["max_body"] = 1000.into();
    let gateway = behind(&upstream, authorizer);
    let body = body();
    let signature = format!("sha256={}", hex(&mac(&[&body])));
    let hook = Request::post("/hook", body).header("X-Hub-Signature-256", &signature);
    assert_refused(&gateway.send(&hook), 413, "body_too_large");
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_webhook_of_stripe_comes_in_once_and_in_time() {
    let upstream = Upstream::start();
    let gateway = behind(&upstream, webhook("stripe"));
    let hook = |time: i64| {
        let signed = format!("{time}.");
        let signature = format!("t={time},v1={}", hex(&mac(&[signed.as_bytes(), b"{}"])));
        gateway.send(&Request::post("/hook", "{}").header("Stripe-Signature", &signature))
    };
    let now = in_seconds(0);
    assert_in(&hook(now), &upstream, "stripe", b"{}");
    assert_refused(&hook(now), 401, "signature_replayed");
    assert_in(&hook(now - 1), &upstream, "stripe", b"{}");
    assert_refused(&hook(now - 400), 401, "signature_expired");
    assert_refused(&hook(now + 400), 401, "signature_expired");
}

#[test]
fn a_standard_webhook_comes_in() {
    let upstream = Upstream::start();
    let gateway = behind(&upstream, webhook("standard"));
    let time = in_seconds(0);
    let signed = format!("msg_1.{time}.");
    let signature = format!("v1,{}", STANDARD.encode(mac(&[signed.as_bytes(), b"{}"])));
    let hook = |id: &str| {
        let hook = Request::post("/hook", "{}").header("Webhook-Id", id);
        let hook = hook.header("Webhook-Timestamp", &time.to_string());
        gateway.send(&hook.header("Webhook-Signature", &signature))
    };
    assert_refused(&hook("msg_2"), 401, "signature_invalid");
    assert_in(&hook("msg_1"), &upstream, "standard", b"{}");
}

/// A request signed as RFC 9421 says, over what an API needs.
fn signed(method: &str, authority: &str, target: &str, body: &[u8], nonce: u32) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)));
    let with_body = if body.is_empty() {
        ""
    } else {
        " \"content-digest\""
    };
    let params = format!(
        "(\"@method\" \"@authority\" \"@path\" \"@query\"{with_body});created={};keyid=\"partner\";nonce=\"{nonce}\"",
        in_seconds(0)
    );
    let mut base = format!(
        "\"@method\": {method}\n\"@authority\": {authority}\n\"@path\": {path}\n\"@query\": ?{query}\n"
    );
    if !body.is_empty() {
        base.push_str(&format!("\"content-digest\": {digest}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    let signature = format!("sig=:{}:", STANDARD.encode(mac(&[base.as_bytes()])));
    let request = Request::new(method, target)
        .header("Host", authority)
        .header("Signature-Input", &format!("sig={params}"))
        .header("Signature", &signature);
    if body.is_empty() {
        request
    } else {
        request.header("Content-Digest", &digest).body(body)
    }
}

#[test]
fn a_signed_request_comes_in_as_it_was_signed() {
    let upstream = Upstream::start();
    let authorizer =
        json!({ "type": "message_signature", "keys": { "partner": "$secret.HOOK_SECRET" } });
    let gateway = behind(&upstream, authorizer);
    let good = signed("POST", "api.test", "/hook?a=1&a=2", b"{}", 1);
    assert_in(&gateway.send(&good), &upstream, "partner", b"{}");
    assert_refused(&gateway.send(&good), 401, "signature_replayed");
    let answer = gateway.send(&signed("GET", "api.test", "/hook", b"", 2));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let port = signed("POST", "api.test:8443", "/hook", b"{}", 3);
    assert_in(&gateway.send(&port), &upstream, "partner", b"{}");

    let served = upstream.requests().len();
    let moved = |from: &str, to: &str, nonce| {
        let bytes = signed("POST", "api.test", "/hook?a=1", b"{}", nonce).bytes();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        let mut client = gateway.connect();
        client.send(text.replacen(from, to, 1).as_bytes());
        client.answer("POST").unwrap()
    };
    for (nonce, (from, to)) in [
        ("POST /hook", "PUT /hook"),
        ("/hook?a=1", "/hook?a=2"),
        ("Host: api.test", "Host: other.test"),
        ("\r\n\r\n{}", "\r\n\r\n[]"),
        ("nonce=\"13\"", "nonce=\"14\""),
        ("keyid=\"partner\"", "keyid=\"admin\""),
    ]
    .into_iter()
    .enumerate()
    {
        let nonce = 9 + u32::try_from(nonce).unwrap();
        assert_refused(&moved(from, to, nonce), 401, "signature_invalid");
    }
    assert_eq!(
        upstream.requests().len(),
        served,
        "the upstream saw none of them"
    );
}

#[test]
fn a_preflight_is_not_asked_for_a_signature() {
    let upstream = Upstream::start();
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "cors": { "allow_origins": [support::ORIGIN], "allow_methods": ["POST"] },
        "authorizer": webhook("github"),
        "paths": [{
            "method": "POST", "path": "/hook", "auth": true, "integration": { "type": "http", "server": "up" },
        }],
    });
    let gateway = gateway(config, Options::default().text("HOOK_SECRET", SECRET));
    let preflight = Request::new("OPTIONS", "/hook")
        .header("Origin", support::ORIGIN)
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(gateway.send(&preflight).status, 204);
    let unsigned = Request::post("/hook", "{}").header("Origin", support::ORIGIN);
    let answer = gateway.send(&unsigned);
    assert_refused(&answer, 401, "signature_missing");
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some(support::ORIGIN)
    );
}

#[test]
fn a_secret_that_is_not_there_closes_its_paths_and_no_others() {
    let config = json!({
        "authorizer": webhook("github"),
        "paths": [
            { "method": "POST", "path": "/hook", "auth": true, "response": 1 },
            { "method": "GET", "path": "/open", "auth": false, "response": 1 },
        ],
    });
    for secret in ["", "short"] {
        let options = Options::default();
        let options = if secret.is_empty() {
            options
        } else {
            options.text("HOOK_SECRET", secret)
        };
        let gateway = gateway(&config, options);
        assert_eq!(gateway.get("/open").status, 200);
        let answer =
            gateway.send(&Request::post("/hook", "{}").header("X-Hub-Signature-256", "sha256=00"));
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (500, &json!("config_error"))
        );
    }
}
