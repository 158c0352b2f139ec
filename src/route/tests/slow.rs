//! The table against a slow matcher that reads as the rules do.

use std::cmp::Reverse;

use proptest::prelude::*;

use super::table::{GET, POST, find_where};
use crate::http::Method;
use crate::route::{Entry, Pattern, Rank, Segment, Step, Table};

/// Host, method, pattern, and whether the path has conditions.
type Path<'a> = (Option<&'a str>, Option<Method>, &'a str, bool);

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_finds_what_the_rules_find(
        entries in prop_oneof![entries(false), entries(true)],
        routed_max in prop::sample::select(vec![0, u32::MAX]),
        asked in prop::collection::vec(requests(), 1..8),
        (conditions, conditional) in (prop::sample::select(vec![0, 1, 3]), any::<u64>()),
        held in any::<u64>(),
    ) {
        // Of how many in four a bit says that they have conditions, and of these one that they hold.
        let bit = |bits: u64, place: usize| bits.rotate_right(u32::try_from(place % 64).unwrap()) & 1 == 1;
        let has = |place: usize| place % 4 < conditions && bit(conditional, place);
        let holds = |place: usize| bit(held, place);
        let paths: Vec<Path<'_>> =
            entries.iter().enumerate().map(|(i, (h, m, p))| (*h, *m, p.as_str(), has(i))).collect();
        let built = Table::build_within(paths.iter().map(entry_of), routed_max).unwrap();
        let (numbers, text) = built.parts();
        let table = Table::open(numbers.to_vec(), text.to_owned()).unwrap();
        for asked in &asked {
            for host in ["h.x", "h.y.x", "z.y.x", "y.x", "none"] {
                for method in ["GET", "HEAD", "POST", "OPTIONS", "PUT", "FOO"] {
                    let slow = slow_find(&paths, host, method, asked, &holds);
                    let found = find_where(&table, host, method, asked, &holds);
                    prop_assert_eq!(found, slow, "{} {} {}", method, host, asked);
                }
                let candidates = table.candidates(host, asked);
                let mut slow: Vec<_> =
                    paths.iter().enumerate().filter_map(|(i, p)| slow_rank(i, p, host, asked)).collect();
                slow.sort();
                let slow: Vec<usize> = slow.into_iter().map(|rank| rank.6).collect();
                prop_assert_eq!(candidates.iter().map(|c| c.index).collect::<Vec<_>>(), slow);
                let ranks: Vec<Rank> = candidates.iter().map(|c| c.rank).collect();
                prop_assert!(ranks.is_sorted());
            }
        }
    }
}

fn entry_of<'a>(path: &Path<'a>) -> Entry<'a> {
    let (host, method, pattern, conditional) = *path;
    Entry {
        host,
        method,
        pattern,
        conditional,
    }
}

/// Whether a pattern matches, as the rules say it.
fn fits(pattern: &[Segment<'_>], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) | ([Segment::Rest], _) => true,
        ([Segment::Literal(a), pattern @ ..], [b, path @ ..]) => a == b && fits(pattern, path),
        ([Segment::Parameter(_), pattern @ ..], [b, path @ ..]) => {
            !b.is_empty() && fits(pattern, path)
        }
        _ => false,
    }
}

/// The rank of a path for a host, if it matches: the order as the rules say it.
type SlowRank = (u8, Reverse<usize>, bool, Vec<Step>, bool, bool, usize);

fn slow_rank(place: usize, path: &Path<'_>, host: &str, asked: &str) -> Option<SlowRank> {
    let (host_class, host_length) = match path.0 {
        None => (2, Reverse(0)),
        Some(name) if name == host => (0, Reverse(0)),
        Some(name) => {
            let suffix = name.strip_prefix('*')?;
            host.strip_suffix(suffix)
                .filter(|labels| !labels.is_empty())?;
            (1, Reverse(suffix.len()))
        }
    };
    let pattern = Pattern::parse(path.2).unwrap();
    let segments: Vec<_> = pattern.segments().collect();
    let parts: Vec<_> = asked.split('/').skip(1).collect();
    let steps = segments.iter().map(|s| match s {
        Segment::Literal(_) => Step::Literal,
        Segment::Parameter(_) => Step::Parameter,
        Segment::Rest => Step::Rest,
    });
    fits(&segments, &parts).then(|| {
        (
            host_class,
            host_length,
            pattern.is_wildcard(),
            steps.collect(),
            path.1.is_none(),
            !path.3,
            place,
        )
    })
}

fn slow_find(
    paths: &[Path<'_>],
    host: &str,
    method: &str,
    asked: &str,
    holds: &dyn Fn(usize) -> bool,
) -> Result<usize, String> {
    let mut matching: Vec<_> = paths
        .iter()
        .enumerate()
        .filter_map(|(place, path)| slow_rank(place, path, host, asked))
        .collect();
    matching.sort();
    let places = matching.into_iter().map(|rank| rank.6);
    let places: Vec<usize> = places
        .filter(|place| !paths[*place].3 || holds(*place))
        .collect();
    let serves =
        |place: &usize| paths[*place].1.is_none() || paths[*place].1 == Method::serving(method);
    if let Some(place) = places.iter().copied().find(serves) {
        return Ok(place);
    }
    if places.is_empty() {
        return Err("404".to_owned());
    }
    let mut names = Vec::new();
    for method in Method::ALL {
        if places.iter().any(|p| paths[*p].1 == Some(method)) {
            names.push(method.as_str());
            if method == Method::Get {
                names.push("HEAD");
            }
        }
    }
    Err(format!("405 {}", names.join(", ")))
}

fn patterns() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab", "{}", "{}", ""]);
    let end = prop::sample::select(vec!["", "", "/{.+}"]);
    (prop::collection::vec(segment, 0..5), end).prop_map(|(segments, end)| {
        let mut pattern = String::new();
        for (index, segment) in segments.iter().enumerate() {
            pattern.push('/');
            match *segment {
                "{}" => pattern.push_str(&format!("{{p{index}}}")),
                literal => pattern.push_str(literal),
            }
        }
        pattern.push_str(end);
        if pattern.is_empty() {
            "/".to_owned()
        } else {
            pattern
        }
    })
}

fn requests() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["a", "b", "ab", "c", "a", "b", ""]);
    prop::collection::vec(segment, 1..7).prop_map(|s| format!("/{}", s.join("/")))
}

fn entries(
    hosts: bool,
) -> impl Strategy<Value = Vec<(Option<&'static str>, Option<Method>, String)>> {
    let names = if hosts {
        vec![
            None,
            None,
            Some("h.x"),
            Some("*.x"),
            Some("*.y.x"),
            Some("h.y.x"),
        ]
    } else {
        vec![None]
    };
    let methods = vec![None, None, GET, POST, Some(Method::Options)];
    let entry = (
        prop::sample::select(names),
        prop::sample::select(methods),
        patterns(),
    );
    prop::collection::vec(entry, 0..120)
}
