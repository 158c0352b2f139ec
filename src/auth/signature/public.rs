//! Signatures of RFC 9421 by public keys: which key, with which algorithm, and does it hold.

use std::rc::Rc;

use sfv::InnerList;

use super::refusal::invalid;
use crate::auth::denied::{Cause, Denied};
use crate::auth::keys::{
    KeyFlaw, KeySet, Place, PublicKey, Remote, check_key_url, read_jwks, read_pem,
};
use crate::auth::public::{Keys, is_plausible};
use crate::host::{Host, Signed};
use crate::plan::{Fault, JwsAlgorithm, MessageSignatureSpec, signature_algorithm};

/// The callers' public keys, by their `keyid`.
pub struct PublicKeys {
    algorithms: Vec<JwsAlgorithm>,
    keys: Keys,
}

impl PublicKeys {
    /// Those of `spec`, if it has any.
    ///
    /// # Errors
    /// One is no public key, is of no accepted algorithm, or comes from an unsafe place.
    pub fn new(spec: &mut MessageSignatureSpec) -> Result<Option<PublicKeys>, Fault> {
        let algorithms = std::mem::take(&mut spec.algorithms);
        if let Some(url) = spec.jwks_uri.take() {
            let url = url.literal()?;
            check_key_url(&url).map_err(|flaw| fault("jwt_bad_url", flaw.message))?;
            let keys = Keys::Remote(Box::new(Remote::new(Place::Jwks(url))));
            return Ok(Some(PublicKeys { algorithms, keys }));
        }
        if spec.public_keys.is_empty() {
            return Ok(None);
        }
        let mut keys = Vec::with_capacity(spec.public_keys.len());
        for (id, text) in std::mem::take(&mut spec.public_keys) {
            let key = read_public_key(&text.literal()?)
                .map_err(|flaw| fault("jwt_bad_key", flaw.message()))?;
            if !algorithms.iter().any(|algorithm| key.fits(*algorithm)) {
                let message = "no accepted algorithm fits a public key";
                return Err(fault("jwt_bad_key", message));
            }
            let kid = Some(id);
            keys.push(PublicKey { kid, ..key });
        }
        let keys = Keys::Fixed(Rc::new(KeySet::new(keys)));
        Ok(Some(PublicKeys { algorithms, keys }))
    }

    /// Whether the key of that name has signed the base. The algorithm is one that is accepted and fits the key; `alg`
    /// can only say which of these.
    pub async fn check<H: Host>(
        &self,
        id: &str,
        input: &InnerList,
        base: &str,
        signature: &[u8],
        host: &H,
    ) -> Result<(), Denied> {
        let algorithms = self.algorithms(input)?;
        let of = |keys: &KeySet| -> Vec<(JwsAlgorithm, PublicKey)> {
            let fitting = algorithms.iter().flat_map(|algorithm| {
                let keys = keys.candidates(*algorithm, Some(id)).into_iter();
                keys.map(|key| (*algorithm, key.clone()))
            });
            // A fetched key without a name is nobody's.
            let named = fitting.filter(|(_, key)| key.kid.as_deref() == Some(id));
            named.collect()
        };
        let keys = match &self.keys {
            Keys::Fixed(keys) => Rc::clone(keys),
            Keys::Remote(remote) => remote
                .keys(host, |keys| !of(keys).is_empty())
                .await
                .map_err(|reason| Denied::new(Cause::Unavailable, reason))?,
        };
        let candidates = of(&keys);
        if candidates.is_empty() {
            return Err(invalid("keyid names no key of an accepted algorithm"));
        }
        let mut reason = "the signature is another".to_owned();
        for (algorithm, key) in candidates {
            if key.signature_bytes != signature.len() || !is_plausible(algorithm, signature) {
                continue;
            }
            let signed = Signed {
                algorithm,
                jwk: &key.jwk,
                message: base,
                signature,
            };
            match host.verifies(&signed).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => reason = format!("a key cannot be used: {}", error.0),
            }
        }
        Err(invalid(reason))
    }

    fn algorithms(&self, input: &InnerList) -> Result<Vec<JwsAlgorithm>, Denied> {
        let Some(alg) = input.params.get("alg") else {
            return Ok(self.algorithms.clone());
        };
        let named = alg.as_string().and_then(|name| {
            let name = name.as_str();
            let all = self.algorithms.iter();
            all.copied().find(|a| signature_algorithm(*a) == Some(name))
        });
        named
            .map(|algorithm| vec![algorithm])
            .ok_or_else(|| invalid("the algorithm is not allowed"))
    }
}

/// Reads one public key: a JSON Web Key, or PEM.
///
/// # Errors
/// What it is instead.
pub fn read_public_key(text: &str) -> Result<PublicKey, KeyFlaw> {
    if !text.trim_start().starts_with('{') {
        return read_pem(text);
    }
    let mut keys = read_jwks(text)?.into_iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) => key,
        (None, _) => Err(KeyFlaw::Malformed),
        (Some(_), Some(_)) => Err(KeyFlaw::Several),
    }
}

fn fault(code: &str, message: &str) -> Fault {
    Fault {
        code: code.into(),
        message: message.into(),
    }
}
