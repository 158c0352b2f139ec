//! What is carried from the request to the upstream: headers and query keys whose values come from elsewhere in the
//! request, from the caller's token or from the config.
//!
//! - A mapped name is removed from what the client sent, whether or not there is a value to put in its place.
//! - A value that cannot be found is skipped; one that cannot stand in a header refuses the request.
//! - The rest of the query is kept byte for byte.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write;

use crate::edits::Edits;
use crate::http::is_field_value;
use crate::plan::{Mapping, Source, Text};
use crate::problem::Problem;

/// Where mapped values are looked up.
pub trait Lookup {
    /// A header of the client's request.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;
    /// A claim of the caller's token.
    fn claim(&self, name: &str) -> Option<Cow<'_, str>>;
    /// A parameter of the path, percent-decoded.
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// Writes the mapped headers as edits of the request that goes to the upstream.
pub fn headers(
    mapping: &Mapping,
    query: Option<&str>,
    from: &impl Lookup,
    edits: &mut Edits,
) -> Result<(), Problem> {
    for (name, source) in &mapping.headers {
        match value(source, query, from) {
            None => edits.remove(name),
            Some(value) if is_field_value(&value) => edits.set(name, &value),
            Some(_) => {
                return Err(Problem::client(
                    400,
                    "mapped_value_invalid",
                    "A value of this request cannot be passed on in a header.",
                )
                .with_reason(format!(
                    "the value mapped to {name} holds a control character"
                )));
            }
        }
    }
    Ok(())
}

/// The query that goes to the upstream.
pub fn query(mapping: &Mapping, query: Option<&str>, from: &impl Lookup) -> Option<String> {
    let mut out = String::with_capacity(query.map_or(0, str::len).saturating_add(32));
    for pair in query.unwrap_or("").split('&') {
        let mapped = mapping
            .query
            .iter()
            .any(|(name, _)| decode(key(pair)) == name.as_str());
        if !mapped && !pair.is_empty() {
            separate(&mut out);
            out.push_str(pair);
        }
    }
    for (name, source) in &mapping.query {
        if let Some(value) = value(source, query, from) {
            separate(&mut out);
            encode(name, &mut out);
            out.push('=');
            encode(&value, &mut out);
        }
    }
    (!out.is_empty()).then_some(out)
}

fn separate(out: &mut String) {
    if !out.is_empty() {
        out.push('&');
    }
}

fn value<'a>(
    source: &'a Source,
    query: Option<&'a str>,
    from: &'a impl Lookup,
) -> Option<Cow<'a, str>> {
    match source {
        Source::Header(name) => from.header(name),
        Source::Claim(name) => from.claim(name),
        Source::Query(name) => first(query?, name),
        Source::Path(name) => from.parameter(name),
        Source::Config(Text::Literal(value)) => Some(Cow::Borrowed(value)),
        // Resolved when the plan was loaded; a path whose reference is unset is closed.
        Source::Config(Text::Reference(_)) | Source::Absent => None,
    }
}

/// The first value of a key, decoded as a form's (URL standard, section 5.1).
pub fn first<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query
        .split('&')
        .find(|pair| decode(key(pair)) == name)
        .map(|pair| decode(pair.split_once('=').map_or("", |(_, value)| value)))
}

fn key(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(key, _)| key)
}

/// `+` is a space, `%XX` a byte; what is malformed stands for itself.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode(&spaced).into_owned())
}

/// `text` with its percent-encoded bytes decoded (RFC 3986 section 2.1).
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = |b: u8| char::from(b).to_digit(16);
        let decoded = match (byte, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match decoded.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
