//! A path as a config writes it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::canonical::{TARGET_MAX, canonicalise, is_plain};
use super::error::PathError;
use super::risk::Risks;

/// How many segments a pattern may have, its wildcard counted.
pub const SEGMENTS_MAX: usize = 63;

/// A path of the config: `/orders/{id}`, `/files/{.+}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern<'a> {
    text: Cow<'a, str>,
    literal_prefix: usize,
    wildcard: bool,
}

/// One segment of a pattern, without its slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'a> {
    /// In canonical spelling. Empty as the last one: a trailing slash.
    Literal(&'a str),
    /// `{name}`: one segment that is not empty.
    Parameter(&'a str),
    /// `{.+}`: zero or more segments.
    Rest,
}

/// What is wrong with a pattern, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Bytes of the pattern as it is written.
    pub range: Range<usize>,
    pub kind: PatternErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternErrorKind {
    /// It does not start with a slash.
    NotAbsolute,
    /// Longer than any request's path can be.
    TooLong,
    /// More than [`SEGMENTS_MAX`] segments.
    TooManySegments,
    /// A segment with braces that is neither `{name}` nor `{.+}`.
    Braces,
    /// A name that an earlier parameter has.
    DuplicateName,
    /// `{.+}` before the last segment.
    WildcardNotLast,
    /// `?` or `#`: a pattern is a path alone.
    QueryOrFragment,
    /// `.` or `..`: no request's path has such a segment once it is canonical.
    DotSegment,
    /// A literal that no request's path can hold.
    Literal(PathError),
}

impl<'a> Pattern<'a> {
    /// Reads a pattern and brings its literals to their canonical spelling. Allocates only if that differs.
    pub fn parse(source: &'a str) -> Result<Pattern<'a>, PatternError> {
        let fail = |range, kind| Err(PatternError { range, kind });
        let Some(body) = source.strip_prefix('/') else {
            return fail(0..source.len().min(1), PatternErrorKind::NotAbsolute);
        };
        if source.len() > TARGET_MAX {
            return fail(0..source.len(), PatternErrorKind::TooLong);
        }
        let mut rewritten: Option<String> = None;
        let mut literal_prefix = None;
        let mut wildcard = false;
        // Where the segment's slash stands.
        let mut slash = 0_usize;
        for (index, segment) in body.split('/').enumerate() {
            let start = slash.wrapping_add(1);
            let end = start.wrapping_add(segment.len());
            if index >= SEGMENTS_MAX {
                return fail(start..source.len(), PatternErrorKind::TooManySegments);
            }
            let read = match Segment::read(segment) {
                Segment::Literal(_) if is_plain(segment) => Ok(Cow::Borrowed(segment)),
                Segment::Literal(_) => canonical_literal(segment).map(Cow::Owned),
                Segment::Parameter(name) if !is_name(name) => Err(PatternErrorKind::Braces),
                Segment::Parameter(name) => {
                    let before = source.get(..slash).unwrap_or_default();
                    if segments(before).any(|s| s == Segment::Parameter(name)) {
                        Err(PatternErrorKind::DuplicateName)
                    } else {
                        Ok(Cow::Borrowed(segment))
                    }
                }
                Segment::Rest if end != source.len() => Err(PatternErrorKind::WildcardNotLast),
                Segment::Rest => {
                    wildcard = true;
                    Ok(Cow::Borrowed(segment))
                }
            };
            let written = match read {
                Ok(written) => written,
                Err(kind) => return fail(start..end, kind),
            };
            if literal_prefix.is_none() && !matches!(Segment::read(segment), Segment::Literal(_)) {
                literal_prefix = Some(rewritten.as_ref().map_or(slash, String::len));
            }
            if rewritten.is_none() && written != segment {
                rewritten = source.get(..slash).map(str::to_owned);
            }
            if let Some(text) = &mut rewritten {
                text.push('/');
                text.push_str(&written);
            }
            slash = end;
        }
        let text = rewritten.map_or(Cow::Borrowed(source), Cow::Owned);
        if text.len() > TARGET_MAX {
            return fail(0..source.len(), PatternErrorKind::TooLong);
        }
        Ok(Pattern {
            literal_prefix: literal_prefix.unwrap_or(text.len()),
            text,
            wildcard,
        })
    }

    /// The pattern in its canonical spelling.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// [`Pattern::as_str`] as its owner.
    pub fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> + Clone {
        segments(&self.text)
    }

    /// The parameters' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(name),
            _ => None,
        })
    }

    /// Whether it ends in `{.+}`.
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether it has neither parameters nor a wildcard.
    pub fn is_literal(&self) -> bool {
        self.literal_prefix == self.text.len()
    }

    /// The literals before the first parameter or wildcard: `/a` of `/a/{b}`, nothing of `/{a}`.
    pub fn literal_prefix(&self) -> &str {
        self.text.get(..self.literal_prefix).unwrap_or_default()
    }

    /// What its own literals ask a route to tolerate; without that the path can never be reached.
    pub fn risks(&self) -> Risks {
        Risks::of(&self.text)
    }
}

