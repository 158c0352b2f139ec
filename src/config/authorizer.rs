//! The objects of authorizers: one for each type.

use serde_json::json;

use super::Spanned;
use super::asked::{ForwardAuthObject, IntrospectionObject};
use super::ast::Value;
use super::context::Context;
use super::credential::{ApiKeyObject, BasicObject};
use super::login::{Auth0Object, OidcObject};
use super::object::{missing, object, object_of, words};
use super::preset::PresetObject;
use super::read::{Defs, Entries, Lazy, Read, span_of, wrong_type};
use super::supabase::SupabaseObject;
use super::value::{JsonBody, Name, OneOrMany, TextValue, TokenPlace, Whole};

/// How the gateway knows the caller. The type says what its members are.
#[derive(Clone, Debug)]
pub enum AuthorizerObject<'a> {
    Jwt(Box<JwtObject<'a>>),
    Webhook(Box<WebhookObject<'a>>),
    MessageSignature(Box<MessageSignatureObject<'a>>),
    ClientCertificate(Box<ClientCertificateObject<'a>>),
    ApiKey(Box<ApiKeyObject<'a>>),
    Basic(Box<BasicObject<'a>>),
    Introspection(Box<IntrospectionObject<'a>>),
    ForwardAuth(Box<ForwardAuthObject<'a>>),
    Supabase(Box<SupabaseObject<'a>>),
    Oidc(Box<OidcObject<'a>>),
    Auth0(Box<Auth0Object<'a>>),
}

impl<'a> Read<'a> for AuthorizerObject<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let object = object_of(node, cx)?;
        let Some(kind) = object.get("type") else {
            missing(object, "type", cx);
            return None;
        };
        match AuthorizerType::read(&kind.value, cx)? {
            AuthorizerType::Jwt => JwtObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Jwt),
            AuthorizerType::Webhook => WebhookObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Webhook),
            AuthorizerType::MessageSignature => MessageSignatureObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::MessageSignature),
            AuthorizerType::ClientCertificate => ClientCertificateObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::ClientCertificate),
            AuthorizerType::ApiKey => ApiKeyObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::ApiKey),
            AuthorizerType::Basic => BasicObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Basic),
            AuthorizerType::Introspection => IntrospectionObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Introspection),
            AuthorizerType::ForwardAuth => ForwardAuthObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::ForwardAuth),
            AuthorizerType::Supabase => SupabaseObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Supabase),
            AuthorizerType::Oidc => OidcObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Oidc),
            AuthorizerType::Auth0 => Auth0Object::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Auth0),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            JwtObject::schema(defs),
            WebhookObject::schema(defs),
            MessageSignatureObject::schema(defs),
            ClientCertificateObject::schema(defs),
            ApiKeyObject::schema(defs),
            BasicObject::schema(defs),
            IntrospectionObject::schema(defs),
            ForwardAuthObject::schema(defs),
            SupabaseObject::schema(defs),
            OidcObject::schema(defs),
            Auth0Object::schema(defs),
        ] })
    }
}

