//! Requests that a path with `residency` was to take, and that a wider path takes without.

use super::Ways;
use crate::config::{Context, Span};
use crate::plan::compile::conflict::Taken;
use crate::plan::compile::path::Gateway;
use crate::plan::compile::pattern::shape;
use crate::plan::{Action, PathEntry};

/// Paths are compared pair by pair; beyond this many pairs nobody is warned any more.
const MOST_PAIRS: usize = 20_000_000;
const MOST_RESIDENTS: usize = 2_000;

/// Warns once of each path that may leave a jurisdiction and takes what slips past a path that may not.
/// `residents` are numbers of `paths`, with their jurisdictions.
pub(in crate::plan::compile) fn gaps(
    residents: &[(usize, String)],
    paths: &[PathEntry],
    taken: &Taken,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) {
    let looked_at = MOST_PAIRS.checked_div(paths.len()).unwrap_or(0);
    let looked_at = looked_at.min(MOST_RESIDENTS);
    let mut found: Vec<Gap> = Vec::new();
    for (index, jurisdiction) in residents.iter().take(looked_at) {
        let Some(path) = paths.get(*index) else {
            continue;
        };
        if matches!(path.action, Action::Fault(_) | Action::Respond { .. }) {
            continue;
        }
        let slashed = other_slash(&path.pattern);
        for (other, wide) in paths.iter().enumerate() {
            let Some(how) = slips(path, slashed.as_deref(), wide) else {
                continue;
            };
            let inner = || {
                residents
                    .iter()
                    .filter(|(_, within)| within == jurisdiction)
            };
            let inside = inner().any(|(index, _)| *index == other);
            let caught = || {
                let mut inner = inner().filter_map(|(index, _)| paths.get(*index));
                inner.any(|inner| {
                    covers(&wide.pattern, &inner.pattern)
                        && slips(path, slashed.as_deref(), inner) == Some(how)
                })
            };
            if inside || caught() || found.iter().any(|gap| gap.wide == other && gap.add()) {
                continue;
            }
            let hooks = wide.pre_process.iter();
            let ways = Ways::new(gateway.known, jurisdiction);
            if ways
                .prove(wide.action.clone(), hooks, &wide.access)
                .leaves()
            {
                found.push(Gap {
                    wide: other,
                    more: 0.into(),
                    path: *index,
                    how,
                    jurisdiction,
                });
            }
        }
    }
    for gap in found {
        let (span, inner) = (taken.written(gap.wide), taken.written(gap.path));
        let Some(path) = paths.get(gap.path) else {
            continue;
        };
        gap.warn(span, inner, path, cx);
    }
}

/// How a request slips past a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Slash,
    Method,
    Condition,
}

struct Gap<'g> {
    wide: usize,
    /// How many paths there are besides.
    more: std::cell::Cell<usize>,
    path: usize,
    how: How,
    jurisdiction: &'g str,
}

impl Gap<'_> {
    fn add(&self) -> bool {
        self.more.set(self.more.get().saturating_add(1));
        true
    }

    fn warn(&self, span: Span, inner: Span, path: &PathEntry, cx: &mut Context) {
        let pattern = &path.pattern;
        let what = match self.how {
            How::Slash => {
                let other = other_slash(pattern).unwrap_or_default();
                format!("`{other}` is not `{pattern}`")
            }
            How::Method => format!("`{pattern}` serves some methods alone"),
            How::Condition => format!("`{pattern}` serves some requests alone"),
        };
        let within = self.jurisdiction;
        let message = format!("{what}: others come to this path, and can leave `{within}`");
        let diagnostic = cx.warning(span, "residency_gap", message);
        let inner_label = match self.more.get() {
            0 => format!("this path keeps within `{within}`"),
            more => format!("this path, and {more} more, keep within `{within}`"),
        };
        diagnostic.note(inner, inner_label).help(
            "give this path `residency` too, or put a path with it in between, such as `{.+}` below the first one",
        );
    }
}

/// How `wide` takes what slips past `path`, if it does.
fn slips(path: &PathEntry, slashed: Option<&str>, wide: &PathEntry) -> Option<How> {
    let hosts = match (&wide.host, &path.host) {
        (None, _) => true,
        (Some(wide), Some(own)) => {
            wide == own || wide.strip_prefix('*').is_some_and(|end| own.ends_with(end))
        }
        (Some(_), None) => false,
    };
    let same_method = wide.method.is_none() || path.method.is_none() || wide.method == path.method;
    if !hosts {
        return None;
    }
    if same_method && slashed.is_some_and(|slashed| covers(&wide.pattern, slashed)) {
        return Some(How::Slash);
    }
    // Of one shape, or without a wildcard, the other path is meant to be another.
    let wider = wide.pattern.ends_with("{.+}")
        && covers(&wide.pattern, &path.pattern)
        && !shape(&wide.pattern).eq(shape(&path.pattern));
    if !wider {
        return None;
    }
    if path.method.is_some() && wide.method != path.method {
        return Some(How::Method);
    }
    (path.when.is_some() && wide.when.is_none()).then_some(How::Condition)
}

/// The pattern with a slash more or less at its end; a wildcard takes both.
fn other_slash(pattern: &str) -> Option<String> {
    match pattern.strip_suffix('/') {
        _ if pattern.ends_with("{.+}") => None,
        Some("") => None,
        Some(without) => Some(without.to_owned()),
        None => Some(format!("{pattern}/")),
    }
}

/// Whether `wide` matches whatever `narrow` matches.
fn covers(wide: &str, narrow: &str) -> bool {
    let mut inner = narrow.split('/');
    for segment in wide.split('/') {
        if segment == "{.+}" {
            return true;
        }
        let same = match inner.next() {
            None | Some("{.+}") => false,
            Some(inner) if segment.starts_with('{') => !inner.is_empty(),
            Some(inner) => inner == segment,
        };
        if !same {
            return false;
        }
    }
    inner.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_those_that_it_matches() {
        for (wide, narrow, expected) in [
            ("/{.+}", "/orders/{id}/", true),
            ("/orders/{.+}", "/orders", true),
            ("/orders/{id}/", "/orders/{x}/", true),
            ("/orders/{id}", "/orders/", false),
            ("/orders/{id}", "/orders/{.+}", false),
            ("/orders", "/orders/{id}", false),
            ("/{a}/{b}", "/orders/1", true),
        ] {
            assert_eq!(covers(wide, narrow), expected, "{wide} {narrow}");
        }
    }
}
