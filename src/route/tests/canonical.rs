//! The rules of the module's page for request targets, in its order.

use std::borrow::Cow;

use proptest::prelude::*;

use crate::plan::Tolerance;
use crate::route::{Canonical, PathError, Risks, TARGET_MAX, canonicalise};

/// Each target with its canonical path.
fn becomes(cases: &[(&str, &str)]) {
    for (target, path) in cases {
        let canonical = canonicalise(target).map(|c| c.path.into_owned());
        assert_eq!(canonical.as_deref(), Ok(*path), "{target:?}");
    }
}

fn refused(error: PathError, targets: &[&str]) {
    for target in targets {
        assert_eq!(canonicalise(target), Err(error), "{target:?}");
    }
}

fn risks(cases: &[(&str, Risks)]) {
    for (target, risks) in cases {
        assert_eq!(canonicalise(target).unwrap().risks, *risks, "{target:?}");
    }
}

#[test]
fn a_canonical_path_is_not_copied() {
    for target in [
        "/",
        "/a/b",
        "/a/",
        "/.well-known/x",
        "/...",
        "/%C3%A9/%20",
        "/a,b:c@d",
        "/a;b%2Fc//d",
    ] {
        assert!(
            matches!(canonicalise(target).unwrap().path, Cow::Borrowed(p) if p == target),
            "{target:?}"
        );
    }
}

#[test]
fn a_path_starts_with_a_slash_and_an_empty_one_is_the_root() {
    becomes(&[("", "/"), ("?a", "/"), ("/", "/")]);
    refused(PathError::NotAbsolute, &["*", "a", "http://x/", "%2Fa"]);
}

#[test]
fn a_target_longer_than_the_platform_allows_is_refused() {
    let fits = format!("/{}", "a".repeat(TARGET_MAX - 1));
    becomes(&[(&fits, &fits)]);
    refused(
        PathError::TooLong,
        &[
            &format!("{fits}?"),
            &"/x".repeat(8_704),
            &format!("/?{fits}"),
        ],
    );
    assert_eq!(PathError::TooLong.status(), 414);
}

#[test]
fn a_target_that_grows_too_long_is_refused() {
    refused(
        PathError::TooLong,
        &[
            &format!("/{}", "\u{e9}".repeat(4_000)),
            &format!("/{}", "<".repeat(6_000)),
        ],
    );
}

#[test]
fn dot_segments_are_resolved_and_never_leave_the_root() {
    becomes(&[
        ("/x/../admin", "/admin"),
        ("/./a/./b", "/a/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/a/b/../", "/a/"),
        ("/..", "/"),
        ("/../../a", "/a"),
        ("/a/b/c/../../d", "/a/d"),
        ("/a//../b", "/a/b"),
        ("/%61/../\u{e9}/./b", "/%C3%A9/b"),
        ("/a/..b/.c/d..", "/a/..b/.c/d.."),
    ]);
}

#[test]
fn a_dot_segment_in_disguise_is_refused() {
    refused(
        PathError::DotSegment,
        &[
            "/%2e",
            "/a/.%2E/b",
            "/%2e%2e/",
            "/a/%2e%2e%2e",
            "/admin/..;/x",
            "/admin/.;x/y",
            "/admin/..%3b/x",
            "/admin/%2e.;",
            "/a/..%2Fadmin",
            "/a%2f..%2fadmin",
            "/a/.%5cadmin",
            "/a%5C..",
        ],
    );
}

#[test]
fn encoded_unreserved_characters_are_decoded_and_other_triplets_are_in_capitals() {
    becomes(&[
        ("/%61dmin", "/admin"),
        ("/%41%2d%5f%7e%30", "/A-_~0"),
        ("/a%2eb", "/a.b"),
        ("/%20%c3%a9%2c", "/%20%C3%A9%2C"),
        ("/%2561dmin", "/%2561dmin"),
    ]);
}

#[test]
fn a_malformed_triplet_is_refused() {
    refused(
        PathError::Percent,
        &["/%", "/%4", "/%zz", "/a%2/b", "/%%36%31", "/%u0041", "/%+1"],
    );
}

#[test]
fn a_raw_backslash_is_refused() {
    refused(
        PathError::Backslash,
        &["/a\\b", "/x\\..\\admin", "/\\", "/%61\\"],
    );
}

#[test]
fn a_control_character_is_refused_raw_and_encoded() {
    refused(
        PathError::Control,
        &[
            "/a\0", "/a\tb", "/a\nb", "/a\u{7f}", "/%00", "/a%0a", "/%1F", "/%7f", "/?a\0b",
            "/?a\r\n", "/?\u{7f}",
        ],
    );
}

#[test]
fn what_is_not_utf_8_is_refused() {
    refused(
        PathError::Utf8,
        &[
            "/%C0%AF",
            "/%c0%ae%c0%ae",
            "/%E0%80%AF",
            "/%F0%80%80%AF",
            "/%ED%A0%80",
            "/%F4%90%80%80",
            "/%FF",
            "/%80",
            "/%C3",
            "/%C3a",
            "/%C3%41",
            "/%C3\u{e9}",
            "/%E2%82",
        ],
    );
}

#[test]
fn a_number_sign_is_refused() {
    refused(PathError::Fragment, &["/a#b", "/#", "/a?b#c"]);
}

#[test]
fn a_raw_space_at_the_end_is_refused() {
    refused(PathError::TrailingSpace, &["/ ", "/a ", "/a/.. "]);
    becomes(&[("/a ?", "/a%20"), ("/a%20", "/a%20")]);
}

