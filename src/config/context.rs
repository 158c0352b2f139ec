//! Where mistakes are gathered while a document is read and compiled.

use jsonc_parser::ast::Value;

use super::diagnostic::{Diagnostic, Diagnostics, SHOWN, Severity, Span};
use super::place::place_of;
use super::suggest::closest;

/// Beyond this many, diagnostics are counted and no longer kept.
const KEPT: usize = 10_000;
/// Looking for a close name costs; beyond this many nobody reads the suggestions.
const SUGGESTED: usize = 200;

/// Gathers diagnostics and tells whether a part of the document was free of errors.
#[derive(Debug, Default)]
pub struct Context {
    kept: Vec<Diagnostic>,
    spare: Option<Diagnostic>,
    errors: usize,
    warnings: usize,
    suggested: usize,
    first_since_mark: Option<(&'static str, String)>,
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
        self.errors = self.errors.saturating_add(1);
        if self.first_since_mark.is_none() {
            self.first_since_mark = Some((code, message.clone()));
        }
        self.push(Severity::Error, span, code, message)
    }

    pub fn warning(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.warnings = self.warnings.saturating_add(1);
        self.push(Severity::Warning, span, code, message.into())
    }

    /// How many errors there are so far.
    pub fn errors(&self) -> usize {
        self.errors
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

    /// Sorts by place in the text, cuts to what is shown, and finds line, column and place of each.
    pub fn finish(mut self, text: &str, root: Option<&Value<'_>>) -> Diagnostics {
        self.kept.sort_by_key(|d| d.span);
        self.kept.truncate(SHOWN);
        let (mut line, mut line_start, mut seen) = (1_usize, 0_usize, 0_usize);
        for diagnostic in &mut self.kept {
            let start = diagnostic.span.start.min(text.len());
            for (at, _) in text
                .get(seen..start)
                .unwrap_or_default()
                .match_indices('\n')
            {
                line = line.saturating_add(1);
                line_start = seen.saturating_add(at).saturating_add(1);
            }
            seen = start;
            diagnostic.line = line;
            diagnostic.column = text
                .get(line_start..start)
                .map_or(0, |before| before.chars().count())
                .saturating_add(1);
            if let Some(root) = root {
                diagnostic.place = place_of(root, diagnostic.span);
            }
        }
        Diagnostics {
            list: self.kept,
            errors: self.errors,
            warnings: self.warnings,
        }
    }

    fn push(
        &mut self,
        severity: Severity,
        span: Span,
        code: &'static str,
        message: String,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic {
            code,
            severity,
            place: String::new(),
            line: 0,
            column: 0,
            span,
            message,
            label: None,
            notes: Vec::new(),
            help: None,
        };
        if self.kept.len() < KEPT {
            self.kept.push(diagnostic);
            if let Some(last) = self.kept.last_mut() {
                return last;
            }
        }
        self.spare.insert(Diagnostic {
            code,
            severity,
            place: String::new(),
            line: 0,
            column: 0,
            span,
            message: String::new(),
            label: None,
            notes: Vec::new(),
            help: None,
        })
    }
}
