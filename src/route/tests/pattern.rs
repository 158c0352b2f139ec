//! The rules of the module's page for patterns.

use std::borrow::Cow;

use crate::route::{PathError, Pattern, PatternError, PatternErrorKind, Risks, Segment};

#[test]
fn a_pattern_is_literals_then_parameters_then_at_most_one_wildcard() {
    let pattern = Pattern::parse("/orders/{id}/files/{.+}").unwrap();
    let segments: Vec<_> = pattern.segments().collect();
    assert_eq!(
        segments,
        [
            Segment::Literal("orders"),
            Segment::Parameter("id"),
            Segment::Literal("files"),
            Segment::Rest
        ]
    );
    assert_eq!(pattern.literal_prefix(), "/orders");
    assert!(pattern.is_wildcard() && !pattern.is_literal());
    assert_eq!(pattern.names().collect::<Vec<_>>(), ["id"]);
    assert!(Pattern::parse("/a/").unwrap().is_literal());
    assert!(matches!(
        Pattern::parse("/a/{b}").unwrap().into_text(),
        Cow::Borrowed("/a/{b}")
    ));
}

#[test]
fn literals_are_brought_to_their_canonical_spelling() {
    for (source, text, prefix) in [
        ("/", "/", "/"),
        ("/%61/{b}", "/a/{b}", "/a"),
        (
            "/caf\u{e9}/x y/{b}/%7e",
            "/caf%C3%A9/x%20y/{b}/~",
            "/caf%C3%A9/x%20y",
        ),
        ("/{a}/%41/{.+}", "/{a}/A/{.+}", ""),
        ("/%2f", "/%2F", "/%2F"),
    ] {
        let pattern = Pattern::parse(source).unwrap();
        assert_eq!((pattern.as_str(), pattern.literal_prefix()), (text, prefix));
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    use PatternErrorKind::*;
    let long = "/a".repeat(64);
    for (source, range, kind) in [
        ("", 0..0, NotAbsolute),
        ("a/b", 0..1, NotAbsolute),
        (long.as_str(), 127..128, TooManySegments),
        ("/a/{b", 3..5, Braces),
        ("/a/b}/c", 3..5, Braces),
        ("/a/{}", 3..5, Braces),
        ("/a/{b c}", 3..8, Braces),
        ("/a/{b}.json", 3..11, Braces),
        ("/{a}/b/{a}", 7..10, DuplicateName),
        ("/a/{.+}/b", 3..7, WildcardNotLast),
        ("/{.+}/", 1..5, WildcardNotLast),
        ("/a?b", 1..4, QueryOrFragment),
        ("/a/b#", 3..5, QueryOrFragment),
        ("/a/../b", 3..5, DotSegment),
        ("/a/%2e", 3..6, Literal(PathError::DotSegment)),
        ("/a\\b", 1..4, Literal(PathError::Backslash)),
        ("/a/%zz", 3..6, Literal(PathError::Percent)),
    ] {
        assert_eq!(
            Pattern::parse(source),
            Err(PatternError { range, kind }),
            "{source:?}"
        );
    }
}

#[test]
fn a_literal_that_requests_may_not_hold_without_leave_is_told() {
    assert_eq!(
        Pattern::parse("/a%2Fb//{c}").unwrap().risks(),
        Risks::ENCODED_SLASH.with(Risks::EMPTY_SEGMENT)
    );
    assert_eq!(Pattern::parse("/a/{b}/{.+}").unwrap().risks(), Risks::NONE);
}
