//! What a verified token says about its bearer.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::edits::Edits;

/// Deeper values are refused: whoever reads them next may not have a limit of its own.
const MAX_DEPTH: usize = 64;

/// So many that no issuer needs them; few enough to look each name up among the others.
const MAX_CLAIMS: usize = 256;

/// The claims of a token whose signature holds, in the token's order, as the issuer wrote them: numbers keep their
/// digits. No name stands twice (RFC 7519 section 4).
#[derive(Clone)]
pub struct Claims {
    /// Shared: a token may be seen many times.
    members: Rc<[(String, Box<RawValue>)]>,
    /// Fields that whoever knew the caller adds to the request that goes on.
    fields: Option<Rc<Edits>>,
}

impl Claims {
    /// What another way in than a token says of the caller. `None` if it is no claims set as a token could carry it.
    pub(super) fn of(members: serde_json::Map<String, serde_json::Value>) -> Option<Claims> {
        serde_json::from_str(&serde_json::Value::Object(members).to_string()).ok()
    }

    /// The same with fields for the request that goes on.
    pub(super) fn with_fields(self, fields: Edits) -> Claims {
        let fields = (fields.count() > 0).then(|| Rc::new(fields));
        Claims { fields, ..self }
    }

    /// Adds the fields of another who knew the caller too.
    #[must_use]
    pub(crate) fn and_fields_of(self, other: &Claims) -> Claims {
        let fields = match (self.fields, &other.fields) {
            (Some(mine), Some(theirs)) => {
                let mut fields = Edits::clone(&mine);
                fields.extend(theirs);
                Some(Rc::new(fields))
            }
            (mine, theirs) => mine.or_else(|| theirs.clone()),
        };
        Claims { fields, ..self }
    }

    /// Fields for the request that goes on.
    pub(crate) fn fields(&self) -> Option<&Edits> {
        self.fields.as_deref()
    }

    /// A claim as text: a string's content, a number, `true` or `false` as written, an array or object as compact
    /// JSON. `None` where it is absent or `null`.
    ///
    /// `name` is first a whole name, which may contain dots, slashes or colons. If there is none such, its longest
    /// beginning before a dot that is one is looked into, and the rest is looked up there in the same way. The text may
    /// contain any character, line breaks too: whoever puts it in a header checks it first.
    pub fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.json_of(name) {
            Some(json) => text(json),
            None => self.within(name),
        }
    }

    fn within<'c>(&self, name: &str) -> Option<Cow<'c, str>> {
        let (rest, json) = name.rmatch_indices('.').find_map(|(dot, _)| {
            let (beginning, rest) = name.split_at_checked(dot)?;
            Some((rest.get(1..)?, self.json_of(beginning)?))
        })?;
        let inner: Claims = serde_json::from_str(json).ok()?;
        let found = inner.claim(rest).filter(|_| !rest.is_empty())?;
        Some(Cow::Owned(found.into_owned()))
    }

    /// About how much memory they take.
    pub(super) fn bytes(&self) -> usize {
        const EACH: usize = 64;
        let members = self.members.iter();
        let members = members.map(|(name, value)| {
            let text = name.len().saturating_add(value.get().len());
            text.saturating_add(EACH)
        });
        let fields = self.fields().map_or(0, |fields| fields.as_str().len());
        members.sum::<usize>().saturating_add(fields)
    }

    /// All claims as one compact JSON object.
    pub fn to_json(&self) -> String {
        let mut object = String::from("{");
        for (name, value) in self.members.iter() {
            if object.len() > 1 {
                object.push(',');
            }
            object.push_str(&serde_json::Value::from(name.as_str()).to_string());
            object.push(':');
            object.push_str(&compact(value.get()));
        }
        object.push('}');
        object
    }

    /// A claim that is a string.
    pub(crate) fn string(&self, name: &str) -> Option<Cow<'_, str>> {
        string(self.json_of(name)?)
    }

    /// A claim that is a string or an array of nothing but strings.
    pub(crate) fn strings(&self, name: &str) -> Option<Vec<String>> {
        let json = self.json_of(name)?;
        match string(json) {
            Some(one) => Some(vec![one.into_owned()]),
            None => serde_json::from_str(json).ok(),
        }
    }

    /// A claim's JSON as written; `null` is a value here.
    pub(crate) fn json_of(&self, name: &str) -> Option<&str> {
        let (_, value) = self.members.iter().find(|(n, _)| n == name)?;
        Some(value.get())
    }
}

/// Names alone: a token's content does not belong in logs.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.members.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Reads a claims set strictly: an object, no name twice, no string that is not Unicode, nothing too deep.
impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Claims, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut members: Vec<(String, Box<RawValue>)> = Vec::with_capacity(12);
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if members.len() == MAX_CLAIMS || members.iter().any(|(n, _)| *n == name) {
                return Err(A::Error::custom("a claim twice, or too many"));
            }
            match value.get().as_bytes().first() {
                Some(b'"') if string(value.get()).is_none() => {
                    return Err(A::Error::custom("a string that is not Unicode"));
                }
                Some(b'[' | b'{') if depth(value.get()) > MAX_DEPTH => {
                    return Err(A::Error::custom("nested too deeply"));
                }
                _ => {}
            }
            members.push((name, value));
        }
        Ok(Claims {
            members: members.into(),
            fields: None,
        })
    }
}

/// A value as text; none of `null`.
fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first() {
        Some(b'"') => string(json),
        Some(b'[' | b'{') => Some(Cow::Owned(compact(json))),
        Some(b'n') => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

/// The content of a JSON string. `None` if its escapes do not make Unicode (a lone surrogate).
fn string(json: &str) -> Option<Cow<'_, str>> {
    let content = json.strip_prefix('"')?.strip_suffix('"')?;
    if content.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(content))
    }
}

/// Valid JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    compact.extend(
        tokens(json)
            .filter(|(c, within_string)| *within_string || !c.is_ascii_whitespace())
            .map(|(c, _)| c),
    );
    compact
}

/// How deep valid JSON's arrays and objects are nested.
fn depth(json: &str) -> usize {
    let mut open = 0_usize;
    let mut deepest = 0;
    for (c, within_string) in tokens(json) {
        match c {
            '[' | '{' if !within_string => open = open.saturating_add(1),
            ']' | '}' if !within_string => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// The characters of valid JSON, each with whether it is part of a string.
fn tokens(json: &str) -> impl Iterator<Item = (char, bool)> {
    let mut within_string = false;
    let mut escaped = false;
    json.chars().map(move |c| {
        let was_within = within_string;
        if escaped {
            escaped = false;
        } else if within_string && c == '\\' {
            escaped = true;
        } else if c == '"' {
            within_string = !within_string;
        }
        (c, was_within || within_string)
    })
}
