//! What is carried from a request to its upstream.

use super::Variables;
use super::pattern::Pattern;
use crate::config::{Context, MappingObject, Name, Span, Spanned, unread_reference};
use crate::http::is_token;
use crate::plan::{Mapping, Place, ReferenceKind, Source, Text};

/// Headers that belong to the connection (RFC 9110 section 7.6.1) or to the message's framing and target; the
/// gateway itself decides on them.
const RESERVED_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// Whether the gateway alone decides on a header, by its lower-case name.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED_HEADERS.contains(&name) || name.starts_with("proxy-")
}

pub(super) fn compile_mapping(
    object: &MappingObject<'_>,
    scope: &Scope<'_>,
    cx: &mut Context,
) -> Mapping {
    let mut mapping = Mapping::default();
    let mut seen: Vec<(String, Span)> = Vec::new();
    for (key, value) in object.headers.value().into_iter().flat_map(|e| e.iter()) {
        let name = key.value.to_ascii_lowercase();
        check_header(key, &name, cx);
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == name) {
            cx.error(
                key.span,
                "duplicate_header",
                format!("the header `{name}` is mapped twice"),
            )
            .label("again here")
            .note(*first, "first here")
            .help("case makes no difference in the names of headers");
        }
        seen.push((name.clone(), key.span));
        let source = value.get(cx).and_then(|value| scope.source(value, cx));
        mapping.headers.extend(source.map(|source| (name, source)));
    }
    for (key, value) in object.query.value().into_iter().flat_map(|e| e.iter()) {
        if key.value.is_empty() {
            cx.error(key.span, "empty_value", "this query key is empty");
        }
        let source = value.get(cx).and_then(|value| scope.source(value, cx));
        let name = key.value.to_owned();
        mapping.query.extend(source.map(|source| (name, source)));
    }
    mapping
}

/// Tells if a header's name is none, or is not the author's to set.
pub(super) fn check_header(key: Spanned<&str>, name: &str, cx: &mut Context) {
    if !is_token(name) {
        cx.error(
            key.span,
            "bad_token",
            format!("`{}` is no name of a header", key.value),
        );
    } else if is_reserved(name) {
        cx.error(
            key.span,
            "reserved_header",
            format!("the gateway itself decides on the header `{name}`"),
        );
    }
}

/// What references in a path's mapping can mean.
pub(super) struct Scope<'s> {
    /// The path's own variables.
    pub own: Variables<'s>,
    /// The global ones.
    pub variables: &'s Variables<'s>,
    /// `None` if it is not understood.
    pub pattern: Option<&'s Pattern<'s>>,
    /// Whether the path asks for a token.
    pub protected: bool,
    /// What stays with the gateway.
    pub withheld: Vec<&'s Place>,
}

/// What references begin with.
const KINDS: [&str; 5] = [
    "$request.header.",
    "$request.jwt.",
    "$request.query.",
    "$request.path.",
    "$config.",
];

impl Scope<'_> {
    fn source(&self, written: Name<'_>, cx: &mut Context) -> Option<Source> {
        let Spanned { value, span } = written;
        let found = KINDS
            .into_iter()
            .filter_map(|kind| Some((value.find(kind)?, kind)))
            .min();
        let reference = found.map(|(at, kind)| {
            let behind = at.saturating_add(kind.len());
            let rest = value.get(behind..).unwrap_or_default();
            match (at, rest.contains(' ')) {
                (0, false) => (kind, rest),
                _ => {
                    // The predecessor reads it so, wherever it stands.
                    let end =
                        rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
                    let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                    cx.warning(
                        span,
                        "text_around_reference",
                        format!(
                            "`{kind}{name}` stands for all of this: the text around it is not sent"
                        ),
                    )
                    .help("write the reference alone");
                    (kind, name)
                }
            }
        });
        let Some((kind, name)) = reference else {
            let help = unknown_source(value);
            let message = "this does not say where a value comes from";
            cx.error(span, "unknown_source", message).help(help);
            return None;
        };
        if name.is_empty() {
            cx.error(span, "empty_reference", "this reference names nothing")
                .help(format!(
                    "write the name behind the dot, such as `{kind}name`"
                ));
            return None;
        }
        let owned = name.to_owned();
        match kind {
            "$request.header." => {
                if !is_token(name) {
                    cx.error(
                        span,
                        "bad_token",
                        format!("`{name}` is no name of a header"),
                    );
                    return None;
                }
                let name = name.to_ascii_lowercase();
                self.check_withheld(&Place::Header(name.clone()), span, cx);
                Some(Source::Header(name))
            }
            "$request.jwt." => {
                if !self.protected {
                    cx.warning(
                        span,
                        "claim_without_auth",
                        "this path does not ask for a token, so there is no claim",
                    )
                    .help("add `auth`; without it nothing is set");
                }
                Some(Source::Claim(owned))
            }
            "$request.query." => {
                self.check_withheld(&Place::Query(owned.clone()), span, cx);
                Some(Source::Query(owned))
            }
            "$request.path." => {
                // Without a sound pattern nothing can be said of its parameters.
                let pattern = self.pattern?;
                if !pattern.parameters().any(|parameter| parameter == name) {
                    let near = cx.closest(name, pattern.parameters());
                    cx.error(
                        span,
                        "unknown_parameter",
                        format!("the path has no parameter `{{{name}}}`"),
                    )
                    .label("unknown")
                    .suggest(near);
                    return None;
                }
                Some(Source::Path(owned))
            }
            _ => Some(self.variable(Spanned { value: name, span }, cx)),
        }
    }

    fn check_withheld(&self, place: &Place, span: Span, cx: &mut Context) {
        if self.withheld.contains(&place) {
            cx.warning(
                span,
                "withheld_source",
                "a credential stands there that stays with the gateway, so nothing is set",
            )
            .help("if it is to go on, write `\"forward_credential\": true` in the authorizer");
        }
    }

    fn variable(&self, written: Spanned<&str>, cx: &mut Context) -> Source {
        let name = written.value;
        match self.own.get(name).or_else(|| self.variables.get(name)) {
            Some(Some(text)) => Source::Config(text.clone()),
            Some(None) => {
                let message = format!("the variable `{name}` is not understood");
                cx.error(written.span, "faulty_variable", message)
                    .help("mend it where it is written");
                Source::Absent
            }
            None => {
                let names = self.own.keys().chain(self.variables.keys());
                let near = cx.closest(name, names.copied());
                cx.warning(
                    written.span,
                    "unknown_variable",
                    format!("there is no variable `{name}`, so nothing is set"),
                )
                .suggest(near);
                Source::Absent
            }
        }
    }
}

/// What to write in place of a value that is no source.
fn unknown_source(written: &str) -> String {
    const SOURCES: &str = "`$request.header.NAME`, `$request.jwt.NAME`, `$request.query.NAME`, `$request.path.NAME` or `$config.NAME`";
    if let Text::Reference(reference) = Text::read(written) {
        let (name, word) = (
            &reference.name,
            if reference.kind == ReferenceKind::Env {
                "env"
            } else {
                "secret"
            },
        );
        return format!(
            "write `\"variables\": {{ \"NAME\": \"${word}.{name}\" }}` and map `$config.NAME`"
        );
    }
    match unread_reference(written) {
        Some(found) if found.len() < written.len() => {
            format!("a value is one reference and nothing else, such as `{found}`")
        }
        Some(_) => format!("write {SOURCES}"),
        None => format!(
            "a constant is a variable: write `\"variables\": {{ \"NAME\": ... }}` with this text and map `$config.NAME`; else write {SOURCES}"
        ),
    }
}
