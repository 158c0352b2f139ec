//! Certificates that openssl has made, and what becomes of them when they are tampered with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::spiffe::{Workloads, is_spiffe_id, spiffe_id};
use super::*;
use crate::exchange::Request;
use crate::host::memory::MemoryHost;

const FINGERPRINT: &str = "aa11";

fn der(pem: &str) -> Vec<u8> {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(lines).unwrap()
}

macro_rules! certificate {
    ($name:literal) => {
        der(include_str!(concat!(
            "../../../tests/certificates/",
            $name,
            ".pem"
        )))
    };
}

fn good() -> Value {
    json!({
        "certPresented": "1", "certVerified": "SUCCESS", "certRevoked": "0", "certFingerprintSHA256": "AA11",
        "certIssuerDNRFC2253": "CN=ca,O=example", "certSubjectDNRFC2253": "CN=device-7", "certSerial": "01",
        "certNotBefore": "Dec 22 19:39:00 2018 GMT",
    })
}

fn authenticated(spec: CertificateSpec, certificate: Option<Value>) -> Result<Claims, Denied> {
    let mut host = MemoryHost::new(0, &[]);
    if let Some(certificate) = certificate {
        host = host.with_client_certificate(&certificate.to_string());
    }
    let request = Request::new("GET", "https://a/").unwrap();
    let presented = Presented {
        host: &host,
        request,
        path: "/",
        query: None,
        effects: Box::leak(Box::default()),
    };
    let authorizer = ClientCertificate::new(spec).ok().unwrap();
    authorizer.authenticate(&presented)
}

fn asked(certificate: Option<Value>) -> Result<Claims, Denied> {
    let spec = CertificateSpec {
        fingerprints: vec![FINGERPRINT.into(), "bb22".into()],
        issuers: vec!["CN=ca,O=example".into()],
        subjects: Vec::new(),
        spiffe_ids: Vec::new(),
    };
    authenticated(spec, certificate)
}

#[test]
fn a_verified_and_listed_certificate_comes_in() {
    let claims = asked(Some(good())).unwrap();
    assert_eq!(claims.claim("sub").unwrap(), "CN=device-7");
    assert_eq!(claims.claim("subject").unwrap(), "CN=device-7");
    assert_eq!(claims.claim("fingerprint").unwrap(), FINGERPRINT);
    assert_eq!(claims.claim("spiffe_id"), None);
}

#[test]
fn every_other_is_refused() {
    for (member, value, code) in [
        ("certPresented", json!("0"), "certificate_missing"),
        ("certPresented", json!(null), "certificate_invalid"),
        (
            "certVerified",
            json!("FAILED:self signed certificate"),
            "certificate_invalid",
        ),
        ("certVerified", json!("NONE"), "certificate_invalid"),
        ("certVerified", json!("success"), "certificate_invalid"),
        ("certRevoked", json!("1"), "certificate_invalid"),
        ("certRevoked", json!(""), "certificate_invalid"),
        (
            "certFingerprintSHA256",
            json!("cc33"),
            "certificate_invalid",
        ),
        ("certFingerprintSHA256", json!(""), "certificate_invalid"),
        (
            "certIssuerDNRFC2253",
            json!("CN=ca,O=other"),
            "certificate_invalid",
        ),
        (
            "certIssuerDNRFC2253",
            json!("cn=ca,o=example"),
            "certificate_invalid",
        ),
        ("certSerial", json!(1), "certificate_invalid"),
    ] {
        let mut certificate = good();
        certificate[member] = value.clone();
        let denied = asked(Some(certificate)).unwrap_err();
        assert_eq!(denied.code(), code, "{member} {value}");
    }
    assert_eq!(asked(None).unwrap_err().code(), "certificate_missing");
    assert_eq!(
        asked(Some(json!({}))).unwrap_err().code(),
        "certificate_missing"
    );
    assert_eq!(
        asked(Some(json!("x"))).unwrap_err().code(),
        "certificate_invalid"
    );
}

