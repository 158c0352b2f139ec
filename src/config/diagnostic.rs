//! What is wrong with a config, where, and what to do about it.

use std::fmt;

use super::ast::Range;

/// How many diagnostics are told one by one; the rest is a number.
pub const SHOWN: usize = 100;

/// A byte range of the document's text, without its byte order mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The first byte alone: the brace of an object in which something is missing.
    pub fn first(self) -> Span {
        Span {
            start: self.start,
            end: self.start.saturating_add(1),
        }
    }
}

impl From<Range> for Span {
    fn from(range: Range) -> Span {
        let offset = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        Span {
            start: offset(range.start),
            end: offset(range.end),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The config is refused.
    #[default]
    Error,
    /// The config is accepted, but it may not mean what its author thinks.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One mistake. `code` is stable: scripts may rely on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    /// Where in the document, such as `paths[3].integration.server`; empty for the document itself.
    pub place: String,
    /// Both count from 1; the column counts characters.
    pub line: usize,
    pub column: usize,
    pub span: Span,
    pub message: String,
    /// What stands under the caret.
    pub label: Option<String>,
    pub notes: Vec<Note>,
    /// What the author can do.
    pub help: Option<String>,
}

/// A second place that a diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub span: Span,
    pub label: String,
}

impl Diagnostic {
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = Some(label.into());
        self
    }

    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub fn note(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.notes.push(Note {
            span,
            label: label.into(),
        });
        self
    }

    /// `did you mean ...?`, where there is something close enough.
    pub fn suggest(&mut self, closest: Option<&str>) -> &mut Self {
        if let Some(name) = closest {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }

    /// One line for logs and editors: `file:line:col: error[code]: message (place)`.
    pub fn line_form<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        LineForm { this: self, file }
    }
}

struct LineForm<'a> {
    this: &'a Diagnostic,
    file: &'a str,
}

impl fmt::Display for LineForm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic {
            code,
            severity,
            place,
            line,
            column,
            message,
            ..
        } = self.this;
        let file = self.file;
        write!(
            f,
            "{file}:{line}:{column}: {}[{code}]: {message}",
            severity.as_str()
        )?;
        if !place.is_empty() {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

/// All that is wrong with a document, in the order of the text: [`SHOWN`] of it one by one, errors before warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    pub(super) list: Vec<Diagnostic>,
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

impl Diagnostics {
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.errors == 0 && self.warnings == 0
    }

    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// How many errors there are, those not listed too.
    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// How many are not listed.
    pub fn hidden(&self) -> usize {
        self.errors
            .saturating_add(self.warnings)
            .saturating_sub(self.list.len())
    }

    /// Makes every warning an error.
    pub fn strict(mut self) -> Diagnostics {
        for diagnostic in &mut self.list {
            diagnostic.severity = Severity::Error;
        }
        self.errors = self.errors.saturating_add(self.warnings);
        self.warnings = 0;
        self
    }

    /// One line for each, and one for those that are not listed.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let mut lines: Vec<String> = self.iter().map(|d| d.line_form(file).to_string()).collect();
        lines.extend(self.more());
        lines
    }

    /// `and N more`, if there are.
    pub fn more(&self) -> Option<String> {
        (self.hidden() > 0).then(|| format!("and {} more", self.hidden()))
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
