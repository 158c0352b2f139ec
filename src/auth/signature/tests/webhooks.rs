use base64::Engine;
use base64::engine::general_purpose::STANDARD;

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
    let nameless = tag("", NOW);
    let two = format!("v1a,AAAA v1,AAAA {good}");
    for (id, time, signature, expected) in [
        (Some("msg_1"), Some(&now), &good, "in"),
        (Some("msg_1"), Some(&now), &two, "in"),
        (Some("msg_2"), Some(&now), &good, "signature_invalid"),
        (None, Some(&now), &good, "signature_invalid"),
        (Some(""), Some(&now), &nameless, "signature_invalid"),
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
fn what_was_accepted_is_not_accepted_by_its_other_signature() {
    let stripe = webhook(WebhookScheme::Stripe);
    let tag = |secret| hex(&mac(secret, format!("{NOW}.{{}}").as_bytes()));
    let (one, other) = (tag(SECRET), tag(OTHER));
    for (signature, expected) in [
        (format!("t={NOW},v1={one},v1={other}"), "in"),
        (format!("t={NOW},v1={other}"), "signature_replayed"),
        (format!("t={NOW},v1={one}"), "signature_replayed"),
        (format!("t={NOW},v1={other},v1={one}"), "signature_replayed"),
    ] {
        let headers = [("stripe-signature", signature.as_str())];
        assert_eq!(
            code(asked(&stripe, &headers, b"{}")),
            expected,
            "{signature}"
        );
    }
    let standard = webhook(WebhookScheme::Standard);
    let now = NOW.to_string();
    let signed = format!("msg_1.{NOW}.{{}}");
    let tag = |secret| STANDARD.encode(mac(secret, signed.as_bytes()));
    for (signature, expected) in [
        (format!("v1,{}", tag(OTHER)), "in"),
        (
            format!("v1,{} v1,{}", tag(SECRET), tag(OTHER)),
            "signature_replayed",
        ),
        (format!("v1,{}", tag(SECRET)), "signature_replayed"),
    ] {
        let headers = [
            ("webhook-signature", signature.as_str()),
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &now),
        ];
        assert_eq!(
            code(asked(&standard, &headers, b"{}")),
            expected,
            "{signature}"
        );
    }
}

#[test]
fn a_new_config_remembers_what_was_accepted() {
    let before = webhook(WebhookScheme::Stripe);
    let mut after = webhook(WebhookScheme::Stripe);
    let tag = hex(&mac(SECRET, format!("{NOW}.{{}}").as_bytes()));
    let signature = format!("t={NOW},v1={tag}");
    let headers = [("stripe-signature", signature.as_str())];
    assert_eq!(code(asked(&before, &headers, b"{}")), "in");
    after.take_over(&before);
    assert_eq!(code(asked(&after, &headers, b"{}")), "signature_replayed");
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
