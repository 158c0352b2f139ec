//! The pattern of a path: checked, and brought into the one spelling that requests are matched in.
//!
//! - It starts with `/`. `{name}` stands for one whole segment, `{.+}`, at the end alone, for zero or more.
//! - Literals are percent-encoded as a URL's path is: unreserved characters never, what cannot stand in a path
//!   always, hexadecimal digits in upper case.
//! - What other routers have wildcards and expressions for is refused: as a literal it would match what nobody asks for.
//!   A character of these that is meant as such has a backslash before it, see [`foreign`].
//! - No empty segment but after a trailing slash, no dot segment, no query, no fragment, no other backslash.

mod foreign;

use std::borrow::Cow;
use std::ops::Range;

use crate::route;

/// A sound pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern<'a> {
    /// In its one spelling.
    pub text: String,
    written: &'a str,
}

impl<'a> Pattern<'a> {
    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        parameters(self.written)
    }
}

/// What is wrong with a pattern, and in which bytes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub range: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

pub(super) fn parse(written: &str) -> Result<Pattern<'_>, Flaw> {
    let sound = route::Pattern::parse(written);
    // Most are in their one spelling already: this runs for every path at a cold start with a config of KV.
    if let Ok(pattern) = &sound
        && pattern.as_str() == written
        && !needs_a_look(written)
    {
        let text = written.to_owned();
        return Ok(Pattern { text, written });
    }
    let flaw = |range, message: &str, help: Option<&str>| Flaw {
        range,
        message: message.to_owned(),
        help: help.map(str::to_owned),
    };
    let Some(rest) = written.strip_prefix('/') else {
        if let Some(help) = foreign::start(written) {
            return Err(flaw(
                0..written.len(),
                "a path is no regular expression",
                Some(&help),
            ));
        }
        return Err(flaw(
            0..written.len(),
            "a path starts with `/`",
            Some(&foreign::absolute(written)),
        ));
    };
    if let Some((range, help)) = foreign::optional(written) {
        return Err(flaw(
            range,
            "this is no path: no part of one is optional, nor an expression",
            Some(&help),
        ));
    }
    if let Some(at) = written.find(['?', '#']) {
        return Err(flaw(
            at..written.len(),
            "a path has no query and no fragment",
            Some("the query is always passed on: leave it out"),
        ));
    }
    let mut pattern = Pattern {
        text: String::with_capacity(written.len()),
        written,
    };
    let mut start = 1_usize;
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let range = start..start.saturating_add(segment.len());
        start = range.end.saturating_add(1);
        let last = segments.peek().is_none();
        pattern.text.push('/');
        if let Some((message, help)) = foreign::segment(segment, last) {
            return Err(flaw(range, message, Some(&help)));
        }
        let braced = segment
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'));
        match braced {
            Some(".+") if last => {
                pattern.text.push_str(segment);
            }
            Some(".+") => {
                return Err(flaw(range, "`{.+}` can only stand at the end", None));
            }
            Some(name) => {
                if !is_parameter_name(name) {
                    return Err(flaw(
                        range,
                        "this is no name of a parameter",
                        Some(
                            "names have letters, digits, `_` and `-`; the rest of a path is `{.+}`",
                        ),
                    ));
                }
                let before = written.get(..range.start).unwrap_or_default();
                if parameters(before).any(|earlier| earlier == name) {
                    return Err(Flaw {
                        range,
                        message: format!("the parameter `{name}` stands twice in this path"),
                        help: None,
                    });
                }
                pattern.text.push_str(segment);
            }
            None if segment.contains(['{', '}']) => {
                return Err(flaw(
                    range,
                    "a parameter takes a whole segment",
                    Some("write `/{name}/` or `/{.+}`, with nothing else between the slashes"),
                ));
            }
            None if segment.is_empty() && !last => {
                return Err(flaw(
                    range.start.saturating_sub(1)..start,
                    "this path has an empty segment",
                    Some("`//` never matches as `/`"),
                ));
            }
            None => {
                let plain = foreign::unescaped(segment);
                let literal = canonical_literal(&plain).map_err(|message| Flaw {
                    range,
                    message: message.to_owned(),
                    help: None,
                })?;
                pattern.text.push_str(&literal);
            }
        }
    }
    // The router has the last word: what it cannot route, bytes that are not UTF-8 for one, is a flaw here.
    let sound = match written.contains('\\') {
        true => route::Pattern::parse(&pattern.text).map(drop),
        false => sound.map(drop),
    };
    let Err(error) = sound else {
        return Ok(pattern);
    };
    let range = match written.get(error.range.clone()) {
        Some(_) => error.range,
        None => 0..written.len(),
    };
    Err(Flaw {
        range,
        message: error.kind.message().to_owned(),
        help: None,
    })
}

