//! What two answers differ in.
//!
//! - A status and the chosen header fields are the same or not, as they stand.
//! - Bodies are compared byte for byte, or as JSON: members in any order, numbers by value (as double-precision ones, up to
//!   the last digit that these have, where one of the two is not a whole number of 64 bits, RFC 8259 section 6), parts under an ignored pointer not at all.
//!   Two bodies of which neither is JSON are compared byte for byte.
//! - What is told are statuses, names of fields, lengths and JSON pointers (RFC 6901): where, never what. At most
//!   [`MOST_POINTERS`] are told.

use serde_json::{Map, Number, Value};

use crate::plan::{CompareBody, CompareSpec};
use crate::problem::json_string;

/// How many pointers are told.
pub const MOST_POINTERS: usize = 10;

/// How many bytes of a pointer are told.
const MOST_POINTER_BYTES: usize = 200;

/// The head of an answer, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// The values of [`CompareSpec::headers`], in their order.
    pub fields: Vec<Option<String>>,
}

/// What two answers differ in. The first is the primary's, the second the mirror's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub status: Option<(u16, u16)>,
    /// Names.
    pub headers: Vec<String>,
    pub body: Option<BodyDifference>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyDifference {
    /// Their lengths.
    Bytes(usize, usize),
    /// Which of the two is JSON, as the other is not.
    Json(bool, bool),
    /// Where they differ, and whether there is more.
    Pointers(Vec<String>, bool),
    /// The mirror's is longer than is read, the primary's is not.
    Longer,
}

impl Differences {
    pub fn is_none(&self) -> bool {
        *self == Differences::default()
    }

    /// Members of a JSON object, each after a comma.
    pub fn log_members(&self) -> String {
        let mut members = String::new();
        let list = |texts: &[String]| {
            let texts: Vec<String> = texts.iter().map(|text| json_string(text)).collect();
            texts.join(",")
        };
        if let Some((primary, mirror)) = self.status {
            members.push_str(&format!(",\"status\":[{primary},{mirror}]"));
        }
        if !self.headers.is_empty() {
            members.push_str(&format!(",\"headers\":[{}]", list(&self.headers)));
        }
        match &self.body {
            None => {}
            Some(BodyDifference::Bytes(primary, mirror)) => {
                members.push_str(&format!(",\"body_bytes\":[{primary},{mirror}]"));
            }
            Some(BodyDifference::Json(primary, mirror)) => {
                members.push_str(&format!(",\"body_is_json\":[{primary},{mirror}]"));
            }
            Some(BodyDifference::Pointers(pointers, more)) => {
                members.push_str(&format!(
                    ",\"body\":[{}],\"body_more\":{more}",
                    list(pointers)
                ));
            }
            Some(BodyDifference::Longer) => members.push_str(",\"body_longer\":true"),
        }
        members
    }
}

/// Compares the heads of two answers.
pub fn heads(spec: &CompareSpec, primary: &Head, mirror: &Head) -> Differences {
    let fields = primary.fields.iter().zip(&mirror.fields);
    let named = spec.headers.iter().zip(fields);
    let headers = named.filter(|(_, (primary, mirror))| primary != mirror);
    let statuses = (primary.status, mirror.status);
    Differences {
        status: (spec.status && statuses.0 != statuses.1).then_some(statuses),
        headers: headers.map(|(name, _)| name.clone()).collect(),
        body: None,
    }
}

/// Compares the bodies of two answers.
pub fn bodies(how: &CompareBody, primary: &[u8], mirror: &[u8]) -> Option<BodyDifference> {
    if primary == mirror {
        return None;
    }
    let bytes = BodyDifference::Bytes(primary.len(), mirror.len());
    let CompareBody::Json { ignore } = how else {
        return Some(bytes);
    };
    // By way of text: what reads JSON from bytes would be a second reader in the bundle.
    let read = |body| serde_json::from_str::<Value>(str::from_utf8(body).ok()?).ok();
    match (read(primary), read(mirror)) {
        (Some(primary), Some(mirror)) => {
            let ignored: Vec<&[String]> = ignore.iter().map(Vec::as_slice).collect();
            let mut walk = Walk::default();
            walk.values(&primary, &mirror, &ignored);
            let Walk { found, more, .. } = walk;
            (!found.is_empty()).then_some(BodyDifference::Pointers(found, more))
        }
        (None, None) => Some(bytes),
        (primary, mirror) => Some(BodyDifference::Json(primary.is_some(), mirror.is_some())),
    }
}

/// The tokens of a JSON pointer (RFC 6901 section 3); `None` if it is none, or points at the whole document.
pub fn pointer(written: &str) -> Option<Vec<String>> {
    let tokens = written.strip_prefix('/')?.split('/');
    tokens
        .map(|token| {
            let mut parts = token.split('~');
            let mut read = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (escaped, rest) = match part.split_at_checked(1)? {
                    ("0", rest) => ('~', rest),
                    ("1", rest) => ('/', rest),
                    _ => return None,
                };
                read.push(escaped);
                read.push_str(rest);
            }
            Some(read)
        })
        .collect()
}

