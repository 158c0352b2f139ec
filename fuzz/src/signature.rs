//! A caller's signature. The first byte says whose fields the lines that follow are; the last line is the body.

use causeway::auth::{Authorizer, Effects, Presented};
use causeway::exchange::{Body, Request};
use causeway::host::memory::{MemoryHost, run};
use causeway::plan::{
    AuthorizerKind, JwsAlgorithm, MessageSignatureSpec, WebhookScheme, WebhookSpec,
};

/// Unix time in seconds at which signatures are checked.
const NOW: u64 = 1_800_000_000;
/// Of `test-key-ed25519` in RFC 9421 appendix B.1.4.
const PUBLIC_KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
const SECRET: &str = "a secret that no fuzzer will find out";

pub fn check(data: &[u8]) {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (first, second, third) = (line(), line(), line());
    let body = line().as_bytes();
    let (scheme, headers) = match mode % 4 {
        0 => (
            Some(WebhookScheme::Github),
            [
                ("x-hub-signature-256", first),
                ("x-a", second),
                ("x-b", third),
            ],
        ),
        1 => (
            Some(WebhookScheme::Stripe),
            [("stripe-signature", first), ("x-a", second), ("x-b", third)],
        ),
        2 => (
            Some(WebhookScheme::Standard),
            [
                ("webhook-signature", first),
                ("webhook-id", second),
                ("webhook-timestamp", third),
            ],
        ),
        _ => (
            None,
            [
                ("signature-input", first),
                ("signature", second),
                ("content-digest", third),
            ],
        ),
    };
    let kind = match scheme {
        Some(scheme) => AuthorizerKind::Webhook(WebhookSpec {
            scheme,
            secrets: vec![SECRET.into()],
            tolerance: 300,
            max_body: 1000,
        }),
        None => AuthorizerKind::MessageSignature(MessageSignatureSpec {
            keys: vec![("k".into(), SECRET.into())],
            public_keys: vec![("p".into(), PUBLIC_KEY.into())],
            jwks_uri: None,
            algorithms: vec![JwsAlgorithm::EdDsa],
            components: vec!["@method".into()],
            max_age: 300,
            leeway: 5,
            max_body: 1000,
        }),
    };
    let Ok(authorizer) = Authorizer::new(kind) else {
        unreachable!("the secret is long enough");
    };
    let host = MemoryHost::new(NOW * 1000, &headers).with_body(body);
    let request = Request {
        method: "POST",
        scheme: "https",
        authority: "api.test",
        target: "/a?b",
        body: if body.is_empty() {
            Body::None
        } else {
            Body::Sized
        },
    };
    let presented = Presented {
        host: &host,
        request,
        path: "/a",
        query: Some("b"),
        effects: &Effects::default(),
    };
    let outcome = run(authorizer.authenticate(&presented));
    // Who does not know the secret cannot sign.
    assert!(outcome.is_err(), "accepted: {text:?}");
}
