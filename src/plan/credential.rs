//! Credentials in a blueprint: where they stand in a request, and in which form they are stored.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Text, TokenSource};

/// A place of a request from which an authorizer takes a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// `Authorization` with this scheme, in lower case (RFC 9110 section 11.4).
    Scheme(String),
    /// A whole header, by its lower-case name.
    Header(String),
    /// A cookie by its name; the others are not touched.
    Cookie(String),
    /// A query key by its name, decoded; the others are not touched.
    Query(String),
    /// A cookie by its name, and those whose names go on with a dot behind it.
    Cookies(String),
}

impl From<&TokenSource> for Place {
    fn from(source: &TokenSource) -> Place {
        match source {
            TokenSource::Bearer => Place::Scheme("bearer".to_owned()),
            TokenSource::Header(name) => Place::Header(name.clone()),
            TokenSource::Cookie(name) => Place::Cookie(name.clone()),
            TokenSource::Query(name) => Place::Query(name.clone()),
        }
    }
}

/// Which API keys are accepted. At least one of `keys` and `kv` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiKeySpec {
    /// Where a key is looked for, in order; the first place that has one decides.
    pub places: Vec<Place>,
    /// Those written in the config; they are asked before `kv`.
    pub keys: Vec<StoredKey>,
    pub kv: Option<KeyNamespace>,
    /// With one, all hashes are HMAC-SHA-256 under it; without, SHA-256.
    pub pepper: Option<Text>,
}

/// A KV namespace that holds keys' records under their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNamespace {
    /// The name of its binding.
    pub binding: String,
    /// What stands in front of an id.
    pub prefix: String,
}

/// What is stored of an API key: never the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The key's own id with its prefix, such as `cw_3fQ9xZ0aLmN2`.
    pub id: String,
    /// Of the whole key.
    pub hash: [u8; 32],
    /// Unix time in seconds from which on it is refused.
    pub expires: Option<u64>,
    pub disabled: bool,
    /// A JSON object: what its bearer is known by.
    pub claims: String,
}

/// Whose user names and passwords are accepted (RFC 7617).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BasicSpec {
    pub users: Vec<StoredUser>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredUser {
    pub name: String,
    /// The password's hash, see [`crate::auth::PasswordHash`].
    pub password: Text,
    /// A JSON object: what the user is known by.
    pub claims: String,
}

/// What is known of a caller besides the credential.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    pub sub: Option<String>,
    pub key_id: Option<String>,
    /// One claim, `scope`, with blanks between (RFC 8693 section 4.2).
    pub scopes: Vec<String>,
    pub groups: Vec<String>,
    pub plan: Option<String>,
    /// More claims, each a name and its JSON.
    pub more: Vec<(String, String)>,
}

impl Identity {
    /// Names of claims that have a member of their own.
    pub const RESERVED: [&str; 5] = ["sub", "key_id", "scope", "groups", "plan"];

    /// A JSON object of claims.
    pub fn claims(&self) -> String {
        let own = [
            ("sub", self.sub.as_ref().map(|sub| json!(sub))),
            ("key_id", self.key_id.as_ref().map(|id| json!(id))),
            (
                "scope",
                (!self.scopes.is_empty()).then(|| json!(self.scopes.join(" "))),
            ),
            (
                "groups",
                (!self.groups.is_empty()).then(|| json!(self.groups)),
            ),
            ("plan", self.plan.as_ref().map(|plan| json!(plan))),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((json!(name), value?.to_string())));
        let more = self.more.iter();
        let members: Vec<String> = own
            .chain(more.map(|(name, value)| (json!(name), value.clone())))
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Whether a text can be one scope among others (RFC 6749 section 3.3).
pub fn is_scope(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}
