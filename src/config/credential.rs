//! The objects of authorizers that know callers by what is stored of their credentials.

use super::ast::Value;
use serde_json::json;

use super::context::Context;
use super::object::{object, object_of, words};
use super::read::{Defs, Entries, Items, Read, Spanned, key_of, span_of, wrong_type};
use super::value::{JsonBody, Name, TextValue, place};
use crate::auth::unix_seconds;

object! {
    /// How the gateway knows the caller: an API key, of which only a hash is stored.
    pub struct ApiKeyObject {
        /// `api_key`
        required kind = "type": ApiKeyType,
        /// Where a key is looked for, in order. The header `x-api-key` if nothing is said.
        optional key_from: Vec<KeyPlace<'a>>,
        /// The keys that are accepted. `causeway key new` makes one.
        optional keys: Items<'a, KeyObject<'a>>,
        /// A KV namespace with more keys.
        optional kv: KvObject<'a>,
        /// A secret that goes into every hash, best `$secret.NAME`; at least 32 bytes.
        optional pepper: TextValue,
        /// Whether the key goes on to whoever serves the request. `false` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }

    /// A KV namespace with the records of keys, each under its id.
    pub struct KvObject {
        /// The name of the binding in wrangler.toml.
        required binding: Name<'a>,
        /// What stands in front of an id.
        optional prefix: Name<'a>,
    }

    /// What is stored of an API key.
    pub struct KeyObject {
        /// The key's prefix and id, such as `cw_3fQ9xZ0aLmN2`.
        required id: Name<'a>,
        /// `sha256:` and the SHA-256 of the whole key in hexadecimal; with a pepper `hmac-sha256:`.
        required hash: Name<'a>,
        /// Whose key it is: the claim `sub`.
        optional owner: Name<'a>,
        /// From when on it is refused: a date, a date and time (RFC 3339), or Unix seconds.
        optional expires: Moment,
        /// Whether it is refused.
        optional disabled: Spanned<bool>,
        /// What it may be used for: the claim `scope`.
        optional scopes: Vec<Name<'a>>,
        /// The claim `groups`.
        optional groups: Vec<Name<'a>>,
        /// The claim `plan`.
        optional plan: Name<'a>,
        /// More claims.
        optional claims: Entries<'a, JsonBody<'a>>,
    }

    /// How the gateway knows the caller: a user name and a password (RFC 7617).
    pub struct BasicObject {
        /// `basic`
        required kind = "type": BasicType,
        /// Who is accepted.
        required users: Items<'a, UserObject<'a>>,
        /// Whether name and password go on to whoever serves the request. `false` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }

    /// A user.
    pub struct UserObject {
        /// The user's name, without a colon: the claim `sub`.
        required name: Name<'a>,
        /// The password's hash as `causeway password hash` prints it, or a reference to it.
        required password: TextValue,
        /// What the user may do: the claim `scope`.
        optional scopes: Vec<Name<'a>>,
        /// The claim `groups`.
        optional groups: Vec<Name<'a>>,
        /// More claims.
        optional claims: Entries<'a, JsonBody<'a>>,
    }
}

words! {
    /// The type of an authorizer of API keys.
    #[code = "unknown_type"]
    pub enum ApiKeyType {
        ApiKey = "api_key",
    }

    /// The type of an authorizer of user names and passwords.
    #[code = "unknown_type"]
    pub enum BasicType {
        Basic = "basic",
    }
}

/// Where an API key is looked for: `{"header": name}`, `{"scheme": name}` (of `Authorization`), `{"cookie": name}` or
/// `{"query": name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace<'a> {
    Header(Name<'a>),
    Scheme(Name<'a>),
    Cookie(Name<'a>),
    Query(Name<'a>),
}

impl<'a> Read<'a> for KeyPlace<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let object = object_of(node, cx)?;
        let place = match object.properties.as_slice() {
            [property] => match key_of(property).value {
                "header" => Some((KeyPlace::Header as fn(Name<'a>) -> Self, &property.value)),
                "scheme" => Some((KeyPlace::Scheme as _, &property.value)),
                "cookie" => Some((KeyPlace::Cookie as _, &property.value)),
                "query" => Some((KeyPlace::Query as _, &property.value)),
                _ => None,
            },
            _ => None,
        };
        let Some((place, name)) = place else {
            cx.error(span_of(node), "unknown_value", "this is no place for a key")
                .help("write one of `{\"header\": name}`, `{\"scheme\": name}`, `{\"cookie\": name}` and `{\"query\": name}`");
            return None;
        };
        Name::read(name, cx).map(place)
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            place("header", "The name of a header that has it."),
            place("scheme", "The scheme of `Authorization` that it stands behind, such as `ApiKey`."),
            place("cookie", "The name of a cookie that has it."),
            place("query", "The key of the query that has it."),
        ] })
    }
}

/// A point in time, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

impl<'a> Read<'a> for Moment {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let text = match node {
            Value::StringLit(text) => text.value.as_ref(),
            Value::NumberLit(number) => number.value,
            other => return wrong_type(other, "a date or a number of seconds", cx),
        };
        let moment = unix_seconds(text).map(Moment);
        if moment.is_none() {
            cx.error(span_of(node), "bad_date", "this is no point in time")
                .help("write `2027-01-31`, `2027-01-31T12:00:00Z`, or Unix seconds");
        }
        moment
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "integer"], "minimum": 0 })
    }
}
