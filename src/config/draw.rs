//! Diagnostics drawn into the lines of the document, for a terminal.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use super::redact::blanked;

/// Of a longer line, only the neighbourhood of the mistake is drawn.
const LINE_BYTES: usize = 160;

/// What is drawn at a place.
type Mark<'a> = (AnnotationKind, Span, Option<&'a str>);

/// Every diagnostic with its lines and a caret; literal secrets in them are replaced by stars.
///
/// `text` is the document that the diagnostics are about. `color` is for terminals.
pub fn draw(diagnostics: &Diagnostics, file: &str, text: &str, color: bool) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let secrets = blanked(text);
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut drawn: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| draw_one(diagnostic, file, text, &secrets, &renderer))
        .collect();
    drawn.extend(diagnostics.more());
    drawn.join("\n\n")
}

fn draw_one(
    diagnostic: &Diagnostic,
    file: &str,
    text: &str,
    secrets: &[Range<usize>],
    renderer: &Renderer,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    // Places on one line are drawn into the same excerpt.
    let mut excerpts: Vec<(Excerpt, Vec<Mark<'_>>)> = Vec::new();
    let primary = (
        AnnotationKind::Primary,
        diagnostic.span,
        diagnostic.label.as_deref(),
    );
    let notes = diagnostic.notes.iter().map(|note| {
        (
            AnnotationKind::Context,
            note.span,
            Some(note.label.as_str()),
        )
    });
    for mark in std::iter::once(primary).chain(notes) {
        match excerpts
            .iter_mut()
            .find(|(excerpt, _)| excerpt.holds(mark.1))
        {
            Some((_, marks)) => marks.push(mark),
            None => {
                let known = excerpts.is_empty().then_some(diagnostic.line);
                excerpts.push((Excerpt::around(mark.1, known, text), vec![mark]));
            }
        }
    }
    for (excerpt, marks) in excerpts {
        let snippet = excerpt.snippet(text, secrets, &marks);
        group = if excerpt.cut {
            // The drawn part starts amid its line: the column must be told.
            let origin = Origin::path(file)
                .line(diagnostic.line)
                .char_column(diagnostic.column);
            group.element(origin).element(snippet)
        } else {
            group.element(snippet.path(file))
        };
    }
    if !diagnostic.place.is_empty() {
        group = group.element(
            Level::NOTE
                .with_name("place")
                .message(diagnostic.place.as_str()),
        );
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// One line of the document, or a part of a long one.
struct Excerpt {
    range: Range<usize>,
    line: usize,
    /// Whether the front of the line is left out.
    cut: bool,
}

impl Excerpt {
    /// `line` is the line's number, if it is known.
    fn around(span: Span, line: Option<usize>, text: &str) -> Excerpt {
        let start = span.start.min(text.len());
        let before = text.get(..start).unwrap_or_default();
        let line = line.unwrap_or_else(|| before.matches('\n').count().saturating_add(1));
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let line_end = text
            .get(start..)
            .and_then(|rest| rest.find('\n'))
            .map_or(text.len(), |length| start.saturating_add(length));
        let near = LINE_BYTES / 2;
        let mut range = line_start..line_end;
        if range.len() > LINE_BYTES {
            range.start = line_start.max(start.saturating_sub(near));
            range.end = line_end.min(start.saturating_add(near));
            while !text.is_char_boundary(range.start) {
                range.start = range.start.saturating_sub(1);
            }
            while !text.is_char_boundary(range.end) {
                range.end = range.end.saturating_add(1);
            }
        }
        let cut = range.start > line_start;
        Excerpt { range, line, cut }
    }

    fn holds(&self, span: Span) -> bool {
        self.range.start <= span.start && span.start < self.range.end
    }

    fn snippet<'a>(
        &self,
        text: &str,
        secrets: &[Range<usize>],
        marks: &[Mark<'a>],
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let source = hidden(text, &self.range, secrets);
        let length = source.len();
        let inside = |at: usize| at.saturating_sub(self.range.start).min(length);
        Snippet::source(source)
            .line_start(self.line)
            .fold(false)
            .annotations(marks.iter().map(|(kind, span, label)| {
                let start = inside(span.start);
                kind.span(start..inside(span.end).max(start))
                    .label(label.map(Cow::Borrowed))
            }))
    }
}

/// The text of `range` with stars for every byte of a secret, so that all else keeps its place.
fn hidden(text: &str, range: &Range<usize>, secrets: &[Range<usize>]) -> String {
    let first = secrets.partition_point(|secret| secret.end <= range.start);
    let mut shown = String::with_capacity(range.len());
    let mut at = range.start;
    for secret in secrets.iter().skip(first) {
        if secret.start >= range.end {
            break;
        }
        let (from, to) = (secret.start.max(at), secret.end.min(range.end));
        shown.push_str(text.get(at..from).unwrap_or_default());
        shown.extend(std::iter::repeat_n('*', to.saturating_sub(from)));
        at = to.max(at);
    }
    shown.push_str(text.get(at..range.end).unwrap_or_default());
    shown
}
