//! The JOSE header, read strictly (RFC 7515 section 4, RFC 8725 section 3.10).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// Members that are refused wherever they stand, and why:
/// `crit` and `b64` ask for extensions, of which none is implemented (RFC 7515 section 4.1.11, RFC 7797);
/// `jwk`, `jku`, `x5u`, `x5c` bring a key of the sender's choice (RFC 8725 section 3.10);
/// `enc` and `zip` belong to encrypted tokens (RFC 7516 section 4.1).
const REFUSED_MEMBERS: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip"];

/// The number of members is bounded because the header is read before the signature is known to hold.
const MAX_MEMBERS: usize = 32;

/// What matters of a header that may be looked at further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JoseHeader {
    pub alg: String,
    /// Only ever compared with the names of keys.
    pub kid: Option<String>,
    pub typ: Option<String>,
}

impl JoseHeader {
    /// Reads a token's first part. `None`: not canonical base64url, not UTF-8, not a JSON object, a member named twice, a
    /// refused member, or no `alg`.
    pub fn read(part: &str) -> Option<JoseHeader> {
        let json = String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
        serde_json::from_str(&json).ok()
    }
}

impl<'de> Deserialize<'de> for JoseHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JoseHeader, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = JoseHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JoseHeader, A::Error> {
        let mut names: Vec<String> = Vec::new();
        let mut alg = None;
        let mut kid = None;
        let mut typ = None;
        while let Some(name) = map.next_key::<String>()? {
            if REFUSED_MEMBERS.contains(&name.as_str()) {
                return Err(A::Error::custom("a refused member"));
            }
            if names.contains(&name) || names.len() == MAX_MEMBERS {
                return Err(A::Error::custom("a member twice, or too many"));
            }
            match name.as_str() {
                "alg" => alg = Some(map.next_value::<String>()?),
                "kid" => kid = Some(map.next_value::<String>()?),
                "typ" => typ = Some(map.next_value::<String>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            names.push(name);
        }
        let alg = alg.ok_or_else(|| A::Error::missing_field("alg"))?;
        Ok(JoseHeader { alg, kid, typ })
    }
}
