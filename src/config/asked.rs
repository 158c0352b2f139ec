//! The objects of authorizers that ask somebody else.

use serde_json::json;

use super::Spanned;
use super::ast::Value;
use super::context::Context;
use super::object::{object, words};
use super::read::{Defs, Entries, Read, wrong_type};
use super::value::{Name, OneOrMany, TextValue, TokenPlace, Whole};

object! {
    /// How the gateway knows the caller: an authorization server tells whether the token is active (RFC 7662).
    pub struct IntrospectionObject {
        /// `introspection`
        required kind = "type": IntrospectionType,
        /// Where the server is asked. `https` but for addresses of the machine itself.
        optional endpoint: TextValue,
        /// `true`: the document `/.well-known/openid-configuration` of the one `issuer` tells where the server is asked.
        optional discovery: Spanned<bool>,
        /// Who the gateway is to the server.
        optional client_id: TextValue,
        /// Its secret, best `$secret.NAME`.
        optional client_secret: TextValue,
        /// How it shows these. `basic` if nothing is said.
        optional client_auth: ClientAuthName,
        /// A token that it shows in place of them, best `$secret.NAME`.
        optional bearer_token: TextValue,
        /// What the server is told that the token is. `access_token` if nothing is said.
        optional token_type_hint: Name<'a>,
        /// What `iss` must be, or one of which it must be.
        optional issuer: OneOrMany<TextValue>,
        /// What `aud` must hold, or one of which it must hold.
        optional audience: OneOrMany<TextValue>,
        /// What `sub` must be.
        optional subject: TextValue,
        /// Seconds by which clocks may differ.
        optional leeway: Whole<0, 300>,
        /// Whether a token without `exp` is refused. `false` if nothing is said: the server knows.
        optional require_exp: Spanned<bool>,
        /// What the server must tell of a token.
        optional required_claims: Vec<Name<'a>>,
        /// Where the token is looked for, in order. `bearer` if nothing is said.
        optional token_from: Vec<TokenPlace<'a>>,
        /// Seconds for which an answer counts; 0: each request asks. 60 if nothing is said.
        optional cache_seconds: Whole<0, 3600>,
        /// Milliseconds to the end of the answer. 5000 if nothing is said.
        optional timeout_ms: Whole<1, 30_000>,
        /// Whether the token goes on to whoever serves the request. `true` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }

    /// How the gateway knows the caller: somebody else decides about the request, by HTTP.
    pub struct ForwardAuthObject {
        /// `forward_auth`
        required kind = "type": ForwardAuthType,
        /// Who is asked. `https` but for addresses of the machine itself.
        optional url: TextValue,
        /// The alias of a service binding that is asked in place of the URL's host.
        optional binding: Name<'a>,
        /// The client's headers that it is shown; no others. `Authorization` if nothing is said.
        optional request_headers: Vec<Name<'a>>,
        /// Whether it is shown the client's body, by `POST`. `false` if nothing is said.
        optional body: Spanned<bool>,
        /// The largest body in bytes. 65536 if nothing is said.
        optional max_body: Whole<1, 1_048_576>,
        /// Headers of its good answer that go on to whoever serves the request, in place of the client's.
        optional copy_headers: Vec<Name<'a>>,
        /// Where its good answer has claims: `"body"`, or an object of claims with the header of each.
        optional claims: ClaimsFrom<'a>,
        /// Headers of its refusal that the client gets. `WWW-Authenticate` if nothing is said.
        optional refusal_headers: Vec<Name<'a>>,
        /// Whether the client gets the body of its refusal. `false` if nothing is said.
        optional refusal_body: Spanned<bool>,
        /// Whether the client gets its redirects. `false` if nothing is said.
        optional redirects: Spanned<bool>,
        /// Milliseconds to the end of its answer. 5000 if nothing is said.
        optional timeout_ms: Whole<1, 30_000>,
        /// Seconds for which a good answer counts. 0 if nothing is said: each request asks.
        optional cache_seconds: Whole<0, 3600>,
        /// What besides the shown headers tells requests apart for that. All of them if nothing is said.
        optional cache_by: Vec<RequestPartName>,
        /// Whether the shown headers go on to whoever serves the request. `true` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }
}

words! {
    /// The type of an authorizer by token introspection.
    #[code = "unknown_type"]
    pub enum IntrospectionType {
        Introspection = "introspection",
    }

    /// The type of an authorizer by forward authentication.
    #[code = "unknown_type"]
    pub enum ForwardAuthType {
        ForwardAuth = "forward_auth",
    }

    /// How a client shows its id and secret.
    #[code = "unknown_value"]
    pub enum ClientAuthName {
        /// `client_secret_basic`: in `Authorization`
        Basic = "basic",
        /// `client_secret_post`: in the form
        Post = "post",
    }

    /// A part of a request.
    #[code = "unknown_value"]
    pub enum RequestPartName {
        Method = "method",
        Host = "host",
        Path = "path",
        Query = "query",
        /// The client's address
        Ip = "ip",
    }

    /// The one word for claims that are a body.
    #[code = "unknown_value"]
    pub enum BodyWord {
        Body = "body",
    }
}

/// Where the claims of an answer are.
#[derive(Clone, Debug)]
pub enum ClaimsFrom<'a> {
    Body,
    /// Claims by name, each with its header.
    Headers(Entries<'a, Name<'a>>),
}

impl<'a> Read<'a> for ClaimsFrom<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::StringLit(_) => BodyWord::read(node, cx).map(|_| ClaimsFrom::Body),
            Value::Object(_) => Entries::read(node, cx).map(ClaimsFrom::Headers),
            other => wrong_type(other, "`\"body\"` or an object", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let headers = Entries::<Name<'a>>::schema(defs);
        json!({ "anyOf": [{ "const": "body" }, headers] })
    }
}
