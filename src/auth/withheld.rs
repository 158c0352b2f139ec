//! Credentials that stay with the gateway: what is left of a request once they are taken out.
//!
//! - A header that holds nothing else is removed.
//! - `Authorization` is removed where it has the authorizer's scheme; another scheme is meant for somebody else.
//! - Of `Cookie` and of the query, only the credential goes; the rest stays byte for byte.
//!
//! It makes no difference whether the credential was good, or whether another authorizer knew the caller.

use std::borrow::Cow;

use crate::edits::Edits;
use crate::http::one_cookie_line;
use crate::plan::Place;

/// The places whose content stays here.
#[derive(Clone, Debug, Default)]
pub struct Withheld<'a> {
    places: Vec<&'a Place>,
}

impl<'a> Withheld<'a> {
    /// Those of all authorizers that a path asks.
    pub fn new(places: impl Iterator<Item = &'a Place>) -> Withheld<'a> {
        Withheld {
            places: places.collect(),
        }
    }

    /// Takes them out of the fields that go on. `header` gives a header's value by its lower-case name.
    pub fn edit<'h>(&self, header: &dyn Fn(&str) -> Option<Cow<'h, str>>, edits: &mut Edits) {
        let (mut credentials, mut cookies) = (false, false);
        for place in &self.places {
            match place {
                // Cheaper than to ask whether it is there.
                Place::Header(name) => edits.remove(name),
                Place::Scheme(_) => credentials = true,
                Place::Cookie(_) | Place::Cookies(_) => cookies = true,
                Place::Query(_) => {}
            }
        }
        for (name, asked) in [(AUTHORIZATION, credentials), (COOKIE, cookies)] {
            let Some(value) = asked.then(|| header(name)).flatten() else {
                continue;
            };
            let value = match name {
                COOKIE => one_cookie_line(&value),
                _ => Cow::Borrowed(&*value),
            };
            match self.field(name, &value) {
                None => edits.remove(name),
                Some(rest) if rest != value => edits.set(name, &rest),
                Some(_) => {}
            }
        }
    }

    /// What is left of a header, by its lower-case name; `None` if nothing is.
    pub fn field<'v>(&self, name: &str, value: &'v str) -> Option<Cow<'v, str>> {
        let mut rest = Cow::Borrowed(value);
        for place in &self.places {
            let left = match place {
                Place::Header(header) if header == name => None,
                Place::Scheme(scheme) if name == AUTHORIZATION && has_scheme(value, scheme) => None,
                Place::Cookie(cookie) if name == COOKIE => {
                    match without_cookies(&rest, |name| name == cookie) {
                        Some(left) if left.is_empty() => None,
                        Some(left) => Some(Cow::Owned(left)),
                        None => continue,
                    }
                }
                Place::Cookies(first) if name == COOKIE => {
                    match without_cookies(&rest, |name| is_of(name, first)) {
                        Some(left) if left.is_empty() => None,
                        Some(left) => Some(Cow::Owned(left)),
                        None => continue,
                    }
                }
                _ => continue,
            };
            rest = left?;
        }
        Some(rest)
    }

    /// What is left of a raw query; `None` if nothing is.
    pub fn query<'q>(&self, query: &'q str) -> Option<Cow<'q, str>> {
        let withheld = |pair: &str| {
            let key = form_urlencoded::parse(pair.as_bytes()).next();
            key.is_some_and(|(key, _)| {
                let mut places = self.places.iter();
                places.any(|place| matches!(place, Place::Query(name) if *name == key))
            })
        };
        let asks = self.places.iter().any(|p| matches!(p, Place::Query(_)));
        if !asks || !query.split('&').any(withheld) {
            return Some(Cow::Borrowed(query));
        }
        let left: Vec<&str> = query.split('&').filter(|pair| !withheld(pair)).collect();
        (!left.is_empty()).then(|| Cow::Owned(left.join("&")))
    }
}

/// Whether one of the credentials has this scheme, whose case does not matter. Several lines of the header arrive
/// joined by commas; an upstream may see only one of them.
fn has_scheme(credentials: &str, scheme: &str) -> bool {
    credentials.split(',').any(|one| {
        let one = one.trim_matches([' ', '\t']);
        let (written, _) = one.split_once([' ', '\t']).unwrap_or((one, ""));
        written.eq_ignore_ascii_case(scheme)
    })
}

