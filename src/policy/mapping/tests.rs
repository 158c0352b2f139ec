use super::*;
use crate::edits::Edit;

struct Caller;

impl Lookup for Caller {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "x-tenant").then_some(Cow::Borrowed("acme"))
    }
    fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "email" => Some(Cow::Borrowed("zoë@example.com")),
            "evil" => Some(Cow::Borrowed("a\r\nX-Admin: true")),
            _ => None,
        }
    }
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        (name == "id").then_some(Cow::Borrowed("5"))
    }
}

fn mapping(headers: Vec<(&str, Source)>, query: Vec<(&str, Source)>) -> Mapping {
    let own =
        |list: Vec<(&str, Source)>| list.into_iter().map(|(n, s)| (n.to_owned(), s)).collect();
    Mapping {
        headers: own(headers),
        query: own(query),
    }
}

#[test]
fn a_mapped_header_is_removed_where_its_value_is_absent() {
    let mapping = mapping(
        vec![
            ("x-email", Source::Claim("email".into())),
            ("x-role", Source::Claim("role".into())),
            ("x-tenant-id", Source::Header("x-tenant".into())),
            ("x-page", Source::Query("page".into())),
            ("x-id", Source::Path("id".into())),
            ("x-region", Source::Config(Text::Literal("eu".into()))),
            ("x-none", Source::Absent),
        ],
        vec![],
    );
    let mut edits = Edits::default();
    headers(&mapping, Some("a=1&page=2%263"), &Caller, &mut edits).unwrap();
    assert_eq!(
        edits.iter().collect::<Vec<_>>(),
        [
            Edit::Set("x-email", "zoë@example.com"),
            Edit::Remove("x-role"),
            Edit::Set("x-tenant-id", "acme"),
            Edit::Set("x-page", "2&3"),
            Edit::Set("x-id", "5"),
            Edit::Set("x-region", "eu"),
            Edit::Remove("x-none"),
        ]
    );
}

#[test]
fn a_claim_with_a_line_break_refuses_the_request() {
    let mapping = mapping(vec![("x-e", Source::Claim("evil".into()))], vec![]);
    let problem = headers(&mapping, None, &Caller, &mut Edits::default()).unwrap_err();
    assert_eq!(
        (problem.status, problem.code),
        (400, "mapped_value_invalid")
    );
}

#[test]
fn a_query_keeps_its_bytes_and_loses_the_mapped_keys() {
    let mapping = mapping(
        vec![],
        vec![
            ("user", Source::Claim("email".into())),
            ("gone", Source::Claim("role".into())),
        ],
    );
    for (given, expected) in [
        (None, Some("user=zo%C3%AB%40example.com")),
        (Some(""), Some("user=zo%C3%AB%40example.com")),
        (
            Some("tag=a&tag=b&x=%7e&y=1+2"),
            Some("tag=a&tag=b&x=%7e&y=1+2&user=zo%C3%AB%40example.com"),
        ),
        (
            Some("user=admin&us%65r=root&a=1&user&gone=1"),
            Some("a=1&user=zo%C3%AB%40example.com"),
        ),
    ] {
        assert_eq!(query(&mapping, given, &Caller).as_deref(), expected);
    }
}

#[test]
fn percent_decoding_leaves_what_is_malformed() {
    for (given, expected) in [
        ("abc", "abc"),
        ("%41%zz%4", "A%zz%4"),
        ("%C3%AB", "ë"),
        ("%FF", "\u{fffd}"),
    ] {
        assert_eq!(percent_decode(given), expected);
    }
}
