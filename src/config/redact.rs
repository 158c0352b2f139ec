//! Where literal secrets stand in a document's text, so that a drawn line never shows one.
//!
//! This looks at the text alone: it must work where a document does not even parse. It errs on the side of hiding.

use std::ops::Range;

/// Parts of a key, in lower case, after which the value is hidden.
const SECRET_WORDS: [&str; 7] = [
    "secret", "passw", "private", "token", "key", "jwk", "pepper",
];
/// Keys that hold a secret; one that is nearly spelled so counts too.
const SECRET_KEYS: [&str; 4] = ["secret", "jwt_secret", "client_secret", "credentials"];

const REFERENCES: [&str; 5] = ["$env.", "$secret.", "$secrets.", "$request.", "$config."];

/// The byte ranges of `text` that are not to be shown, in order.
pub fn blanked(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    scan(text, 0, &mut found);
    found
}

/// Looks at the text from its byte `offset` on, which `text` starts with.
fn scan(text: &str, offset: usize, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0_usize;
    let mut depth = 0_usize;
    // The key just read, and from which depth on all strings are hidden.
    let mut last_string: Option<&str> = None;
    let mut secret_next = false;
    let mut secret_depth: Option<usize> = None;
    while let Some(byte) = bytes.get(at) {
        let next = at.saturating_add(1);
        match byte {
            b'"' => {
                let end = string_end(bytes, next);
                let inner = text.get(next..end).unwrap_or_default();
                let range = offset.saturating_add(next)..offset.saturating_add(end);
                let reference = REFERENCES.iter().any(|prefix| inner.starts_with(prefix));
                let key = bytes
                    .get(end.saturating_add(1)..)
                    .is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"));
                if !key && (secret_next || secret_depth.is_some()) && !reference {
                    found.push(range);
                } else if let Some(user) = userinfo(inner) {
                    let start = range.start.saturating_add(user.start);
                    found.push(start..range.start.saturating_add(user.end));
                }
                if !key {
                    secret_next = false;
                }
                last_string = Some(inner);
                at = end.saturating_add(1);
                continue;
            }
            b':' => secret_next = last_string.take().is_some_and(is_secret_key),
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                if std::mem::take(&mut secret_next) && secret_depth.is_none() {
                    secret_depth = Some(depth);
                }
            }
            b'}' | b']' => {
                if secret_depth == Some(depth) {
                    secret_depth = None;
                }
                depth = depth.saturating_sub(1);
                secret_next = false;
            }
            b',' => secret_next = false,
            b'/' if matches!(bytes.get(next), Some(b'/' | b'*')) => {
                let start = next.saturating_add(1);
                let rest = text.get(start..).unwrap_or_default();
                let end = match bytes.get(next) {
                    Some(b'/') => rest.find(['\n', '\r']),
                    _ => rest.find("*/"),
                };
                let end = end.map_or(text.len(), |end| start.saturating_add(end));
                // A line that was commented out may hold a secret all the same.
                let mut line_start = offset.saturating_add(start);
                for line in text.get(start..end).unwrap_or_default().split('\n') {
                    scan(line, line_start, found);
                    line_start = line_start.saturating_add(line.len()).saturating_add(1);
                }
                at = end.max(next);
                continue;
            }
            // A secret without quotes, or in single ones.
            byte if secret_next && !byte.is_ascii_whitespace() => {
                let end = bytes
                    .iter()
                    .skip(at)
                    .position(|b| matches!(b, b',' | b'}' | b'\n'))
                    .map_or(bytes.len(), |length| at.saturating_add(length));
                found.push(offset.saturating_add(at)..offset.saturating_add(end));
                secret_next = false;
                at = end;
                continue;
            }
            _ => {}
        }
        at = next;
    }
}

/// Where a string that starts at `from` ends: its closing quote, or the text's end.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        match bytes.get(at) {
            Some(b'"') => return at,
            Some(b'\\') => at = at.saturating_add(2),
            Some(_) => at = at.saturating_add(1),
            None => return bytes.len(),
        }
    }
}

fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    if key.starts_with("token_")
        || key.starts_with("allow_")
        || matches!(&*key, "key_from" | "jwks_uri" | "keycloak" | "percent")
    {
        return false;
    }
    key == "authorization"
        || SECRET_WORDS.iter().any(|word| key.contains(word))
        || super::suggest::closest(&key, SECRET_KEYS).is_some()
}

/// `user:password` in front of a URL's host.
fn userinfo(value: &str) -> Option<Range<usize>> {
    let start = value.find("://")?.saturating_add(3);
    let rest = value.get(start..)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let length = authority.rfind('@')?;
    Some(start..start.saturating_add(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_secrets_are_found_however_they_are_written() {
        for (text, hidden) in [
            (r#"{"secret": "abc"}"#, vec!["abc"]),
            (r#"{"secret": "$secret.X"}"#, vec![]),
            (
                r#"{"jwt_secret"  :  "a\"b", "issuer": "i"}"#,
                vec![r#"a\"b"#],
            ),
            (r#"{"secert": "abc"}"#, vec!["abc"]),
            (r#"{"secret": ["a", "b"], "x": "c"}"#, vec!["a", "b"]),
            (r#"{"secret": abc, "x": 1}"#, vec!["abc"]),
            (r#"{"secret": "abc"#, vec!["abc"]),
            (r#"{"percent": 10}"#, vec![]),
            ("// \"secret\": \"abc\"\n{}", vec!["abc"]),
            ("/* it's\n \"secret\": \"abc\" */ {}", vec!["abc"]),
            (r#"{"url": "https://me:pw@host/x"}"#, vec!["me:pw"]),
            (
                r#"{"url": "https://host/x@y", "token_type": "JWT"}"#,
                vec![],
            ),
        ] {
            let found: Vec<&str> = blanked(text).into_iter().map(|r| &text[r]).collect();
            assert_eq!(found, hidden, "{text}");
        }
    }
}
