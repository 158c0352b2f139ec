//! HTTP Message Signatures (RFC 9421), by shared secrets and by public keys: the part of it that an API needs of its
//! callers.
//!
//! Not supported, and refused where it is asked for: parameters of components (`sf`, `key`, `bs`, `req`, `tr`,
//! `@query-param`), signatures of answers.

use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};
use sha2::{Digest, Sha256, Sha512};

use super::base::{base, covered, covers};
use super::public::PublicKeys;
use super::refusal::{body, expired, invalid, missing, replayed};
use super::replay::Replay;
use super::{HmacSha256, holds, keyed};
use crate::auth::{Claims, Denied, Presented};
use crate::exchange::Body;
use crate::host::Host;
use crate::plan::{Fault, MessageSignatureSpec};

/// Longer fields are refused before anything in them is read.
const MAX_FIELD_BYTES: usize = 8192;

/// So many signatures of one request are looked at.
const MOST_SIGNATURES: usize = 4;

const ALGORITHM: &str = "hmac-sha256";

/// An authorizer by HTTP Message Signatures, ready to check requests.
pub struct MessageSignature {
    /// Shared secrets by `keyid`.
    keys: Vec<(String, HmacSha256)>,
    /// For every other `keyid`.
    public: Option<PublicKeys>,
    /// Components that must be covered; `content-digest` besides, where there is a body.
    needed: Vec<String>,
    max_age_s: u64,
    leeway_s: u64,
    max_body: usize,
    replay: Replay,
}

impl MessageSignature {
    /// `spec` with its references looked up. A fault for a secret that is too short, and a public key that is none.
    pub fn new(mut spec: MessageSignatureSpec) -> Result<MessageSignature, Fault> {
        let public = PublicKeys::new(&mut spec)?;
        let keys = spec.keys.into_iter();
        let keys = keys.map(|(id, text)| Ok((id, keyed(text)?)));
        let (max_age_s, leeway_s) = (u64::from(spec.max_age), u64::from(spec.leeway));
        Ok(MessageSignature {
            keys: keys.collect::<Result<_, Fault>>()?,
            public,
            needed: spec.components,
            max_age_s,
            leeway_s,
            max_body: spec.max_body,
            replay: Replay::new(max_age_s.saturating_add(leeway_s.saturating_mul(2))),
        })
    }

    /// The components that must be covered.
    pub fn needed(&self) -> &[String] {
        &self.needed
    }

