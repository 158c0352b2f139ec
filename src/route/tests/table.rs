//! Precedence: the rules of the module's page in its order.

use crate::http::Method;
use crate::route::{Conflict, Found, HostRank, Step, Table};

pub(super) type Path<'a> = (Option<&'a str>, Option<Method>, &'a str);

pub(super) const GET: Option<Method> = Some(Method::Get);
pub(super) const POST: Option<Method> = Some(Method::Post);

fn any<'a>(patterns: &[&'a str]) -> Vec<Path<'a>> {
    patterns.iter().map(|p| (None, None, *p)).collect()
}

pub(super) fn find(table: &Table, host: &str, method: &str, path: &str) -> Result<usize, String> {
    find_where(table, host, method, path, &|_| true)
}

/// `holds` tells of a path's place whether its conditions hold.
pub(super) fn find_where(
    table: &Table,
    host: &str,
    method: &str,
    path: &str,
    holds: &dyn Fn(usize) -> bool,
) -> Result<usize, String> {
    match table.find(host, method, path, &|matched| holds(matched.index)) {
        Found::Match(found) => Ok(found.index),
        Found::MethodNotAllowed(allow) => Err(format!("405 {allow}")),
        Found::NotFound => Err("404".to_owned()),
    }
}

/// For each path the pattern that wins, whatever the order in which they are written.
fn wins(patterns: &[&str], cases: &[(&str, &str)]) {
    for rotation in 0..patterns.len() {
        let mut turned = patterns.to_vec();
        turned.rotate_left(rotation);
        let table = Table::build(any(&turned)).unwrap();
        for (path, winner) in cases {
            let found = find(&table, "", "GET", path).map(|i| turned[i]);
            let expected = if winner.is_empty() {
                Err("404".to_owned())
            } else {
                Ok(*winner)
            };
            assert_eq!(found, expected, "{path} in {turned:?}");
        }
    }
}

#[test]
fn a_parameter_is_one_segment_that_is_not_empty() {
    wins(
        &["/a/{x}", "/a/{x}/b"],
        &[
            ("/a/1", "/a/{x}"),
            ("/a/1/b", "/a/{x}/b"),
            ("/a/", ""),
            ("/a", ""),
            ("/a/1/", ""),
            ("/a//b", ""),
            ("/a/%2F", "/a/{x}"),
        ],
    );
}

#[test]
fn a_wildcard_is_zero_or_more_segments() {
    wins(
        &["/a/{.+}", "/b/{x}/{.+}"],
        &[
            ("/a", "/a/{.+}"),
            ("/a/", "/a/{.+}"),
            ("/a/b/c/", "/a/{.+}"),
            ("/a//b", "/a/{.+}"),
            ("/ab", ""),
            ("/", ""),
            ("/b", ""),
            ("/b/", ""),
            ("/b/1", "/b/{x}/{.+}"),
            ("/b/1/", "/b/{x}/{.+}"),
        ],
    );
    wins(
        &["/{.+}"],
        &[("/", "/{.+}"), ("/a", "/{.+}"), ("//", "/{.+}")],
    );
}

#[test]
fn case_and_trailing_slash_count() {
    wins(
        &["/a", "/b/"],
        &[
            ("/a", "/a"),
            ("/a/", ""),
            ("/A", ""),
            ("/b/", "/b/"),
            ("/b", ""),
        ],
    );
}

#[test]
fn a_path_without_a_wildcard_comes_before_one_with() {
    wins(
        &["/a/b/{.+}", "/a/{x}/{y}", "/{x}/{y}/{z}", "/a/b/c/{.+}"],
        &[
            ("/a/b/c", "/a/{x}/{y}"),
            ("/a/b/c/d", "/a/b/c/{.+}"),
            ("/a/b/d/e", "/a/b/{.+}"),
            ("/z/b/c", "/{x}/{y}/{z}"),
            ("/a/b", "/a/b/{.+}"),
        ],
    );
}

#[test]
fn a_literal_comes_before_a_parameter_position_by_position() {
    wins(
        &[
            "/users/me",
            "/users/{id}",
            "/{x}/me",
            "/{x}/{y}",
            "/users/{id}/a",
            "/{x}/me/b",
        ],
        &[
            ("/users/me", "/users/me"),
            ("/users/5", "/users/{id}"),
            ("/z/me", "/{x}/me"),
            ("/z/5", "/{x}/{y}"),
            ("/users/me/a", "/users/{id}/a"),
            ("/users/me/b", "/{x}/me/b"),
        ],
    );
}

