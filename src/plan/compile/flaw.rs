//! What can be wrong with a condition, and where.

use crate::config::{Name, Span};

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Whole,
    Offset(usize),
    /// The first place where this stands.
    Word(String),
}

/// The part of the document that a flaw is about.
pub(super) fn place(written: Name<'_>, flaw: &Flaw) -> Span {
    let Name { value, span } = written;
    // Where the string has escapes, its bytes are not the document's.
    let plain = span.end.saturating_sub(span.start) == value.len().saturating_add(2);
    let inner = span.start.saturating_add(1);
    let at = match &flaw.at {
        At::Offset(offset) => {
            let mut characters = value.char_indices();
            // Where something is missing at the end, the last character is shown.
            let found = characters.clone().find(|(at, _)| at >= offset);
            found
                .or(characters.next_back())
                .map(|(at, c)| (at, c.len_utf8()))
        }
        At::Word(word) => value.find(word.as_str()).map(|at| (at, word.len())),
        At::Whole => None,
    };
    match at {
        Some((start, length)) if plain => Span {
            start: inner.saturating_add(start),
            end: inner.saturating_add(start).saturating_add(length),
        },
        _ => span,
    }
}

pub(super) fn syntax(text: &str, errors: &cel::ParseErrors) -> Flaw {
    let first = errors.errors.iter().find(|error| error.pos.0 > 0);
    let first = first.or(errors.errors.first());
    let message = first.map_or("", |error| error.msg.as_str());
    let message = match message.trim_start_matches("Syntax error: ") {
        message if message.contains("'<EOF>'") => "it ends too early",
        message => message,
    };
    let offset = first.and_then(|error| {
        let (line, column) = error.pos;
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        let before = text
            .split_inclusive('\n')
            .take(line)
            .map(str::len)
            .sum::<usize>();
        before.checked_add(usize::try_from(column).ok()?.checked_sub(1)?)
    });
    Flaw {
        code: "bad_expression",
        message: format!("this expression is malformed: {message}"),
        help: None,
        at: offset.map_or(At::Whole, At::Offset),
    }
}

pub(super) fn whole(code: &'static str, message: impl Into<String>) -> Flaw {
    Flaw {
        code,
        message: message.into(),
        help: None,
        at: At::Whole,
    }
}

/// Where a part of the language is not a part of conditions.
pub(super) fn unsupported(word: &str) -> Flaw {
    Flaw {
        code: "bad_expression",
        message: format!("`{word}` cannot be used in an expression"),
        help: Some(format!("what can be used: {VOCABULARY}")),
        at: At::Word(word.to_owned()),
    }
}

pub(super) const VOCABULARY: &str = "`claims`, `request`, `params`, `== != < <= > >= && || ! ?: in`, lists, `has`, `size`, \
    `startsWith`, `endsWith`, `contains`, `all`, `exists`, `exists_one`";

/// What is looked up in the request or among the claims is named in the config, never by the caller.
pub(super) fn unwritten(what: &str) -> Flaw {
    Flaw {
        code: "bad_expression",
        message: "a name within `claims`, `params`, `headers` and `query` must be written out"
            .into(),
        help: Some("write it as a string, such as `claims[\"NAME\"]`".into()),
        at: At::Word(what.to_owned()),
    }
}
