//! Wildcards, parameters and expressions as other routers write them. Here they would be literals that no request has,
//! and a path that was to be protected would not be the one that serves.
//!
//! Each of `*:$()+<>[]^|` is itself behind a backslash: `/a\\*` in JSON is the path `/a*`.

use std::borrow::Cow;
use std::ops::Range;

const ESCAPED: &[char] = &['*', ':', '$', '(', ')', '+', '<', '>', '[', ']', '^', '|'];

const REST: &str = "the rest of a path, of any depth, is `/{.+}` at its end";
const EXPRESSION: &str = "write `/{name}` for one segment, or `/{.+}` for the rest; a character that is meant as such has a backslash before it, written `\\\\` in JSON";

/// What to write in place of a pattern that starts as a regular expression does.
pub(super) fn start(written: &str) -> Option<String> {
    let plain = written.trim_start_matches(['~', '*', ' ', '^', '(', '=']);
    let found = written.starts_with(['^', '~', '(', '=']);
    let end = plain.strip_suffix('$').unwrap_or(plain);
    match end.starts_with('/') && super::parse(end).is_ok() {
        _ if !found => None,
        true => Some(format!("write `{end}`: it matches the whole path as it is")),
        false => Some(EXPRESSION.to_owned()),
    }
}

/// What to write in place of a pattern without a slash in front.
pub(super) fn absolute(written: &str) -> String {
    let absolute = format!("/{written}");
    if matches!(written, "*" | "**") {
        "write `/{.+}` for every path".to_owned()
    } else if !written.contains("://") && super::parse(&absolute).is_ok() {
        format!("write `{absolute}`")
    } else {
        "write it without scheme and host; the host goes to `host`".to_owned()
    }
}

/// The first part of a pattern that was to be optional, and what to write.
pub(super) fn optional(written: &str) -> Option<(Range<usize>, String)> {
    let mut start = 0_usize;
    for segment in written.split('/') {
        let end = start.saturating_add(segment.len());
        let named = segment.starts_with(':') && segment.ends_with('?');
        if segment.contains("(?") {
            return Some((start..end, EXPRESSION.to_owned()));
        }
        if segment == "?" {
            let help = "write two paths, one with a slash at its end and one without";
            return Some((start..end, help.to_owned()));
        }
        if named || segment.ends_with("?}") || segment.contains(")?") || segment.contains("]?") {
            let name = parameter_name(segment);
            let help = format!("write two paths, one with `{{{name}}}` and one without");
            return Some((start..end, help));
        }
        start = end.saturating_add(1);
    }
    None
}

/// What is wrong with a segment of another router, and what to write.
pub(super) fn segment(written: &str, last: bool) -> Option<(&'static str, String)> {
    if let Some(inner) = written
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        return braced(inner);
    }
    let bare = without_escaped(written);
    let one = || format!("write `{{{}}}` for one segment", parameter_name(&bare));
    if bare.contains('*') {
        let help = match &*bare {
            "*" if !last => "one segment is `{name}`, with a name of its own".to_owned(),
            "*" | "**" => format!("{REST}; one segment is `{{name}}`"),
            _ => format!("a wildcard takes whole segments: {REST}, one segment is `{{name}}`"),
        };
        let help = format!("{help}; a star itself is written `\\\\*`");
        return Some(("`*` is no wildcard here", help));
    }
    let named = bare
        .strip_prefix(':')
        .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    if named {
        return Some(("`:` does not start a parameter here", one()));
    }
    if bare.starts_with('<') && bare.ends_with('>') {
        let help = if bare.contains("path:") {
            REST.to_owned()
        } else {
            one()
        };
        return Some(("`<` and `>` are not around a parameter here", help));
    }
    if bare.starts_with("[...") || bare.starts_with("[[") {
        return Some((
            "`[` and `]` are not around a parameter here",
            REST.to_owned(),
        ));
    }
    let whole = bare
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if whole.is_some_and(|name| !name.contains('-')) {
        return Some(("`[` and `]` are not around a parameter here", one()));
    }
    if bare == "+" {
        return Some(("`+` is no wildcard here", one()));
    }
    let grouped = bare.contains('(') && bare.contains(['+', '?']);
    // None of these stands in a URL as it is.
    let expression = grouped
        || bare.contains(['[', ']', '<', '>', '^', '|'])
        || bare.contains(".+")
        || last && bare.ends_with('$')
        || written
            .split('\\')
            .skip(1)
            .any(|rest| rest.starts_with(['d', 'w', 's', 'D', 'W', 'S', '.']));
    expression.then(|| ("a path is no regular expression", EXPRESSION.to_owned()))
}

/// The same between braces.
fn braced(inner: &str) -> Option<(&'static str, String)> {
    if inner == ".+" {
        return None;
    }
    let rest = inner.ends_with(['+', '*']) && !inner.contains(['[', '(', '\\'])
        || inner.starts_with(['*', '.'])
        || inner.ends_with("...")
        || inner.ends_with(":path");
    if rest {
        return Some(("this is no name of a parameter", REST.to_owned()));
    }
    let name = parameter_name(inner);
    let typed = inner.contains([':', '<', '[', '(', '=', '|']) && !name.is_empty();
    typed.then(|| {
        let help = format!("write `{{{name}}}`: a parameter is any one segment");
        ("this is no name of a parameter", help)
    })
}

/// The name that a parameter of another router has: `id` of `:id`, `<int:id>`, `id:int` and `id(\\d+)`.
fn parameter_name(written: &str) -> &str {
    let name = written.trim_matches([
        ':', '<', '>', '{', '}', '[', ']', '?', '.', '*', '+', '(', ')',
    ]);
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let first = name
        .split([':', '(', '<', '=', '|'])
        .next()
        .unwrap_or_default();
    let name = match name.split_once(':') {
        Some(("int" | "string" | "str" | "uuid" | "float" | "path", second)) => second,
        _ => first,
    };
    match !name.is_empty() && name.chars().all(sound) {
        true => name,
        false => "name",
    }
}

/// A segment without the backslashes of characters that are meant as such.
pub(super) fn unescaped(segment: &str) -> Cow<'_, str> {
    replaced(segment, |escaped| escaped)
}

/// A segment with a letter in place of each character that is meant as such.
fn without_escaped(segment: &str) -> Cow<'_, str> {
    replaced(segment, |_| 'x')
}

fn replaced(segment: &str, by: impl Fn(char) -> char) -> Cow<'_, str> {
    if !segment.contains('\\') {
        return Cow::Borrowed(segment);
    }
    let mut plain = String::with_capacity(segment.len());
    let mut chars = segment.chars();
    while let Some(c) = chars.next() {
        let mut ahead = chars.clone();
        match (c, ahead.next()) {
            ('\\', Some(escaped)) if ESCAPED.contains(&escaped) => {
                plain.push(by(escaped));
                chars = ahead;
            }
            _ => plain.push(c),
        }
    }
    Cow::Owned(plain)
}
