//! Where keys may be fetched from.

use std::net::Ipv4Addr;

use crate::plan::{UrlFlaw, server_url};

/// Whether keys may be fetched from this URL: absolute, without credentials and fragment, and `https`, because whoever
/// can change the keys can make tokens; `http` only where nothing leaves the machine.
///
/// # Errors
/// What is wrong with it.
pub fn check_key_url(url: &str) -> Result<(), UrlFlaw> {
    check(
        url,
        "keys are fetched by `https`: whoever can change them can make tokens",
    )
}

/// The same of a URL where somebody is asked who is calling.
///
/// # Errors
/// What is wrong with it.
pub fn check_asked_url(url: &str) -> Result<(), UrlFlaw> {
    check(
        url,
        "credentials go there, so it is asked by `https`: whoever can change the answers can let anybody in",
    )
}

fn check(url: &str, insecure: &'static str) -> Result<(), UrlFlaw> {
    let spelled = server_url(url)?;
    // It is asked as it is written.
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(UrlFlaw {
            code: "bad_url",
            message: "this URL has a character that belongs in percent-encoding",
            help: "write it with `%` and two digits",
        });
    }
    if spelled.starts_with("https://") || is_loopback(url) {
        return Ok(());
    }
    Err(UrlFlaw {
        code: "insecure_url",
        message: insecure,
        help: "write `https://`; `http://` is for addresses of the machine itself, in tests",
    })
}

/// Whether a URL with a sound host is one of the machine itself.
pub(in crate::auth) fn is_loopback(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next() == Some("::1");
    }
    let host = authority.split(':').next().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_https_or_from_the_machine_itself() {
        for (url, flaw) in [
            ("https://login.example.com/.well-known/jwks.json", None),
            ("https://login.example.com/keys?p=policy", None),
            ("http://127.0.0.1:9000/jwks", None),
            ("http://[::1]:9000/jwks", None),
            ("http://localhost/jwks", None),
            ("http://login.example.com/jwks", Some("insecure_url")),
            ("http://127.0.0.1.example.com/jwks", Some("insecure_url")),
            ("http://localhost.example.com/jwks", Some("insecure_url")),
            (
                "http://127.0.0.1@example.com/",
                Some("url_with_credentials"),
            ),
            ("https://u:p@example.com/", Some("url_with_credentials")),
            ("https://example.com/#x", Some("url_with_fragment")),
            ("https://example.com/a b", Some("bad_url")),
            ("https://example.com/?a b", Some("bad_url")),
            ("ftp://example.com/", Some("unsupported_scheme")),
            ("example.com", Some("bad_url")),
        ] {
            assert_eq!(check_key_url(url).err().map(|f| f.code), flaw, "{url}");
        }
    }
}