impl<'a> Segment<'a> {
    /// Reads one segment; one with stray braces is a parameter whose name is none.
    fn read(segment: &'a str) -> Segment<'a> {
        if segment == "{.+}" {
            return Segment::Rest;
        }
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => Segment::Parameter(name),
            None if segment.contains(['{', '}']) => Segment::Parameter(""),
            None => Segment::Literal(segment),
        }
    }
}

impl PatternErrorKind {
    /// A sentence for the person who wrote the config.
    pub fn message(self) -> &'static str {
        match self {
            PatternErrorKind::NotAbsolute => "a path starts with `/`",
            PatternErrorKind::TooLong => "longer than any request's path can be",
            PatternErrorKind::TooManySegments => "a path has at most 63 segments",
            PatternErrorKind::Braces => {
                "a segment with braces is `{name}` (letters, digits, `_`, `-`, `.`) or, as the last one, `{.+}`"
            }
            PatternErrorKind::DuplicateName => "an earlier parameter has this name",
            PatternErrorKind::WildcardNotLast => "`{.+}` stands only at the end",
            PatternErrorKind::QueryOrFragment => "a path has neither a query nor a fragment",
            PatternErrorKind::DotSegment => "no request is ever matched with a dot segment",
            PatternErrorKind::Literal(error) => error.message(),
        }
    }
}

impl fmt::Display for PatternErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (bytes {}..{})",
            self.kind, self.range.start, self.range.end
        )
    }
}

impl std::error::Error for PatternError {}

/// The segments of a canonical pattern, or of a path. `text` is empty or starts with a slash.
pub(super) fn segments(text: &str) -> impl Iterator<Item = Segment<'_>> + Clone {
    slices(text).map(Segment::read)
}

/// What stands behind each slash.
pub(super) fn slices(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split('/').skip(1)
}

/// Whether a canonical path matches a canonical pattern. What follows the pattern's own segments is its wildcard's.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = slices(path);
    for segment in segments(pattern) {
        let fits = match segment {
            Segment::Rest => return true,
            Segment::Literal(text) => parts.next() == Some(text),
            Segment::Parameter(_) => parts.next().is_some_and(|part| !part.is_empty()),
        };
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

fn canonical_literal(segment: &str) -> Result<String, PatternErrorKind> {
    if segment.contains(['?', '#']) {
        return Err(PatternErrorKind::QueryOrFragment);
    }
    if matches!(segment, "." | "..") {
        return Err(PatternErrorKind::DotSegment);
    }
    match canonicalise(&format!("/{segment}")) {
        Ok(canonical) => Ok(canonical
            .path
            .strip_prefix('/')
            .unwrap_or_default()
            .to_owned()),
        Err(error) => Err(PatternErrorKind::Literal(error)),
    }
}

/// Names may be what the keys of mappings are.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
