//! Logins in a blueprint.

use serde::{Deserialize, Serialize};

use super::{JwtKeys, Text};

/// How people with browsers log in (OpenID Connect).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OidcSpec {
    pub issuer: Text,
    pub client_id: Text,
    /// None for a public client.
    pub client_secret: Option<Text>,
    /// With blanks between.
    pub scope: String,
    pub audience: Option<String>,
    /// What else the provider is told where somebody is sent to log in.
    pub parameters: Vec<(String, Text)>,
    /// Where the provider sends browsers back to; canonical, as the next two.
    pub redirect_path: String,
    /// Where a browser is sent after it has been logged out.
    pub after_logout: String,
    /// Session keys: the first seals, all open.
    pub keys: Vec<Text>,
    /// Seconds.
    pub max_age: u32,
    pub idle: Option<u32>,
    /// The name of the session's cookie, which begins with `__Host-`.
    pub cookie: String,
    /// The access token goes on as a Bearer token.
    pub forwards: bool,
}

impl OidcSpec {
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let texts = [&self.issuer, &self.client_id].into_iter();
        let texts = texts.chain(&self.client_secret).chain(&self.keys);
        texts.chain(self.parameters.iter().map(|(_, text)| text))
    }

    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        let texts = [&mut self.issuer, &mut self.client_id].into_iter();
        let texts = texts.chain(&mut self.client_secret).chain(&mut self.keys);
        texts.chain(self.parameters.iter_mut().map(|(_, text)| text))
    }
}

/// An Auth0 tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auth0Spec {
    pub domain: Text,
    pub client_id: Text,
    pub client_secret: Option<Text>,
    /// Where the tenant sends browsers back to; absolute.
    pub redirect_uri: Option<Text>,
    /// With blanks between.
    pub scope: String,
    /// Of which a token must have one. Empty: the client's id.
    pub audiences: Vec<Text>,
    /// What access tokens are asked for.
    pub audience_asked: Option<Text>,
    /// What else the tenant is told where somebody is sent to log in.
    pub parameters: Vec<(String, Text)>,
    /// [`JwtKeys::Discovery`] is the tenant's own key set.
    pub keys: JwtKeys,
}

impl Auth0Spec {
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let texts = [&self.domain, &self.client_id].into_iter();
        let texts = texts.chain(&self.client_secret).chain(&self.redirect_uri);
        let texts = texts.chain(&self.audiences).chain(&self.audience_asked);
        let texts = texts.chain(self.keys.texts());
        texts.chain(self.parameters.iter().map(|(_, text)| text))
    }

    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        let texts = [&mut self.domain, &mut self.client_id].into_iter();
        let texts = texts
            .chain(&mut self.client_secret)
            .chain(&mut self.redirect_uri);
        let texts = texts
            .chain(&mut self.audiences)
            .chain(&mut self.audience_asked);
        let texts = texts.chain(self.keys.texts_mut());
        texts.chain(self.parameters.iter_mut().map(|(_, text)| text))
    }
}

/// What a path does for logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginStep {
    /// Sends a browser to the provider.
    Begin,
    /// Takes one that comes back.
    Finish,
    /// Ends its session.
    Logout,
    /// The predecessor's integrations, in the same order as it has them.
    Auth0Callback,
    Auth0Userinfo,
    Auth0CallbackRedirect,
    Auth0Refresh,
}

impl LoginStep {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            LoginStep::Begin => "login",
            LoginStep::Finish => "callback of a login",
            LoginStep::Logout => "logout",
            LoginStep::Auth0Callback => "auth0_callback",
            LoginStep::Auth0Userinfo => "auth0_userinfo",
            LoginStep::Auth0CallbackRedirect => "auth0_callback_redirect",
            LoginStep::Auth0Refresh => "auth0_refresh",
        }
    }
}
