//! From text to a syntax tree: JSON with comments and trailing commas, and nothing else.

use super::ast::Value;
use super::context::Context;
use super::diagnostic::Span;
use super::parser;
use super::scanner::Flaw;

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
    match parser::parse(text) {
        Ok(None) => {
            cx.error(Span::default(), "empty_document", "the document is empty")
                .help("the least config is `{\"paths\": []}`");
            None
        }
        Ok(value) => value,
        Err((flaw, range)) => {
            let span = Span::from(range);
            let (code, message, help) = explain(flaw);
            let diagnostic = cx.error(span, code, message);
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

fn explain(flaw: Flaw) -> (&'static str, &'static str, Option<&'static str>) {
    match flaw {
        Flaw::NestedTooDeeply => (
            "nested_too_deeply",
            "objects and arrays are nested too deeply",
            None,
        ),
        Flaw::UnterminatedObject => ("truncated", "this object is never closed", Some("add `}`")),
        Flaw::UnterminatedArray => ("truncated", "this array is never closed", Some("add `]`")),
        Flaw::UnterminatedComment => (
            "truncated",
            "this comment is never closed",
            Some("add `*/`"),
        ),
        Flaw::UnterminatedString => ("truncated", "this string is never closed", Some("add `\"`")),
        Flaw::BadEscape => (
            "syntax",
            "this string has an escape that JSON does not know",
            Some("a backslash itself is written `\\\\`"),
        ),
        Flaw::ExpectedComma => ("syntax", "a comma is missing here", None),
        Flaw::ExpectedColon => ("syntax", "a colon must follow a key", None),
        Flaw::ExpectedValue => ("syntax", "a value must follow the colon", None),
        Flaw::ExpectedKey => (
            "syntax",
            "a key is written in double quotes",
            Some("write `\"name\": value`"),
        ),
        Flaw::SingleQuote => ("syntax", "strings are written in double quotes", None),
        Flaw::SecondRoot => ("syntax", "something follows the end of the document", None),
        Flaw::UnexpectedWord => (
            "syntax",
            "this is no value of JSON",
            Some("strings are written in double quotes; the words are `true`, `false` and `null`"),
        ),
        Flaw::UnexpectedClose => ("syntax", "this bracket closes nothing", None),
        Flaw::UnexpectedComma => ("syntax", "this comma separates nothing", None),
        Flaw::UnexpectedColon => ("syntax", "this colon follows no key", None),
        Flaw::BadNumber => ("syntax", "this is no number of JSON", None),
        Flaw::UnexpectedCharacter => ("syntax", "this is not JSON", None),
    }
}