object! {
    /// How the gateway knows the caller: a JSON Web Token. Its keys are one of `secret`, `public_key`, `jwks`, `jwks_uri`
    /// and `discovery`, or those of its `preset`.
    pub struct JwtObject {
        /// `jwt`
        required kind = "type": JwtType,
        /// An issuer that is known: it fills in what is not said here.
        optional preset: PresetObject<'a>,
        /// The shared secret, best `$secret.NAME`, or several while one is replaced by another. At least as long as the
        /// algorithm's hash: 32, 48 or 64 bytes.
        optional secret: OneOrMany<TextValue>,
        /// The issuer's public key in PEM, or a reference to it.
        optional public_key: TextValue,
        /// The issuer's public keys: a JSON Web Key or a set of them, as an object, as a string, or as a reference.
        optional jwks: Jwks<'a>,
        /// Where the issuer publishes its key set. `https` but for addresses of the machine itself.
        optional jwks_uri: TextValue,
        /// `true`: the document `/.well-known/openid-configuration` of the one `issuer` tells where its key set is.
        optional discovery: Spanned<bool>,
        /// The one algorithm that is accepted. If nothing is said, `HS256` for a secret; for public keys what each key's
        /// type allows: `RS256`, `ES256`, `ES384`, `EdDSA`.
        optional algorithm: Spanned<Algorithm>,
        /// All algorithms that are accepted.
        optional algorithms: Vec<Spanned<Algorithm>>,
        /// What `iss` must be, or one of which it must be.
        optional issuer: OneOrMany<TextValue>,
        /// What `aud` must hold, or one of which it must hold.
        optional audience: OneOrMany<TextValue>,
        /// What `sub` must be.
        optional subject: TextValue,
        /// What the token's `typ` must be, such as `at+jwt`.
        optional token_type: Name<'a>,
        /// Seconds by which clocks may differ.
        optional leeway: Whole<0, 300>,
        /// Seconds since `iat` after which a token is refused.
        optional max_age: Whole<1, { u32::MAX }>,
        /// Whether a token without `exp` is refused. `true` if nothing is said.
        optional require_exp: Spanned<bool>,
        /// Claims that a token must have.
        optional required_claims: Vec<Name<'a>>,
        /// Where the token is looked for, in order. `bearer` if nothing is said.
        optional token_from: Vec<TokenPlace<'a>>,
        /// Whether the token goes on to whoever serves the request. `true` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }
}

object! {
    /// How the gateway knows the sender of a webhook: by its signature over the body.
    pub struct WebhookObject {
        /// `webhook`
        required kind = "type": WebhookType,
        /// Whose way of signing.
        required scheme: Lazy<'a, WebhookSchemeName>,
        /// The shared secret, best `$secret.NAME`, or several while one is replaced by another.
        required secret: OneOrMany<TextValue>,
        /// Seconds by which the signed time may differ, for `stripe` and `standard`. 300 if nothing is said.
        optional tolerance: Whole<1, 3600>,
        /// The largest body in bytes. 1048576 if nothing is said.
        optional max_body: Whole<1, 10_485_760>,
    }