/// A walk through two documents at once. `serde_json` bounds their depth.
#[derive(Default)]
struct Walk {
    /// The pointer to where it is.
    at: String,
    found: Vec<String>,
    more: bool,
}

impl Walk {
    /// `ignored` are the pointers from here on.
    fn values(&mut self, primary: &Value, mirror: &Value, ignored: &[&[String]]) {
        match (primary, mirror) {
            (Value::Object(primary), Value::Object(mirror)) => {
                self.objects(primary, mirror, ignored);
            }
            (Value::Array(primary), Value::Array(mirror)) => {
                for index in 0..primary.len().max(mirror.len()) {
                    let pair = (primary.get(index), mirror.get(index));
                    self.below(&index.to_string(), pair, ignored);
                }
            }
            (Value::Number(primary), Value::Number(mirror)) if same_number(primary, mirror) => {}
            (primary, mirror) if primary == mirror => {}
            _ => self.tell(),
        }
    }

    fn objects(
        &mut self,
        primary: &Map<String, Value>,
        mirror: &Map<String, Value>,
        ignored: &[&[String]],
    ) {
        for (name, value) in primary {
            self.below(name, (Some(value), mirror.get(name)), ignored);
        }
        for (name, value) in mirror {
            if !primary.contains_key(name) {
                self.below(name, (None, Some(value)), ignored);
            }
        }
    }

    fn below(
        &mut self,
        token: &str,
        (primary, mirror): (Option<&Value>, Option<&Value>),
        ignored: &[&[String]],
    ) {
        if self.more {
            return;
        }
        let under = ignored.iter().filter_map(|tokens| {
            let (first, rest) = tokens.split_first()?;
            (first == token).then_some(rest)
        });
        let under: Vec<&[String]> = under.collect();
        if under.iter().any(|rest| rest.is_empty()) {
            return;
        }
        let length = self.at.len();
        self.at.push('/');
        for character in token.chars() {
            match character {
                '~' => self.at.push_str("~0"),
                '/' => self.at.push_str("~1"),
                other => self.at.push(other),
            }
        }
        match (primary, mirror) {
            (Some(primary), Some(mirror)) => self.values(primary, mirror, &under),
            _ => self.tell(),
        }
        self.at.truncate(length);
    }

    fn tell(&mut self) {
        if self.found.len() == MOST_POINTERS {
            self.more = true;
            return;
        }
        let mut end = self.at.len();
        if end > MOST_POINTER_BYTES {
            end = MOST_POINTER_BYTES;
            while !self.at.is_char_boundary(end) {
                end = end.saturating_sub(1);
            }
        }
        let told = self.at.get(..end).unwrap_or_default();
        let cut = if end < self.at.len() { "..." } else { "" };
        self.found.push(format!("{told}{cut}"));
    }
}

fn same_number(primary: &Number, mirror: &Number) -> bool {
    if primary == mirror {
        return true;
    }
    match (primary.as_i128(), mirror.as_i128()) {
        (Some(_), Some(_)) => false,
        _ => {
            let numbers = primary.as_f64().zip(mirror.as_f64());
            numbers.is_some_and(|(primary, mirror)| is_near(primary, mirror))
        }
    }
}

