//! Cookies as the gateway sets and finds them. A browser takes each of at most 4096 bytes (RFC 6265 section 6.1), so a
//! longer value stands in several.

use crate::edits::Edits;
use crate::http::{cookie as find, cookies as cookies_of};

/// Bytes of a value: with name and separators it stays below what every browser takes.
const PIECE_BYTES: usize = 3800;

/// More cookies than these would crowd out everything else of a request.
const MAX_PIECES: usize = 5;

/// Bytes of the longest value that can be kept.
pub const MAX_VALUE_BYTES: usize = PIECE_BYTES * MAX_PIECES;

/// `Set-Cookie` for a name that only this host can set and no script can read (RFC 6265bis section 4.1.3.2).
pub fn set(name: &str, value: &str, max_age: u64, answer: &mut Edits) {
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax");
    answer.append("set-cookie", &cookie);
}

/// Makes a browser forget it.
pub fn clear(name: &str, answer: &mut Edits) {
    set(name, "", 0, answer);
}

/// The names of all cookies that start so.
pub fn names<'c>(cookies: &'c str, prefix: &str) -> impl Iterator<Item = &'c str> {
    let names = cookies_of(cookies).map(|(name, _)| name);
    names.filter(move |name| name.starts_with(prefix))
}

/// A value of any length up to [`MAX_VALUE_BYTES`], put together again. The first piece tells how many there are.
pub fn find_long(cookies: &str, name: &str) -> Option<String> {
    let (count, first) = find(cookies, name)?.split_once('.')?;
    let count: usize = count.parse().ok()?;
    if !(1..=MAX_PIECES).contains(&count) {
        return None;
    }
    let mut value = first.to_owned();
    for number in 1..count {
        value.push_str(find(cookies, &piece(name, number))?);
    }
    Some(value)
}

/// Sets a value of characters of base64url, and clears the pieces of a longer one that the browser has sent. `false` if
/// it is longer than [`MAX_VALUE_BYTES`].
#[must_use]
pub fn set_long(
    name: &str,
    value: &str,
    max_age: u64,
    presented: &str,
    answer: &mut Edits,
) -> bool {
    let count = value.len().div_ceil(PIECE_BYTES).max(1);
    if count > MAX_PIECES {
        return false;
    }
    let mut rest = value;
    for number in 0..count {
        let (now, later) = rest.split_at_checked(PIECE_BYTES).unwrap_or((rest, ""));
        rest = later;
        if number == 0 {
            set(name, &format!("{count}.{now}"), max_age, answer);
        } else {
            set(&piece(name, number), now, max_age, answer);
        }
    }
    for number in count..MAX_PIECES {
        let name = piece(name, number);
        if cookies_of(presented).any(|(key, _)| key == name) {
            clear(&name, answer);
        }
    }
    true
}

/// Clears all pieces of a value that the browser has sent.
pub fn clear_long(name: &str, presented: &str, answer: &mut Edits) {
    clear(name, answer);
    for number in 1..MAX_PIECES {
        let name = piece(name, number);
        if cookies_of(presented).any(|(key, _)| key == name) {
            clear(&name, answer);
        }
    }
}

fn piece(name: &str, number: usize) -> String {
    format!("{name}.{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edits::Edit;

    /// The `Cookie` field of a browser that took these answers.
    fn kept(answer: &Edits) -> String {
        let pairs: Vec<&str> = answer
            .iter()
            .filter_map(|edit| match edit {
                Edit::Append("set-cookie", cookie) => cookie.split(';').next(),
                _ => None,
            })
            .filter(|pair| !pair.ends_with('='))
            .collect();
        pairs.join("; ")
    }

    #[test]
    fn a_value_of_any_length_comes_back_as_it_was() {
        for length in [0, 1, 3799, 3800, 3801, 7600, MAX_VALUE_BYTES] {
            let value = "x".repeat(length);
            let mut answer = Edits::default();
            assert!(set_long("s", &value, 60, "", &mut answer), "{length}");
            for edit in answer.iter() {
                let Edit::Append(_, cookie) = edit else {
                    panic!("{edit:?}");
                };
                let (pair, _) = cookie.split_once(';').unwrap();
                assert!(pair.len() < 4000, "{length}");
            }
            let found = find_long(&kept(&answer), "s");
            assert_eq!(found.as_deref(), Some(value.as_str()), "{length}");
        }
        let too_long = "x".repeat(MAX_VALUE_BYTES + 1);
        assert!(!set_long("s", &too_long, 60, "", &mut Edits::default()));
    }

    #[test]
    fn pieces_of_a_longer_value_are_cleared() {
        let mut answer = Edits::default();
        assert!(set_long("s", "abc", 60, "s=3.x; s.1=y; s.2=z", &mut answer));
        let written: Vec<String> = answer.iter().map(|e| format!("{e:?}")).collect();
        assert_eq!(written.len(), 3);
        assert!(
            written[1].contains("s.1=; Path=/; Max-Age=0"),
            "{written:?}"
        );
        assert!(
            written[2].contains("s.2=; Path=/; Max-Age=0"),
            "{written:?}"
        );
    }

    #[test]
    fn what_is_not_whole_is_not_found() {
        for (cookies, found) in [
            ("s=1.a", Some("a")),
            ("x=1; s=2.a; s.1=b", Some("ab")),
            ("s=2.a, s.1=b", Some("ab")),
            ("s=2.a", None),
            ("s=a", None),
            ("s=0.a", None),
            ("s=9.a", None),
            ("s=1.a; s=1.b", None),
            ("", None),
        ] {
            assert_eq!(find_long(cookies, "s").as_deref(), found, "{cookies}");
        }
    }
}
