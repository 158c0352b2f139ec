//! The objects of identities: what the gateway proves to an upstream, one for each type.

use serde_json::json;

use super::ast::Value;
use super::context::Context;
use super::object::{missing, object, object_of, words};
use super::read::{Defs, Lazy, Read};
use super::value::{Name, TextValue, Whole};

/// What the gateway proves to an upstream. The type says what its members are.
#[derive(Clone, Debug)]
pub enum IdentityObject<'a> {
    Header(Box<HeaderIdentityObject<'a>>),
    Basic(Box<BasicIdentityObject<'a>>),
    Aws(Box<AwsIdentityObject<'a>>),
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
            IdentityType::Aws => AwsIdentityObject::read(node, cx)
                .map(Box::new)
                .map(IdentityObject::Aws),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            HeaderIdentityObject::schema(defs),
            BasicIdentityObject::schema(defs),
            AwsIdentityObject::schema(defs),
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

    /// What the gateway proves to an upstream: a signature that AWS and its kin take (Signature Version 4).
    pub struct AwsIdentityObject {
        /// `aws`
        required kind = "type": AwsIdentityType,
        /// The name that the service signs with, such as `execute-api`, `lambda`, `s3` or `dynamodb`.
        required service: TextValue,
        /// Such as `eu-west-1`.
        required region: TextValue,
        /// The id of the access key.
        optional access_key_id: TextValue,
        /// Its secret, best `$secret.NAME`.
        optional secret_access_key: TextValue,
        /// The token that belongs to temporary keys, best `$secret.NAME`.
        optional session_token: TextValue,
        /// What the signature says of the body. `unsigned` for `s3` and `signed` for all others if nothing is said.
        optional payload: AwsPayloadName,
        /// The largest body in bytes that is signed. 1048576 if nothing is said.
        optional max_body: Whole<1, 10_485_760>,
        /// The role that these keys assume, and whose keys then sign.
        optional assume_role: AwsRoleObject<'a>,
    }

    /// A role of AWS.
    pub struct AwsRoleObject {
        /// Such as `arn:aws:iam::123456789012:role/gateway`.
        required role_arn: TextValue,
        /// By what the session is known in AWS's logs. `causeway` if nothing is said.
        optional session_name: Name<'a>,
        /// What the role's owner asks for.
        optional external_id: TextValue,
        /// Seconds for which the role's keys are good. 3600 if nothing is said.
        optional duration_seconds: Whole<900, 43_200>,
        /// Where the Security Token Service is asked. That of the region if nothing is said.
        optional endpoint: TextValue,
    }
}

words! {
    /// The kind of an identity.
    #[code = "unknown_type"]
    pub enum IdentityType {
        Header = "header",
        Basic = "basic",
        Aws = "aws",
    }
    later ["google", "azure", "oauth2"]

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

    /// The type of an identity by signatures of AWS.
    #[code = "unknown_type"]
    pub enum AwsIdentityType {
        Aws = "aws",
    }

    /// What a signature of AWS says of the body.
    #[code = "unknown_value"]
    pub enum AwsPayloadName {
        /// Its hash
        Signed = "signed",
        /// Nothing
        Unsigned = "unsigned",
    }
}
