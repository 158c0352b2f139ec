//! Where mistakes are gathered while a document is read and compiled.

use super::ast::Value;
use super::diagnostic::{Diagnostic, Diagnostics, SHOWN, Severity, Span};
use super::place::place_of;
use super::suggest::closest;

/// Beyond this many of a severity, diagnostics are counted and no longer kept.
const KEPT: usize = 1_000;
/// Looking for a close name costs; beyond this many nobody reads the suggestions.
const SUGGESTED: usize = 200;

/// Gathers diagnostics and tells whether a part of the document was free of errors.
#[derive(Debug, Default)]
pub struct Context {
    errors: Kept,
    warnings: Kept,
    suggested: usize,
    first_since_mark: Option<(&'static str, String)>,
}

/// The diagnostics of one severity.
#[derive(Debug, Default)]
struct Kept {
    count: usize,
    list: Vec<Diagnostic>,
    /// Takes what is written to one that is not kept.
    spare: Diagnostic,
}

impl Context {
    pub fn new() -> Context {
        Context::default()
    }

    /// Adds an error and hands it out for its label, notes and help.
    pub fn error(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let message = message.into();
        if self.first_since_mark.is_none() {
            self.first_since_mark = Some((code, message.clone()));
        }
        self.errors.push(Severity::Error, span, code, message)
    }

    pub fn warning(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.warnings
            .push(Severity::Warning, span, code, message.into())
    }

    /// How many errors there are so far.
    pub fn errors(&self) -> usize {
        self.errors.count
    }

    /// From here on, [`Context::first_error`] is the first one that follows.
    pub fn mark(&mut self) {
        self.first_since_mark = None;
    }

    /// Code and message of the first error since the mark.
    pub fn first_error(&self) -> Option<(&'static str, &str)> {
        self.first_since_mark
            .as_ref()
            .map(|(code, message)| (*code, message.as_str()))
    }

    /// The name among `names` that `written` may have meant.
    pub fn closest<'n>(
        &mut self,
        written: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        self.suggested = self.suggested.saturating_add(1);
        if self.suggested > SUGGESTED {
            return None;
        }
        closest(written, names)
    }

    /// Cuts to what is shown, errors first; sorts by place in the text; finds line, column and place of each.
    pub fn finish(self, text: &str, root: Option<&Value<'_>>) -> Diagnostics {
        let (errors, warnings) = (self.errors.count, self.warnings.count);
        let mut list = self.errors.first(SHOWN);
        list.extend(self.warnings.first(SHOWN.saturating_sub(list.len())));
        list.sort_by_key(|diagnostic| diagnostic.span);
        let (mut line, mut column, mut seen) = (1_usize, 1_usize, 0_usize);
        for diagnostic in &mut list {
            let start = diagnostic.span.start.min(text.len());
            let between = text.get(seen..start).unwrap_or_default();
            let last_line = match between.rsplit_once('\n') {
                Some((lines, last_line)) => {
                    let more = lines.matches('\n').count().saturating_add(1);
                    line = line.saturating_add(more);
                    column = 1;
                    last_line
                }
                None => between,
            };
            column = column.saturating_add(last_line.chars().count());
            seen = start;
            diagnostic.line = line;
            diagnostic.column = column;
            if let Some(root) = root {
                diagnostic.place = place_of(root, diagnostic.span);
            }
        }
        Diagnostics {
            list,
            errors,
            warnings,
        }
    }
}

impl Kept {
    fn push(
        &mut self,
        severity: Severity,
        span: Span,
        code: &'static str,
        message: String,
    ) -> &mut Diagnostic {
        self.count = self.count.saturating_add(1);
        if self.list.len() < KEPT {
            self.list.push(Diagnostic {
                code,
                severity,
                span,
                message,
                ..Diagnostic::default()
            });
            if let Some(last) = self.list.last_mut() {
                return last;
            }
        }
        self.spare = Diagnostic::default();
        &mut self.spare
    }

    /// The first ones by place.
    fn first(mut self, limit: usize) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.span);
        self.list.truncate(limit);
        self.list
    }
}
