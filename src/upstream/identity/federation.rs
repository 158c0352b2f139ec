//! The gateway as an issuer of tokens about itself, so that clouds know it without a key of theirs: it publishes its
//! public keys as any OpenID provider does (OpenID Connect Discovery 1.0 section 3, RFC 7517), and a cloud that trusts the
//! issuer takes a token of it for its own.
//!
//! A token says who the gateway is (`sub`), whom it is for (`aud`), and is good for minutes. It goes to nobody but the
//! cloud's endpoint for exchanges.

use std::rc::Rc;

use super::assertion::{Moment, Unsigned};
use super::token::{fault, literal};
use crate::auth::PrivateKey;
use crate::plan::{Fault, FederationDocument, FederationSpec, JwsAlgorithm};
use crate::problem::json_string;

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
    pub fn new(spec: &FederationSpec) -> Result<Federation, Fault> {
        let keys = spec.keys.iter().map(|text| private_key(&literal(text)?));
        let keys = keys.collect::<Result<Vec<PrivateKey>, Fault>>()?;
        let published: Vec<&str> = keys.iter().map(PrivateKey::public_jwk).collect();
        let published = published.join(",");
        let issuer = &spec.issuer;
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let keys_url = [base, FederationDocument::Keys.path()].concat();
        // `response_types_supported` is required; nobody gets an ID token by asking.
        let discovery = [
            "{\"issuer\":",
            &json_string(issuer),
            ",\"jwks_uri\":",
            &json_string(&keys_url),
            r#","response_types_supported":["id_token"],"subject_types_supported":["public"],"#,
            r#""id_token_signing_alg_values_supported":["RS256"],"#,
            r#""claims_supported":["iss","sub","aud","iat","exp","jti"]}"#,
        ];
        Ok(Federation {
            discovery: discovery.concat(),
            keys: ["{\"keys\":[", &published, "]}"].concat(),
            subject: spec.subject.clone(),
            lifetime_seconds: spec.lifetime_seconds,
            issuer: issuer.clone(),
            key: keys
                .into_iter()
                .next()
                .ok_or_else(|| fault("empty_value", "there is no key"))?,
        })
    }

    /// What is published; JSON.
    pub fn document(&self, document: FederationDocument) -> &str {
        match document {
            FederationDocument::Discovery => &self.discovery,
            FederationDocument::Keys => &self.keys,
        }
    }

    /// A new token for somebody, yet to be signed.
    pub fn token<'a>(&'a self, moment: &'a Moment, audience: &'a str) -> Unsigned<'a> {
        Unsigned {
            whose: "the federation's first key",
            key: &self.key,
            algorithm: JwsAlgorithm::Rs256,
            header: Some(("kid", self.key.thumbprint())),
            claims: vec![
                ("iss", &self.issuer),
                ("sub", &self.subject),
                ("aud", audience),
                ("jti", &moment.id),
            ],
            issued_at: moment.now,
            says_since: false,
            lifetime_seconds: u64::from(self.lifetime_seconds),
        }
    }
}

/// Reads a private key, whose text has been looked up.
pub fn private_key(pem: &str) -> Result<PrivateKey, Fault> {
    PrivateKey::read(pem).map_err(|flaw| fault("bad_private_key", flaw.message))
}

/// The federation of the config.
pub fn needed(federation: Option<&Rc<Federation>>) -> Result<Rc<Federation>, Fault> {
    let unusable = || {
        fault(
            "federation_unusable",
            "the federation that it depends on cannot be used",
        )
    };
    federation.cloned().ok_or_else(unusable)
}
