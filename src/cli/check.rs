//! `causeway check`.

use std::path::Path;

use annotate_snippets::{Level, Renderer};
use causeway::config::{Diagnostics, draw};
use causeway::plan::compile;
use serde_json::{Value, json};

use super::wrangler::{self, Gap};
use super::{Failure, Format, Outcome, read};

pub fn check(file: &Path, strict: bool, format: Format, color: bool) -> Result<Outcome, Failure> {
    let text = read(file)?;
    let compiled = compile(&text);
    let diagnostics = if strict {
        compiled.diagnostics.strict()
    } else {
        compiled.diagnostics
    };
    let gaps = match &compiled.blueprint {
        Some(blueprint) => wrangler::gaps(blueprint, file)?,
        None => Vec::new(),
    };
    let (gap_errors, gap_warnings) = if strict {
        (gaps.len(), 0)
    } else {
        (0, gaps.len())
    };
    let report = Report {
        file: file.display().to_string(),
        errors: diagnostics.errors().saturating_add(gap_errors),
        warnings: diagnostics.warnings().saturating_add(gap_warnings),
        diagnostics,
        gaps,
        strict,
    };
    Ok(Outcome {
        text: match format {
            Format::Human => report.human(&text, color),
            Format::Json => format!("{:#}\n", report.json()),
        },
        good: report.errors == 0,
    })
}

struct Report {
    file: String,
    diagnostics: Diagnostics,
    gaps: Vec<Gap>,
    errors: usize,
    warnings: usize,
    strict: bool,
}

impl Report {
    fn human(&self, text: &str, color: bool) -> String {
        let mut parts = Vec::new();
        if !self.diagnostics.is_empty() {
            parts.push(draw(&self.diagnostics, &self.file, text, color));
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        parts.extend(self.gaps.iter().map(|gap| {
            let level = if self.strict {
                Level::ERROR
            } else {
                Level::WARNING
            };
            let group = level
                .primary_title(gap.message.as_str())
                .id(gap.code)
                .element(Level::HELP.message(gap.help));
            renderer.render(&[group])
        }));
        parts.push(format!(
            "{}: {}, {}\n",
            self.file,
            counted(self.errors, "error"),
            counted(self.warnings, "warning")
        ));
        parts.join("\n\n")
    }

    fn json(&self) -> Value {
        let severity = if self.strict { "error" } else { "warning" };
        let diagnostics = self.diagnostics.iter().map(|d| {
            json!({
                "code": d.code,
                "severity": d.severity.as_str(),
                "place": d.place,
                "line": d.line,
                "column": d.column,
                "message": d.message,
                "label": d.label,
                "help": d.help,
            })
        });
        // What is missing beside the config has no place in it.
        let gaps = self.gaps.iter().map(|gap| {
            json!({
                "code": gap.code,
                "severity": severity,
                "message": gap.message,
                "help": gap.help,
            })
        });
        json!({
            "file": self.file,
            "errors": self.errors,
            "warnings": self.warnings,
            "not_listed": self.diagnostics.hidden(),
            "diagnostics": diagnostics.chain(gaps).collect::<Vec<_>>(),
        })
    }
}

fn counted(number: usize, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}
