//! The gateway as an issuer of tokens about itself, so that clouds know it without a key of theirs: it publishes its
//! public keys as any OpenID provider does (OpenID Connect Discovery 1.0 section 3, RFC 7517), and a cloud that trusts the
//! issuer takes a token of it for its own.
//!
//! A token says who the gateway is (`sub`), whom it is for (`aud`), and is good for minutes. It goes to nobody but the
//! cloud's endpoint for exchanges.

use std::rc::Rc;

use serde_json::json;

use super::assertion::signed;

use crate::auth::PrivateKey;
use crate::exchange::request_id;
use crate::host::Host;
use crate::plan::{Fault, FederationDocument, FederationSpec, JwsAlgorithm};

/// The issuer, ready to sign.
#[derive(Debug)]
pub struct Federation {
    issuer: String,
    subject: String,
    lifetime_seconds: u32,
    key: PrivateKey,
    discovery: String,
    keys: String,
}

impl Federation {
    /// `spec` with its references looked up. A fault where one of the keys is none.
    pub fn new(spec: FederationSpec) -> Result<Federation, Fault> {
        let keys = spec
            .keys
            .into_iter()
            .map(|text| private_key(&text.literal()?));
        let keys = keys.collect::<Result<Vec<PrivateKey>, Fault>>()?;
        let published: Vec<&str> = keys.iter().map(PrivateKey::public_jwk).collect();
        let published = format!(r#"{{"keys":[{}]}}"#, published.join(","));
        let issuer = spec.issuer;
        let base = issuer.strip_suffix('/').unwrap_or(&issuer);
        let discovery = json!({
            "issuer": issuer,
            "jwks_uri": format!("{base}{}", FederationDocument::Keys.path()),
            // Required by the specification; nobody gets an ID token by asking.
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "jti"],
        });
        let key = keys.into_iter().next().ok_or_else(|| Fault {
            code: "empty_value".into(),
            message: "there is no key".into(),
        })?;
        Ok(Federation {
            discovery: discovery.to_string(),
            keys: published,
            subject: spec.subject,
            lifetime_seconds: spec.lifetime_seconds,
            key,
            issuer,
        })
    }

    /// What is published; JSON.
    pub fn document(&self, document: FederationDocument) -> &str {
        match document {
            FederationDocument::Discovery => &self.discovery,
            FederationDocument::Keys => &self.keys,
        }
    }

    /// A new token for somebody.
    ///
    /// # Errors
    /// The platform does not take the key; in words for the operator.
    pub async fn token<H: Host>(&self, host: &H, audience: &str) -> Result<String, String> {
        let now = host.now_ms() / 1000;
        let claims = json!({
            "iss": self.issuer,
            "sub": self.subject,
            "aud": audience,
            "iat": now,
            "exp": now.saturating_add(u64::from(self.lifetime_seconds)),
            "jti": request_id(host),
        });
        let kid = Some(("kid", self.key.thumbprint()));
        let token = signed(host, &self.key, JwsAlgorithm::Rs256, kid, &claims).await;
        token.map_err(|reason| format!("the federation's first key: {reason}"))
    }
}

/// Reads a private key, whose text has been looked up.
pub fn private_key(pem: &str) -> Result<PrivateKey, Fault> {
    PrivateKey::read(pem).map_err(|flaw| Fault {
        code: "bad_private_key".into(),
        message: flaw.message.into(),
    })
}

/// The federation of the config.
pub fn needed(federation: Option<&Rc<Federation>>) -> Result<Rc<Federation>, Fault> {
    federation.cloned().ok_or_else(|| Fault {
        code: "federation_unusable".into(),
        message: "the federation that it depends on cannot be used".into(),
    })
}
