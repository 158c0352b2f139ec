use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;

use super::{MessageSignature, Webhook, keyed};
use crate::auth::{Claims, Denied, Presented};
use crate::exchange::{Body, Request};
use crate::host::memory::{MemoryHost, run};
use crate::plan::{MessageSignatureSpec, WebhookScheme, WebhookSpec};

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "a secret of a sender of webhooks";
const OTHER: &str = "another secret, the one to come.";

fn mac(secret: &str, signed: &[u8]) -> Vec<u8> {
    let mut mac = keyed(secret.into()).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn request(method: &'static str, target: &'static str, body: &[u8]) -> Request<'static> {
    Request {
        method,
        scheme: "https",
        authority: "example.com",
        target,
        body: if body.is_empty() {
            Body::None
        } else {
            Body::Sized
        },
    }
}

fn presented<'a>(host: &'a MemoryHost, request: Request<'a>) -> Presented<'a, MemoryHost> {
    Presented {
        host,
        request,
        path: "/",
        query: None,
        effects: Box::leak(Box::default()),
    }
}

fn host(now_s: u64, headers: &[(&str, &str)], body: &[u8]) -> MemoryHost {
    MemoryHost::new(now_s.saturating_mul(1000), headers).with_body(body)
}

mod webhooks {
    use super::*;

    fn webhook(scheme: WebhookScheme) -> Webhook {
        let spec = WebhookSpec {
            scheme,
            secrets: vec![SECRET.into(), OTHER.into()],
            tolerance: 300,
            max_body: 100,
        };
        Webhook::new(spec).ok().unwrap()
    }

    fn asked(webhook: &Webhook, headers: &[(&str, &str)], body: &[u8]) -> Result<Claims, Denied> {
        let host = host(NOW, headers, body);
        run(webhook.authenticate(&presented(&host, request("POST", "/hook", body))))
    }

