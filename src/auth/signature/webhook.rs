//! Webhooks, by the scheme of who sends them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::{body, expired, invalid, missing, replayed};
use super::replay::Replay;
use super::{HmacSha256, holds, keyed};
use crate::auth::{Claims, Denied, Presented};
use crate::host::Host;
use crate::plan::{Fault, WebhookScheme, WebhookSpec};

/// So many signatures of one request are looked at: a sender that changes its secret sends two.
const MOST_SIGNATURES: usize = 8;

/// A webhook authorizer, ready to check requests.
pub struct Webhook {
    scheme: WebhookScheme,
    /// One for each secret; any of them is enough, so that secrets can be changed.
    keys: Vec<HmacSha256>,
    tolerance_s: u64,
    max_body: usize,
    replay: Replay,
}

/// What a request says of its signature.
struct Signed<'a> {
    /// What stands before the body in what is signed.
    prefix: String,
    tags: Vec<Vec<u8>>,
    /// Unix time in seconds, where the scheme signs one.
    time: Option<u64>,
    id: Option<&'a str>,
}

impl Webhook {
    /// `spec` with its references looked up. A fault for a secret that is too short or not of the scheme's form.
    pub fn new(spec: WebhookSpec) -> Result<Webhook, Fault> {
        let keys = spec.secrets.into_iter().map(keyed);
        let tolerance_s = u64::from(spec.tolerance);
        Ok(Webhook {
            scheme: spec.scheme,
            keys: keys.collect::<Result<_, _>>()?,
            tolerance_s,
            max_body: spec.max_body,
            // A time that lies ahead by the tolerance passes for twice as long.
            replay: Replay::new(tolerance_s.saturating_mul(2)),
        })
    }

    /// Goes on with what the authorizer of the same name has accepted before.
    pub fn take_over(&mut self, before: &Webhook) {
        self.replay.take_over(&before.replay);
    }

    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let header = |name: &str| presented.header(name);
        let (first, second, third) = match self.scheme {
            WebhookScheme::Github => (header("x-hub-signature-256"), None, None),
            WebhookScheme::Stripe => (header("stripe-signature"), None, None),
            WebhookScheme::Standard => (
                header("webhook-signature"),
                header("webhook-id"),
                header("webhook-timestamp"),
            ),
        };
        let Some(first) = first.as_deref().filter(|value| !value.is_empty()) else {
            return Err(missing("there is no signature"));
        };
        let signed = match self.scheme {
            WebhookScheme::Github => github(first),
            WebhookScheme::Stripe => stripe(first),
            WebhookScheme::Standard => standard(first, second.as_deref(), third.as_deref()),
        }?;
        let now_s = presented.now_s();
        if signed
            .time
            .is_some_and(|time| time.abs_diff(now_s) > self.tolerance_s)
        {
            return Err(expired("the time is not within the tolerance"));
        }
        let bytes = presented.host.body(self.max_body).await.map_err(body)?;
        let parts = [signed.prefix.as_bytes(), &bytes];
        let mut keys = self.keys.iter();
        if !keys.any(|key| holds(key, &parts, &signed.tags)) {
            return Err(invalid("no signature is of a secret that is known"));
        }
        // Without a signed time the sender itself may send the same again (GitHub's redelivery is byte for byte the same).
        // By what is signed: while secrets are changed there are two signatures of it.
        if signed.time.is_some() && !self.replay.first_time(&parts, now_s) {
            return Err(replayed());
        }
        let mut claims = serde_json::Map::new();
        claims.insert("sub".into(), self.scheme.name().into());
        if let Some(id) = signed.id {
            claims.insert("webhook_id".into(), id.into());
        }
        if let Some(time) = signed.time {
            claims.insert("iat".into(), time.into());
        }
        Claims::of(claims).ok_or_else(|| invalid("the webhook's id is no text"))
    }
}

/// GitHub: `sha256=` and the hexadecimal MAC of the body. It signs no time and no id.
fn github(signature: &str) -> Result<Signed<'_>, Denied> {
    let tag = signature.strip_prefix("sha256=").and_then(hexadecimal);
    Ok(Signed {
        prefix: String::new(),
        tags: vec![tag.ok_or_else(|| invalid("the signature is not `sha256=` and 64 digits"))?],
        time: None,
        id: None,
    })
}

/// Stripe: `t=TIME,v1=MAC`, where `v1` may stand more than once; the MAC is of `TIME.BODY`.
fn stripe(signature: &str) -> Result<Signed<'_>, Denied> {
    let members = || {
        signature
            .split(',')
            .filter_map(|m| m.trim().split_once('='))
    };
    let mut times = members()
        .filter(|(key, _)| *key == "t")
        .map(|(_, value)| value);
    let (Some(written), None) = (times.next(), times.next()) else {
        return Err(invalid("the signature has not one time"));
    };
    let tags: Vec<Vec<u8>> = members()
        .filter(|(key, _)| *key == "v1")
        .filter_map(|(_, value)| hexadecimal(value))
        .take(MOST_SIGNATURES)
        .collect();
    Ok(Signed {
        prefix: format!("{written}."),
        tags,
        time: Some(time(written)?),
        id: None,
    })
}

/// Standard Webhooks: the MAC of `ID.TIME.BODY`, as `v1,BASE64`, several of them with blanks between.
fn standard<'a>(
    signature: &str,
    id: Option<&'a str>,
    written: Option<&str>,
) -> Result<Signed<'a>, Denied> {
    let (Some(id), Some(written)) = (id.filter(|id| !id.is_empty()), written) else {
        return Err(invalid("webhook-id or webhook-timestamp is missing"));
    };
    let tags = signature
        .split(' ')
        .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
        .take(MOST_SIGNATURES)
        .collect();
    Ok(Signed {
        prefix: format!("{id}.{written}."),
        tags,
        time: Some(time(written)?),
        id: Some(id),
    })
}

/// Unix time as plain digits, as it is signed.
fn time(written: &str) -> Result<u64, Denied> {
    let digits = !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| written.parse().ok())
        .flatten()
        .ok_or_else(|| invalid("the time is no number of seconds"))
}

/// 32 bytes in hexadecimal, in either case.
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16);
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => {
                u8::try_from(digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?).ok()
            }
            _ => None,
        })
        .collect()
}