/// Whether a pattern that the router takes as it is written may still have a flaw: the router takes empty segments and
/// dots in names. What is percent-encoded is not judged here.
fn needs_a_look(written: &str) -> bool {
    let mut last = 0_u8;
    let mut braced = false;
    for (at, byte) in written.bytes().enumerate() {
        match byte {
            b'%' | b'*' | b'(' | b'[' | b']' | b'<' | b'>' | b'^' | b'|' | b'$' | b'\\' => {
                return true;
            }
            b'+' if last == b'/' => return true,
            b':' if last == b'/' => return true,
            b'+' if last == b'.' && !braced => return true,
            b'/' if last == b'/' => return true,
            b'.' if braced => return written.get(at..) != Some(".+}"),
            b'{' => braced = true,
            b'}' => braced = false,
            _ => {}
        }
        last = byte;
    }
    false
}

/// What stands around the names of a canonical pattern's parameters: equal for two patterns that match the same paths.
pub(super) fn shape(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(pattern);
    // Patterns are too short for `str::split` to pay.
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(brace) = text.bytes().position(|byte| byte == b'{') else {
            return Some(text);
        };
        let (before, name) = text.split_at_checked(brace.saturating_add(1))?;
        if name != ".+}" {
            let close = name.bytes().position(|byte| byte == b'}');
            rest = Some(name.get(close?..)?);
            return Some(before);
        }
        Some(text)
    })
}

/// The names in a pattern, or in its first segments, that was found sound.
fn parameters(written: &str) -> impl Iterator<Item = &str> {
    written
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .filter(|name| *name != ".+")
}

