//! The few words of HTTP that every part of the gateway uses.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A method that a path may name (RFC 9110 section 9.3, RFC 5789).
///
/// `HEAD` is not here: it is served by the `GET` path (RFC 9110 section 9.3.2). Every method that is not here
/// is served by `ANY` paths alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
    Options,
    Patch,
}

impl Method {
    /// All of them, in the order in which `Allow` lists them.
    pub const ALL: [Method; 6] = [
        Method::Get,
        Method::Post,
        Method::Put,
        Method::Delete,
        Method::Options,
        Method::Patch,
    ];

    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Patch => "PATCH",
        }
    }

    /// Reads a method as written in a config. Methods are case-sensitive (RFC 9110 section 9.1).
    pub fn parse(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|m| m.as_str() == name)
    }

    /// The method whose paths serve a request's method: `HEAD` is served by `GET`; `None` means `ANY` paths alone.
    pub fn serving(request_method: &str) -> Option<Method> {
        match request_method {
            "HEAD" => Some(Method::Get),
            other => Method::parse(other),
        }
    }
}

/// Whether `name` is a header name: a token of RFC 9110 section 5.6.2.
pub fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| {
            matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            ) || b.is_ascii_alphanumeric()
        })
}

/// Whether `value` can stand in a header field (RFC 9110 section 5.5): no control character but tab.
pub fn is_field_value(value: &str) -> bool {
    value
        .bytes()
        .all(|b| b == b'\t' || (b >= 0x20 && b != 0x7f))
}

/// The cookies of a `Cookie` field. Several lines of it arrive joined by `, `, which no cookie's value holds (RFC 6265
/// section 4.1.1).
pub fn cookies(field: &str) -> impl Iterator<Item = (&str, &str)> {
    field
        .split(';')
        .flat_map(|part| part.split(", "))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| {
            (
                name.trim_matches([' ', '\t']),
                value.trim_matches([' ', '\t']),
            )
        })
}

/// A `Cookie` field as one line. Several lines of it arrive joined by `, `, where cookies have `; ` between them (RFC 9113
/// section 8.2.3). A comma with no name behind it is of the value that it stands in.
pub fn one_cookie_line(field: &str) -> Cow<'_, str> {
    let mut parts = field.split(", ");
    let mut line = Cow::Borrowed(parts.next().unwrap_or_default());
    for part in parts {
        let begins = part.split_once('=').is_some_and(|(name, _)| is_token(name));
        let line = line.to_mut();
        line.push_str(if begins { "; " } else { ", " });
        line.push_str(part);
    }
    line
}

/// The value of the one cookie of this name; none where there are two.
pub fn cookie<'c>(field: &'c str, name: &str) -> Option<&'c str> {
    let mut values = cookies(field).filter(|(key, _)| *key == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_cookies_become_one() {
        for (field, line) in [
            ("", ""),
            ("a=1; b=2", "a=1; b=2"),
            ("a=1, b=2; c=3", "a=1; b=2; c=3"),
            ("a=1, b=2, c", "a=1; b=2, c"),
            ("a=hello, world; b=2,c=3", "a=hello, world; b=2,c=3"),
            ("a=1, b c=2", "a=1, b c=2"),
        ] {
            assert_eq!(one_cookie_line(field), line, "{field}");
        }
    }
}
