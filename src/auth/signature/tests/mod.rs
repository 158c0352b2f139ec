mod messages;
mod public;
mod standard;
mod webhooks;

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

fn code(outcome: Result<Claims, Denied>) -> &'static str {
    outcome.map_or_else(|denied| denied.code(), |_| "in")
}

/// What shared secrets alone need.
fn spec(keys: &[(&str, &str)], components: &[&str]) -> MessageSignatureSpec {
    MessageSignatureSpec {
        keys: keys
            .iter()
            .map(|(id, key)| ((*id).into(), (*key).into()))
            .collect(),
        public_keys: Vec::new(),
        jwks_uri: None,
        algorithms: Vec::new(),
        components: components.iter().map(|c| (*c).to_owned()).collect(),
        max_age: 300,
        leeway: 5,
        max_body: 100,
    }
}