/// One segment in the one spelling of a URL's path. Allocates only if that differs.
///
/// # Errors
/// What is wrong with it.
pub(super) fn canonical_literal(segment: &str) -> Result<Cow<'_, str>, &'static str> {
    if segment
        .bytes()
        .all(|byte| is_unreserved(byte) || is_reserved(byte))
        && !matches!(segment, "." | "..")
    {
        return Ok(Cow::Borrowed(segment));
    }
    let mut literal = String::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, was_encoded) = match byte {
            b'%' => {
                let digits = bytes.next().and_then(hex).zip(bytes.next().and_then(hex));
                let Some((high, low)) = digits else {
                    return Err("`%` is followed by two hexadecimal digits");
                };
                (high << 4 | low, true)
            }
            b'\\' => return Err("a backslash is not the separator of a path's segments"),
            other => (other, false),
        };
        if byte < 0x20 || byte == 0x7f {
            return Err("a path has no control characters");
        } else if is_unreserved(byte) || (is_reserved(byte) && !was_encoded) {
            literal.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            literal.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                if let Some(digit) = DIGITS.get(usize::from(digit)) {
                    literal.push(char::from(*digit));
                }
            }
        }
    }
    if literal == "." || literal == ".." {
        return Err("a path has no dot segments");
    }
    Ok(Cow::Owned(literal))
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What else may stand in a segment as it is (RFC 3986 section 3.3).
fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
    )
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_pattern_has_one_spelling() {
        for (written, text) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/%61/%c3%a9", "/a/%C3%A9"),
            ("/é", "/%C3%A9"),
            ("/a b", "/a%20b"),
            ("/a%2fb", "/a%2Fb"),
            ("/a;b=1", "/a;b=1"),
            ("/a%3bb", "/a%3Bb"),
            ("/a\\|%5Bb\\]", "/a%7C%5Bb%5D"),
            ("/a\\*", "/a*"),
            ("/\\:id", "/:id"),
            ("/v1/things:search", "/v1/things:search"),
            ("/Users('7')", "/Users('7')"),
            ("/$metadata", "/$metadata"),
            ("/price\\$", "/price$"),
            ("/{id}", "/{id}"),
            ("/{.+}", "/{.+}"),
            ("/{a}/x/{b-1}/{.+}", "/{a}/x/{b-1}/{.+}"),
            ("/...", "/..."),
        ] {
            assert_eq!(parse(written).unwrap().text, text, "{written}");
        }
    }

    #[test]
    fn names_of_parameters_do_not_tell_patterns_apart() {
        let shape = |written| -> Vec<String> {
            let text = parse(written).unwrap().text;
            super::shape(&text).map(str::to_owned).collect()
        };
        assert_eq!(shape("/a/{x}/{.+}"), shape("/%61/{y}/{.+}"));
        assert_ne!(shape("/a/{x}"), shape("/a/{.+}"));
        assert_ne!(shape("/a"), shape("/a/"));
    }

    #[test]
    fn a_flaw_is_found_in_its_place() {
        for (written, place) in [
            ("a", "a"),
            ("", ""),
            ("/a//b", "//"),
            ("/a/../b", ".."),
            ("/%2E/b", "%2E"),
            ("/x?y", "?y"),
            ("/x#y", "#y"),
            ("/x/%4", "%4"),
            ("/x/%zz", "%zz"),
            ("/x/%00", "%00"),
            ("/x/%88", "%88"),
            ("/x/a%2F..", "a%2F.."),
            ("/x/\u{7}", "\u{7}"),
            ("/x\\y", "x\\y"),
            ("/{}", "{}"),
            ("/{a b}", "{a b}"),
            ("/{a}/{a}", "{a}"),
            ("/{.+}/a", "{.+}"),
            ("/a{b}", "a{b}"),
            ("/{a}.json", "{a}.json"),
            ("/{a", "{a"),
            ("/a}", "a}"),
            ("^/a", "^/a"),
            ("~ ^/a$", "~ ^/a$"),
            ("/a/*", "*"),
            ("/a/**", "**"),
            ("/*/b", "*"),
            ("/a*", "a*"),
            ("/a/*.json", "*.json"),
            ("/:id", ":id"),
            ("/a/:id/b", ":id"),
            ("/a/:id?", ":id?"),
            ("/a/{id?}", "{id?}"),
            ("/a/{id:int}", "{id:int}"),
            ("/a/{id:[0-9]+}/b", "{id:[0-9]+}"),
            ("/a/{proxy+}", "{proxy+}"),
            ("/a/{*rest}", "{*rest}"),
            ("/a/{rest...}", "{rest...}"),
            ("/a/{path:path}", "{path:path}"),
            ("/a/{.*}", "{.*}"),
            ("/a/<id>", "<id>"),
            ("/a/<int:id>/b", "<int:id>"),
            ("/a/[id]", "[id]"),
            ("/a/[...slug]", "[...slug]"),
            ("/a/[0-9]+", "[0-9]+"),
            ("/a/(.*)", "(.*)"),
            ("/a/(b|c)/d", "(b|c)"),
            ("/a/.+", ".+"),
            ("/a/\\d+", "\\d+"),
            ("/a/b$", "b$"),
            ("/^a", "^a"),
            ("/a/[^/]+", "[^"),
            ("/a/b|c", "b|c"),
            ("/a/+", "+"),
            ("/a/(?<id>b)", "(?<id>b)"),
            ("/a/?", "?"),
            ("/a/{id=b}", "{id=b}"),
            ("= /a", "= /a"),
            ("*", "*"),
        ] {
            let flaw = parse(written).unwrap_err();
            assert_eq!(&written[flaw.range], place, "{written}");
        }
    }
}