    fn code(outcome: Result<Claims, Denied>) -> &'static str {
        outcome.map_or_else(|denied| denied.code(), |_| "in")
    }

    #[test]
    fn githubs_own_example_holds() {
        let spec = WebhookSpec {
            scheme: WebhookScheme::Github,
            secrets: vec!["It's a Secret to Everybody".into()],
            tolerance: 300,
            max_body: 100,
        };
        let webhook = Webhook::new(spec).ok().unwrap();
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let headers = [("x-hub-signature-256", signature)];
        assert_eq!(code(asked(&webhook, &headers, b"Hello, World!")), "in");
        assert_eq!(
            code(asked(&webhook, &headers, b"Hello, World?")),
            "signature_invalid"
        );
        // The same delivery may come again.
        assert_eq!(code(asked(&webhook, &headers, b"Hello, World!")), "in");
    }

    #[test]
    fn github_signs_the_body() {
        let good = format!("sha256={}", hex(&mac(SECRET, b"{}")));
        let upper = good.to_ascii_uppercase().replace("SHA256", "sha256");
        let sha1 = good.replace("sha256", "sha1");
        for (signature, body, expected) in [
            (good.as_str(), b"{}".as_slice(), "in"),
            (&upper, b"{}", "in"),
            (&good, b"{ }", "signature_invalid"),
            (&good, b"", "signature_invalid"),
            (&sha1, b"{}", "signature_invalid"),
            (&good[..70], b"{}", "signature_invalid"),
            ("sha256=", b"{}", "signature_invalid"),
            ("", b"{}", "signature_missing"),
            (&good, &[b' '; 101], "body_too_large"),
        ] {
            let headers = [("x-hub-signature-256", signature)];
            let outcome = asked(&webhook(WebhookScheme::Github), &headers, body);
            assert_eq!(code(outcome), expected, "{signature}");
        }
    }

    #[test]
    fn stripe_signs_time_and_body() {
        let tag = |secret, time: u64| hex(&mac(secret, format!("{time}.{{}}").as_bytes()));
        let good = tag(SECRET, NOW);
        for (signature, expected) in [
            (format!("t={NOW},v1={good}"), "in"),
            (format!("t={NOW},v1={}", tag(OTHER, NOW)), "in"),
            (
                format!("t={NOW},v1={},v1={good},v0=00", "0".repeat(64)),
                "in",
            ),
            (format!("t={},v1={good}", NOW - 1), "signature_invalid"),
            (format!("t={NOW},v0={good}"), "signature_invalid"),
            (format!("t={NOW},t={NOW},v1={good}"), "signature_invalid"),
            (format!("v1={good}"), "signature_invalid"),
            (format!("t=+{NOW},v1={good}"), "signature_invalid"),
            (format!("t=1e9,v1={good}"), "signature_invalid"),
            (
                format!("t={},v1={}", NOW - 301, tag(SECRET, NOW - 301)),
                "signature_expired",
            ),
            (
                format!("t={},v1={}", NOW + 301, tag(SECRET, NOW + 301)),
                "signature_expired",
            ),
            (
                format!("t={},v1={}", NOW - 300, tag(SECRET, NOW - 300)),
                "in",
            ),
        ] {
            let headers = [("stripe-signature", signature.as_str())];
            let outcome = asked(&webhook(WebhookScheme::Stripe), &headers, b"{}");
            assert_eq!(code(outcome), expected, "{signature}");
        }
    }

    #[test]
    fn standard_webhooks_sign_id_time_and_body() {
        let tag = |id: &str, time: u64| {
            let signed = format!("{id}.{time}.{{}}");
            format!("v1,{}", STANDARD.encode(mac(SECRET, signed.as_bytes())))
        };
        let now = NOW.to_string();
        let (good, old) = (tag("msg_1", NOW), tag("msg_1", NOW - 400));
        let old_time = (NOW - 400).to_string();
        let two = format!("v1a,AAAA v1,AAAA {good}");
        for (id, time, signature, expected) in [
            (Some("msg_1"), Some(&now), &good, "in"),
            (Some("msg_1"), Some(&now), &two, "in"),
            (Some("msg_2"), Some(&now), &good, "signature_invalid"),
            (None, Some(&now), &good, "signature_invalid"),
            (Some("msg_1"), None, &good, "signature_invalid"),
            (Some("msg_1"), Some(&old_time), &old, "signature_expired"),
        ] {
            let mut headers = vec![("webhook-signature", signature.as_str())];
            headers.extend(id.map(|id| ("webhook-id", id)));
            headers.extend(time.map(|time| ("webhook-timestamp", time.as_str())));
            let outcome = asked(&webhook(WebhookScheme::Standard), &headers, b"{}");
            if let Ok(claims) = &outcome {
                assert_eq!(claims.claim("webhook_id").unwrap(), "msg_1");
            }
            assert_eq!(code(outcome), expected, "{signature}");
        }
    }

    #[test]
    fn what_was_accepted_is_not_accepted_again() {
        let webhook = webhook(WebhookScheme::Stripe);
        let tag = hex(&mac(SECRET, format!("{NOW}.{{}}").as_bytes()));
        let signature = format!("t={NOW},v1={tag}");
        let headers = [("stripe-signature", signature.as_str())];
        assert_eq!(code(asked(&webhook, &headers, b"{}")), "in");
        assert_eq!(code(asked(&webhook, &headers, b"{}")), "signature_replayed");
        let upper = signature.replace(&tag, &tag.to_ascii_uppercase());
        let headers = [("stripe-signature", upper.as_str())];
        assert_eq!(code(asked(&webhook, &headers, b"{}")), "signature_replayed");
    }

    #[test]
    fn a_secret_that_cannot_be_safe_is_a_fault() {
        for (secret, expected) in [
            ("short", "weak_secret"),
            ("base64:c2hvcnQ=", "weak_secret"),
            ("base64:%%%%", "bad_secret"),
            ("whsec_%%%%", "bad_secret"),
        ] {
            let spec = WebhookSpec {
                scheme: WebhookScheme::Standard,
                secrets: vec![secret.into()],
                tolerance: 300,
                max_body: 100,
            };
            assert_eq!(Webhook::new(spec).err().unwrap().code, expected, "{secret}");
        }
    }
}

mod messages {
    use super::*;

    const DEFAULT: [&str; 4] = ["@method", "@authority", "@path", "@query"];

    fn authorizer(components: &[&str], secret: &str) -> MessageSignature {
        let spec = MessageSignatureSpec {
            keys: vec![("k1".into(), secret.into()), ("k2".into(), OTHER.into())],
            components: components.iter().map(|c| (*c).to_owned()).collect(),
            max_age: 300,
            leeway: 5,
            max_body: 100,
        };
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

    fn asked(
        authorizer: &MessageSignature,
        input: &str,
        signature: &str,
    ) -> Result<Claims, Denied> {
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

    fn code(outcome: Result<Claims, Denied>) -> &'static str {
        outcome.map_or_else(|denied| denied.code(), |_| "in")
    }

    /// RFC 9421, appendix B.2.5.
    #[test]
    fn the_standards_own_example_holds() {
        let secret = "base64:uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let spec = MessageSignatureSpec {
            keys: vec![("test-shared-secret".into(), secret.into())],
            components: vec!["date".into(), "@authority".into(), "content-type".into()],
            max_age: 300,
            leeway: 0,
            max_body: 100,
        };
        let authorizer = MessageSignature::new(spec).ok().unwrap();
        let headers = [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("content-type", "application/json"),
            (
                "signature-input",
                r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
            ),
            (
                "signature",
                "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
            ),
        ];
        let host = host(1_618_884_475, &headers, b"");
        let request = request("POST", "/foo?param=Value&Pet=dog", b"");
        let claims = run(authorizer.authenticate(&presented(&host, request))).unwrap();
        assert_eq!(claims.claim("sub").unwrap(), "test-shared-secret");
        assert_eq!(claims.claim("iat").unwrap(), "1618884473");
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
}