/// The cookies without those whose name is `withheld`; `None` where there are none. Two lines of `Cookie` arrive joined by `, `,
/// which no cookie's value holds (RFC 6265 section 4.1.1).
fn without_cookies(cookies: &str, withheld: impl Fn(&str) -> bool) -> Option<String> {
    let mut left = String::with_capacity(cookies.len());
    let mut found = false;
    for (separator, cookie) in pieces(cookies) {
        let key = cookie.split_once('=').map_or(cookie, |(key, _)| key);
        if withheld(key.trim_matches([' ', '\t'])) {
            found = true;
            continue;
        }
        // The first one that is left has nothing in front.
        if left.is_empty() {
            left.push_str(cookie.trim_start_matches([' ', '\t']));
        } else {
            left.push_str(separator);
            left.push_str(cookie);
        }
    }
    found.then_some(left)
}

/// Whether a cookie is the one of this name or goes on with a dot behind it.
fn is_of(name: &str, first: &str) -> bool {
    let more = name.strip_prefix(first);
    more.is_some_and(|more| more.is_empty() || more.starts_with('.'))
}

/// The cookies of a header, each with what separates it from the one before.
fn pieces(cookies: &str) -> impl Iterator<Item = (&'static str, &str)> {
    cookies.split(';').enumerate().flat_map(|(index, part)| {
        part.split(", ").enumerate().map(move |(within, cookie)| {
            let separator = match (index, within) {
                (_, 1..) => ", ",
                (1.., 0) => ";",
                (0, 0) => "",
            };
            (separator, cookie)
        })
    })
}

const AUTHORIZATION: &str = "authorization";
const COOKIE: &str = "cookie";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edits::Edit;

    fn places() -> Vec<Place> {
        vec![
            Place::Scheme("apikey".into()),
            Place::Header("x-api-key".into()),
            Place::Cookie("key".into()),
            Place::Query("key".into()),
            Place::Cookie("other".into()),
            Place::Cookies("session".into()),
        ]
    }

    #[test]
    fn of_a_field_only_what_is_withheld_goes() {
        let places = places();
        let withheld = Withheld::new(places.iter());
        for (name, value, left) in [
            ("x-api-key", "abc", None),
            ("x-other", "abc", Some("abc")),
            ("authorization", "ApiKey abc", None),
            ("authorization", "apikey\tabc", None),
            ("authorization", "Bearer abc, APIKEY x", None),
            ("authorization", "Bearer apikey", Some("Bearer apikey")),
            ("authorization", "ApiKeys abc", Some("ApiKeys abc")),
            ("cookie", "key=1", None),
            ("cookie", "a=1; key=2; b=3", Some("a=1; b=3")),
            ("cookie", "key=2;b=3", Some("b=3")),
            ("cookie", "key=2; b=3", Some("b=3")),
            ("cookie", "a=1;key=\"2\"", Some("a=1")),
            ("cookie", "a=1; key=2; key=3; other=4", Some("a=1")),
            ("cookie", "keys=2; Key=3;  a", Some("keys=2; Key=3;  a")),
            ("cookie", "a=1,2; b=3, key=4; c=5", Some("a=1,2; b=3; c=5")),
            ("cookie", "key=4, b=3; c=5", Some("b=3; c=5")),
            ("cookie", "a=key=1; b", Some("a=key=1; b")),
            ("cookie", "session=1; session.1=2; session.login-x=3", None),
            (
                "cookie",
                "a=1; session.1=2; sessions=3",
                Some("a=1; sessions=3"),
            ),
        ] {
            assert_eq!(withheld.field(name, value).as_deref(), left, "{value}");
        }
    }

    #[test]
    fn of_a_query_only_what_is_withheld_goes() {
        let places = places();
        let withheld = Withheld::new(places.iter());
        for (query, left) in [
            ("", Some("")),
            ("a=1&&b", Some("a=1&&b")),
            ("key=1", None),
            ("k%65y=1&a=%20+'", Some("a=%20+'")),
            ("a=1&key=2&&b=3&key", Some("a=1&&b=3")),
            ("keys=1&Key=2&a=key", Some("keys=1&Key=2&a=key")),
        ] {
            assert_eq!(withheld.query(query).as_deref(), left, "{query}");
        }
    }

    #[test]
    fn cookies_are_edited_once_and_only_if_one_is_withheld() {
        let places = places();
        let withheld = Withheld::new(places.iter());
        let edits_of = |cookie: &'static str| {
            let mut edits = Edits::default();
            let header = |name: &str| (name == "cookie").then_some(Cow::Borrowed(cookie));
            withheld.edit(&header, &mut edits);
            edits
        };
        let removed = Edit::Remove("x-api-key");
        for (cookies, edited) in [
            ("a=1", vec![removed]),
            (
                "key=1; a=1; other=2",
                vec![removed, Edit::Set("cookie", "a=1")],
            ),
            ("key=1; other=2", vec![removed, Edit::Remove("cookie")]),
        ] {
            assert_eq!(edits_of(cookies).iter().collect::<Vec<_>>(), edited);
        }
    }
}