    /// Goes on with what the authorizer of the same name has accepted before.
    pub fn take_over(&mut self, before: &MessageSignature) {
        self.replay.take_over(&before.replay);
    }

    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let (Some(inputs), Some(signatures)) = (
            presented.header("signature-input"),
            presented.header("signature"),
        ) else {
            return Err(missing("there is no Signature-Input or no Signature"));
        };
        let (inputs, signatures) = (dictionary(&inputs)?, dictionary(&signatures)?);
        let mut refusal = invalid("no signature has an entry of its label");
        for (label, input) in inputs.iter().take(MOST_SIGNATURES) {
            let (ListEntry::InnerList(input), Some(ListEntry::Item(signature))) =
                (input, signatures.get(label))
            else {
                continue;
            };
            let Some(signature) = signature.bare_item.as_byte_sequence() else {
                continue;
            };
            match self.check(input, signature, presented).await {
                Ok(claims) => return Ok(claims),
                Err(denied) => refusal = denied,
            }
        }
        Err(refusal)
    }

    async fn check<H: Host>(
        &self,
        input: &InnerList,
        signature: &[u8],
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let names = covered(input).map_err(invalid)?;
        if let Some(needed) = self.needed.iter().find(|needed| !covers(&names, needed)) {
            return Err(invalid(format!("{needed} is not covered")));
        }
        let has_body = presented.request.body != Body::None;
        let digested = names.contains(&"content-digest");
        if has_body && !digested {
            return Err(invalid(
                "there is a body, and content-digest is not covered",
            ));
        }
        let now_s = presented.now_s();
        let created = self.times(input, now_s)?;
        let base = base(input, presented).map_err(invalid)?;
        let id = self.signer(input, &base, signature, presented.host).await?;
        if digested {
            let bytes = presented.host.body(self.max_body).await.map_err(body)?;
            let digest = presented.header("content-digest").unwrap_or_default();
            same_digest(&digest, &bytes)?;
        }
        // By what is signed: who has seen one ECDSA signature can write another of the same.
        if !self.replay.first_time(&[base.as_bytes()], now_s) {
            return Err(replayed());
        }
        let mut claims = serde_json::Map::new();
        claims.insert("sub".into(), id.into());
        claims.insert("iat".into(), created.into());
        Claims::of(claims).ok_or_else(|| invalid("the key's name is no text"))
    }

    /// `created`, which must be there, and `expires` (RFC 9421 section 2.3).
    fn times(&self, input: &InnerList, now_s: u64) -> Result<u64, Denied> {
        let created = seconds(input, "created")?.ok_or_else(|| invalid("created is missing"))?;
        if created > now_s.saturating_add(self.leeway_s) {
            return Err(expired("created is in the future"));
        }
        let oldest = now_s.saturating_sub(self.max_age_s.saturating_add(self.leeway_s));
        if created < oldest {
            return Err(expired("older than max_age"));
        }
        match seconds(input, "expires")? {
            Some(expires) if now_s >= expires.saturating_add(self.leeway_s) => {
                Err(expired("expires has passed"))
            }
            _ => Ok(created),
        }
    }

    /// Who has signed the base: the key that `keyid` names. Which algorithm it is used with follows from the key, and is
    /// never the request's choice.
    async fn signer<'a, H: Host>(
        &self,
        input: &'a InnerList,
        base: &str,
        signature: &[u8],
        host: &H,
    ) -> Result<&'a str, Denied> {
        let id = input.params.get("keyid").and_then(BareItem::as_string);
        let id = id.ok_or_else(|| invalid("keyid is missing"))?.as_str();
        let Some((_, key)) = self.keys.iter().find(|(known, _)| known == id) else {
            return match &self.public {
                Some(keys) => {
                    let checked = keys.check(id, input, base, signature, host);
                    checked.await.map(|()| id)
                }
                None => Err(invalid("keyid names no key")),
            };
        };
        if let Some(alg) = input.params.get("alg")
            && alg.as_string().map(|alg| alg.as_str()) != Some(ALGORITHM)
        {
            return Err(invalid("the algorithm is not allowed"));
        }
        if !holds(key, &[base.as_bytes()], &[signature]) {
            return Err(invalid("the signature is another"));
        }
        Ok(id)
    }
}

fn dictionary(field: &str) -> Result<Dictionary, Denied> {
    if field.len() > MAX_FIELD_BYTES {
        return Err(invalid("a field is too long"));
    }
    Parser::new(field)
        .parse()
        .map_err(|_| invalid("a field is no dictionary (RFC 9651)"))
}

/// A parameter that is a Unix time in seconds.
fn seconds(input: &InnerList, name: &str) -> Result<Option<u64>, Denied> {
    let Some(value) = input.params.get(name) else {
        return Ok(None);
    };
    let value = value.as_integer().map(i64::from);
    match value.and_then(|value| u64::try_from(value).ok()) {
        Some(value) => Ok(Some(value)),
        None => Err(invalid(format!("{name} is no time"))),
    }
}

/// Whether `Content-Digest` is of these bytes (RFC 9530 section 2). Each digest of a hash that is known must be right,
/// and there must be one.
fn same_digest(field: &str, bytes: &[u8]) -> Result<(), Denied> {
    let digests = dictionary(field)?;
    let mut known = false;
    for (name, digest) in &digests {
        let computed = match name.as_str() {
            "sha-256" => Sha256::digest(bytes).to_vec(),
            "sha-512" => Sha512::digest(bytes).to_vec(),
            _ => continue,
        };
        let ListEntry::Item(digest) = digest else {
            return Err(invalid("Content-Digest holds a list"));
        };
        // The digest is no secret: it is signed, and of what the sender sent.
        if digest.bare_item.as_byte_sequence() != Some(computed.as_slice()) {
            return Err(invalid("the body is not what Content-Digest says"));
        }
        known = true;
    }
    if known {
        Ok(())
    } else {
        Err(invalid("Content-Digest has neither sha-256 nor sha-512"))
    }
}
