//! From text to a syntax tree: JSON with comments and trailing commas, and nothing else.

use jsonc_parser::ast::Value;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions, ParseStringErrorKind, parse_to_ast,
};

use super::context::Context;
use super::diagnostic::Span;

/// The largest document that is read: 32 MiB, some 100,000 paths.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Parses the document. `None` after a syntax error, of which only the first can be told.
///
/// `text` has no byte order mark any more, see [`without_byte_order_mark`].
pub fn parse<'t>(text: &'t str, cx: &mut Context) -> Option<Value<'t>> {
    if text.len() > MAX_BYTES {
        cx.error(
            Span::default(),
            "document_too_large",
            format!(
                "the document has {} bytes; at most {MAX_BYTES} are read",
                text.len()
            ),
        );
        return None;
    }
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    match parse_to_ast(text, &collect, &options) {
        Ok(parsed) => {
            if parsed.value.is_none() {
                cx.error(Span::default(), "empty_document", "the document is empty")
                    .help("the least config is `{\"paths\": []}`");
            }
            parsed.value
        }
        Err(error) => {
            let span = Span::from(error.range());
            let (code, message, help) = explain(error.kind());
            let diagnostic = cx.error(
                Span {
                    start: span.start,
                    end: span.end.max(span.start),
                },
                code,
                message,
            );
            if code == "nested_too_deeply" || code == "truncated" {
                diagnostic.span = span.first();
            }
            if let Some(help) = help {
                diagnostic.help(help);
            }
            None
        }
    }
}

/// The text without the byte order mark that some editors put in front (RFC 8259 section 8.1); with a warning.
pub fn without_byte_order_mark<'t>(text: &'t str, cx: &mut Context) -> &'t str {
    let Some(rest) = text.strip_prefix('\u{feff}') else {
        return text;
    };
    cx.warning(
        Span::default(),
        "byte_order_mark",
        "the document starts with a byte order mark",
    )
    .help("save it as UTF-8 without a byte order mark: other readers of JSON refuse it");
    rest
}

fn explain(kind: &ParseErrorKind) -> (&'static str, &'static str, Option<&'static str>) {
    use ParseErrorKind as K;
    match kind {
        K::NestingDepthExceeded => (
            "nested_too_deeply",
            "objects and arrays are nested too deeply",
            None,
        ),
        K::UnterminatedObject => ("truncated", "this object is never closed", Some("add `}`")),
        K::UnterminatedArray => ("truncated", "this array is never closed", Some("add `]`")),
        K::UnterminatedCommentBlock => (
            "truncated",
            "this comment is never closed",
            Some("add `*/`"),
        ),
        K::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
            ("truncated", "this string is never closed", Some("add `\"`"))
        }
        K::String(_) => (
            "syntax",
            "this string has an escape that JSON does not know",
            Some("a backslash itself is written `\\\\`"),
        ),
        K::ExpectedComma => ("syntax", "a comma is missing here", None),
        K::ExpectedColonAfterObjectKey => ("syntax", "a colon must follow a key", None),
        K::ExpectedObjectValue => ("syntax", "a value must follow the colon", None),
        K::ExpectedStringObjectProperty => (
            "syntax",
            "a key is written in double quotes",
            Some("write `\"name\": value`"),
        ),
        K::SingleQuotedStringsNotAllowed => {
            ("syntax", "strings are written in double quotes", None)
        }
        K::MultipleRootJsonValues => ("syntax", "something follows the end of the document", None),
        K::UnexpectedWord => (
            "syntax",
            "this is no value of JSON",
            Some("strings are written in double quotes; the words are `true`, `false` and `null`"),
        ),
        K::UnexpectedCloseBrace | K::UnexpectedCloseBracket => {
            ("syntax", "this bracket closes nothing", None)
        }
        K::UnexpectedComma => ("syntax", "this comma separates nothing", None),
        K::UnexpectedColon => ("syntax", "this colon follows no key", None),
        K::HexadecimalNumbersNotAllowed
        | K::BareDecimalPointNumbersNotAllowed
        | K::UnaryPlusNumbersNotAllowed
        | K::NonFiniteNumbersNotAllowed
        | K::ExpectedDigit
        | K::ExpectedDigitFollowingNegativeSign
        | K::ExpectedPlusMinusOrDigitInNumberLiteral => {
            ("syntax", "this is no number of JSON", None)
        }
        _ => ("syntax", "this is not JSON", None),
    }
}
