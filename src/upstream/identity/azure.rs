//! Microsoft Entra ID: the client credentials grant of the v2.0 endpoint, by a secret, a certificate, or a token of the
//! gateway's own that the application trusts (a federated credential).

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::assertion::{Moment, Unsigned};
use super::federation::{Federation, needed, private_key};
use super::token::{Post, fault, literal, safe};
use crate::auth::PrivateKey;
use crate::plan::{AzureCredential, AzureSpec, Fault, JwsAlgorithm};
use crate::secret::Secret;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ASSERTION_SECONDS: u64 = 300;

/// Who the gateway is at Entra.
pub struct Azure {
    token_url: String,
    client_id: String,
    scope: String,
    credential: Credential,
}

enum Credential {
    Secret(Secret),
    Certificate {
        /// SHA-256 of the certificate, in base64url.
        thumbprint: String,
        key: PrivateKey,
    },
    Federated {
        federation: Rc<Federation>,
        audience: String,
    },
}

impl Azure {
    /// `spec` with its references looked up. A fault where key or certificate is none, the authority is not safe to ask, or
    /// there is no federation to speak of.
    pub fn new(spec: &AzureSpec, federation: Option<&Rc<Federation>>) -> Result<Azure, Fault> {
        let (authority, tenant) = (literal(&spec.authority)?, literal(&spec.tenant)?);
        if !is_tenant(&tenant) {
            return Err(fault(
                "bad_tenant",
                "the tenant is neither an id nor a domain",
            ));
        }
        let authority = authority.trim_end_matches('/');
        let token_url = [authority, "/", &tenant, "/oauth2/v2.0/token"].concat();
        let credential = match &spec.credential {
            AzureCredential::Secret(secret) => Credential::Secret(Secret::new(literal(secret)?)),
            AzureCredential::Certificate { certificate, key } => Credential::Certificate {
                thumbprint: thumbprint(&literal(certificate)?)
                    .ok_or_else(|| fault("bad_certificate", "the certificate is none in PEM"))?,
                key: private_key(&literal(key)?)?,
            },
            AzureCredential::Federated { audience } => Credential::Federated {
                federation: needed(federation)?,
                audience: literal(audience)?,
            },
        };
        Ok(Azure {
            token_url: safe(&token_url)?,
            client_id: literal(&spec.client_id)?,
            scope: literal(&spec.scope)?,
            credential,
        })
    }

    /// What is to be signed, if anything is; that of a certificate is as "Microsoft identity platform application
    /// authentication certificate credentials" has it.
    pub fn assertion<'a>(&'a self, moment: &'a Moment) -> Option<Unsigned<'a>> {
        match &self.credential {
            Credential::Secret(_) => None,
            Credential::Certificate { thumbprint, key } => Some(Unsigned {
                whose: "the certificate's key",
                key,
                algorithm: JwsAlgorithm::Ps256,
                header: Some(("x5t#S256", thumbprint)),
                claims: vec![
                    ("aud", &self.token_url),
                    ("iss", &self.client_id),
                    ("sub", &self.client_id),
                    ("jti", &moment.id),
                ],
                issued_at: moment.now,
                says_since: true,
                lifetime_seconds: ASSERTION_SECONDS,
            }),
            Credential::Federated {
                federation,
                audience,
            } => Some(federation.token(moment, audience)),
        }
    }

    /// What Entra is asked.
    pub fn post<'a>(&'a self, assertion: &'a str) -> Post<'a> {
        let mut members = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("scope", &self.scope),
        ];
        let shown = match &self.credential {
            Credential::Secret(secret) => {
                members.push(("client_secret", secret.expose()));
                secret.expose()
            }
            _ => {
                members.push(("client_assertion_type", ASSERTION_TYPE));
                members.push(("client_assertion", assertion));
                assertion
            }
        };
        Post::form("Microsoft Entra ID", &self.token_url, &members, shown)
    }
}

/// Whether this can stand in the URL: a GUID, a domain, or a word such as `organizations`.
pub fn is_tenant(tenant: &str) -> bool {
    !tenant.is_empty()
        && !tenant.starts_with('.')
        && tenant
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// SHA-256 of the first certificate of a PEM text, in base64url; those behind it are of its issuers.
fn thumbprint(pem: &str) -> Option<String> {
    let pem = pem.replace("\\n", "\n");
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).ok().filter(|der| !der.is_empty())?;
    Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der)))
}
