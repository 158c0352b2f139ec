//! One spelling per path: see the module's page for the rules.

use std::borrow::Cow;

use super::error::PathError;
use super::risk::Risks;

/// The longest request target (path and query) that is looked at, in bytes: the platform's limit on a URL.
pub const TARGET_MAX: usize = 16_384;

/// A request target in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical<'a> {
    /// What is matched, and what is forwarded. Starts with a slash. May start with two, so it is appended to an
    /// origin and never resolved against a base URL.
    pub path: Cow<'a, str>,
    /// What follows the first `?`, byte for byte; `Some("")` for a lone `?`.
    pub query: Option<&'a str>,
    /// What the matched route must tolerate.
    pub risks: Risks,
}

/// Brings a request target (what follows the authority in the request's URL) to its canonical spelling.
///
/// One pass over the bytes, and no allocation, for a target that is canonical already.
pub fn canonicalise(target: &str) -> Result<Canonical<'_>, PathError> {
    if target.len() > TARGET_MAX {
        return Err(PathError::TooLong);
    }
    let bytes = target.as_bytes();
    match bytes.first() {
        Some(b'/') => {}
        // An empty path is the root (RFC 3986 section 6.2.3).
        None | Some(b'?') => {
            return Ok(Canonical {
                path: Cow::Borrowed("/"),
                query: query_after(target, 0)?,
                risks: Risks::NONE,
            });
        }
        Some(_) => return Err(PathError::NotAbsolute),
    }

    let mut draft = Draft::of(target);
    // Where the slash before the segment stands, and whether the segment could be a dot segment in some reading.
    let mut slash = 0_usize;
    let mut dotted = bytes.get(1) == Some(&b'.');
    // Whether anything was seen that can leave a risk in the result.
    let mut risky = false;
    let mut at = 1_usize;
    loop {
        match bytes.get(at).map_or(Class::End, |byte| Class::of(*byte)) {
            Class::Plain => {
                at = at.wrapping_add(plain_run(bytes.get(at..).unwrap_or_default()));
            }
            class @ (Class::Slash | Class::End) => {
                let last = class == Class::End;
                let start = slash.wrapping_add(1);
                if dotted {
                    let segment = bytes.get(start..at).unwrap_or_default();
                    match DotSegment::read(segment)? {
                        DotSegment::No => {}
                        DotSegment::Current => draft.drop_segment(slash, at, last),
                        DotSegment::Parent => {
                            draft.drop_segment_and_parent(slash, at, last);
                        }
                    }
                }
                if last {
                    break;
                }
                risky |= start == at;
                slash = at;
                at = at.wrapping_add(1);
                dotted = bytes.get(at) == Some(&b'.');
            }
            Class::Semicolon => {
                risky = true;
                at = at.wrapping_add(1);
            }
            Class::Percent => {
                dotted = true;
                let rest = bytes.get(at..).unwrap_or_default();
                let (value, length) = read_encoded(rest)?;
                let end = at.wrapping_add(length);
                let spelled = bytes.get(at..end).unwrap_or_default();
                if is_unreserved(value) {
                    draft.splice(at, end).push(char::from(value));
                } else {
                    risky |= matches!(value, b'/' | b'\\' | b';');
                    if spelled.iter().any(u8::is_ascii_lowercase) {
                        let upper = spelled.iter().map(|b| char::from(b.to_ascii_uppercase()));
                        draft.splice(at, end).extend(upper);
                    }
                }
                at = end;
            }
            Class::Encode => {
                // A whole character, so that what is copied later starts at a character again.
                let mut end = at.wrapping_add(1);
                while !target.is_char_boundary(end) {
                    end = end.wrapping_add(1);
                }
                let out = draft.splice(at, end);
                for byte in bytes.get(at..end).unwrap_or_default() {
                    push_encoded(out, *byte);
                }
                at = end;
            }
            Class::Backslash => return Err(PathError::Backslash),
            Class::Control => return Err(PathError::Control),
            Class::Fragment => return Err(PathError::Fragment),
        }
    }

    // The URL parser strips spaces around the whole URL before it reads the rest.
    if target.ends_with(' ') && at == target.len() {
        return Err(PathError::TrailingSpace);
    }
    let path = draft.finish(at);
    let query = query_after(target, at)?;
    let length = query.map_or(0, |q| q.len().saturating_add(1));
    if path.len().saturating_add(length) > TARGET_MAX {
        return Err(PathError::TooLong);
    }
    // Dot segments may have taken a risk away with them: what counts is what is forwarded.
    let risks = if risky { Risks::of(&path) } else { Risks::NONE };
    Ok(Canonical { path, query, risks })
}

/// How many bytes at the start stand for themselves: neither a slash nor anything that a rule is about.
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    let end = bytes
        .iter()
        .position(|byte| Class::of(*byte) != Class::Plain);
    end.unwrap_or(bytes.len())
}

/// What a byte of a path asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands for itself.
    Plain,
    Slash,
    /// `?`, or no byte at all.
    End,
    Semicolon,
    Percent,
    Encode,
    Backslash,
    Control,
    Fragment,
}

impl Class {
    #[inline]
    fn of(byte: u8) -> Class {
        // There is a class for each of the 256 bytes.
        CLASSES
            .get(usize::from(byte))
            .copied()
            .unwrap_or(Class::Control)
    }

    const fn classify(byte: u8) -> Class {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => Class::Plain,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' => {
                Class::Plain
            }
            b'/' => Class::Slash,
            b'?' => Class::End,
            b'%' => Class::Percent,
            b';' => Class::Semicolon,
            b'\\' => Class::Backslash,
            b'#' => Class::Fragment,
            0x00..=0x1f | 0x7f => Class::Control,
            // Not a pchar (RFC 3986 section 3.3).
            _ => Class::Encode,
        }
    }
}

