//! The objects of authorizers: one for each type.

use jsonc_parser::ast::Value;
use serde_json::json;

use super::Spanned;
use super::context::Context;
use super::credential::{ApiKeyObject, BasicObject};
use super::object::{missing, object, object_of, words};
use super::read::{Defs, Read};
use super::value::{Name, OneOrMany, TextValue, TokenPlace, Whole};

/// How the gateway knows the caller. The type says what its members are.
#[derive(Clone, Debug)]
pub enum AuthorizerObject<'a> {
    Jwt(Box<JwtObject<'a>>),
    ApiKey(Box<ApiKeyObject<'a>>),
    Basic(Box<BasicObject<'a>>),
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
            AuthorizerType::ApiKey => ApiKeyObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::ApiKey),
            AuthorizerType::Basic => BasicObject::read(node, cx)
                .map(Box::new)
                .map(AuthorizerObject::Basic),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            JwtObject::schema(defs), ApiKeyObject::schema(defs), BasicObject::schema(defs),
        ] })
    }
}

object! {
    /// How the gateway knows the caller: a JSON Web Token signed with a shared secret.
    pub struct JwtObject {
        /// `jwt`
        required kind = "type": JwtType,
        /// The shared secret, best `$secret.NAME`. At least as long as the algorithm's hash: 32, 48 or 64 bytes.
        required secret: TextValue,
        /// The one algorithm that is accepted. `HS256` if nothing is said.
        optional algorithm: Algorithm,
        /// All algorithms that are accepted.
        optional algorithms: Vec<Algorithm>,
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

words! {
    /// The kind of an authorizer.
    #[code = "unknown_type"]
    pub enum AuthorizerType {
        Jwt = "jwt",
        ApiKey = "api_key",
        Basic = "basic",
    }
    later ["auth0", "supabase"]

    /// An algorithm of JSON Web Signatures (RFC 7518 section 3.1).
    #[code = "unknown_value"]
    pub enum Algorithm {
        Hs256 = "HS256",
        Hs384 = "HS384",
        Hs512 = "HS512",
    }
    later [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]

    /// The type of a JSON Web Token authorizer.
    #[code = "unknown_type"]
    pub enum JwtType {
        Jwt = "jwt",
    }
}
