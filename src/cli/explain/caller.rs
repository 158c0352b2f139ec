//! Which authorizer would be asked, and whether the request has something for it. Tokens are not verified: the secret
//! is not known here.

use std::borrow::Cow;

use causeway::auth::{Found, Jwt, ResolvedJwt};
use causeway::plan::{AuthorizerKind, JwtSpec, PathEntry, Text};

use super::{Asked, Page};
use crate::cli::show;

pub fn explain(asked: &Asked<'_>, path: &PathEntry, query: Option<&str>, page: &mut Page) {
    let Some(index) = path.authorizer else {
        return page.line("auth", "none: the path is public");
    };
    let Some(authorizer) = asked.blueprint.authorizers.get(usize::from(index)) else {
        return;
    };
    match &authorizer.kind {
        AuthorizerKind::Jwt(spec) => {
            let algorithms: Vec<&str> = spec.algorithms.iter().map(show::algorithm).collect();
            let kind = format!(
                "authorizer `{}`: jwt, {}",
                authorizer.name,
                algorithms.join(" or ")
            );
            page.line("auth", &kind);
            demands(asked, spec, page);
            token(asked, spec, query, page);
        }
        AuthorizerKind::Fault(fault) => {
            let told = format!(
                "authorizer `{}` is at fault: {}",
                authorizer.name, fault.message
            );
            page.line("auth", &told);
            page.line("", "  500 config_error");
        }
    }
}

fn demands(asked: &Asked<'_>, spec: &JwtSpec, page: &mut Page) {
    let secret = match &spec.secret {
        Text::Literal(_) => "written in the config".to_owned(),
        Text::Reference(reference) => show::named(reference),
    };
    page.line("", &format!("  secret: {secret}"));
    let hidden = &asked.hidden;
    for (name, expected) in [
        ("iss", hidden.texts(&spec.issuers)),
        ("aud", hidden.texts(&spec.audiences)),
        ("sub", hidden.texts(&spec.subject)),
        ("typ", spec.token_type.clone().unwrap_or_default()),
        ("also there", spec.required_claims.join(", ")),
    ] {
        if !expected.is_empty() {
            page.line("", &format!("  {name}: {expected}"));
        }
    }
    let places: Vec<String> = spec.sources.iter().map(show::place).collect();
    page.line("", &format!("  looked for in: {}", places.join(", then ")));
}

fn token(asked: &Asked<'_>, spec: &JwtSpec, query: Option<&str>, page: &mut Page) {
    // Where a token is looked for does not depend on values; this one is sound for each of them.
    let resolved = ResolvedJwt::from_spec(spec, |_| Ok("x".repeat(64)));
    let Ok(jwt) = resolved.and_then(Jwt::new) else {
        return;
    };
    let header = |name: &str| asked.header(name).map(Cow::Borrowed);
    page.line(
        "",
        match jwt.find_token(&header, query) {
            Found::Token(_) => {
                "  the request has a token, which would be verified: 401 if it fails"
            }
            Found::Missing => "  the request has no token: 401 AUTH_ERROR; with a good one:",
            Found::NotBearer => {
                "  what stands in its place is not one token: 401 AUTH_ERROR; with a good one:"
            }
        },
    );
}
