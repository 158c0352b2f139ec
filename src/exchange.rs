//! One request and its answer on their way through.

use crate::edits::Edits;
use crate::gateway::Errand;
use crate::host::{Forward, Host};
use crate::upstream::mirror::Shadow;

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
    /// The host sets it as `X-Request-Id`.
    pub request_id: String,
    /// For the operator, where something went wrong: lines of JSON that begin with their level.
    pub log: Option<String>,
    /// Where a [`Kind::Forward`] goes, for [`crate::gateway::came_to_nothing`]: one line.
    pub whereabouts: String,
    /// What is sent to a mirror once this is on its way, by [`crate::upstream::mirror::run`].
    pub shadow: Option<Box<Shadow<R>>>,
    /// What else is done then.
    pub errand: Option<Errand>,
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
    let mut id = [0; 32];
    for half in id.chunks_exact_mut(16) {
        half.copy_from_slice(&hexadecimal(host.random()));
    }
    str::from_utf8(&id).unwrap_or_default().to_owned()
}

/// The digits of a number, all at once: each half byte is moved into a byte of its own and made a digit there.
fn hexadecimal(number: u64) -> [u8; 16] {
    const EACH: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
    let mut spread = u128::from(number);
    for (shift, mask) in [
        (32, 0xffff_ffff_0000_0000_ffff_ffff),
        (16, 0x0000_ffff_0000_ffff_0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff),
        (4, EACH.wrapping_mul(0x0f)),
    ] {
        spread = (spread | (spread << shift)) & mask;
    }
    // One in each byte whose number is over nine: from there on the letters follow.
    let letters = (spread.wrapping_add(EACH.wrapping_mul(6)) >> 4) & EACH;
    let digits = spread
        .wrapping_add(EACH.wrapping_mul(u128::from(b'0')))
        .wrapping_add(letters.wrapping_mul(u128::from(b'a' - b'9' - 1)));
    digits.to_be_bytes()
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

    #[test]
    fn a_number_is_written_in_hexadecimal() {
        for number in [
            0,
            9,
            10,
            0x0123_4567_89ab_cdef,
            u64::MAX,
            0xa0f9_0000_0000_0001,
        ] {
            let digits = hexadecimal(number);
            assert_eq!(str::from_utf8(&digits).unwrap(), format!("{number:016x}"));
        }
    }
}
