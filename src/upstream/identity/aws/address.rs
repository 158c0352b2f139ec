//! The one spelling of a URL for AWS.
//!
//! AWS checks a signature over path and query as it reads them, and readers differ on characters that may stand
//! encoded or not: a plus sign in a query, parentheses in a path. So the URL is sent in the spelling that all of them
//! arrive at, and signed in that same spelling:
//!
//! - In path and query every byte is percent-encoded but letters, digits, `-`, `.`, `_`, `~`, and the path's slashes.
//! - A plus sign in a query is a space, as a form writes it.
//! - The query's order is the client's. Keys that begin with `x-amz-` are taken out: they belong to requests that are
//!   signed in the URL, and the gateway signs for nobody else.

use std::collections::BinaryHeap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// A URL that is to be signed.
#[derive(Debug, PartialEq, Eq)]
pub struct Address<'u> {
    /// Host and port, as they are sent.
    pub authority: &'u str,
    pub path: &'u str,
    /// Empty where there is none.
    pub query: &'u str,
}

/// Brings an absolute URL into its spelling. Its path has no dot segments, its authority no default port.
pub fn respell(url: &str) -> String {
    let (start, path, query) = parts(url);
    let mut spelled = String::with_capacity(url.len().saturating_add(32));
    spelled.push_str(start);
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            spelled.push('/');
        }
        encode(segment, false, &mut spelled);
    }
    let mut mark = '?';
    for pair in query.unwrap_or_default().split('&') {
        if pair.is_empty() || is_signed_in_url(pair) {
            continue;
        }
        spelled.push(mark);
        mark = '&';
        let (key, value) = match pair.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (pair, None),
        };
        encode(key, true, &mut spelled);
        if let Some(value) = value {
            spelled.push('=');
            encode(value, true, &mut spelled);
        }
    }
    spelled
}

impl<'u> Address<'u> {
    /// Takes apart what [`respell`] made.
    pub fn of(url: &'u str) -> Address<'u> {
        let (start, path, query) = parts(url);
        Address {
            authority: start.split_once("://").map_or(start, |(_, rest)| rest),
            path: if path.is_empty() { "/" } else { path },
            query: query.unwrap_or_default(),
        }
    }

    /// Sorted by key and then by value, each key with an equals sign.
    pub fn canonical_query(&self) -> String {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        // A heap sorts with less code than a slice does.
        let pairs: BinaryHeap<(&str, &str)> = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let mut canonical = String::with_capacity(self.query.len().saturating_add(8));
        for (key, value) in pairs.into_sorted_vec() {
            if !canonical.is_empty() {
                canonical.push('&');
            }
            canonical.push_str(key);
            canonical.push('=');
            canonical.push_str(value);
        }
        canonical
    }

    /// As S3 signs it, which takes the path as it is, or as all others do: without empty segments, and encoded once more.
    pub fn canonical_path(&self, as_it_is: bool) -> String {
        if as_it_is {
            return self.path.to_owned();
        }
        let mut canonical = String::with_capacity(self.path.len().saturating_add(16));
        for segment in self.path.split('/').filter(|segment| !segment.is_empty()) {
            canonical.push('/');
            canonical.extend(percent_encode(segment.as_bytes(), RESERVED));
        }
        if canonical.is_empty() || self.path.ends_with('/') {
            canonical.push('/');
        }
        canonical
    }
}

/// What is in front of the path, the path, and the query.
fn parts(url: &str) -> (&str, &str, Option<&str>) {
    let (url, query) = match url.split_once('?') {
        Some((url, query)) => (url, Some(query)),
        None => (url, None),
    };
    let host = url.find("://").map_or(0, |at| at.saturating_add(3));
    let path = url
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| host.saturating_add(at));
    let (start, path) = url.split_at_checked(path).unwrap_or((url, ""));
    (start, path, query)
}

/// Whether a pair belongs to a request that is signed in its URL.
fn is_signed_in_url(pair: &str) -> bool {
    let key = pair.split('=').next().unwrap_or_default();
    let mut decoded = percent_decode_str(key);
    PREFIX.bytes().all(|expected| {
        decoded
            .next()
            .is_some_and(|b| b.to_ascii_lowercase() == expected)
    })
}

fn encode(text: &str, form: bool, spelled: &mut String) {
    // Decoded piece by piece, so that an encoded plus sign stays one.
    for (index, piece) in text.split(if form { '+' } else { '\0' }).enumerate() {
        if index > 0 {
            spelled.push_str(if form { "%20" } else { "%00" });
        }
        let bytes: Vec<u8> = percent_decode_str(piece).collect();
        spelled.extend(percent_encode(&bytes, RESERVED));
    }
}

/// How the names of the parameters begin by which a URL itself is signed.
pub const PREFIX: &str = "x-amz-";

/// All but the unreserved characters of RFC 3986 section 2.3.
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_spelling() {
        for (url, spelled) in [
            ("https://a.test", "https://a.test"),
            ("https://a.test/", "https://a.test/"),
            ("https://a.test:81/x/?", "https://a.test:81/x/"),
            (
                "https://a.test/a(b)/c@d:e",
                "https://a.test/a%28b%29/c%40d%3Ae",
            ),
            (
                "https://a.test/%c3%a9/é/%7e",
                "https://a.test/%C3%A9/%C3%A9/~",
            ),
            ("https://a.test/a%2Fb/+", "https://a.test/a%2Fb/%2B"),
            ("https://a.test/%zz/%", "https://a.test/%25zz/%25"),
            ("https://a.test//a//", "https://a.test//a//"),
            ("https://a.test/x?acl", "https://a.test/x?acl"),
            ("https://a.test/x?b=2&a=1&&a", "https://a.test/x?b=2&a=1&a"),
            (
                "https://a.test/x?a=b+c%2B%2b'&d==",
                "https://a.test/x?a=b%20c%2B%2B%27&d=%3D",
            ),
            ("https://a.test/x?%61=%ff", "https://a.test/x?a=%FF"),
            (
                "https://a.test/x?X-Amz-Signature=1&x=1&x%2damz-Date&x-am=2",
                "https://a.test/x?x=1&x-am=2",
            ),
            ("https://a.test/x?X-Amz-Signature=1", "https://a.test/x"),
        ] {
            assert_eq!(respell(url), spelled, "{url}");
            assert_eq!(respell(spelled), spelled, "{url}");
        }
    }

    #[test]
    fn the_canonical_forms_are_those_of_the_service() {
        let address = Address::of("https://a.test:81//a%20b//%28/?b=2&a=2&a&a=1");
        assert_eq!(address.authority, "a.test:81");
        assert_eq!(address.canonical_query(), "a=&a=1&a=2&b=2");
        assert_eq!(address.canonical_path(true), "//a%20b//%28/");
        assert_eq!(address.canonical_path(false), "/a%2520b/%2528/");
        let address = Address::of("https://a.test");
        assert_eq!(address.canonical_query(), "");
        assert_eq!(address.canonical_path(true), "/");
        assert_eq!(address.canonical_path(false), "/");
    }
}
