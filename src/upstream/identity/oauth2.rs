//! The client credentials grant of OAuth 2.0 (RFC 6749 section 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;

use super::fetched::form;
use super::token::{FORM, Post, literal, safe};
use crate::plan::{Fault, OAuth2Spec};
use crate::secret::Secret;

/// A client of an authorization server.
pub struct OAuth2 {
    token_url: String,
    /// The value of `Authorization`, where id and secret are not in the form.
    authorization: Option<Secret>,
    form: Secret,
    secret: Secret,
}

impl OAuth2 {
    /// `spec` with its references looked up. A fault where the endpoint is not safe to ask.
    pub fn new(spec: &OAuth2Spec) -> Result<OAuth2, Fault> {
        let (id, secret) = (literal(&spec.client_id)?, literal(&spec.client_secret)?);
        let more = spec.form.iter().map(|(_, text)| literal(text));
        let more = more.collect::<Result<Vec<String>, Fault>>()?;
        let names = spec.form.iter().map(|(name, _)| name.as_str());
        let mut members = vec![("grant_type", "client_credentials")];
        members.extend(names.zip(more.iter().map(String::as_str)));
        let authorization = if spec.in_form {
            members.extend([("client_id", id.as_str()), ("client_secret", &secret)]);
            None
        } else {
            // Both are form-encoded first (section 2.3.1).
            let mut pair: String = byte_serialize(id.as_bytes()).collect();
            pair.push(':');
            pair.extend(byte_serialize(secret.as_bytes()));
            Some(Secret::new(["Basic ", &STANDARD.encode(pair)].concat()))
        };
        Ok(OAuth2 {
            token_url: safe(&literal(&spec.token_url)?)?,
            authorization,
            form: Secret::new(form(&members)),
            secret: Secret::new(secret),
        })
    }

    /// What the server is asked.
    pub fn post(&self) -> Post<'_> {
        Post {
            who: "the OAuth 2.0 server",
            url: self.token_url.as_str().into(),
            authorization: self.authorization.as_ref().map(Secret::expose),
            content_type: FORM,
            body: self.form.expose().into(),
            secret: self.secret.expose(),
        }
    }
}
