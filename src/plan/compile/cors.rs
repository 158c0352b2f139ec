//! The CORS policy, refused where a browser or an attacker would read it otherwise than its author.

use super::punycode::ascii_host;
use super::url::{is_host, parse_port};
use crate::config::{Context, CorsObject, Field, Name, Span, TextValue};
use crate::http::{Method, is_token};
use crate::plan::{Cors, OriginPattern, Text};

/// The policy without what is not understood: less is allowed then, never more.
pub(super) fn compile(object: &CorsObject<'_>, cx: &mut Context) -> Cors {
    let mut allow_origins = Vec::new();
    let mut any: Option<Span> = None;
    for written in list(&object.allow_origins) {
        let origin = compile_origin(written, cx);
        if origin == Some(OriginPattern::Any) {
            any = any.or(Some(written.span));
        }
        allow_origins.extend(origin);
    }
    let credentials = object.allow_credentials.value();
    if let (Some(star), Some(credentials)) = (any, credentials)
        && credentials.value
    {
        cx.error(
            star,
            "cors_wildcard_credentials",
            "every origin is allowed, with credentials",
        )
        .label("every origin")
        .note(credentials.span, "with credentials")
        .help("any web site could act as your signed-in users: list the origins, or leave credentials out");
    }
    let allow_methods = list(&object.allow_methods)
        .iter()
        .filter_map(|name| token(name, "method", cx))
        .map(|name| {
            let upper = name.to_ascii_uppercase();
            // The methods that HTTP knows are meant whatever their case is; of others the case counts.
            match upper.as_str() {
                "HEAD" => upper,
                known if Method::parse(known).is_some() => upper,
                _ => name.to_owned(),
            }
        })
        .collect();
    let mut headers = |field: &Field<Vec<Name<'_>>>| -> Vec<String> {
        list(field)
            .iter()
            .filter_map(|name| token(name, "header name", cx))
            .map(str::to_ascii_lowercase)
            .collect()
    };
    let allow_headers = headers(&object.allow_headers);
    Cors {
        // An empty list, or one that is not understood, allows none.
        allow_methods: (!object.allow_methods.is_absent()).then_some(allow_methods),
        allow_headers: (!object.allow_headers.is_absent()).then_some(allow_headers),
        expose_headers: headers(&object.expose_headers),
        allow_origins,
        allow_credentials: credentials.is_some_and(|credentials| credentials.value),
        max_age: object.max_age.value().map(|seconds| seconds.value),
    }
}

/// What one origin or one pattern of subdomains stands for; `None` if it is neither. `*` and `null` are neither.
/// For references this is called when they are resolved.
pub fn origin_pattern(written: &str) -> Option<OriginPattern> {
    parse_origin(written).ok()
}

fn compile_origin(written: &TextValue, cx: &mut Context) -> Option<OriginPattern> {
    let Text::Literal(origin) = &written.text else {
        return Some(OriginPattern::Exact(written.text.clone()));
    };
    if origin == "*" {
        return Some(OriginPattern::Any);
    }
    if origin == "null" {
        cx.error(
            written.span,
            "cors_null_origin",
            "`null` is the origin of every sandboxed page",
        )
        .help("allowing it allows any web site: remove it");
        return None;
    }
    if origin
        .strip_suffix('/')
        .is_some_and(|o| parse_origin(o).is_ok())
    {
        let message = "an origin has no slash at its end: it is read without";
        cx.warning(written.span, "origin_with_slash", message)
            .help("remove the slash; pages of every path of this origin are allowed");
    }
    parse_origin(origin)
        .map_err(|(message, help)| {
            cx.error(written.span, "bad_origin", message).help(help);
        })
        .ok()
}

