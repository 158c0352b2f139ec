//! The client credentials grant of OAuth 2.0 (RFC 6749 section 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::{Serializer, byte_serialize};

use super::lent::{Lent, Loan};
use super::token::{Bearer, FORM, Post, Wanted, lease_ms, read_answer, safe};
use crate::host::Host;
use crate::plan::{Fault, OAuth2Spec};
use crate::secret::Secret;

/// A client of an authorization server.
pub struct OAuth2 {
    token_url: String,
    /// The value of `Authorization`, where id and secret are not in the form.
    authorization: Option<Secret>,
    form: Secret,
    secret: Secret,
    token: Lent<Bearer>,
}

impl OAuth2 {
    /// `spec` with its references looked up. A fault where the endpoint is not safe to ask.
    pub fn new(spec: OAuth2Spec) -> Result<OAuth2, Fault> {
        let (id, secret) = (spec.client_id.literal()?, spec.client_secret.literal()?);
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, text) in spec.form {
            form.append_pair(&name, &text.literal()?);
        }
        let authorization = if spec.in_form {
            form.append_pair("client_id", &id);
            form.append_pair("client_secret", &secret);
            None
        } else {
            // Both are form-encoded first (section 2.3.1).
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&id), encoded(&secret));
            Some(Secret::new(format!("Basic {}", STANDARD.encode(pair))))
        };
        Ok(OAuth2 {
            token_url: safe(spec.token_url)?,
            authorization,
            form: Secret::new(form.finish()),
            secret: Secret::new(secret),
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
        let post = Post {
            who: "the OAuth 2.0 server",
            url: &self.token_url,
            authorization: self.authorization.as_ref().map(Secret::expose),
            content_type: FORM,
            body: self.form.expose(),
            secrets: &[self.secret.expose()],
        };
        let answer = post.send(host).await?;
        read_answer(&answer, Wanted::Access, host.now_ms()).map_err(|flaw| post.failed(flaw))
    }
}
