//! A request target, and a table to look it up in. Lines: target, host, method, then `METHOD HOST PATTERN` with `-`
//! for no host.

use causeway::http::Method;
use causeway::route::{Canonical, Found, Table, canonicalise};

/// A table of every kind of route, for inputs that bring none.
const ROUTES: [(Option<&str>, Option<Method>, &str); 10] = [
    (None, Some(Method::Get), "/"),
    (None, Some(Method::Get), "/a/b"),
    (None, Some(Method::Post), "/a/{x}"),
    (None, None, "/a/{.+}"),
    (None, Some(Method::Get), "/a/{x}/c"),
    (None, Some(Method::Get), "/{x}/b"),
    (Some("api.test"), Some(Method::Get), "/a/{.+}"),
    (Some("*.test"), None, "/{x}/{y}"),
    (None, Some(Method::Put), "/admin"),
    (None, Some(Method::Delete), "/{.+}"),
];

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let target = lines.next().unwrap_or_default();
    let host = lines.next().unwrap_or_default();
    let method = lines.next().unwrap_or("GET");
    let routes: Vec<_> = lines.filter_map(route).collect();

    let Ok(canonical) = canonicalise(target) else {
        return;
    };
    one_spelling(target, &canonical);

    if let Ok(table) = Table::build(ROUTES) {
        precedence(&table, host, method, &canonical.path);
    }
    if let Ok(table) = Table::build(routes) {
        precedence(&table, host, method, &canonical.path);
        // The table is never to depend on the path being canonical.
        precedence(&table, host, method, target);
    }
}

fn route(line: &str) -> Option<(Option<&str>, Option<Method>, &str)> {
    let mut words = line.splitn(3, ' ');
    let (method, host, pattern) = (words.next()?, words.next()?, words.next()?);
    Some((
        (host != "-").then_some(host),
        Method::parse(method),
        pattern,
    ))
}

/// The canonical spelling is its own, the URL parser leaves it as it is, and what that parser makes of the target as
/// it came is the same path: nobody reaches a path in a spelling that was not matched.
fn one_spelling(target: &str, canonical: &Canonical<'_>) {
    let query = canonical.query.map(|q| format!("?{q}")).unwrap_or_default();
    let again = format!("{}{query}", canonical.path);
    assert_eq!(canonicalise(&again).as_ref(), Ok(canonical), "{target:?}");

    let of_url = |target: &str| {
        let url = url::Url::parse(&format!("http://gateway.test{target}"));
        url.map(|url| url.path().to_owned())
    };
    assert_eq!(
        of_url(&again).as_deref(),
        Ok(&*canonical.path),
        "{target:?}"
    );
    // The crate keeps `c:` before `..` as if it were a Windows drive, which the standard does for files alone.
    if target.split(['/', '?']).any(is_drive) {
        return;
    }
    let parsed = of_url(target).unwrap_or_default();
    let parsed = canonicalise(&parsed).map(|c| c.path.into_owned());
    assert_eq!(parsed.as_deref(), Ok(&*canonical.path), "{target:?}");
}

fn is_drive(segment: &str) -> bool {
    let mut bytes = segment.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && matches!(bytes.next(), Some(b':' | b'|'))
        && bytes.next().is_none()
}

/// The look-up finds what the plain order of all candidates says.
fn precedence(table: &Table, host: &str, method: &str, path: &str) {
    let serving = Method::serving(method);
    let candidates = table.candidates(host, path);
    let first = candidates
        .iter()
        .find(|c| c.method.is_none() || c.method == serving);
    match table.find(host, method, path, &|_| true) {
        Found::Match(found) => {
            assert_eq!(Some(found.index), first.map(|c| c.index), "{path:?}");
            for (name, value) in found.params() {
                assert!(!name.is_empty() && !value.is_empty(), "{path:?}");
            }
            let (cut, rest) = found.cut();
            let whole = format!("{cut}{rest}");
            assert!(whole == path || whole == format!("{path}/"), "{path:?}");
        }
        Found::MethodNotAllowed(allow) => {
            assert!(first.is_none() && !allow.is_empty(), "{path:?}");
            for method in Method::ALL {
                let served = candidates.iter().any(|c| c.method == Some(method));
                assert_eq!(allow.contains(method), served, "{path:?}");
            }
        }
        Found::NotFound => assert!(candidates.is_empty(), "{path:?}"),
    }
}
