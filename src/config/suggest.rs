//! Names that were nearly written.

/// Longer names are compared with nothing.
const MAX_CHARS: usize = 64;
/// So many names are looked at.
const MAX_NAMES: usize = 1_000;

/// The name nearest to `written`, if a third of its letters or fewer must change.
pub fn closest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted: Vec<char> = written.chars().take(MAX_CHARS.saturating_add(1)).collect();
    if wanted.is_empty() || wanted.len() > MAX_CHARS {
        return None;
    }
    let limit = wanted.len().div_ceil(3);
    names
        .into_iter()
        .take(MAX_NAMES)
        .filter(|name| name.len() <= MAX_CHARS && *name != written)
        .map(|name| (distance(&wanted, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance without regard to case; two neighbours that changed places count once.
fn distance(wanted: &[char], name: &str) -> usize {
    let width = wanted.len().saturating_add(1);
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    let mut previous: Option<char> = None;
    for (row, letter) in name.chars().enumerate() {
        let mut current = Vec::with_capacity(width);
        current.push(row.saturating_add(1));
        let mut left_letter: Option<char> = None;
        for (column, wanted_letter) in wanted.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let next = column.saturating_add(1);
            let same = wanted_letter.eq_ignore_ascii_case(&letter);
            let mut best = at(&last, column).saturating_add(usize::from(!same));
            best = best.min(at(&last, next).saturating_add(1));
            best = best.min(at(&current, column).saturating_add(1));
            if previous == Some(*wanted_letter)
                && left_letter == Some(letter)
                && let Some(two_left) = column.checked_sub(1)
            {
                best = best.min(at(&before_last, two_left).saturating_add(1));
            }
            current.push(best);
            left_letter = Some(*wanted_letter);
        }
        before_last = last;
        last = current;
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_suggested_only_if_it_is_near() {
        let names = ["http", "http_proxy", "service", "service_binding"];
        for (written, expected) in [
            ("htpp", Some("http")),
            ("HTTP", Some("http")),
            ("http-proxy", Some("http_proxy")),
            ("servcie", Some("service")),
            ("service_bindng", Some("service_binding")),
            ("grpc", None),
            ("", None),
        ] {
            assert_eq!(closest(written, names), expected, "{written}");
        }
    }
}
