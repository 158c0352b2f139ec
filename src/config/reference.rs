//! Texts that stand for something else, and texts that only look like it.

use super::context::Context;
use super::diagnostic::Span;
use super::read::Spanned;
use super::value::TextValue;
use crate::plan::Text;

pub(super) fn text_of(written: Spanned<&str>, cx: &mut Context) -> Option<TextValue> {
    let text = Text::read(written.value);
    check_references(written.value, written.span, cx).then_some(TextValue {
        text,
        span: written.span,
    })
}

/// A URL that was pasted with blanks around it: it can mean nothing else.
pub fn url_without_blanks(written: &str) -> &str {
    let trimmed = written.trim();
    let scheme = trimmed.split_once("://").map_or("", |(scheme, _)| scheme);
    match scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        true => trimmed,
        false => written,
    }
}

/// Whether a text is no reference, or a sound one. What looks like one and is not read is told.
pub fn check_references(written: &str, span: Span, cx: &mut Context) -> bool {
    let Text::Reference(reference) = Text::read(written) else {
        if let Some(unread) = unread_reference(written) {
            // All of it may be a secret.
            let what = match unread.len() < written.len() || unread.contains(['.', '{']) {
                true => format!("`{unread}`"),
                false => "this".to_owned(),
            };
            let message = format!("{what} is no reference here: it stays as it is");
            cx.warning(span, "unread_reference", message)
                .help("what is read here is `$env.NAME` or `$secret.NAME`, as the whole text");
        }
        return true;
    };
    let name = reference.name.as_str();
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let end = name.find(|c| !sound(c)).unwrap_or(name.len());
    let (variable, rest) = name.split_at_checked(end).unwrap_or((name, ""));
    if variable.is_empty() {
        cx.error(span, "empty_reference", "this reference names nothing")
            .help("write the variable's name behind the dot, such as `$env.NAME`");
    } else if !rest.is_empty() {
        let message = format!("`{name}` is no name of a variable");
        cx.error(span, "bad_reference", message).help(format!(
            "a reference is the whole text: put `{rest}` into the value of `{variable}`, behind what it has"
        ));
    }
    rest.is_empty() && !variable.is_empty()
}

/// What in a literal looks like a reference of this format, or of another.
pub fn unread_reference(written: &str) -> Option<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    written.match_indices('$').find_map(|(at, _)| {
        let text = written.get(at..)?;
        let rest = text.get(1..)?;
        if let Some(inner) = rest.strip_prefix('{') {
            let name = inner.split_once('}')?.0;
            let sound = !name.is_empty() && name.chars().all(word);
            return sound.then(|| text.get(..name.len().saturating_add(3)))?;
        }
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let name = rest.get(..length)?;
        let (kind, member) = name.split_once('.').unwrap_or((name, ""));
        const KINDS: [&str; 10] = [
            "config",
            "context",
            "env",
            "environment",
            "request",
            "secret",
            "secrets",
            "var",
            "vars",
            "variables",
        ];
        let of_a_kind = !member.is_empty() && KINDS.iter().any(|k| k.eq_ignore_ascii_case(kind));
        // `$API_URL`, as shells write it.
        let of_a_shell = name.len() == written.len().saturating_sub(1)
            && name.len() > 2
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        (of_a_kind || of_a_shell).then(|| text.get(..length.saturating_add(1)))?
    })
}