#[test]
fn a_workload_is_known_by_the_one_uri_of_its_certificate() {
    for (certificate, expected) in [
        (
            certificate!("service"),
            Ok("spiffe://example.com/ns/shop/orders"),
        ),
        (
            certificate!("no_subject"),
            Ok("spiffe://example.com/ns/shop/stock"),
        ),
        (
            certificate!("two_uris"),
            Err("it has not one URI among its names"),
        ),
        (
            certificate!("no_uri"),
            Err("it has not one URI among its names"),
        ),
        (
            certificate!("bare"),
            Err("it has not one URI among its names"),
        ),
        (
            certificate!("other_uri"),
            Err("the URI among its names is no SPIFFE id of a workload"),
        ),
        (
            certificate!("root_path"),
            Err("the URI among its names is no SPIFFE id of a workload"),
        ),
        (
            certificate!("odd_path"),
            Err("the URI among its names is no SPIFFE id of a workload"),
        ),
        (
            certificate!("upper"),
            Err("the URI among its names is no SPIFFE id of a workload"),
        ),
        (
            certificate!("authority"),
            Err("it is one that signs others, not a workload's"),
        ),
        (
            certificate!("signer"),
            Err("it is one that signs others, not a workload's"),
        ),
    ] {
        assert_eq!(spiffe_id(&certificate), expected);
    }
    // An RSA certificate with other extensions.
    let rsa = der(include_str!("../../../tests/jwks/keys/rsa.crt"));
    assert_eq!(spiffe_id(&rsa), Err("it has not one URI among its names"));
}

#[test]
fn a_certificate_that_is_cut_off_or_continued_is_none() {
    for certificate in [certificate!("service"), certificate!("no_subject")] {
        for length in 0..certificate.len() {
            assert!(spiffe_id(&certificate[..length]).is_err(), "{length}");
        }
        let continued = [certificate.as_slice(), &[0]].concat();
        assert!(spiffe_id(&continued).is_err());
    }
}

#[test]
fn a_changed_byte_gives_a_sound_name_or_none() {
    let certificate = certificate!("service");
    for at in 0..certificate.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = certificate.clone();
            changed[at] ^= change;
            if let Ok(id) = spiffe_id(&changed) {
                assert!(is_spiffe_id(id), "{at}: {id}");
            }
        }
    }
}

/// A certificate whose one extension list is this.
fn with_extensions(extensions: &[u8]) -> Vec<u8> {
    let part = |tag: u8, content: &[u8]| {
        let mut part = vec![tag, u8::try_from(content.len()).unwrap()];
        assert!(content.len() < 128);
        part.extend(content);
        part
    };
    let empty = part(0x30, &[]);
    let mut tbs = part(0xa0, &[2, 1, 2]);
    tbs.extend([2, 1, 1]);
    for _ in 0..5 {
        tbs.extend(&empty);
    }
    tbs.extend(part(0xa3, &part(0x30, extensions)));
    let mut certificate = part(0x30, &tbs);
    certificate.extend(&empty);
    certificate.extend([3, 1, 0]);
    part(0x30, &certificate)
}

#[test]
fn extensions_are_read_to_the_letter() {
    // GeneralNames with the URI `spiffe://a/b`.
    let names = b"\x30\x0e\x86\x0cspiffe://a/b";
    let extension = |between: &[u8], value: &[u8]| {
        let mut content = vec![6, 3, 0x55, 0x1d, 0x11];
        content.extend(between);
        content.extend([4, u8::try_from(value.len()).unwrap()]);
        content.extend(value);
        let mut extension = vec![0x30, u8::try_from(content.len()).unwrap()];
        extension.extend(content);
        extension
    };
    let plain = extension(&[], names);
    assert_eq!(spiffe_id(&with_extensions(&plain)), Ok("spiffe://a/b"));
    let critical = extension(&[1, 1, 0xff], names);
    assert_eq!(spiffe_id(&with_extensions(&critical)), Ok("spiffe://a/b"));
    let twice = [plain.clone(), plain.clone()].concat();
    for (what, extensions) in [
        ("the extension stands twice", twice),
        ("critical is false", extension(&[1, 1, 0], names)),
        ("critical is something else", extension(&[1, 1, 1], names)),
        ("nothing in the names", extension(&[], b"\x30\x00")),
        (
            "the names go on after their end",
            extension(&[], b"\x30\x0e\x86\x0cspiffe://a/b\x05\x00"),
        ),
        (
            "a name longer than the names",
            extension(&[], b"\x30\x0e\x86\x0dspiffe://a/b"),
        ),
        (
            "a length in more bytes than it needs",
            extension(&[], b"\x30\x0f\x86\x81\x0cspiffe://a/b"),
        ),
        (
            "a length that is not definite",
            extension(&[], b"\x30\x80\x86\x0cspiffe://a/b\x00\x00"),
        ),
        (
            "a type in two bytes",
            extension(&[], b"\x30\x10\x9f\x06\x0cspiffe://a/b"),
        ),
        (
            "a byte that is not ASCII",
            extension(&[], b"\x30\x0e\x86\x0cspiffe://a/\xff"),
        ),
    ] {
        let certificate = with_extensions(&extensions);
        let read = spiffe_id(&certificate);
        assert_eq!(read, Err("it is no certificate that can be read"), "{what}");
    }
}

