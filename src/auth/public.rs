//! Tokens that are signed with private keys: which key, is the signature good, and was it good a moment ago.

use std::cell::RefCell;
use std::rc::Rc;

use super::Claims;
use super::denied::{Cause, Denied};
use super::keys::{KeySet, Remote};
use super::seen::{Seen, TokenDigest};
use super::token::Token;
use crate::host::{Host, Signed};
use crate::plan::JwsAlgorithm;

/// Public keys, and the algorithms that they are used with.
pub(super) struct PublicKeys {
    algorithms: Vec<JwsAlgorithm>,
    keys: Keys,
    seen: RefCell<Seen>,
}

pub(super) enum Keys {
    Fixed(Rc<KeySet>),
    Remote(Box<Remote>),
}

impl PublicKeys {
    pub fn new(algorithms: Vec<JwsAlgorithm>, keys: Keys) -> PublicKeys {
        PublicKeys {
            algorithms,
            keys,
            seen: RefCell::default(),
        }
    }

    /// Whether a key has signed the token. The [generation](Keys::changes) of the keys that it was checked with.
    pub async fn check<H: Host>(&self, token: &Token<'_>, host: &H) -> Result<u64, Denied> {
        let algorithm = JwsAlgorithm::named(&token.header.alg)
            .filter(|algorithm| self.algorithms.contains(algorithm))
            .ok_or_else(|| Denied::new(Cause::NotJws, "the algorithm is not allowed"))?;
        if !is_plausible(algorithm, &token.signature) {
            return Err(Denied::new(
                Cause::Signature,
                "the signature is none of its algorithm",
            ));
        }
        let kid = token.header.kid.as_deref();
        let keys = match &self.keys {
            Keys::Fixed(keys) => Rc::clone(keys),
            Keys::Remote(remote) => remote
                .keys(host, |keys| !keys.candidates(algorithm, kid).is_empty())
                .await
                .map_err(|reason| Denied::new(Cause::Unavailable, reason))?,
        };
        // Before anything waits: others may come meanwhile.
        let generation = self.keys.changes();
        let candidates = keys.candidates(algorithm, kid);
        if candidates.is_empty() {
            return Err(Denied::new(Cause::NoMatchingKey, "no key fits alg and kid"));
        }
        let mut reason = "the signature is another".to_owned();
        for key in candidates {
            if key.signature_bytes != token.signature.len() {
                continue;
            }
            let signed = Signed {
                algorithm,
                jwk: &key.jwk,
                message: token.message,
                signature: &token.signature,
            };
            match host.verifies(&signed).await {
                Ok(true) => return Ok(generation),
                Ok(false) => {}
                Err(error) => reason = format!("a key cannot be used: {}", error.0),
            }
        }
        Err(Denied::new(Cause::Signature, reason))
    }

    /// Remembers so many bytes of tokens at most.
    pub fn limit(&self, bytes: usize) {
        self.seen.borrow_mut().limit(bytes);
    }

    /// The claims of a token that was good a moment ago.
    pub fn seen(&self, token: &TokenDigest, now_ms: u64) -> Option<Rc<Claims>> {
        self.seen
            .borrow_mut()
            .find(token, self.keys.changes(), now_ms)
    }

    /// Remembers a token of so many bytes that is good by the keys of a generation, unless these are no more.
    pub fn see(
        &self,
        token: TokenDigest,
        bytes: usize,
        claims: &Rc<Claims>,
        generation: u64,
        now_ms: u64,
    ) {
        if generation == self.keys.changes() {
            let claims = Rc::clone(claims);
            let mut seen = self.seen.borrow_mut();
            seen.keep(token, bytes, claims, generation, now_ms);
        }
    }
}

impl Keys {
    /// How often they became others.
    fn changes(&self) -> u64 {
        match self {
            Keys::Fixed(_) => 0,
            Keys::Remote(remote) => remote.changes(),
        }
    }
}

/// Whether a signature could be one at all. In ECDSA neither half may be zero (RFC 7518 section 3.4, FIPS 186-5 section
/// 6.4.2): implementations have taken such a signature for one of every message.
pub(super) fn is_plausible(algorithm: JwsAlgorithm, signature: &[u8]) -> bool {
    let bytes = match algorithm {
        JwsAlgorithm::Es256 => 64,
        JwsAlgorithm::Es384 => 96,
        JwsAlgorithm::EdDsa => return signature.len() == 64,
        _ => return true,
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    signature.len() == bytes && [r, s].iter().all(|half| half.iter().any(|byte| *byte != 0))
}
