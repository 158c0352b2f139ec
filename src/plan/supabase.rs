//! A Supabase project: whose tokens it signs, and who sends its one-time codes.

use serde::{Deserialize, Serialize};

use super::{Text, TokenSource};

/// How tokens of a Supabase project are checked. One of `url` and `secret` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupabaseSpec {
    /// The project's URL: the keys that it publishes are accepted, and it is the issuer if no other is named.
    pub url: Option<Text>,
    /// The project's own secret, for tokens with HS256.
    pub secret: Option<Text>,
    pub issuers: Vec<Text>,
    pub audiences: Vec<Text>,
    /// Where the token is looked for, in order.
    pub sources: Vec<TokenSource>,
}

impl SupabaseSpec {
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let keys = self.url.iter().chain(&self.secret);
        keys.chain(&self.issuers).chain(&self.audiences)
    }

    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        let keys = self.url.iter_mut().chain(&mut self.secret);
        keys.chain(&mut self.issuers).chain(&mut self.audiences)
    }
}

/// A path that asks Supabase's auth API for its client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupabaseCall {
    pub step: SupabaseStep,
    /// The project's URL.
    pub url: Text,
    /// The anon or publishable key. Never one that has all rights.
    pub key: Text,
    /// Whether an address that nobody knows becomes a user.
    pub create_user: bool,
}

/// Which step of a login without a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SupabaseStep {
    /// Send a one-time code to an e-mail address or a phone.
    Send,
    /// The same, to e-mail addresses alone.
    SendEmail,
    /// Take a one-time code for a session.
    Verify,
}
