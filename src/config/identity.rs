//! The objects of identities: what the gateway proves to an upstream, one for each type.

use serde_json::json;

use super::ast::Value;
use super::context::Context;
use super::identity_token::{AzureIdentityObject, GoogleIdentityObject, OAuth2IdentityObject};
use super::object::{missing, object, object_of, words};
use super::read::{Defs, Lazy, Read};
use super::value::{Name, TextValue};

/// What the gateway proves to an upstream. The type says what its members are.
#[derive(Clone, Debug)]
pub enum IdentityObject<'a> {
    Header(Box<HeaderIdentityObject<'a>>),
    Basic(Box<BasicIdentityObject<'a>>),
    OAuth2(Box<OAuth2IdentityObject<'a>>),
    Google(Box<GoogleIdentityObject<'a>>),
    Azure(Box<AzureIdentityObject<'a>>),
}

impl<'a> Read<'a> for IdentityObject<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let object = object_of(node, cx)?;
        let Some(kind) = object.get("type") else {
            missing(object, "type", cx);
            return None;
        };
        match IdentityType::read(&kind.value, cx)? {
            IdentityType::Header => HeaderIdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::Header),
            IdentityType::Basic => BasicIdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::Basic),
            IdentityType::OAuth2 => OAuth2IdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::OAuth2),
            IdentityType::Google => GoogleIdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::Google),
            IdentityType::Azure => AzureIdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::Azure),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            HeaderIdentityObject::schema(defs),
            BasicIdentityObject::schema(defs),
            OAuth2IdentityObject::schema(defs),
            GoogleIdentityObject::schema(defs),
            AzureIdentityObject::schema(defs),
        ] })
    }
}

object! {
    /// What the gateway proves to an upstream: a secret in a header.
    pub struct HeaderIdentityObject {
        /// `header`
        required kind = "type": HeaderIdentityType,
        /// The name of the header. `Authorization` if nothing is said.
        optional name: Name<'a>,
        /// What stands in front of the secret, such as `Bearer `.
        optional prefix: Name<'a>,
        /// The secret, best `$secret.NAME`.
        required secret: TextValue,
    }

    /// What the gateway proves to an upstream: a user name and a password (RFC 7617).
    pub struct BasicIdentityObject {
        /// `basic`
        required kind = "type": BasicIdentityType,
        /// The user's name, without a colon.
        required username: Lazy<'a, TextValue>,
        /// The password, best `$secret.NAME`. Empty if nothing is said.
        optional password: TextValue,
    }
}

words! {
    /// The kind of an identity.
    #[code = "unknown_type"]
    pub enum IdentityType {
        Header = "header",
        Basic = "basic",
        OAuth2 = "oauth2",
        Google = "google",
        Azure = "azure",
    }
    later ["aws"]

    /// The type of an identity by a secret in a header.
    #[code = "unknown_type"]
    pub enum HeaderIdentityType {
        Header = "header",
    }

    /// The type of an identity by user name and password.
    #[code = "unknown_type"]
    pub enum BasicIdentityType {
        Basic = "basic",
    }
}
