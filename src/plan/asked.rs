//! Authorizers that ask somebody else, in a blueprint.

use serde::{Deserialize, Serialize};

use super::{Text, TokenSource};

/// How an authorization server is asked about a token (RFC 7662).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntrospectionSpec {
    pub endpoint: IntrospectionEndpoint,
    /// How the gateway shows who it is.
    pub client: ClientAuth,
    /// What the server is told that the token is.
    pub token_type_hint: String,
    /// Empty: `iss` is not looked at.
    pub issuers: Vec<Text>,
    /// Empty: `aud` is not looked at.
    pub audiences: Vec<Text>,
    pub subject: Option<Text>,
    /// Seconds by which clocks may differ.
    pub leeway: u32,
    pub require_exp: bool,
    pub required_claims: Vec<String>,
    /// Where the token is looked for, in order; the first place that has one decides.
    pub sources: Vec<TokenSource>,
    /// Milliseconds to the end of the answer.
    pub timeout_ms: u32,
    /// Seconds for which an answer counts; 0: each request asks.
    pub cache_seconds: u32,
}

/// Where an authorization server is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntrospectionEndpoint {
    Url(Text),
    /// The only expected issuer tells where (RFC 8414, OpenID Connect Discovery 1.0 section 4).
    Discovery,
}

/// How a client shows who it is (RFC 6749 section 2.3.1, RFC 7662 section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAuth {
    /// `client_secret_basic`
    Basic { id: Text, secret: Text },
    /// `client_secret_post`
    Post { id: Text, secret: Text },
    /// A token of its own.
    Bearer(Text),
}

impl ClientAuth {
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            ClientAuth::Basic { id, secret } | ClientAuth::Post { id, secret } => vec![id, secret],
            ClientAuth::Bearer(token) => vec![token],
        }
    }

    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            ClientAuth::Basic { id, secret } | ClientAuth::Post { id, secret } => vec![id, secret],
            ClientAuth::Bearer(token) => vec![token],
        }
    }
}

impl IntrospectionSpec {
    /// Every text that may be a reference.
    pub fn texts(&self) -> Vec<&Text> {
        let mut texts = self.client.texts();
        if let IntrospectionEndpoint::Url(url) = &self.endpoint {
            texts.push(url);
        }
        texts.extend(self.issuers.iter().chain(&self.audiences));
        texts.extend(&self.subject);
        texts
    }

    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        let mut texts = self.client.texts_mut();
        if let IntrospectionEndpoint::Url(url) = &mut self.endpoint {
            texts.push(url);
        }
        texts.extend(self.issuers.iter_mut().chain(&mut self.audiences));
        texts.extend(&mut self.subject);
        texts
    }
}

/// Who is asked whether a request may pass. Names of headers are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardAuthSpec {
    /// Absolute.
    pub url: Text,
    /// The worker that is asked in place of the URL's host, by the name of its binding.
    pub binding: Option<String>,
    /// The client's headers that it is shown; no others.
    pub request_headers: Vec<String>,
    /// It is shown the body, of at most so many bytes.
    pub max_body: Option<usize>,
    /// Headers of a good answer that go on in place of the client's.
    pub copy_headers: Vec<String>,
    pub claims: AnsweredClaims,
    /// Headers of a refusal that the client gets.
    pub refusal_headers: Vec<String>,
    /// Whether the client gets the body of a refusal.
    pub refusal_body: bool,
    /// Whether the client gets a redirect.
    pub redirects: bool,
    /// Milliseconds to the end of the answer.
    pub timeout_ms: u32,
    /// Seconds for which a good answer counts; 0: each request asks.
    pub cache_seconds: u32,
    /// What besides the shown headers tells requests apart for the cache.
    pub cache_by: Vec<RequestPart>,
}

/// Where the claims are in a good answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnsweredClaims {
    None,
    /// Its body is a JSON object of them.
    Body,
    /// Claims by name, each with the header that has it.
    Headers(Vec<(String, String)>),
}

/// A part of a request that an authorizer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestPart {
    Method,
    Host,
    Path,
    Query,
    /// The client's address.
    Ip,
}