/// Whether two numbers can be spellings of one: serde_json may read a long one as its neighbour.
fn is_near(one: f64, other: f64) -> bool {
    let same_sign = one.is_sign_negative() == other.is_sign_negative();
    one == other || (same_sign && one.to_bits().abs_diff(other.to_bits()) <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(ignore: &[&str]) -> CompareBody {
        let ignore = ignore.iter().map(|written| pointer(written).unwrap());
        CompareBody::Json {
            ignore: ignore.collect(),
        }
    }

    #[test]
    fn json_is_compared_by_what_it_means() {
        for (primary, mirror, pointers) in [
            (r#"{"a":1,"b":[1,2]}"#, " { \"b\": [1, 2], \"a\": 1 } ", ""),
            ("1", "1.0", ""),
            ("[100, 0.5]", "[1e2, 5E-1]", ""),
            ("\"\\u0061\"", "\"a\"", ""),
            ("0", "-0.0", ""),
            ("18446744073709551615", "18446744073709551614", "<root>"),
            ("9007199254740993", "9007199254740992", "<root>"),
            ("[1]", "[1, 2]", "/1"),
            (r#"{"a":1}"#, r#"{"b":1}"#, "/a /b"),
            (r#"{"a":null}"#, "{}", "/a"),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, "/a"),
            (r#"{"a/b":{"~":1}}"#, r#"{"a/b":{"~":2}}"#, "/a~1b/~0"),
            (r#"{"a":{"b":1}}"#, r#"{"a":[1]}"#, "/a"),
            (r#"[{"a":true},{"a":1}]"#, r#"[{"a":true},{"a":2}]"#, "/1/a"),
        ] {
            let differs = bodies(&json(&[]), primary.as_bytes(), mirror.as_bytes());
            let expected: Vec<String> = pointers
                .split_terminator(' ')
                .map(|pointer| pointer.replace("<root>", ""))
                .collect();
            let expected =
                (!expected.is_empty()).then_some(BodyDifference::Pointers(expected, false));
            assert_eq!(differs, expected, "{primary} {mirror}");
        }
    }

    #[test]
    fn ignored_parts_may_differ_or_be_missing() {
        let how = json(&["/at", "/items/1/id", "/a~1b", "/list/2"]);
        for (primary, mirror, same) in [
            (r#"{"at":1}"#, r#"{"at":{"x":2}}"#, true),
            (r#"{"at":1}"#, "{}", true),
            (r#"{"a/b":1}"#, r#"{"a/b":2}"#, true),
            (
                r#"{"items":[{"id":1},{"id":2}]}"#,
                r#"{"items":[{"id":1},{"id":3}]}"#,
                true,
            ),
            (
                r#"{"items":[{"id":1},{"id":2}]}"#,
                r#"{"items":[{"id":2},{"id":2}]}"#,
                false,
            ),
            (r#"{"list":[1,2]}"#, r#"{"list":[1,2,3]}"#, true),
            (r#"{"list":[1,2]}"#, r#"{"list":[1,2,3,4]}"#, false),
            (r#"{"x":{"at":1}}"#, r#"{"x":{"at":2}}"#, false),
        ] {
            let differs = bodies(&how, primary.as_bytes(), mirror.as_bytes());
            assert_eq!(differs.is_none(), same, "{primary} {mirror}");
        }
    }

    #[test]
    fn what_is_no_json_is_compared_byte_for_byte() {
        let as_json = json(&[]);
        for (how, primary, mirror, expected) in [
            (&as_json, "a", "b", BodyDifference::Bytes(1, 1)),
            (&as_json, "<p>", "{}", BodyDifference::Json(false, true)),
            (&as_json, "{}", "", BodyDifference::Json(true, false)),
            (
                &CompareBody::Bytes,
                "{}",
                "{ }",
                BodyDifference::Bytes(2, 3),
            ),
        ] {
            let differs = bodies(how, primary.as_bytes(), mirror.as_bytes());
            assert_eq!(differs, Some(expected), "{primary} {mirror}");
            assert_eq!(bodies(how, primary.as_bytes(), primary.as_bytes()), None);
        }
    }

    #[test]
    fn only_so_many_pointers_are_told_and_of_each_only_the_start() {
        let many = |value: u8| format!("[{}]", vec![value.to_string(); 50].join(","));
        let differs = bodies(&json(&[]), many(1).as_bytes(), many(2).as_bytes());
        let Some(BodyDifference::Pointers(pointers, true)) = differs else {
            panic!("{differs:?}");
        };
        assert_eq!(pointers.len(), MOST_POINTERS);
        let long = |value: u8| format!("{{\"{}\":{value}}}", "ä".repeat(300));
        let differs = bodies(&json(&[]), long(1).as_bytes(), long(2).as_bytes());
        let Some(BodyDifference::Pointers(pointers, false)) = differs else {
            panic!("{differs:?}");
        };
        assert!(pointers[0].len() <= MOST_POINTER_BYTES + 3 && pointers[0].ends_with("ä..."));
    }

    #[test]
    fn heads_differ_by_status_and_chosen_fields() {
        let spec = CompareSpec {
            status: true,
            headers: vec!["content-type".into(), "etag".into()],
            body: None,
        };
        let head = |status, kind: &str, etag: Option<&str>| Head {
            status,
            fields: vec![Some(kind.into()), etag.map(Into::into)],
        };
        let primary = head(200, "text/plain", None);
        assert!(heads(&spec, &primary, &primary).is_none());
        let differs = heads(&spec, &primary, &head(404, "text/plain", Some("1")));
        assert_eq!(
            differs.log_members(),
            ",\"status\":[200,404],\"headers\":[\"etag\"]"
        );
        let lax = CompareSpec {
            status: false,
            ..spec
        };
        assert!(heads(&lax, &primary, &head(404, "text/plain", None)).is_none());
    }

    #[test]
    fn no_value_of_a_body_is_told() {
        let differs = Differences {
            body: bodies(
                &json(&[]),
                br#"{"name":"hunter2"}"#,
                br#"{"name":"hunter3"}"#,
            ),
            ..Differences::default()
        };
        let told = differs.log_members();
        assert_eq!(told, ",\"body\":[\"/name\"],\"body_more\":false");
    }

    #[test]
    fn pointers_are_those_of_rfc_6901() {
        for (written, tokens) in [
            ("/a/b", Some(vec!["a", "b"])),
            ("/", Some(vec![""])),
            ("/a~1b/m~0n", Some(vec!["a/b", "m~n"])),
            ("/~01", Some(vec!["~1"])),
            ("", None),
            ("a", None),
            ("$.a", None),
            ("/a~", None),
            ("/a~2", None),
            ("/~é", None),
        ] {
            let tokens = tokens.map(|tokens| tokens.into_iter().map(str::to_owned).collect());
            assert_eq!(pointer(written), tokens, "{written}");
        }
    }
}