#[test]
fn the_longer_wildcard_prefix_comes_first() {
    wins(
        &[
            "/{.+}",
            "/a/{.+}",
            "/a/{x}/{.+}",
            "/a/{x}/b/{.+}",
            "/a/c/{.+}",
        ],
        &[
            ("/", "/{.+}"),
            ("/a", "/a/{.+}"),
            ("/a/1", "/a/{x}/{.+}"),
            ("/a/1/b", "/a/{x}/b/{.+}"),
            ("/a/1/b/2", "/a/{x}/b/{.+}"),
            ("/a/c/b/2", "/a/c/{.+}"),
        ],
    );
}

#[test]
fn the_exact_host_comes_first_then_the_longer_host_wildcard_then_no_host() {
    let table = Table::build([
        (None, None, "/a"),
        (Some("*.example.com"), None, "/{x}"),
        (Some("*.eu.example.com"), None, "/{.+}"),
        (Some("api.eu.example.com"), GET, "/{.+}"),
    ])
    .unwrap();
    for (host, method, path, found) in [
        ("api.eu.example.com", "GET", "/a", Ok(3)),
        ("API.EU.example.com:8443", "GET", "/a", Ok(3)),
        ("api.eu.example.com.", "GET", "/a", Ok(3)),
        ("api.eu.example.com", "POST", "/a", Ok(2)),
        ("x.eu.example.com", "GET", "/a", Ok(2)),
        ("eu.example.com", "GET", "/a", Ok(1)),
        ("a.b.example.com", "GET", "/a", Ok(1)),
        ("example.com", "GET", "/a", Ok(0)),
        (".example.com", "GET", "/a", Ok(0)),
        (".eu.example.com", "GET", "/b/c", Err("404")),
        ("example.com", "GET", "/b", Err("404")),
        ("[::1]:8080", "GET", "/a", Ok(0)),
        ("", "GET", "/a", Ok(0)),
    ] {
        assert_eq!(
            find(&table, host, method, path),
            found.map_err(str::to_owned),
            "{host} {method} {path}"
        );
    }
}

#[test]
fn the_exact_method_comes_before_any_and_head_is_served_by_get() {
    let table = Table::build([(None, None, "/a"), (None, GET, "/a"), (None, POST, "/b")]).unwrap();
    for (method, path, found) in [
        ("GET", "/a", Ok(1)),
        ("HEAD", "/a", Ok(1)),
        ("POST", "/a", Ok(0)),
        ("PURGE", "/a", Ok(0)),
        ("get", "/a", Ok(0)),
        ("PURGE", "/b", Err("405 POST")),
        ("HEAD", "/b", Err("405 POST")),
    ] {
        assert_eq!(
            find(&table, "", method, path),
            found.map_err(str::to_owned),
            "{method} {path}"
        );
    }
}

#[test]
fn a_path_that_lacks_the_method_falls_through_and_405_names_the_methods_of_all() {
    let options = Some(Method::Options);
    let table = Table::build([
        (None, GET, "/a/b"),
        (None, POST, "/a/{x}"),
        (None, Some(Method::Put), "/a/{.+}"),
        (Some("h"), options, "/{.+}"),
    ])
    .unwrap();
    for (host, method, found) in [
        ("", "GET", Ok(0)),
        ("", "POST", Ok(1)),
        ("h", "PUT", Ok(2)),
        ("h", "OPTIONS", Ok(3)),
        ("", "DELETE", Err("405 GET, HEAD, POST, PUT")),
        ("h", "DELETE", Err("405 GET, HEAD, POST, PUT, OPTIONS")),
    ] {
        assert_eq!(
            find(&table, host, method, "/a/b"),
            found.map_err(str::to_owned),
            "{host} {method}"
        );
    }
}

#[test]
fn of_two_that_nothing_else_tells_apart_the_first_is_taken_and_the_other_is_told() {
    let table = Table::build([
        (None, GET, "/a/{x}"),
        (None, None, "/a/{y}"),
        (None, GET, "/a/{z}"),
        (None, None, "/b"),
        (None, None, "/%62"),
        (Some("h"), None, "/b"),
    ])
    .unwrap();
    assert_eq!(find(&table, "", "GET", "/a/1"), Ok(0));
    assert_eq!(find(&table, "", "PUT", "/a/1"), Ok(1));
    let conflicts = [(0, 2), (3, 4)].map(|(earlier, later)| Conflict { earlier, later });
    assert!(table.conflicts().eq(conflicts));
    assert_eq!(table.len(), 6);
}

