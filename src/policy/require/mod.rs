//! Whether a known caller may use a path: scopes, groups, claims, and one condition over all of them.
//!
//! - All that a path asks for must hold; the first that does not is told.
//! - Scopes are the words of `scope` (RFC 8693 section 4.2, RFC 9068 section 2.2.3), and of `scp` and `permissions`,
//!   which may be lists of them; groups are those of `groups`, `roles` and `cognito:groups`.
//! - A claim's name is first the name of a claim as a whole, dots and all. If there is none, its longest beginning before
//!   a dot that is one is looked into, and the rest is looked up there in the same way.
//! - Values are compared by type and value: `"1"` is not 1, 1 is 1.0.
//! - What cannot be read or evaluated refuses.

mod compare;
mod data;
mod evaluate;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;

use self::data::{Data, claim};
use crate::auth::Claims;
use crate::plan::{ClaimRule, Constant, Requirement};
use crate::problem::Problem;

/// The request, as conditions look at it.
pub trait Facts {
    fn method(&self) -> &str;
    /// The canonical path.
    fn path(&self) -> &str;
    /// In lower case, without port.
    fn host(&self) -> Cow<'_, str>;
    /// A header of the client's request, by its lower-case name.
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;
    /// Raw, without its question mark.
    fn query(&self) -> Option<&str>;
    /// A parameter of the path, percent-decoded.
    fn parameter(&self, name: &str) -> Option<Cow<'_, str>>;
}

/// Refuses a caller who may not (403, RFC 9110 section 15.5.4).
pub fn check(require: &Requirement, claims: &Claims, facts: &impl Facts) -> Result<(), Problem> {
    scopes(require, claims)?;
    groups(require, claims)?;
    for (name, rule) in &require.claims {
        let found = claim(claims, name).map_err(|why| {
            forbidden(CLAIMS, format!("the claim `{name}` cannot be read: {why}"))
        })?;
        if let Some(why) = unmet(rule, found.as_ref()) {
            return Err(forbidden(CLAIMS, format!("the claim `{name}` {why}")));
        }
    }
    let Some(expression) = &require.expression else {
        return Ok(());
    };
    match evaluate::holds(expression, claims, facts) {
        Ok(true) => Ok(()),
        Ok(false) => Err(forbidden(EXPRESSION, "the expression is false".into())),
        Err(why) => {
            let reason = format!("the expression could not be evaluated: {why}");
            Err(forbidden(EXPRESSION, reason))
        }
    }
}

const GROUPS: &str = "The caller is not in a group that may do this.";
const CLAIMS: &str = "The caller's claims do not allow this.";
const EXPRESSION: &str = "The path's condition does not allow this.";

fn scopes(require: &Requirement, claims: &Claims) -> Result<(), Problem> {
    if require.scopes.is_empty() && require.any_scope.is_empty() {
        return Ok(());
    }
    let had: Vec<String> = ["scope", "scp", "permissions"]
        .into_iter()
        .filter_map(|name| match claims.string(name) {
            Some(words) => Some(words.split(' ').map(str::to_owned).collect()),
            // An element with a blank is no scope (RFC 6749 section 3.3), and grants nothing.
            None => claims.strings(name),
        })
        .flatten()
        .collect();
    match lacking(&require.scopes, &require.any_scope, &had) {
        None => Ok(()),
        Some((needed, reason)) => Err(Problem::client(
            403,
            "insufficient_scope",
            "The caller's scopes do not allow this.",
        )
        .with_header(
            "www-authenticate",
            format!(
                r#"Bearer realm="causeway", error="insufficient_scope", scope="{}""#,
                needed.join(" ")
            ),
        )
        .with_reason(format!("scopes: {reason}"))),
    }
}

fn groups(require: &Requirement, claims: &Claims) -> Result<(), Problem> {
    if require.groups.is_empty() && require.any_group.is_empty() {
        return Ok(());
    }
    let had: Vec<String> = ["groups", "roles", "cognito:groups"]
        .into_iter()
        .filter_map(|name| claims.strings(name))
        .flatten()
        .collect();
    match lacking(&require.groups, &require.any_group, &had) {
        None => Ok(()),
        Some((_, reason)) => Err(forbidden(GROUPS, format!("groups: {reason}"))),
    }
}

/// The list that is not satisfied, and why it is not.
fn lacking<'a>(
    all: &'a [String],
    any: &'a [String],
    had: &[String],
) -> Option<(&'a [String], String)> {
    if let Some(first) = all.iter().find(|name| !had.contains(name)) {
        return Some((all, format!("`{first}` is missing")));
    }
    if !any.is_empty() && !any.iter().any(|name| had.contains(name)) {
        return Some((any, format!("none of `{}` is there", any.join("`, `"))));
    }
    None
}

/// Why a rule does not hold. Names no value.
fn unmet(rule: &ClaimRule, found: Option<&Data>) -> Option<&'static str> {
    match (rule, found) {
        (ClaimRule::Exists(wanted), found) => {
            let there = found.is_some_and(|found| !matches!(found, Data::Null));
            match (wanted, there) {
                (true, false) => Some("is missing"),
                (false, true) => Some("is there"),
                _ => None,
            }
        }
        (_, None) => Some("is missing"),
        (ClaimRule::OneOf(constants), Some(found)) => {
            let met = constants.iter().any(|constant| equal(constant, found));
            (!met).then_some("has another value")
        }
        (ClaimRule::Contains(constants), Some(Data::List(list))) => {
            let held = |constant| list.iter().any(|element| equal(constant, element));
            (!constants.iter().all(held)).then_some("lacks a value")
        }
        (ClaimRule::Contains(_), Some(_)) => Some("is no list"),
    }
}

fn equal(constant: &Constant, found: &Data) -> bool {
    match (constant, found) {
        (Constant::Null, Data::Null) => true,
        (Constant::Bool(a), Data::Bool(b)) => a == b,
        (Constant::Number(a), Data::Number(b)) => a == b,
        (Constant::Text(a), Data::Text(b)) => a == b,
        _ => false,
    }
}

fn forbidden(detail: &'static str, reason: String) -> Problem {
    Problem::client(403, "forbidden", detail).with_reason(reason)
}