/// What a segment's dots mean.
enum DotSegment {
    No,
    Current,
    Parent,
}

impl DotSegment {
    /// `.` and `..` as they are; refused is every segment in which a reader that decodes slashes, or cuts path
    /// parameters, could find one: `%2e`, `..;x`, `a%2F..`.
    fn read(segment: &[u8]) -> Result<DotSegment, PathError> {
        match segment {
            b"." => return Ok(DotSegment::Current),
            b".." => return Ok(DotSegment::Parent),
            _ if segment.iter().all(|b| *b == b'.') => return Ok(DotSegment::No),
            _ => {}
        }
        // `Some(n)`: the piece is n dots so far; `None`: it holds something else.
        let mut dots = Some(0_u16);
        let mut rest = segment;
        while let Some((first, tail)) = rest.split_first() {
            let (value, tail) = match triplet(rest) {
                Some((value, tail)) => (value, tail),
                None => (*first, tail),
            };
            rest = tail;
            if matches!(value, b'/' | b'\\' | b';') && dots.is_some_and(|n| n > 0) {
                return Err(PathError::DotSegment);
            }
            dots = match (value, dots) {
                (b'/' | b'\\', _) => Some(0),
                (b'.', Some(n)) => Some(n.saturating_add(1)),
                _ => None,
            };
        }
        match dots {
            Some(n) if n > 0 => Err(PathError::DotSegment),
            _ => Ok(DotSegment::No),
        }
    }
}

/// The result in the making: the source itself for as long as nothing differs.
struct Draft<'a> {
    source: &'a str,
    owned: Option<String>,
    /// Up to where the source is in `owned`.
    copied: usize,
}

impl<'a> Draft<'a> {
    fn of(source: &'a str) -> Draft<'a> {
        Draft {
            source,
            owned: None,
            copied: 0,
        }
    }

    /// The text so far, with the source up to `from`; the source goes on at `to`.
    fn splice(&mut self, from: usize, to: usize) -> &mut String {
        let pending = self.source.get(self.copied..from).unwrap_or_default();
        self.copied = to;
        let owned = self
            .owned
            .get_or_insert_with(|| String::with_capacity(self.source.len()));
        owned.push_str(pending);
        owned
    }

    /// Leaves out `/.`; as the last segment it leaves its slash.
    fn drop_segment(&mut self, slash: usize, end: usize, last: bool) {
        let out = self.splice(slash, end);
        if last {
            out.push('/');
        }
    }

    /// Leaves out `/..` and the segment before it, if there is one (RFC 3986 section 5.2.4).
    fn drop_segment_and_parent(&mut self, slash: usize, end: usize, last: bool) {
        let out = self.splice(slash, end);
        out.truncate(out.rfind('/').unwrap_or(0));
        if last {
            out.push('/');
        }
    }

    fn finish(mut self, end: usize) -> Cow<'a, str> {
        if self.owned.is_none() {
            return Cow::Borrowed(self.source.get(..end).unwrap_or_default());
        }
        self.splice(end, end);
        Cow::Owned(self.owned.unwrap_or_default())
    }
}

/// The query behind the `?` at `end`, checked but not changed.
fn query_after(target: &str, end: usize) -> Result<Option<&str>, PathError> {
    let Some(query) = target.get(end..).and_then(|rest| rest.strip_prefix('?')) else {
        return Ok(None);
    };
    for byte in query.bytes() {
        match byte {
            0x00..=0x1f | 0x7f => return Err(PathError::Control),
            b'#' => return Err(PathError::Fragment),
            _ => {}
        }
    }
    Ok(Some(query))
}

/// The encoded character at the start of `rest`: its first byte and the length of its spelling.
fn read_encoded(rest: &[u8]) -> Result<(u8, usize), PathError> {
    let (value, mut tail) = triplet(rest).ok_or(PathError::Percent)?;
    let more = match value {
        0x00..=0x1f | 0x7f => return Err(PathError::Control),
        0x20..=0x7e => return Ok((value, 3)),
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        // Continuation bytes, and leads of overlong or too large characters (RFC 3629 section 3).
        _ => return Err(PathError::Utf8),
    };
    let mut character = [value, 0, 0, 0];
    let mut length = 1_usize;
    for place in character.iter_mut().skip(1).take(more) {
        let (next, after) = triplet(tail).ok_or(PathError::Utf8)?;
        *place = next;
        tail = after;
        length = length.saturating_add(1);
    }
    let character = character.get(..length).unwrap_or_default();
    match std::str::from_utf8(character) {
        Ok(_) => Ok((value, length.saturating_mul(3))),
        Err(_) => Err(PathError::Utf8),
    }
}

/// The byte that a percent triplet at the start of `rest` stands for, and what follows it.
fn triplet(rest: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, tail @ ..] = rest else {
        return None;
    };
    let high = char::from(*high).to_digit(16)?;
    let low = char::from(*low).to_digit(16)?;
    let value = u8::try_from(high.wrapping_mul(16) | low).ok()?;
    Some((value, tail))
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_encoded(out: &mut String, byte: u8) {
    out.push('%');
    for digit in [byte >> 4, byte & 0x0f] {
        let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
        out.push(digit.to_ascii_uppercase());
    }
}

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler, which refuses what goes wrong"
)]
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Control; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = Class::classify(byte as u8);
        byte += 1;
    }
    classes
};
