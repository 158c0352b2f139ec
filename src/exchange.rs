//! One request and its answer on their way through.

use crate::edits::Edits;
use crate::host::{Forward, Host};

/// The head of a request as the platform hands it over, without its fields: those are asked of the [`Host`].
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and port as the client addressed them.
    pub authority: &'a str,
    /// Path and query, raw.
    pub target: &'a str,
    pub body: Body,
}

/// How a request's body is framed (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    #[default]
    None,
    /// By `Content-Length`.
    Sized,
    Chunked,
}

impl<'a> Request<'a> {
    /// Takes a request's absolute URL apart; nothing of it is normalised.
    pub fn new(method: &'a str, url: &'a str) -> Option<Request<'a>> {
        let scheme_end = url.bytes().position(|b| b == b':')?;
        let (scheme, rest) = url.split_at_checked(scheme_end)?;
        let rest = rest.strip_prefix("://")?;
        let end = rest.bytes().position(|b| matches!(b, b'/' | b'?' | b'#'));
        let (authority, target) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        Some(Request {
            method,
            scheme,
            authority,
            target,
            body: Body::None,
        })
    }

    #[must_use]
    pub fn with_body(self, body: Body) -> Self {
        Request { body, ..self }
    }
}

/// What the gateway answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<R> {
    pub kind: Kind<R>,
    /// Changes to the answer's fields, after [`crate::upstream::RESPONSE_REMOVED`] are gone.
    pub edits: Edits,
    pub request_id: String,
    /// For the operator, where something went wrong.
    pub log: Option<String>,
}

/// Where an answer comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<R> {
    /// Send this and hand back what comes: nothing that follows needs to see it. If nothing comes,
    /// [`crate::gateway::unanswered`] says what to answer.
    Forward(Forward),
    /// A response in hand.
    Reply(R),
    /// The gateway's own.
    Own { status: u16, body: String },
}

/// 128 random bits in hexadecimal, as `X-Request-Id` and problem documents carry them.
pub fn request_id(host: &impl Host) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut id = String::with_capacity(32);
    for word in [host.random(), host.random()] {
        for shift in (0..16u32).rev() {
            let nibble = (word >> shift.saturating_mul(4)) & 0xf;
            let digit = usize::try_from(nibble).ok().and_then(|n| DIGITS.get(n));
            id.push(char::from(digit.copied().unwrap_or(b'0')));
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_it_came() {
        for (url, expected) in [
            ("http://a:1/x/../y?z?", Some(("http", "a:1", "/x/../y?z?"))),
            ("https://a", Some(("https", "a", ""))),
            ("https://a?x", Some(("https", "a", "?x"))),
            ("nonsense", None),
        ] {
            let parts = Request::new("GET", url).map(|r| (r.scheme, r.authority, r.target));
            assert_eq!(parts, expected, "{url}");
        }
    }
}