#[test]
fn a_match_gives_its_parameters_and_what_the_wildcard_stands_for() {
    let table = Table::build(any(&["/a/{x}/b/{y-z}", "/p/{x}/{.+}", "/{.+}"])).unwrap();
    let Found::Match(found) = table.find("", "GET", "/a/1%202/b/3", &|_| true) else {
        panic!("no match");
    };
    assert_eq!(
        found.params().collect::<Vec<_>>(),
        [("x", "1%202"), ("y-z", "3")]
    );
    assert_eq!(
        (found.param("y-z"), found.param("z"), found.rest()),
        (Some("3"), None, None)
    );
    for (path, rest) in [
        ("/p/1", ""),
        ("/p/1/", "/"),
        ("/p/1/a//b", "/a//b"),
        ("/q/r", "/q/r"),
        ("/", "/"),
    ] {
        let Found::Match(found) = table.find("", "GET", path, &|_| true) else {
            panic!("no match for {path}");
        };
        assert_eq!(found.rest(), Some(rest), "{path}");
    }
}

#[test]
fn what_stands_before_a_wildcard_is_cut_off_unless_there_is_a_parameter() {
    let patterns = ["/{.+}", "/p/{.+}", "/t/{id}/{.+}", "/w/x/{.+}", "/q/{id}"];
    let table = Table::build(any(&patterns)).unwrap();
    for (path, cut) in [
        ("/", ("", "/")),
        ("/r/s", ("", "/r/s")),
        ("/p", ("/p", "/")),
        ("/p/", ("/p", "/")),
        ("/p/p", ("/p", "/p")),
        ("/w/x/y/z", ("/w/x", "/y/z")),
        ("/t/7", ("", "/t/7")),
        ("/t/7/echo", ("", "/t/7/echo")),
        ("/q/1", ("", "/q/1")),
    ] {
        let Found::Match(found) = table.find("", "GET", path, &|_| true) else {
            panic!("no match for {path}");
        };
        assert_eq!(found.cut(), cut, "{path}");
    }
}

#[test]
fn the_methods_of_a_path_are_all_that_serve_it() {
    let table = Table::build([
        (None, GET, "/a"),
        (Some("h"), None, "/b"),
        (None, Some(Method::Patch), "/{x}"),
    ])
    .unwrap();
    for (host, path, allow) in [
        ("", "/a", "GET, HEAD, PATCH"),
        ("h", "/b", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
        ("", "/b", "PATCH"),
        ("", "/c/d", ""),
    ] {
        assert_eq!(
            table.allowed(host, path, &|_| true).to_string(),
            allow,
            "{path}"
        );
    }
}

#[test]
fn a_rank_reads_as_the_rule_it_follows() {
    let table = Table::build([(None, None, "/a/{x}/{.+}"), (Some("h"), GET, "/{y}/b")]).unwrap();
    let candidates = table.candidates("h", "/a/b");
    let ranks: Vec<String> = candidates.iter().map(|c| c.rank.to_string()).collect();
    assert_eq!(
        ranks,
        [
            "exact host; parameter, literal; exact method; number 1",
            "every host; literal, parameter, wildcard; ANY; number 0"
        ]
    );
    assert_eq!(candidates[1].rank.host, HostRank::Every);
    let steps: Vec<Step> = candidates[1].rank.steps.iter().collect();
    assert_eq!(steps, [Step::Literal, Step::Parameter, Step::Rest]);
}

#[test]
fn patterns_with_more_parameters_than_matchit_can_name_are_found() {
    let names: String = (0..40).map(|i| format!("/{{p{i}}}")).collect();
    let patterns: Vec<String> = (0..20).map(|i| format!("{names}/{i}")).collect();
    let table = Table::build(patterns.iter().map(|p| (None, None, p.as_str()))).unwrap();
    let path = format!("{}/7", "/x".repeat(40));
    assert_eq!(find(&table, "", "GET", &path), Ok(7));
}

#[test]
fn a_mistake_in_a_pattern_is_told_with_the_path_it_is_in() {
    let error = Table::build(any(&["/a", "/b/{"])).unwrap_err();
    assert_eq!((error.index, error.error.range), (1, 3..4));
}

#[test]
fn a_path_of_slashes_or_of_one_long_segment_is_answered_quickly() {
    let mut patterns: Vec<String> = (0..200).map(|i| format!("/a/{{x}}/{i}")).collect();
    patterns.push("/a/b/c/d/e/{.+}".to_owned());
    let table = Table::build(patterns.iter().map(|p| (None, None, p.as_str()))).unwrap();
    for path in [
        "/".repeat(16_384),
        format!("/a/{}", "b".repeat(16_000)),
        "/a".repeat(8_000),
    ] {
        assert_eq!(find(&table, "", "GET", &path), Err("404".to_owned()));
    }
}
