//! Ways to know the caller, as a blueprint has them.

use serde::{Deserialize, Serialize};

use super::{
    ApiKeySpec, Auth0Spec, BasicSpec, Fault, ForwardAuthSpec, IntrospectionSpec, JwsAlgorithm,
    JwtKeys, OidcSpec, Place, SupabaseSpec, Text,
};

/// A named way to know the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Authorizer {
    pub name: String,
    pub kind: AuthorizerKind,
    /// Where its credential stands, if that is not to go on to whoever serves the request.
    pub withheld: Vec<Place>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AuthorizerKind {
    Jwt(JwtSpec),
    Webhook(WebhookSpec),
    MessageSignature(MessageSignatureSpec),
    ClientCertificate(CertificateSpec),
    ApiKey(Box<ApiKeySpec>),
    Basic(BasicSpec),
    Introspection(Box<IntrospectionSpec>),
    ForwardAuth(Box<ForwardAuthSpec>),
    Supabase(Box<SupabaseSpec>),
    /// It could not be understood: whoever needs it is refused with `config_error`.
    Fault(Fault),
    Oidc(Box<OidcSpec>),
    Auth0(Box<Auth0Spec>),
}

impl AuthorizerKind {
    /// Every text in it that may be a reference.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            AuthorizerKind::Jwt(spec) => {
                let texts = spec.issuers.iter().chain(&spec.audiences);
                let texts = texts.chain(&spec.subject);
                texts.chain(spec.keys.texts()).collect()
            }
            AuthorizerKind::Webhook(spec) => spec.secrets.iter().collect(),
            AuthorizerKind::MessageSignature(spec) => {
                let keys = spec.keys.iter().chain(&spec.public_keys).map(|k| &k.1);
                keys.chain(&spec.jwks_uri).collect()
            }
            AuthorizerKind::ClientCertificate(spec) => {
                let names = spec.issuers.iter().chain(&spec.subjects);
                names.chain(&spec.spiffe_ids).collect()
            }
            AuthorizerKind::ApiKey(spec) => spec.pepper.iter().collect(),
            AuthorizerKind::Basic(spec) => spec.users.iter().map(|u| &u.password).collect(),
            AuthorizerKind::Introspection(spec) => spec.texts(),
            AuthorizerKind::ForwardAuth(spec) => vec![&spec.url],
            AuthorizerKind::Supabase(spec) => spec.texts().collect(),
            AuthorizerKind::Oidc(spec) => spec.texts().collect(),
            AuthorizerKind::Auth0(spec) => spec.texts().collect(),
            AuthorizerKind::Fault(_) => Vec::new(),
        }
    }

    /// The same texts, to be resolved in their place.
    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            AuthorizerKind::Jwt(spec) => {
                let texts = spec.issuers.iter_mut().chain(&mut spec.audiences);
                let texts = texts.chain(&mut spec.subject);
                texts.chain(spec.keys.texts_mut()).collect()
            }
            AuthorizerKind::Webhook(spec) => spec.secrets.iter_mut().collect(),
            AuthorizerKind::MessageSignature(spec) => {
                let keys = spec.keys.iter_mut().chain(&mut spec.public_keys);
                keys.map(|k| &mut k.1).chain(&mut spec.jwks_uri).collect()
            }
            AuthorizerKind::ClientCertificate(spec) => {
                let names = spec.issuers.iter_mut().chain(&mut spec.subjects);
                names.chain(&mut spec.spiffe_ids).collect()
            }
            AuthorizerKind::ApiKey(spec) => spec.pepper.iter_mut().collect(),
            AuthorizerKind::Basic(spec) => spec.users.iter_mut().map(|u| &mut u.password).collect(),
            AuthorizerKind::Introspection(spec) => spec.texts_mut(),
            AuthorizerKind::ForwardAuth(spec) => vec![&mut spec.url],
            AuthorizerKind::Supabase(spec) => spec.texts_mut().collect(),
            AuthorizerKind::Oidc(spec) => spec.texts_mut().collect(),
            AuthorizerKind::Auth0(spec) => spec.texts_mut().collect(),
            AuthorizerKind::Fault(_) => Vec::new(),
        }
    }
}