#[test]
fn names_of_workloads_have_one_spelling() {
    for (id, sound) in [
        ("spiffe://example.com/a", true),
        ("spiffe://example.com/A/b-c_d.e/0", true),
        ("spiffe://1.2_3-4/...", true),
        ("spiffe://example.com", false),
        ("spiffe://example.com/", false),
        ("spiffe://example.com/a/", false),
        ("spiffe://example.com//a", false),
        ("spiffe://example.com/a/./b", false),
        ("spiffe://example.com/a/..", false),
        ("spiffe://example.com/%61", false),
        ("spiffe://example.com/a?b", false),
        ("spiffe://example.com/a#b", false),
        ("spiffe://example.com:443/a", false),
        ("spiffe://user@example.com/a", false),
        ("spiffe://Example.com/a", false),
        ("SPIFFE://example.com/a", false),
        ("spiffe:///a", false),
        ("https://example.com/a", false),
        ("", false),
    ] {
        assert_eq!(is_spiffe_id(id), sound, "{id}");
    }
    let long = format!("spiffe://a/{}", "b".repeat(2037));
    assert!(is_spiffe_id(&long) && !is_spiffe_id(&format!("{long}b")));
    assert!(!is_spiffe_id(&format!("spiffe://{}/b", "a".repeat(256))));
}

#[test]
fn workloads_are_named_one_by_one_or_below_a_path() {
    let orders = "spiffe://example.com/ns/shop/orders";
    for (rule, accepted) in [
        (orders, Some(true)),
        ("spiffe://example.com/ns/shop/order", Some(false)),
        ("spiffe://example.com/*", Some(true)),
        ("spiffe://example.com/ns/shop/*", Some(true)),
        ("spiffe://example.com/ns/sho/*", Some(false)),
        ("spiffe://example.com/ns/shop/orders/*", Some(false)),
        ("spiffe://example.co/*", Some(false)),
        ("spiffe://example.com/ns/sho*", None),
        ("spiffe://example.com*", None),
        ("spiffe://*", None),
        ("spiffe://*/ns", None),
        ("spiffe://example.com/*/shop/*", None),
        ("*", None),
        ("", None),
    ] {
        let read = Workloads::read(rule);
        assert_eq!(read.map(|rule| rule.accept(orders)), accepted, "{rule}");
    }
}

#[test]
fn a_workload_comes_in_that_is_listed_and_its_name_is_who_it_is() {
    let with = |rules: &[&str], rfc9440: Value| {
        let spec = CertificateSpec {
            fingerprints: Vec::new(),
            issuers: Vec::new(),
            subjects: Vec::new(),
            spiffe_ids: rules.iter().map(|rule| (*rule).into()).collect(),
        };
        let mut told = good();
        told["certRFC9440"] = rfc9440;
        authenticated(spec, Some(told))
    };
    let encoded = STANDARD.encode(certificate!("service"));
    let service = json!(format!(":{encoded}:"));
    let all = ["spiffe://other.com/a", "spiffe://example.com/*"];
    let claims = with(&all, service.clone()).unwrap();
    for name in ["sub", "spiffe_id"] {
        assert_eq!(
            claims.claim(name).unwrap(),
            "spiffe://example.com/ns/shop/orders"
        );
    }
    assert_eq!(claims.claim("subject").unwrap(), "CN=device-7");
    let too_long = format!(":{}:", STANDARD.encode([0; 20_000]));
    for (rules, certificate) in [
        (&["spiffe://other.com/*"][..], service),
        (&all, json!("")),
        (&all, json!(encoded)),
        (&all, json!(format!(":{encoded}"))),
        (&all, json!(format!(":{encoded}:, :{encoded}:"))),
        (&all, json!(too_long)),
        (&all, json!(1)),
    ] {
        let denied = with(rules, certificate.clone()).unwrap_err();
        assert_eq!(denied.code(), "certificate_invalid", "{certificate}");
    }
}
