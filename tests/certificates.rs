//! Client certificates end to end. The platform checks them in the TLS handshake; what it says of one is given to workerd
//! in a field of the test's own, as its edge would.

#![cfg(test)]

mod support;

use peers::{Gateway, Options, Request, Upstream};
use serde_json::{Value, json};
use support::gateway;

const FINGERPRINT: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn behind(upstream: &Upstream, members: Value) -> Gateway {
    let mut authorizer = members;
    authorizer["type"] = "client_certificate".into();
    let config = json!({
        "servers": [{ "alias": "up", "url": upstream.url() }],
        "authorizers": { "devices": authorizer },
        "paths": [{
            "method": "GET", "path": "/", "auth": "devices",
            "mapping": { "headers": { "x-device": "$request.jwt.sub", "x-serial": "$request.jwt.serial" } },
            "integration": { "type": "http", "server": "up" },
        }],
    });
    gateway(
        config,
        Options::default().with(|worker| worker.cf_header("Test-Cf")),
    )
}

fn good() -> Value {
    json!({
        "certPresented": "1", "certVerified": "SUCCESS", "certRevoked": "0",
        "certFingerprintSHA256": FINGERPRINT, "certIssuerDNRFC2253": "CN=ca,O=example",
        "certSubjectDNRFC2253": "CN=device-7", "certSerial": "01AB",
    })
}

fn with(certificate: &Value) -> Request {
    let cf = json!({ "tlsClientAuth": certificate });
    Request::get("/")
        .header("Test-Cf", &cf.to_string())
        .header("X-Device", "CN=forged")
}

#[test]
fn a_listed_certificate_comes_in_and_the_upstream_learns_whose_it_is() {
    let upstream = Upstream::start();
    let colons: Vec<String> = FINGERPRINT
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).to_ascii_uppercase())
        .collect();
    for members in [
        json!({ "fingerprints": [FINGERPRINT] }),
        json!({ "fingerprints": [colons.join(":")] }),
        json!({ "issuers": ["CN=ca,O=example"], "subjects": ["CN=device-8", "CN=device-7"] }),
        json!({ "any": true }),
    ] {
        let gateway = behind(&upstream, members.clone());
        let answer = gateway.send(&with(&good()));
        assert_eq!(answer.status, 200, "{members}: {}", answer.text());
        assert_eq!(upstream.last().head.header("x-device"), Some("CN=device-7"));
        assert_eq!(upstream.last().head.header("x-serial"), Some("01AB"));
    }
}

/// A certificate of the folder beside, as the edge gives it.
fn encoded(pem: &str) -> Value {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    format!(":{lines}:").into()
}

#[test]
fn a_workload_comes_in_by_its_spiffe_id() {
    let upstream = Upstream::start();
    let gateway = behind(
        &upstream,
        json!({ "spiffe_ids": ["spiffe://other.test/*", "spiffe://example.com/ns/shop/*"] }),
    );
    let ask = |certificate: Value| {
        let mut told = good();
        told["certRFC9440"] = certificate;
        gateway.send(&with(&told))
    };
    let service = encoded(include_str!("certificates/service.pem"));
    let answer = ask(service);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        upstream.last().head.header("x-device"),
        Some("spiffe://example.com/ns/shop/orders")
    );
    let served = upstream.requests().len();
    for certificate in [
        encoded(include_str!("certificates/two_uris.pem")),
        encoded(include_str!("certificates/authority.pem")),
        encoded(include_str!("certificates/bare.pem")),
        "".into(),
        ":AAAA:".into(),
        Value::Null,
    ] {
        let answer = ask(certificate);
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["code"], "certificate_invalid");
        assert!(!answer.text().contains("spiffe"));
    }
    assert_eq!(upstream.requests().len(), served);
}

#[test]
fn every_other_connection_is_refused() {
    let upstream = Upstream::start();
    let gateway = behind(
        &upstream,
        json!({ "fingerprints": [FINGERPRINT], "issuers": ["CN=ca,O=example"] }),
    );
    let changed = |name: &str, value: &str| {
        let mut certificate = good();
        certificate[name] = value.into();
        certificate
    };
    for (request, code) in [
        (Request::get("/"), "certificate_missing"),
        (with(&Value::Null), "certificate_missing"),
        (with(&json!({})), "certificate_missing"),
        (with(&changed("certPresented", "0")), "certificate_missing"),
        (
            with(&changed("certVerified", "FAILED:expired")),
            "certificate_invalid",
        ),
        (with(&changed("certRevoked", "1")), "certificate_invalid"),
        (
            with(&changed("certFingerprintSHA256", "00")),
            "certificate_invalid",
        ),
        (
            with(&changed("certIssuerDNRFC2253", "CN=ca")),
            "certificate_invalid",
        ),
        (with(&json!("1")), "certificate_invalid"),
    ] {
        let answer = gateway.send(&request);
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["code"], code, "{}", answer.text());
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some(r#"Certificate realm="causeway""#));
    }
    assert!(upstream.requests().is_empty());
}
