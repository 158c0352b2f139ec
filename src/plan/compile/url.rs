//! The URL of a server: absolute, `http` or `https`, a host, a port, a prefix.

use std::net::Ipv6Addr;

use super::pattern::canonical_literal;
use super::punycode::ascii_host;
use crate::config::{Context, TextValue};
use crate::plan::Text;

/// Why a URL cannot be a server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlFlaw {
    /// The diagnostic's code.
    pub code: &'static str,
    /// For the operator. Never holds a part of the URL that may be secret.
    pub message: &'static str,
    pub help: &'static str,
}

/// A server's URL in its one spelling: lower-case scheme and host, no default port, no query, no fragment; the path
/// as it was but for its percent-encoding, a trailing slash included.
///
/// For references this is called when they are resolved.
///
/// # Errors
/// If it is not absolute, not `http` or `https`, has credentials or a fragment, or its host, port or path is malformed.
pub fn server_url(written: &str) -> Result<String, UrlFlaw> {
    let flaw = |code, message, help| UrlFlaw {
        code,
        message,
        help,
    };
    let bad = |message| {
        flaw(
            "bad_url",
            message,
            "write `https://HOST`, `https://HOST:PORT` or either with a path behind it",
        )
    };
    let Some((scheme, rest)) = written.split_once("://") else {
        return Err(bad("this is no absolute URL"));
    };
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => {
            return Err(flaw(
                "unsupported_scheme",
                "a server's URL starts with `http://` or `https://`",
                "the gateway speaks nothing else to servers",
            ));
        }
    };
    if rest.contains('#') {
        return Err(flaw(
            "url_with_fragment",
            "a server's URL has no fragment",
            "remove the `#` and what follows it: it is never sent",
        ));
    }
    let without_query = rest.split('?').next().unwrap_or_default();
    let (authority, path) = match without_query.find('/') {
        Some(at) => without_query.split_at(at),
        None => (without_query, ""),
    };
    if authority.contains('@') {
        return Err(flaw(
            "url_with_credentials",
            "a server's URL has no user and password",
            "send them in a header: map a variable that refers to a secret",
        ));
    }
    let host_and_port = if authority.starts_with('[') {
        authority
            .split_once(']')
            .map(|(host, rest)| (authority.get(..host.len().saturating_add(1)), rest))
            .and_then(|(host, rest)| Some((host?, rest)))
            .filter(|(_, rest)| rest.is_empty() || rest.starts_with(':'))
            .map(|(host, rest)| (host, rest.strip_prefix(':')))
    } else {
        Some(match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        })
    };
    let Some((host, port)) = host_and_port else {
        return Err(bad("the host of this URL is malformed"));
    };
    let Some(host) = ascii_host(host) else {
        return Err(bad("the host of this URL is missing or malformed"));
    };
    let port = match port {
        None => None,
        Some(digits) => match parse_port(digits) {
            Some(port) => Some(port),
            None => return Err(bad("the port of this URL is not one from 1 to 65535")),
        },
    };
    let mut url = format!("{scheme}://{host}");
    if let Some(port) = port.filter(|port| *port != default_port) {
        url.push(':');
        url.push_str(&port.to_string());
    }
    let mut segments = path.split('/').peekable();
    // A path starts with a slash: the first part is empty.
    segments.next();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(bad("the path of this URL has an empty segment"));
        }
        let Ok(literal) = canonical_literal(segment) else {
            return Err(bad(
                "the path of this URL is malformed or not in its plain spelling",
            ));
        };
        url.push('/');
        url.push_str(&literal);
    }
    Ok(url)
}

pub(super) fn compile(written: &TextValue, cx: &mut Context) -> Option<Text> {
    let Text::Literal(url) = &written.text else {
        return Some(written.text.clone());
    };
    match server_url(url) {
        Ok(checked) => {
            if url.contains('?') {
                cx.warning(
                    written.span,
                    "url_with_query",
                    "the query of a server's URL is dropped",
                )
                .help("remove it; a constant query parameter is a `mapping` of a variable");
            }
            Some(Text::Literal(checked))
        }
        Err(flaw) => {
            cx.error(written.span, flaw.code, flaw.message)
                .help(flaw.help);
            None
        }
    }
}

/// A registered name or an address, in ASCII (for a name of other letters see [`ascii_host`]).
pub(super) fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    host.len() <= 253 && host.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

pub(super) fn parse_port(digits: &str) -> Option<u16> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_url_has_one_spelling_or_a_flaw() {
        for (written, expected) in [
            ("https://a.example.com", Ok("https://a.example.com")),
            (
                "HTTPS://A.Example.com:443/v1",
                Ok("https://a.example.com/v1"),
            ),
            ("http://127.0.0.1:9101", Ok("http://127.0.0.1:9101")),
            ("http://[::1]:9101/x/", Ok("http://[::1]:9101/x/")),
            ("http://h/%7ea/%c3%a9/é", Ok("http://h/~a/%C3%A9/%C3%A9")),
            ("http://h?x=1", Ok("http://h")),
            ("h", Err("bad_url")),
            ("/x", Err("bad_url")),
            ("http://", Err("bad_url")),
            ("http:///x", Err("bad_url")),
            ("http://h:0", Err("bad_url")),
            ("http://h:99999", Err("bad_url")),
            ("http://h:+80", Err("bad_url")),
            ("http://h h", Err("bad_url")),
            ("http://[::1", Err("bad_url")),
            ("http://[::1]x", Err("bad_url")),
            (
                "http://Bücher.example/x",
                Ok("http://xn--bcher-kva.example/x"),
            ),
            ("http://b\u{fb03}.example", Err("bad_url")),
            ("http://h//x", Err("bad_url")),
            ("http://h/a/../b", Err("bad_url")),
            ("http://h/%2e%2e/b", Err("bad_url")),
            ("http://h/%zz", Err("bad_url")),
            ("ftp://h", Err("unsupported_scheme")),
            ("http://u:p@h", Err("url_with_credentials")),
            ("http://h/#x", Err("url_with_fragment")),
        ] {
            let got = server_url(written).map_err(|flaw| flaw.code);
            assert_eq!(got, expected.map(str::to_owned), "{written}");
        }
    }
}