fn parse_origin(origin: &str) -> Result<OriginPattern, (String, String)> {
    let shape = "write `https://HOST` or `https://HOST:PORT`".to_owned();
    let bad = |message: &str| Err((message.to_owned(), shape.clone()));
    let Some((scheme, rest)) = origin.split_once("://") else {
        if ascii_host(origin).is_some() {
            let help = format!("write `https://{origin}`");
            return Err(("this origin has no scheme".to_owned(), help));
        }
        return bad("this is no origin");
    };
    // Pasted from an address bar: an origin has no path that it could mean.
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let sound_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !sound_scheme {
        return bad("the scheme of this origin is malformed");
    }
    if let Some(at) = rest.find(['/', '?', '#', '@']) {
        let without = rest.get(..at).unwrap_or_default();
        return Err((
            "an origin is a scheme, a host and a port, nothing more".to_owned(),
            format!("write `{scheme}://{without}`"),
        ));
    }
    let scheme = scheme.to_ascii_lowercase();
    let (host, port) = match rest.rsplit_once(':') {
        // The colons of an IPv6 address are inside its brackets.
        Some((host, port)) if !port.contains(']') => match parse_port(port) {
            Some(port) => (host, Some(port)),
            None => return bad("the port of this origin is not one from 1 to 65535"),
        },
        _ => (rest, None),
    };
    let (star, host) = match host.strip_prefix('*') {
        Some(host) => ("*", host),
        None => ("", host),
    };
    let (dot, host) = match host.strip_prefix('.') {
        Some(host) => (".", host),
        None => ("", host),
    };
    // Browsers send a host of other letters in Punycode.
    let host = match ascii_host(host) {
        Some(host) => format!("{star}{dot}{host}"),
        None => format!("{star}{dot}{}", host.to_ascii_lowercase()),
    };
    let default_port = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    let port = match port {
        Some(port) if Some(port) != default_port => format!(":{port}"),
        _ => String::new(),
    };
    match host.strip_prefix('*') {
        None if is_host(&host) => Ok(OriginPattern::Exact(Text::Literal(format!(
            "{scheme}://{host}{port}"
        )))),
        Some(parent) if parent.starts_with('.') && parent.get(1..).is_some_and(is_host) => {
            Ok(OriginPattern::Subdomains {
                scheme,
                suffix: format!("{parent}{port}"),
            })
        }
        Some(parent) if is_host(parent) => Err((
            format!("`*{parent}` would allow any host that ends so, such as `evil{parent}`"),
            format!("write `{scheme}://*.{parent}{port}` for its subdomains"),
        )),
        _ if host.contains('*') => {
            bad("`*` stands for the first labels of a host: `*.example.com`")
        }
        _ => bad("the host of this origin is missing or malformed"),
    }
}

fn token<'a>(name: &Name<'a>, what: &str, cx: &mut Context) -> Option<&'a str> {
    if is_token(name.value) {
        return Some(name.value);
    }
    cx.error(
        name.span,
        "bad_token",
        format!("`{}` is no {what}", name.value),
    )
    .help("write one in each string: letters, digits and a few signs, no space or comma");
    None
}

fn list<T>(field: &Field<Vec<T>>) -> &[T] {
    field.value().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_one_spelling() {
        let exact = |origin: &str| Ok(OriginPattern::Exact(Text::Literal(origin.to_owned())));
        let below = |scheme: &str, suffix: &str| {
            Ok(OriginPattern::Subdomains {
                scheme: scheme.to_owned(),
                suffix: suffix.to_owned(),
            })
        };
        for (written, expected) in [
            ("https://App.Example.com", exact("https://app.example.com")),
            ("https://a.example:443", exact("https://a.example")),
            ("https://a.example/", exact("https://a.example")),
            ("https://*.a.example/", below("https", ".a.example")),
            (
                "https://münchen.example",
                exact("https://xn--mnchen-3ya.example"),
            ),
            ("http://localhost:3000", exact("http://localhost:3000")),
            ("http://[::1]:80", exact("http://[::1]")),
            ("http://[::1]", exact("http://[::1]")),
            ("capacitor://localhost", exact("capacitor://localhost")),
            ("https://*.Example.com", below("https", ".example.com")),
            (
                "https://*.example.com:8443",
                below("https", ".example.com:8443"),
            ),
        ] {
            assert_eq!(parse_origin(written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for written in [
            "example.com",
            "https://",
            "https://a//",
            "https://a/b",
            "https://u@a",
            "https://a:0",
            "https://a:x",
            "https://*example.net",
            "https://*",
            "https://*.",
            "https://a.*.com",
            "https://a b",
            "://a",
        ] {
            assert!(parse_origin(written).is_err(), "{written}");
        }
    }
}