#[test]
fn what_is_not_allowed_in_a_path_is_encoded() {
    becomes(&[
        ("/ \"<>^`{|}[]", "/%20%22%3C%3E%5E%60%7B%7C%7D%5B%5D"),
        ("/\u{e9}/\u{1f600}", "/%C3%A9/%F0%9F%98%80"),
        ("/a!$&'()*+,=:@-._~", "/a!$&'()*+,=:@-._~"),
    ]);
}

#[test]
fn the_query_is_kept_byte_for_byte() {
    for (target, query) in [
        ("/a", None),
        ("/a?", Some("")),
        ("/a??b", Some("?b")),
        (
            "/x/../a?b=%zz&b=/../\\&\u{e9}= ",
            Some("b=%zz&b=/../\\&\u{e9}= "),
        ),
        ("?", Some("")),
    ] {
        assert_eq!(canonicalise(target).unwrap().query, query, "{target:?}");
    }
}

#[test]
fn risks_are_those_of_the_path_that_is_forwarded() {
    risks(&[
        ("/a/b", Risks::NONE),
        ("/admin%2Fx", Risks::ENCODED_SLASH),
        ("/admin%2fx", Risks::ENCODED_SLASH),
        ("/a%5cb", Risks::ENCODED_BACKSLASH),
        ("/a;v=1/b", Risks::SEMICOLON),
        ("/a%3bv", Risks::SEMICOLON),
        ("//admin", Risks::EMPTY_SEGMENT),
        ("/a//", Risks::EMPTY_SEGMENT),
        ("/a/", Risks::NONE),
        ("/a/%2Fb", Risks::ENCODED_SLASH.with(Risks::EMPTY_SEGMENT)),
        ("/a%2F/b", Risks::ENCODED_SLASH.with(Risks::EMPTY_SEGMENT)),
        ("/;x/b", Risks::SEMICOLON.with(Risks::EMPTY_SEGMENT)),
        ("/a%2Fb/../c", Risks::NONE),
        ("/a//../b", Risks::NONE),
        ("/a/..//b", Risks::EMPTY_SEGMENT),
        ("/a//.", Risks::EMPTY_SEGMENT),
    ]);
}

#[test]
fn a_route_refuses_every_risk_that_it_does_not_tolerate() {
    let all = Tolerance {
        encoded_slash: true,
        encoded_backslash: true,
        semicolon: true,
        empty_segment: true,
    };
    let cases = [
        (
            "/a%2Fb",
            Tolerance {
                encoded_slash: false,
                ..all
            },
            PathError::EncodedSlash,
        ),
        (
            "/a%5Cb",
            Tolerance {
                encoded_backslash: false,
                ..all
            },
            PathError::EncodedBackslash,
        ),
        (
            "/a;b",
            Tolerance {
                semicolon: false,
                ..all
            },
            PathError::Semicolon,
        ),
        (
            "//a",
            Tolerance {
                empty_segment: false,
                ..all
            },
            PathError::EmptySegment,
        ),
    ];
    for (target, tolerance, error) in cases {
        let risks = canonicalise(target).unwrap().risks;
        assert_eq!(risks.check(tolerance), Err(error));
        assert_eq!(risks.check(Tolerance::default()), Err(error));
        assert_eq!(risks.check(all), Ok(()));
        assert_eq!(Risks::NONE.check(tolerance), Ok(()));
    }
}

/// Targets in which the rules meet: mostly characters that some rule is about.
fn targets() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "/",
        "/",
        "/",
        ".",
        "..",
        "%2e",
        "%2E",
        "%2f",
        "%2F",
        "%5C",
        "%5c",
        ";",
        "%3b",
        "a",
        "b",
        "%61",
        "%41",
        "%c3%a9",
        "%C3",
        "\u{e9}",
        " ",
        "[",
        "|",
        "^",
        "'",
        "\"",
        "%25",
        "%",
        "?",
        "\\",
        "%00",
        "\u{1f600}",
        "%7E",
        "%2C",
        ",",
    ]);
    prop::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()))
}

fn as_fetch_sends(path: &str) -> String {
    url::Url::parse(&format!("https://host{path}"))
        .unwrap()
        .path()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_canonical_path_is_its_own_canonical_path(target in targets()) {
        if let Ok(Canonical { path, risks, .. }) = canonicalise(&target) {
            let again = canonicalise(&path).unwrap();
            prop_assert_eq!(&again.path, &path);
            prop_assert!(matches!(again.path, Cow::Borrowed(_)));
            prop_assert_eq!(again.risks, risks);
            prop_assert_eq!(again.query, None);
        }
    }

    #[test]
    fn fetch_sends_the_canonical_path_as_it_is(target in targets()) {
        if let Ok(Canonical { path, .. }) = canonicalise(&target) {
            prop_assert_eq!(as_fetch_sends(&path), path);
        }
    }

    /// So two spellings that fetch brings together have one canonical path.
    #[test]
    fn the_spelling_that_fetch_would_send_has_the_same_canonical_path(target in targets()) {
        if let Ok(Canonical { path, .. }) = canonicalise(&target) {
            let sent = as_fetch_sends(&target);
            prop_assert_eq!(canonicalise(&sent).map(|c| c.path.into_owned()), Ok(path.into_owned()));
        }
    }

    #[test]
    fn any_text_is_answered(target in any::<String>()) {
        let _ = canonicalise(&target);
        let _ = canonicalise(&format!("/{target}"));
    }
}