/// How a webhook's signature is checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebhookSpec {
    pub scheme: WebhookScheme,
    /// Any of them is enough.
    pub secrets: Vec<Text>,
    /// Seconds by which the signed time may differ from ours, where the scheme signs one.
    pub tolerance: u32,
    /// Bytes of a body that is looked at; a larger one is refused.
    pub max_body: usize,
}

/// Whose way of signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookScheme {
    /// `X-Hub-Signature-256`
    Github,
    /// `Stripe-Signature`
    Stripe,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`: <https://www.standardwebhooks.com>.
    Standard,
}

impl WebhookScheme {
    /// As the config writes it.
    pub fn name(self) -> &'static str {
        match self {
            WebhookScheme::Github => "github",
            WebhookScheme::Stripe => "stripe",
            WebhookScheme::Standard => "standard",
        }
    }
}

/// How an HTTP Message Signature is checked (RFC 9421).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageSignatureSpec {
    /// Shared secrets by `keyid`.
    pub keys: Vec<(String, Text)>,
    /// Public keys by `keyid`: JSON Web Keys or PEM. Empty where they are fetched.
    pub public_keys: Vec<(String, Text)>,
    /// Where public keys are fetched, whose `kid` is the `keyid`.
    pub jwks_uri: Option<Text>,
    /// What public keys are used with, the preferred ones first; each has a name in RFC 9421.
    pub algorithms: Vec<JwsAlgorithm>,
    /// Components that must be covered; `content-digest` besides, where there is a body.
    pub components: Vec<String>,
    /// Seconds since `created` after which a signature is refused.
    pub max_age: u32,
    /// Seconds by which clocks may differ.
    pub leeway: u32,
    /// Bytes of a body that is looked at; a larger one is refused.
    pub max_body: usize,
}

/// Whose client certificates are accepted, among those that the platform has verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateSpec {
    /// SHA-256 in 64 lower-case hexadecimal digits. Empty: not looked at.
    pub fingerprints: Vec<String>,
    /// Distinguished names (RFC 2253). Empty: not looked at.
    pub issuers: Vec<Text>,
    pub subjects: Vec<Text>,
    /// Names of workloads, or `spiffe://DOMAIN/PATH/*`. Empty: not looked at.
    pub spiffe_ids: Vec<Text>,
}

/// How a JSON Web Token is checked (RFC 7519, RFC 8725).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JwtSpec {
    pub keys: JwtKeys,
    /// What the token's `alg` may be; never taken from the token. All of HMAC for a secret, none for other keys.
    pub algorithms: Vec<JwsAlgorithm>,
    /// Empty: `iss` is not looked at.
    pub issuers: Vec<Text>,
    /// Empty: `aud` is not looked at.
    pub audiences: Vec<Text>,
    pub subject: Option<Text>,
    /// The header's `typ`, compared without case and without an `application/` prefix (RFC 7515 section 4.1.9).
    pub token_type: Option<String>,
    /// Seconds by which clocks may differ.
    pub leeway: u32,
    /// Seconds since `iat` after which a token is refused.
    pub max_age: Option<u32>,
    pub require_exp: bool,
    pub required_claims: Vec<String>,
    /// Claims that must be one of these texts, by name.
    pub expected_claims: Vec<(String, Vec<String>)>,
    /// Where the token is looked for, in order; the first place that has one decides.
    pub sources: Vec<TokenSource>,
}

impl JwtSpec {
    /// Bearer tokens of these keys and algorithms, with an `exp`; nothing else is expected of them.
    pub fn of(keys: JwtKeys, algorithms: Vec<JwsAlgorithm>) -> JwtSpec {
        JwtSpec {
            keys,
            algorithms,
            issuers: Vec::new(),
            audiences: Vec::new(),
            subject: None,
            token_type: None,
            leeway: 0,
            max_age: None,
            require_exp: true,
            required_claims: Vec::new(),
            expected_claims: Vec::new(),
            sources: vec![TokenSource::Bearer],
        }
    }
}

/// A place of a request where a token can stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenSource {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Bearer,
    /// The whole value of a header, by its lower-case name.
    Header(String),
    Cookie(String),
    Query(String),
}