    /// How the gateway knows a caller that signs its requests (RFC 9421). Its keys are `keys`, and besides `public_keys` or
    /// `jwks_uri`.
    pub struct MessageSignatureObject {
        /// `message_signature`
        required kind = "type": MessageSignatureType,
        /// Shared secrets by their `keyid`, best `$secret.NAME`.
        optional keys: Entries<'a, TextValue>,
        /// Public keys by their `keyid`: a JSON Web Key, PEM, or a reference to either.
        optional public_keys: Entries<'a, Jwks<'a>>,
        /// Where a set of public keys is published, whose `kid` is the `keyid`. `https` but for addresses of the machine
        /// itself.
        optional jwks_uri: TextValue,
        /// What public keys are used with. `rsa-pss-sha512`, `ecdsa-p256-sha256`, `ecdsa-p384-sha384` and `ed25519` if
        /// nothing is said.
        optional algorithms: Vec<Spanned<SignatureAlgorithm>>,
        /// What must be covered. `@method`, `@authority`, `@path` and `@query` if nothing is said; `content-digest` always, where there is a body.
        optional components: Vec<Name<'a>>,
        /// Seconds since `created` after which a signature is refused. 300 if nothing is said.
        optional max_age: Whole<1, 3600>,
        /// Seconds by which clocks may differ. 5 if nothing is said.
        optional leeway: Whole<0, 300>,
        /// The largest body in bytes. 1048576 if nothing is said.
        optional max_body: Whole<1, 10_485_760>,
    }
}

object! {
    /// How the gateway knows a caller by its client certificate, which the platform has verified.
    pub struct ClientCertificateObject {
        /// `client_certificate`
        required kind = "type": ClientCertificateType,
        /// SHA-256 fingerprints, in hexadecimal, of which the certificate's must be one.
        optional fingerprints: Vec<Name<'a>>,
        /// Distinguished names (RFC 2253) of which the issuer's must be one.
        optional issuers: Vec<TextValue>,
        /// Distinguished names (RFC 2253) of which the subject's must be one.
        optional subjects: Vec<TextValue>,
        /// SPIFFE ids, such as `spiffe://example.com/orders`, or all below a path: `spiffe://example.com/*`, of which the
        /// certificate's must be one.
        optional spiffe_ids: Vec<TextValue>,
        /// `true`: every certificate that the platform has verified is accepted.
        optional any: Spanned<bool>,
    }
}

words! {
    /// The kind of an authorizer.
    #[code = "unknown_type"]
    pub enum AuthorizerType {
        Jwt = "jwt",
        Webhook = "webhook",
        MessageSignature = "message_signature",
        ClientCertificate = "client_certificate",
        ApiKey = "api_key",
        Basic = "basic",
        Introspection = "introspection",
        ForwardAuth = "forward_auth",
        Supabase = "supabase",
        Oidc = "oidc",
        Auth0 = "auth0",
    }

    /// An algorithm of JSON Web Signatures (RFC 7518 section 3.1).
    #[code = "unknown_value"]
    pub enum Algorithm {
        Hs256 = "HS256",
        Hs384 = "HS384",
        Hs512 = "HS512",
        Rs256 = "RS256",
        Rs384 = "RS384",
        Rs512 = "RS512",
        Ps256 = "PS256",
        Ps384 = "PS384",
        Ps512 = "PS512",
        Es256 = "ES256",
        Es384 = "ES384",
        EdDsa = "EdDSA",
        /// The newer name of `EdDSA` with this curve (RFC 9864).
        Ed25519 = "Ed25519",
    }
    later ["ES512"]

    /// An algorithm of HTTP Message Signatures by public keys (RFC 9421 section 3.3).
    #[code = "unknown_value"]
    pub enum SignatureAlgorithm {
        RsaPssSha512 = "rsa-pss-sha512",
        RsaV15Sha256 = "rsa-v1_5-sha256",
        EcdsaP256Sha256 = "ecdsa-p256-sha256",
        EcdsaP384Sha384 = "ecdsa-p384-sha384",
        Ed25519 = "ed25519",
    }

    /// The type of a JSON Web Token authorizer.
    #[code = "unknown_type"]
    pub enum JwtType {
        Jwt = "jwt",
    }

    /// The type of a webhook authorizer.
    #[code = "unknown_type"]
    pub enum WebhookType {
        Webhook = "webhook",
    }

    /// The type of an authorizer by HTTP Message Signatures.
    #[code = "unknown_type"]
    pub enum MessageSignatureType {
        MessageSignature = "message_signature",
    }

    /// The type of an authorizer by client certificates.
    #[code = "unknown_type"]
    pub enum ClientCertificateType {
        ClientCertificate = "client_certificate",
    }

    /// A way of signing webhooks.
    #[code = "unknown_value"]
    pub enum WebhookSchemeName {
        /// `X-Hub-Signature-256`
        Github = "github",
        /// `Stripe-Signature`
        Stripe = "stripe",
        /// Standard Webhooks: `webhook-signature`
        Standard = "standard",
    }
}

impl<'a> Read<'a> for Spanned<Algorithm> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let value = Algorithm::read(node, cx)?;
        let span = span_of(node);
        Some(Spanned { value, span })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        Algorithm::schema(defs)
    }
}

impl<'a> Read<'a> for Spanned<SignatureAlgorithm> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let value = SignatureAlgorithm::read(node, cx)?;
        let span = span_of(node);
        Some(Spanned { value, span })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        SignatureAlgorithm::schema(defs)
    }
}

/// A JSON Web Key or a set of them.
#[derive(Clone, Debug)]
pub enum Jwks<'a> {
    /// Written as JSON; no key stands twice in an object.
    Inline(&'a Value<'a>),
    Text(TextValue),
}

impl<'a> Read<'a> for Jwks<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::StringLit(_) => TextValue::read(node, cx).map(Jwks::Text),
            Value::Object(_) => JsonBody::read(node, cx).map(|body| Jwks::Inline(body.0)),
            other => wrong_type(other, "an object or a string", cx),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["object", "string"], "minLength": 1 })
    }
}
