//! Where a request carries its token.

use std::borrow::Cow;

use super::authorizer::Presented;
use super::denied::Denied;
use super::oidc::guard;
use crate::host::Host;
use crate::http::one_cookie_line;
use crate::plan::{Place, TokenSource};

/// What was found in the places where a token can stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Token(String),
    /// No place has anything.
    Missing,
    /// A place has something that is not one token: another scheme, a blank within, or more than one of it.
    NotBearer,
}

/// Looks through `sources` in order. The first that has a token, or a broken one, decides; an `Authorization` of
/// another scheme does not, because it may be meant for the upstream.
pub fn find<'a>(
    sources: &[TokenSource],
    header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    query: Option<&str>,
) -> Found {
    let mut other_scheme = false;
    for source in sources {
        let found = match source {
            TokenSource::Bearer => match header("authorization") {
                None => Found::Missing,
                Some(credentials) => bearer(&credentials).unwrap_or_else(|| {
                    other_scheme = true;
                    Found::Missing
                }),
            },
            TokenSource::Header(name) => only(header(name).into_iter()),
            TokenSource::Cookie(name) => {
                let cookies = header("cookie").unwrap_or_default();
                only(cookie_values(&one_cookie_line(&cookies), name))
            }
            TokenSource::Query(name) => only(query_values(query.unwrap_or_default(), name)),
        };
        if found != Found::Missing {
            return found;
        }
    }
    if other_scheme {
        Found::NotBearer
    } else {
        Found::Missing
    }
}

/// A token of the request, unless it stands in a cookie alone and another site's page may have made the browser send it.
pub(super) fn own_or_no_cookie<H: Host>(
    presented: &Presented<'_, H>,
    sources: &[TokenSource],
    token: String,
) -> Result<String, Denied> {
    let is_cookie = |source: &TokenSource| matches!(source, TokenSource::Cookie(_));
    if !sources.iter().any(is_cookie) {
        return Ok(token);
    }
    guard(presented, || {
        let others = sources.iter().filter(|source| !is_cookie(source));
        let others: Vec<_> = others.cloned().collect();
        let found = find(&others, &|name| presented.header(name), presented.query);
        !matches!(found, Found::Token(other) if other == token)
    })?;
    Ok(token)
}

/// The same of a key that was found by [`find_in`].
pub(super) fn own_or_no_cookie_in<H: Host>(
    presented: &Presented<'_, H>,
    places: &[Place],
    key: String,
) -> Result<String, Denied> {
    let is_cookie = |place: &Place| matches!(place, Place::Cookie(_));
    if places.iter().any(is_cookie) {
        guard(presented, || {
            let others = places.iter().filter(|place| !is_cookie(place));
            let others: Vec<_> = others.cloned().collect();
            let found = find_in(&others, &|name| presented.header(name), presented.query);
            !matches!(found, Found::Token(other) if other == key)
        })?;
    }
    Ok(key)
}

/// The same for places of which each has at most one credential.
pub(super) fn find_in<'a>(
    places: &[Place],
    header: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    query: Option<&str>,
) -> Found {
    for place in places {
        let found = match place {
            Place::Scheme(scheme) => {
                let credentials = header("authorization").unwrap_or_default();
                after_scheme(&credentials, scheme).map_or(Found::Missing, one_token)
            }
            Place::Header(name) => only(header(name).into_iter()),
            Place::Cookie(name) => {
                let cookies = header("cookie").unwrap_or_default();
                only(cookie_values(&one_cookie_line(&cookies), name))
            }
            Place::Query(name) => only(query_values(query.unwrap_or_default(), name)),
            // A session is nobody's key.
            Place::Cookies(_) => Found::Missing,
        };
        if found != Found::Missing {
            return found;
        }
    }
    Found::Missing
}

/// What follows a scheme, whose case does not matter (RFC 9110 section 11.1). `None` for another scheme.
pub(super) fn after_scheme<'a>(credentials: &'a str, scheme: &str) -> Option<&'a str> {
    let credentials = trim(credentials);
    let (written, rest) = credentials.split_once(' ').unwrap_or((credentials, ""));
    written.eq_ignore_ascii_case(scheme).then(|| trim(rest))
}

fn bearer(credentials: &str) -> Option<Found> {
    after_scheme(credentials, "bearer").map(one_token)
}

/// The one value among several; an empty one is none. Two cannot be told apart: the order of cookies means nothing
/// (RFC 6265 section 4.2.2), and a query parameter stands once (RFC 6750 section 2, RFC 6749 section 3.1).
fn only<'a>(mut values: impl Iterator<Item = Cow<'a, str>>) -> Found {
    match (values.next(), values.next()) {
        (Some(value), None) if trim(&value).is_empty() => Found::Missing,
        (Some(value), None) => one_token(trim(&value)),
        (Some(_), Some(_)) => Found::NotBearer,
        (None, _) => Found::Missing,
    }
}

/// A token is one word (RFC 6750 section 2.1). Two headers that were joined by a comma are not.
fn one_token(text: &str) -> Found {
    let one_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
    if one_word {
        Found::Token(text.to_owned())
    } else {
        Found::NotBearer
    }
}

/// The values of all cookies of that name, whose case matters, without their optional quotes (RFC 6265 section 4.1.1).
fn cookie_values<'a>(cookies: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    cookies
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .filter(move |(key, _)| trim(key) == name)
        .map(|(_, value)| {
            let value = trim(value);
            let unquoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            Cow::Borrowed(unquoted.unwrap_or(value))
        })
}

/// The decoded values of all query parameters of that name.
fn query_values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes())
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value)
}

/// Without the optional white space around a value (RFC 9110 section 5.6.3).
fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}
