//! A key's record in KV: a JSON object with the members of one of `keys` in the config.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::hash::read_hash;
use crate::auth::moment::unix_seconds;
use crate::plan::{Identity, StoredKey, is_scope};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    hash: String,
    owner: Option<String>,
    expires: Option<Moment>,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    plan: Option<String>,
    #[serde(default)]
    claims: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Moment {
    Seconds(u64),
    Text(String),
}

/// Reads the record that stands under an id. What is wrong is told in words for the operator, without a value.
pub(super) fn read_record(json: &str, id: &str, peppered: bool) -> Result<StoredKey, &'static str> {
    let record: Record =
        serde_json::from_str(json).map_err(|_| "it is not JSON with the members of a key")?;
    if record.id != id {
        return Err("its id is another");
    }
    let hash = read_hash(&record.hash, peppered).ok_or("its hash is not of the expected kind")?;
    let expires = match record.expires {
        None => None,
        Some(Moment::Seconds(seconds)) => Some(seconds),
        Some(Moment::Text(text)) => {
            Some(unix_seconds(&text).ok_or("expires is no date and no number of seconds")?)
        }
    };
    if !record.scopes.iter().all(|scope| is_scope(scope)) {
        return Err("one of its scopes is none");
    }
    let more = record.claims.into_iter();
    let identity = Identity {
        sub: record.owner,
        key_id: Some(record.id.clone()),
        scopes: record.scopes,
        groups: record.groups,
        plan: record.plan,
        more: more
            .map(|(name, value)| (name, value.get().to_owned()))
            .collect(),
    };
    Ok(StoredKey {
        claims: identity.claims(),
        id: record.id,
        hash,
        expires,
        disabled: record.disabled,
    })
}
