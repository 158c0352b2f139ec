//! What a path asks of a known caller.

use super::expression;
use super::pattern::Pattern;
use crate::config::{ClaimDemand, Context, Entries, Field, Name, NameList, RequireChoice, Span};
use crate::plan::{ClaimRule, Requirement};

/// Compiles `require`. `None` where nothing is asked, or after an error in `cx`. Without a pattern, an expression cannot
/// name parameters of the path.
pub(super) fn compile_require(
    choice: &RequireChoice<'_>,
    pattern: Option<&Pattern<'_>>,
    cx: &mut Context,
) -> Option<Box<Requirement>> {
    let RequireChoice::Rules(object) = choice else {
        return None;
    };
    let before = cx.errors();
    for scope in listed(&object.scopes)
        .iter()
        .chain(listed(&object.any_scope))
    {
        check_scope(scope, cx);
    }
    for (all, any, words) in [
        (&object.scopes, &object.any_scope, ("scopes", "any_scope")),
        (&object.groups, &object.any_group, ("groups", "any_group")),
    ] {
        check_overlap(listed(all), listed(any), words, cx);
    }
    let claims = object.claims.value();
    let requirement = Requirement {
        scopes: names(&object.scopes),
        any_scope: names(&object.any_scope),
        groups: names(&object.groups),
        any_group: names(&object.any_group),
        claims: claims.map_or_else(Vec::new, |claims| compile_claims(claims, cx)),
        expression: object
            .expression
            .value()
            .and_then(|written| expression::compile(*written, pattern, cx)),
    };
    (cx.errors() == before).then(|| Box::new(requirement))
}

/// A rule for callers on a path that everyone may use.
pub(super) fn refuse_on_public(span: Span, cx: &mut Context) {
    cx.error(
        span,
        "require_without_auth",
        "this asks something of the caller, but the path is public",
    )
    .help("name an authorizer in `auth`, so that there is a known caller");
}

fn listed<'f, 'a>(field: &'f Field<NameList<'a>>) -> &'f [Name<'a>] {
    field.value().map_or(&[], |list| list.0.as_slice())
}

fn names(field: &Field<NameList<'_>>) -> Vec<String> {
    let names = listed(field).iter();
    names.map(|name| name.value.to_owned()).collect()
}

/// What a scope may be made of (RFC 6749 section 3.3): it is sent in a challenge.
fn check_scope(name: &Name<'_>, cx: &mut Context) {
    let mut bytes = name.value.bytes();
    if !bytes.all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\')) {
        let message = format!("`{}` is no scope", name.value);
        cx.error(name.span, "bad_token", message).help(
            "a scope has no spaces, quotes, backslashes or letters beyond ASCII; several are several strings",
        );
    }
}

fn check_overlap(
    all: &[Name<'_>],
    any: &[Name<'_>],
    (all_word, any_word): (&str, &str),
    cx: &mut Context,
) {
    for name in any {
        if let Some(first) = all.iter().find(|other| other.value == name.value) {
            let message = format!(
                "`{}` is asked for by `{all_word}`, so that `{any_word}` always holds",
                name.value
            );
            cx.error(name.span, "contradiction", message)
                .note(first.span, "asked for here")
                .help("remove it from one of the two");
        }
    }
}

fn compile_claims(claims: &Entries<'_, ClaimDemand>, cx: &mut Context) -> Vec<(String, ClaimRule)> {
    let mut rules: Vec<(String, ClaimRule)> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    for (name, demand) in claims.iter() {
        if name.value.is_empty() {
            cx.error(name.span, "empty_value", "this claim has no name");
        }
        let rule = match demand.get(cx) {
            Some(ClaimDemand::OneOf(constants)) => ClaimRule::OneOf(constants),
            Some(ClaimDemand::Contains(constants)) => ClaimRule::Contains(constants),
            Some(ClaimDemand::Exists(exists)) => ClaimRule::Exists(exists),
            None => continue,
        };
        rules.push((name.value.to_owned(), rule));
        spans.push(name.span);
    }
    check_absent(&rules, &spans, cx);
    rules
}

/// What must be absent has no members.
fn check_absent(rules: &[(String, ClaimRule)], spans: &[Span], cx: &mut Context) {
    for ((name, rule), span) in rules.iter().zip(spans) {
        if *rule != ClaimRule::Exists(false) {
            continue;
        }
        for ((deeper, other), deeper_span) in rules.iter().zip(spans) {
            let below = deeper
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('.'));
            if below && *other != ClaimRule::Exists(false) {
                let message = format!("`{deeper}` is asked for, but `{name}` must not be there");
                cx.error(*deeper_span, "contradiction", message)
                    .note(*span, "must not be there")
                    .help("remove one of the two");
            }
        }
    }
}
