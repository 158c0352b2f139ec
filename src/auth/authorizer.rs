//! All the ways in, behind one door.

use std::borrow::Cow;

use super::{
    ApiKeys, Auth0, Basic, Claims, ClientCertificate, Denied, Effects, ForwardAuth, Introspection,
    Jwt, MessageSignature, Oidc, Supabase, Webhook,
};
use crate::exchange::Request;
use crate::host::Host;
use crate::plan::{AuthorizerKind, Fault};

/// A named way to know the caller, ready to be asked. What it remembers of good credentials and keys is its own, so that
/// a new config begins with nothing; what was used up stays so, see [`Authorizer::take_over`].
pub enum Authorizer {
    Jwt(Box<Jwt>),
    Webhook(Box<Webhook>),
    MessageSignature(Box<MessageSignature>),
    ClientCertificate(Box<ClientCertificate>),
    ApiKey(Box<ApiKeys>),
    Basic(Box<Basic>),
    Introspection(Box<Introspection>),
    ForwardAuth(Box<ForwardAuth>),
    Supabase(Box<Supabase>),
    Oidc(Box<Oidc>),
    Auth0(Box<Auth0>),
}

/// What a request brings along for whoever asks who is calling.
#[derive(Clone, Copy)]
pub struct Presented<'a, H> {
    pub host: &'a H,
    pub request: Request<'a>,
    /// The canonical path.
    pub path: &'a str,
    /// Raw, without its question mark.
    pub query: Option<&'a str>,
    /// What finding out who calls changes besides.
    pub effects: &'a Effects,
}

impl Authorizer {
    /// Makes one ready of which every reference has been looked up.
    ///
    /// # Errors
    /// Where it could not check safely: whoever needs it is refused with `config_error`.
    pub fn new(kind: AuthorizerKind) -> Result<Authorizer, Fault> {
        match kind {
            AuthorizerKind::Jwt(spec) => Jwt::new(spec).map(Box::new).map(Authorizer::Jwt),
            AuthorizerKind::Webhook(spec) => {
                Webhook::new(spec).map(Box::new).map(Authorizer::Webhook)
            }
            AuthorizerKind::MessageSignature(spec) => MessageSignature::new(spec)
                .map(Box::new)
                .map(Authorizer::MessageSignature),
            AuthorizerKind::ClientCertificate(spec) => ClientCertificate::new(spec)
                .map(Box::new)
                .map(Authorizer::ClientCertificate),
            AuthorizerKind::ApiKey(spec) => {
                ApiKeys::new(*spec).map(Box::new).map(Authorizer::ApiKey)
            }
            AuthorizerKind::Basic(spec) => Basic::new(spec).map(Box::new).map(Authorizer::Basic),
            AuthorizerKind::Introspection(spec) => Introspection::new(*spec)
                .map(Box::new)
                .map(Authorizer::Introspection),
            AuthorizerKind::ForwardAuth(spec) => ForwardAuth::new(*spec)
                .map(Box::new)
                .map(Authorizer::ForwardAuth),
            AuthorizerKind::Supabase(spec) => {
                Supabase::new(*spec).map(Box::new).map(Authorizer::Supabase)
            }
            AuthorizerKind::Oidc(spec) => Oidc::new(*spec).map(Box::new).map(Authorizer::Oidc),
            AuthorizerKind::Auth0(spec) => Auth0::new(*spec).map(Box::new).map(Authorizer::Auth0),
            AuthorizerKind::Fault(fault) => Err(fault),
        }
    }

    /// Fields of the request that it hangs on, besides those with a credential, by their lower-case names. Names with an `@`
    /// are none.
    pub fn fields(&self) -> &[String] {
        match self {
            Authorizer::MessageSignature(signature) => signature.needed(),
            Authorizer::ForwardAuth(other) => other.shown(),
            _ => &[],
        }
    }

    /// Goes on with what must not be forgotten because a config changes: what is accepted once, and who has logged out.
    /// `before` has the same name in the config before.
    pub fn take_over(&mut self, before: &Authorizer) {
        match (self, before) {
            (Authorizer::Webhook(mine), Authorizer::Webhook(theirs)) => mine.take_over(theirs),
            (Authorizer::MessageSignature(mine), Authorizer::MessageSignature(theirs)) => {
                mine.take_over(theirs);
            }
            (Authorizer::Oidc(mine), Authorizer::Oidc(theirs)) => mine.take_over(theirs),
            (Authorizer::Auth0(mine), Authorizer::Auth0(theirs)) => mine.take_over(theirs),
            _ => {}
        }
    }

    /// Remembers so many bytes at most of what is of any length: tokens, answers, sessions.
    pub fn limit(&self, bytes: usize) {
        match self {
            Authorizer::Jwt(jwt) => jwt.limit(bytes),
            Authorizer::ApiKey(keys) => keys.limit(bytes),
            Authorizer::Introspection(server) => server.limit(bytes),
            Authorizer::ForwardAuth(other) => other.limit(bytes),
            Authorizer::Supabase(supabase) => supabase.limit(bytes),
            Authorizer::Oidc(oidc) => oidc.limit(bytes),
            Authorizer::Auth0(auth0) => auth0.limit(bytes),
            Authorizer::Webhook(_)
            | Authorizer::MessageSignature(_)
            | Authorizer::ClientCertificate(_)
            | Authorizer::Basic(_) => {}
        }
    }

    /// Who calls.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        match self {
            Authorizer::Jwt(jwt) => jwt.authenticate(presented).await,
            Authorizer::ClientCertificate(certificate) => certificate.authenticate(presented),
            Authorizer::Webhook(webhook) => webhook.authenticate(presented).await,
            Authorizer::MessageSignature(signature) => signature.authenticate(presented).await,
            Authorizer::ApiKey(keys) => keys.authenticate(presented).await,
            Authorizer::Basic(basic) => basic.authenticate(presented).await,
            Authorizer::Introspection(server) => server.authenticate(presented).await,
            Authorizer::ForwardAuth(other) => other.authenticate(presented).await,
            Authorizer::Supabase(supabase) => supabase.authenticate(presented).await,
            // Boxed: the others should not carry what a renewal needs.
            Authorizer::Oidc(oidc) => Box::pin(oidc.authenticate(presented)).await,
            Authorizer::Auth0(auth0) => auth0.authenticate(presented).await,
        }
    }
}

impl<'a, H: Host> Presented<'a, H> {
    /// A header of the client's request, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        self.host.header(name)
    }

    /// Unix time in seconds.
    pub fn now_s(&self) -> u64 {
        self.host.now_ms() / 1000
    }
}
