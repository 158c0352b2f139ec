//! Microsoft Entra ID: the client credentials grant of the v2.0 endpoint, by a secret, a certificate, or a token of the
//! gateway's own that the application trusts (a federated credential).

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::assertion::signed;
use super::federation::{Federation, needed, private_key};
use super::lent::{Lent, Loan};
use super::token::{Bearer, FORM, Post, Wanted, lease_ms, read_answer, safe};
use crate::auth::PrivateKey;
use crate::exchange::request_id;
use crate::host::Host;
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
    token: Lent<Bearer>,
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
    pub fn new(spec: AzureSpec, federation: Option<&Rc<Federation>>) -> Result<Azure, Fault> {
        let authority = spec.authority.literal()?;
        let (authority, tenant) = (authority.trim_end_matches('/'), spec.tenant.literal()?);
        if !is_tenant(&tenant) {
            return Err(Fault {
                code: "bad_tenant".into(),
                message: "the tenant is neither an id nor a domain".into(),
            });
        }
        let token_url = format!("{authority}/{tenant}/oauth2/v2.0/token");
        let credential = match spec.credential {
            AzureCredential::Secret(secret) => Credential::Secret(Secret::new(secret.literal()?)),
            AzureCredential::Certificate { certificate, key } => Credential::Certificate {
                thumbprint: thumbprint(&certificate.literal()?).ok_or_else(|| Fault {
                    code: "bad_certificate".into(),
                    message: "the certificate is none in PEM".into(),
                })?,
                key: private_key(&key.literal()?)?,
            },
            AzureCredential::Federated { audience } => Credential::Federated {
                federation: needed(federation)?,
                audience: audience.literal()?,
            },
        };
        Ok(Azure {
            token_url: safe(token_url.as_str().into())?,
            client_id: spec.client_id.literal()?,
            scope: spec.scope.literal()?,
            credential,
            token: Lent::new(lease_ms(1)),
        })
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// There is no token; why, in words for the operator.
    pub async fn bearer<H: Host>(&self, host: &H) -> Result<Bearer, String> {
        self.token.get(host, async || self.fetch(host).await).await
    }

    async fn fetch<H: Host>(&self, host: &H) -> Result<Loan<Bearer>, String> {
        let mut form = Serializer::new(String::new());
        for (name, value) in [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("scope", &self.scope),
        ] {
            form.append_pair(name, value);
        }
        let shown = match &self.credential {
            Credential::Secret(secret) => {
                form.append_pair("client_secret", secret.expose());
                secret.clone()
            }
            Credential::Certificate { thumbprint, key } => {
                let assertion = self.assertion(host, thumbprint, key).await?;
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &assertion);
                Secret::new(assertion)
            }
            Credential::Federated {
                federation,
                audience,
            } => {
                let assertion = federation.token(host, audience).await?;
                form.append_pair("client_assertion_type", ASSERTION_TYPE);
                form.append_pair("client_assertion", &assertion);
                Secret::new(assertion)
            }
        };
        let post = Post {
            who: "Microsoft Entra ID",
            url: &self.token_url,
            authorization: None,
            content_type: FORM,
            body: &form.finish(),
            secrets: &[shown.expose()],
        };
        let answer = post.send(host).await?;
        read_answer(&answer, Wanted::Access, host.now_ms()).map_err(|flaw| post.failed(flaw))
    }

    /// As "Microsoft identity platform application authentication certificate credentials" has it.
    async fn assertion<H: Host>(
        &self,
        host: &H,
        thumbprint: &str,
        key: &PrivateKey,
    ) -> Result<String, String> {
        let now = host.now_ms() / 1000;
        let claims = json!({
            "aud": self.token_url,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": request_id(host),
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(ASSERTION_SECONDS),
        });
        let header = Some(("x5t#S256", thumbprint));
        let assertion = signed(host, key, JwsAlgorithm::Ps256, header, &claims).await;
        assertion.map_err(|reason| format!("the certificate's key: {reason}"))
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
