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
            if let Some((message, help)) = mistaken(text, span.start) {
                diagnostic.message = message.to_owned();
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

/// The text of a file.
///
/// # Errors
/// Why it is none, and what to do.
pub fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is in UTF-16: save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = bytes.get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let byte = bytes.get(at).copied().unwrap_or_default();
        format!(
            "the byte 0x{byte:02X} in line {} is not UTF-8: save the file as UTF-8, it may be in Latin-1 (Windows-1252)",
            line.saturating_add(1)
        )
    })
}

/// What a text is in place of JSON, by the first thing in it that JSON does not have.
fn mistaken(text: &str, at: usize) -> Option<(&'static str, &'static str)> {
    let rest = text.get(at..).unwrap_or_default();
    let before = text.get(..at).unwrap_or_default();
    let first = before.trim_start().is_empty() || at == 0;
    match rest.chars().next()? {
        '<' if first => Some((
            "this is HTML or XML, not JSON",
            "it may be a page that was downloaded in the file's place: see what is in it",
        )),
        '#' => Some((
            "a comment does not start with `#`",
            "start it with `//`, or put it between `/*` and `*/`",
        )),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}' | '\u{ab}' | '\u{bb}' => {
            Some((
                "this quote is not a straight one",
                "write `\"`: an editor for letters may have replaced it",
            ))
        }
        '`' => Some(("strings are written in double quotes", "write `\"`")),
        '\0' => Some((
            "this is not JSON in UTF-8",
            "the file may be in UTF-16: save it as UTF-8",
        )),
        '\u{fffd}' => Some((
            "this character was lost when the text was converted",
            "save the file as UTF-8",
        )),
        _ if first && is_yaml(rest) => Some((
            "this looks like YAML, not JSON",
            "the config is JSON with comments: convert it, such as with `yq -o=json`",
        )),
        _ => {
            let word = rest.strip_prefix(['-', '+']).unwrap_or(rest);
            let nan = word.starts_with("NaN") || word.starts_with("Infinity");
            nan.then_some((
                "JSON does not have this number",
                "write a number in digits, or leave the member out",
            ))
        }
    }
}

/// Whether a text starts as YAML does: a document's start, a list, or a key without quotes.
fn is_yaml(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let key = line.split_once(':').map_or("", |(key, _)| key);
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    line.starts_with("---") || line.starts_with("- ") || (!key.is_empty() && key.chars().all(word))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_utf_8_is_told_how_to_become_it() {
        for (bytes, expected) in [
            (&b"{}"[..], None),
            (&b"\xff\xfe{\0}\0"[..], Some("UTF-16")),
            (&b"\xfe\xff\0{\0}"[..], Some("UTF-16")),
            (
                &b"{\n\"title\": \"M\xfcnchen\"}"[..],
                Some("0xFC in line 2"),
            ),
        ] {
            let error = decode(bytes.to_vec()).err();
            assert_eq!(error.is_some(), expected.is_some(), "{bytes:?}");
            let error = error.unwrap_or_default();
            assert!(error.contains(expected.unwrap_or_default()), "{error}");
        }
        let without_mark = "{\0}\0";
        let mut cx = Context::new();
        assert!(parse(without_mark, &mut cx).is_none());
        let told = cx.finish(without_mark, None).lines("f");
        assert!(told[0].contains("not JSON in UTF-8"), "{told:?}");
    }
}
