//! What is carried from the request to the upstream: headers and query keys whose values come from elsewhere in the
//! request, from the caller's token or from the config.
//!
//! - A mapped name is removed from what the client sent, whether or not there is a value to put in its place.
//! - A value that cannot be found is skipped; one that cannot stand in a header refuses the request.
//! - The rest of the query is kept byte for byte.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

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
        let mapped = decoded(pair)
            .is_some_and(|(key, _)| mapping.query.iter().any(|(name, _)| *name == key));
        if !mapped && !pair.is_empty() {
            separate(&mut out);
            out.push_str(pair);
        }
    }
    for (name, source) in &mapping.query {
        if let Some(value) = value(source, query, from) {
            separate(&mut out);
            out.extend(utf8_percent_encode(name, RESERVED));
            out.push('=');
            out.extend(utf8_percent_encode(&value, RESERVED));
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
    values(query, name).next()
}

/// All values of a key, decoded.
pub fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value)
}

fn decoded(pair: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(pair.as_bytes()).next()
}

/// A path parameter as its value means it (RFC 3986 section 2.1).
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// All but the unreserved characters (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
