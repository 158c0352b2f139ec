//! A path as a config writes it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::canonical::{TARGET_MAX, canonicalise, plain_run};
use super::error::PathError;
use super::risk::Risks;

/// How many segments a pattern may have, its wildcard counted.
pub const SEGMENTS_MAX: usize = 63;

/// A path of the config: `/orders/{id}`, `/files/{.+}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern<'a> {
    text: Cow<'a, str>,
    literal_prefix: usize,
    /// How many segments the literal prefix has, where something follows it.
    literals: usize,
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
        if !source.starts_with('/') {
            return fail(0..source.len().min(1), PatternErrorKind::NotAbsolute);
        }
        if source.len() > TARGET_MAX {
            return fail(0..source.len(), PatternErrorKind::TooLong);
        }
        let mut rewritten: Option<String> = None;
        let mut literal_prefix = None;
        let mut literals = 0_usize;
        let mut wildcard = false;
        // Where the segment's slash stands.
        let mut slash = 0_usize;
        let mut index = 0_usize;
        while slash < source.len() {
            let start = slash.wrapping_add(1);
            // One loop over a literal that needs no change: this runs for every path at every cold start.
            let tail = source.as_bytes().get(start..).unwrap_or_default();
            let run = plain_run(tail);
            let plain = matches!(tail.get(run), None | Some(b'/')) && tail.first() != Some(&b'.');
            let length = if plain { run } else { before_slash(tail) };
            let end = start.wrapping_add(length);
            let segment = source.get(start..end).unwrap_or_default();
            if index >= SEGMENTS_MAX {
                return fail(start..source.len(), PatternErrorKind::TooManySegments);
            }
            let kind = Segment::read(segment);
            let read = match kind {
                Segment::Literal(_) if plain => Ok(Cow::Borrowed(segment)),
                Segment::Literal(_) => canonical_literal(segment).map(Cow::Owned),
                Segment::Parameter(name) if !is_name(name) => Err(PatternErrorKind::Braces),
                Segment::Parameter(_) => {
                    let before = literal_prefix.and_then(|_| source.get(..slash));
                    if segments(before.unwrap_or_default()).any(|earlier| earlier == kind) {
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
            if literal_prefix.is_none() && !matches!(kind, Segment::Literal(_)) {
                literals = index;
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
            index = index.wrapping_add(1);
        }
        let text = rewritten.map_or(Cow::Borrowed(source), Cow::Owned);
        if text.len() > TARGET_MAX {
            return fail(0..source.len(), PatternErrorKind::TooLong);
        }
        Ok(Pattern {
            literal_prefix: literal_prefix.unwrap_or(text.len()),
            literals,
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

    /// How many segments [`Pattern::literal_prefix`] has; 0 for a pattern of literals alone.
    pub(super) fn prefix_depth(&self) -> usize {
        self.literals
    }

    /// What its own literals ask a route to tolerate; without that the path can never be reached.
    pub fn risks(&self) -> Risks {
        Risks::of(&self.text)
    }
}

impl<'a> Segment<'a> {
    /// Reads one segment. A brace in front makes it a parameter, with no name if nothing closes it.
    fn read(segment: &'a str) -> Segment<'a> {
        match segment.strip_prefix('{') {
            None => Segment::Literal(segment),
            Some(".+}") => Segment::Rest,
            Some(inner) => Segment::Parameter(inner.strip_suffix('}').unwrap_or_default()),
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

/// What stands behind each slash. `text` is empty or starts with a slash.
pub(super) fn slices(text: &str) -> impl Iterator<Item = &str> + Clone {
    // Segments are too short for `str::split` to pay.
    let mut rest = text.get(1..);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = before_slash(text.as_bytes());
        rest = text.get(end.wrapping_add(1)..);
        text.get(..end)
    })
}

/// Whether a canonical path matches a canonical pattern. Both may have lost the same literal segments in front.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.as_bytes(), path.as_bytes());
    loop {
        match (pattern, path) {
            ([], _) => return path.is_empty(),
            (b"/{.+}", [] | [b'/', ..]) => return true,
            (b"/{.+}", _) => return false,
            ([b'/', b'{', name @ ..], [b'/', value @ ..]) => {
                let (close, end) = (before_slash(name), before_slash(value));
                if end == 0 {
                    return false;
                }
                pattern = name.get(close..).unwrap_or_default();
                path = value.get(end..).unwrap_or_default();
            }
            ([a, pattern_rest @ ..], [b, path_rest @ ..]) if a == b => {
                pattern = pattern_rest;
                path = path_rest;
            }
            _ => return false,
        }
    }
}

/// How many bytes stand before the next slash.
pub(super) fn before_slash(bytes: &[u8]) -> usize {
    let slash = bytes.iter().position(|byte| *byte == b'/');
    slash.unwrap_or(bytes.len())
}

fn canonical_literal(segment: &str) -> Result<String, PatternErrorKind> {
    if segment.contains(['{', '}']) {
        return Err(PatternErrorKind::Braces);
    }
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
