use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

const DEFAULT: [&str; 4] = ["@method", "@authority", "@path", "@query"];

fn authorizer(components: &[&str], secret: &str) -> MessageSignature {
    let spec = spec(&[("k1", secret), ("k2", OTHER)], components);
    MessageSignature::new(spec).ok().unwrap()
}

/// A request to `POST https://example.com/a?b=1` with the body `{}`, signed over `components`, a line each, with
/// `params`.
fn signed(components: &[(&str, &str)], params: &str) -> (String, String) {
    let names: Vec<String> = components.iter().map(|(n, _)| format!("\"{n}\"")).collect();
    let params = format!("({}){params}", names.join(" "));
    let mut base = String::new();
    for (name, value) in components {
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    let tag = STANDARD.encode(mac(SECRET, base.as_bytes()));
    (format!("sig={params}"), format!("sig=:{tag}:"))
}

/// `{}`, by `openssl dgst -sha256 -binary | base64`.
const DIGEST: &str = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";

const GOOD: [(&str, &str); 5] = [
    ("@method", "POST"),
    ("@authority", "example.com"),
    ("@path", "/a"),
    ("@query", "?b=1"),
    ("content-digest", DIGEST),
];

fn asked(authorizer: &MessageSignature, input: &str, signature: &str) -> Result<Claims, Denied> {
    asked_with(authorizer, input, signature, b"{}", DIGEST)
}

fn asked_with(
    authorizer: &MessageSignature,
    input: &str,
    signature: &str,
    body: &[u8],
    digest: &str,
) -> Result<Claims, Denied> {
    let headers = [
        ("signature-input", input),
        ("signature", signature),
        ("content-digest", digest),
    ];
    let host = host(NOW, &headers, body);
    run(authorizer.authenticate(&presented(&host, request("POST", "/a?b=1", body))))
}

#[test]
fn what_is_signed_must_be_what_was_sent() {
    let params = format!(";created={NOW};keyid=\"k1\"");
    for (change, expected) in [
        (("@method", "POST"), "in"),
        (("@method", "PUT"), "signature_invalid"),
        (("@authority", "evil.example"), "signature_invalid"),
        (("@path", "/b"), "signature_invalid"),
        (("@query", "?b=2"), "signature_invalid"),
        (("content-digest", "sha-256=:AAAA:"), "signature_invalid"),
    ] {
        let lines = GOOD.map(|(name, value)| {
            if name == change.0 {
                change
            } else {
                (name, value)
            }
        });
        let (input, signature) = signed(&lines, &params);
        let outcome = asked(&authorizer(&DEFAULT, SECRET), &input, &signature);
        assert_eq!(code(outcome), expected, "{change:?}");
    }
}

#[test]
fn parameters_are_checked() {
    for (params, expected) in [
        (format!(";created={NOW};keyid=\"k1\""), "in"),
        (
            format!(";created={NOW};keyid=\"k1\";alg=\"hmac-sha256\";nonce=\"n\";tag=\"t\""),
            "in",
        ),
        (
            format!(";created={NOW};keyid=\"k1\";alg=\"rsa-pss-sha512\""),
            "signature_invalid",
        ),
        (format!(";created={NOW};keyid=\"k2\""), "signature_invalid"),
        (
            format!(";created={NOW};keyid=\"../k1\""),
            "signature_invalid",
        ),
        (format!(";created={NOW};keyid=k1"), "signature_invalid"),
        (format!(";created={NOW}"), "signature_invalid"),
        (";keyid=\"k1\"".to_owned(), "signature_invalid"),
        (
            ";created=\"now\";keyid=\"k1\"".to_owned(),
            "signature_invalid",
        ),
        (";created=-1;keyid=\"k1\"".to_owned(), "signature_invalid"),
        (
            format!(";created={};keyid=\"k1\"", NOW - 306),
            "signature_expired",
        ),
        (
            format!(";created={};keyid=\"k1\"", NOW + 6),
            "signature_expired",
        ),
        (
            format!(";created={NOW};expires={};keyid=\"k1\"", NOW - 10),
            "signature_expired",
        ),
        (
            format!(";created={NOW};expires={};keyid=\"k1\"", NOW + 10),
            "in",
        ),
    ] {
        let (input, signature) = signed(&GOOD, &params);
        let outcome = asked(&authorizer(&DEFAULT, SECRET), &input, &signature);
        assert_eq!(code(outcome), expected, "{params}");
    }
}

#[test]
fn what_must_be_covered_is() {
    let params = format!(";created={NOW};keyid=\"k1\"");
    let whole = ("@target-uri", "https://example.com/a?b=1");
    let digest = ("content-digest", DIGEST);
    for (lines, expected) in [
        (vec![("@method", "POST"), whole, digest], "in"),
        (
            vec![
                ("@method", "POST"),
                ("@authority", "example.com"),
                ("@request-target", "/a?b=1"),
                digest,
            ],
            "in",
        ),
        (vec![whole, digest], "signature_invalid"),
        (vec![("@method", "POST"), whole], "signature_invalid"),
        (GOOD[1..].to_vec(), "signature_invalid"),
        (vec![], "signature_invalid"),
        (
            [&GOOD[..], &[("@method", "POST")]].concat(),
            "signature_invalid",
        ),
        (
            [&GOOD[..], &[("x-not-there", "")]].concat(),
            "signature_invalid",
        ),
        (
            [&GOOD[..], &[("@status", "200")]].concat(),
            "signature_invalid",
        ),
    ] {
        let (input, signature) = signed(&lines, &params);
        let outcome = asked(&authorizer(&DEFAULT, SECRET), &input, &signature);
        assert_eq!(code(outcome), expected, "{lines:?}");
    }
}

#[test]
fn the_body_is_what_its_digest_says() {
    let sha512 = "sha-512=:J8dGcN/6G4xdaPHtqVhULN2Z5gq1uOLYqjrKu1GRcZQ=:";
    let params = format!(";created={NOW};keyid=\"k1\"");
    for (digest, body, expected) in [
        (DIGEST, b"{}".as_slice(), "in"),
        (DIGEST, b"{ }", "signature_invalid"),
        ("md5=:AAAA:", b"{}", "signature_invalid"),
        (sha512, b"{}", "signature_invalid"),
        ("nonsense(", b"{}", "signature_invalid"),
        (DIGEST, &[b' '; 101], "body_too_large"),
    ] {
        let lines = GOOD.map(|(n, v)| {
            if n == "content-digest" {
                (n, digest)
            } else {
                (n, v)
            }
        });
        let (input, signature) = signed(&lines, &params);
        let outcome = asked_with(
            &authorizer(&DEFAULT, SECRET),
            &input,
            &signature,
            body,
            digest,
        );
        assert_eq!(code(outcome), expected, "{digest}");
    }
}

#[test]
fn fields_that_are_no_signatures_are_refused() {
    let (input, signature) = signed(&GOOD, &format!(";created={NOW};keyid=\"k1\""));
    let long = format!("{input};x=\"{}\"", "a".repeat(9000));
    for (input, signature, expected) in [
        (input.as_str(), "", "signature_invalid"),
        ("", &signature, "signature_invalid"),
        (&input, "sig=1", "signature_invalid"),
        (&input, "other=:AAAA:", "signature_invalid"),
        ("sig=(\"@method\"", &signature, "signature_invalid"),
        ("sig=1", &signature, "signature_invalid"),
        (&long, &signature, "signature_invalid"),
        (
            &input.replace("\"@method\"", "\"@method\";req"),
            &signature,
            "signature_invalid",
        ),
        (
            &input.replace("\"@method\"", "\"@Method\""),
            &signature,
            "signature_invalid",
        ),
    ] {
        let outcome = asked(&authorizer(&DEFAULT, SECRET), input, signature);
        assert_eq!(code(outcome), expected, "{input} {signature}");
    }
    let host = host(NOW, &[("signature", &signature)], b"{}");
    let request = request("POST", "/a?b=1", b"{}");
    let outcome = run(authorizer(&DEFAULT, SECRET).authenticate(&presented(&host, request)));
    assert_eq!(code(outcome), "signature_missing");
}

#[test]
fn a_signature_is_good_once() {
    let authorizer = authorizer(&DEFAULT, SECRET);
    let (input, signature) = signed(&GOOD, &format!(";created={NOW};keyid=\"k1\""));
    assert_eq!(code(asked(&authorizer, &input, &signature)), "in");
    assert_eq!(
        code(asked(&authorizer, &input, &signature)),
        "signature_replayed"
    );
    let nonce = format!(";created={NOW};keyid=\"k1\";nonce=\"2\"");
    let (input, signature) = signed(&GOOD, &nonce);
    assert_eq!(code(asked(&authorizer, &input, &signature)), "in");
}
