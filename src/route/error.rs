//! Why a request target is refused.

use std::fmt;

/// Why a request target is refused. The client's fault, every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathError {
    /// Longer than [`TARGET_MAX`](super::TARGET_MAX), as it came or as it would be forwarded.
    TooLong,
    /// It does not start with a slash.
    NotAbsolute,
    /// A `%` without two hexadecimal digits.
    Percent,
    /// A control character, raw or encoded; in the query: raw.
    Control,
    /// A raw backslash.
    Backslash,
    /// A raw `#`.
    Fragment,
    /// A raw space at the end, which `fetch` would drop.
    TrailingSpace,
    /// A dot segment in disguise.
    DotSegment,
    /// What the percent-encoded bytes stand for is not UTF-8.
    Utf8,
    /// `%2F`, which the matched route does not tolerate.
    EncodedSlash,
    /// `%5C`, which the matched route does not tolerate.
    EncodedBackslash,
    /// `;` or `%3B`, which the matched route does not tolerate.
    Semicolon,
    /// `//`, which the matched route does not tolerate.
    EmptySegment,
}

impl PathError {
    /// A stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            PathError::TooLong => "uri_too_long",
            PathError::NotAbsolute => "path_not_absolute",
            PathError::Percent => "path_bad_percent_encoding",
            PathError::Control => "path_control_character",
            PathError::Backslash => "path_backslash",
            PathError::Fragment => "path_fragment",
            PathError::TrailingSpace => "path_trailing_space",
            PathError::DotSegment => "path_disguised_dot_segment",
            PathError::Utf8 => "path_not_utf8",
            PathError::EncodedSlash => "path_encoded_slash",
            PathError::EncodedBackslash => "path_encoded_backslash",
            PathError::Semicolon => "path_semicolon",
            PathError::EmptySegment => "path_empty_segment",
        }
    }

    /// A sentence for the client.
    pub fn message(self) -> &'static str {
        match self {
            PathError::TooLong => "The request's path and query are too long.",
            PathError::NotAbsolute => "The request's path does not start with a slash.",
            PathError::Percent => "The path has a percent sign without two hexadecimal digits.",
            PathError::Control => "The path or query has a control character.",
            PathError::Backslash => "The path has a backslash.",
            PathError::Fragment => "The path or query has a number sign.",
            PathError::TrailingSpace => "The path ends in a space.",
            PathError::DotSegment => "The path hides a dot segment.",
            PathError::Utf8 => "The path is not UTF-8.",
            PathError::EncodedSlash => "This path does not accept an encoded slash.",
            PathError::EncodedBackslash => "This path does not accept an encoded backslash.",
            PathError::Semicolon => "This path does not accept a semicolon.",
            PathError::EmptySegment => "This path does not accept an empty segment.",
        }
    }

    /// 414 for what is too long (RFC 9110 section 15.5.15), else 400.
    pub fn status(self) -> u16 {
        match self {
            PathError::TooLong => 414,
            _ => 400,
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for PathError {}
