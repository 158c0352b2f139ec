use super::*;
use crate::edits::Edit;

fn policy(origins: Vec<OriginPattern>, credentials: bool) -> Policy {
    Policy::new(&Cors {
        allow_origins: origins,
        allow_methods: None,
        allow_headers: Some(vec!["content-type".into()]),
        expose_headers: vec!["x-total".into()],
        allow_credentials: credentials,
        max_age: Some(600),
    })
}

fn exact(origin: &str) -> OriginPattern {
    OriginPattern::Exact(Text::Literal(origin.into()))
}

fn subdomains(suffix: &str) -> OriginPattern {
    OriginPattern::Subdomains {
        scheme: "https".into(),
        suffix: suffix.into(),
    }
}

#[test]
fn an_origin_is_allowed_only_as_a_whole() {
    let policy = policy(
        vec![exact("https://app.example.com"), subdomains(".example.net")],
        true,
    );
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://app.example.com.evil.com", false),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://a.example.net", true),
        ("https://a.b.example.net", true),
        ("https://example.net", false),
        ("https://evilexample.net", false),
        ("https://.example.net", false),
        ("https://evil.com/.example.net", false),
        ("https://evil.com#.example.net", false),
        ("https://user@a.example.net", false),
        ("null", false),
        ("", false),
    ] {
        let expected = if allowed {
            Verdict::Allowed
        } else {
            Verdict::Denied
        };
        assert_eq!(policy.verdict(Some(origin)), expected, "{origin}");
    }
    assert_eq!(policy.verdict(None), Verdict::NotAsked);
}

#[test]
fn a_star_is_sent_as_a_star_and_never_with_credentials() {
    let mut edits = Edits::default();
    policy(vec![OriginPattern::Any], false).actual(Some("https://x.test"), &mut edits);
    assert!(
        edits
            .iter()
            .any(|e| e == Edit::Set("access-control-allow-origin", "*"))
    );
    assert_eq!(
        policy(vec![OriginPattern::Any], true).verdict(Some("https://x.test")),
        Verdict::Denied
    );
}

#[test]
fn the_upstreams_word_is_removed_where_the_origin_is_denied() {
    let mut edits = Edits::default();
    policy(vec![exact("https://a.test")], true).actual(Some("https://b.test"), &mut edits);
    assert_eq!(
        edits.iter().collect::<Vec<_>>(),
        [
            Edit::Remove("access-control-allow-origin"),
            Edit::Remove("access-control-allow-credentials"),
            Edit::Remove("access-control-expose-headers"),
            Edit::Append("vary", "Origin"),
        ]
    );
}

#[test]
fn a_preflight_is_told_methods_headers_and_age() {
    let mut edits = Edits::default();
    policy(vec![exact("https://a.test")], false).preflight(
        "https://a.test",
        Some("x-other"),
        &mut edits,
    );
    let edits: Vec<_> = edits.iter().collect();
    assert!(edits.contains(&Edit::Set("access-control-allow-methods", DEFAULT_METHODS)));
    assert!(edits.contains(&Edit::Set("access-control-allow-headers", "content-type")));
    assert!(edits.contains(&Edit::Set("access-control-max-age", "600")));
}
