//! Which authorizer would be asked, and whether the request has something for it. Tokens are not verified: the
//! keys are not known here.

use std::borrow::Cow;

use causeway::auth::{Found, find};
use causeway::plan::{Access, AuthorizerKind, JwtKeys, JwtSpec, PathEntry, Text, TokenSource};

use super::{Asked, Page, credential};
use crate::cli::show;

pub fn explain(asked: &Asked<'_>, path: &PathEntry, query: Option<&str>, page: &mut Page) {
    let listed = path.access.authorizers();
    match &path.access {
        Access::Public => page.line("auth", "none: the path is public"),
        Access::All(_) if listed.len() > 1 => page.line("auth", "all of these:"),
        Access::Any(_) if listed.len() > 1 => page.line("auth", "any of these:"),
        Access::Any(_) | Access::All(_) => {}
    }
    for index in listed {
        let Some(authorizer) = asked.blueprint.authorizers.get(usize::from(*index)) else {
            continue;
        };
        let label = if listed.len() > 1 { "" } else { "auth" };
        match &authorizer.kind {
            AuthorizerKind::Jwt(spec) => {
                let algorithms: Vec<&str> = spec.algorithms.iter().map(|a| a.name()).collect();
                let kind = format!(
                    "authorizer `{}`: jwt, {}",
                    authorizer.name,
                    algorithms.join(" or ")
                );
                page.line(label, &kind);
                demands(asked, spec, page);
                token(asked, &spec.sources, query, page);
            }
            AuthorizerKind::Webhook(spec) => {
                let kind = format!(
                    "authorizer `{}`: webhook, {}",
                    authorizer.name,
                    spec.scheme.name()
                );
                page.line(label, &kind);
            }
            AuthorizerKind::MessageSignature(spec) => {
                let kind = format!(
                    "authorizer `{}`: message signature, hmac-sha256",
                    authorizer.name
                );
                page.line(label, &kind);
                page.line("", &format!("  must cover: {}", spec.components.join(", ")));
            }
            AuthorizerKind::ClientCertificate(spec) => {
                let kind = format!("authorizer `{}`: client certificate", authorizer.name);
                page.line(label, &kind);
                let hidden = &asked.hidden;
                for (name, listed) in [
                    ("fingerprint", spec.fingerprints.join(", ")),
                    ("issuer", hidden.texts(&spec.issuers)),
                    ("subject", hidden.texts(&spec.subjects)),
                ] {
                    if !listed.is_empty() {
                        page.line("", &format!("  {name}: {listed}"));
                    }
                }
            }
            AuthorizerKind::ApiKey(spec) => {
                page.line(label, &format!("authorizer `{}`: api_key", authorizer.name));
                credential::api_key(asked, spec, query, page);
            }
            AuthorizerKind::Basic(spec) => {
                page.line(label, &format!("authorizer `{}`: basic", authorizer.name));
                credential::basic(asked, spec, page);
            }
            AuthorizerKind::Oidc(spec) => {
                page.line(label, &format!("authorizer `{}`: oidc", authorizer.name));
                credential::oidc(asked, spec, page);
            }
            AuthorizerKind::Auth0(spec) => {
                page.line(
                    label,
                    &format!("authorizer `{}`: auth0, RS256", authorizer.name),
                );
                let domain = asked.hidden.texts([&spec.domain]);
                page.line("", &format!("  tenant: {domain}"));
                token(asked, &[TokenSource::Bearer], query, page);
            }
            AuthorizerKind::Fault(fault) => {
                let told = format!(
                    "authorizer `{}` is at fault: {}",
                    authorizer.name, fault.message
                );
                page.line(label, &told);
                page.line("", "  500 config_error");
            }
        }
        credential::withheld(&authorizer.withheld, page);
    }
}

fn demands(asked: &Asked<'_>, spec: &JwtSpec, page: &mut Page) {
    page.line("", &format!("  {}", keys(asked, &spec.keys)));
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

/// What tokens are checked with.
fn keys(asked: &Asked<'_>, keys: &JwtKeys) -> String {
    let place = |text: &Text| match text {
        Text::Literal(_) => "written in the config".to_owned(),
        Text::Reference(reference) => show::named(reference),
    };
    match keys {
        JwtKeys::Secret(text) => format!("secret: {}", place(text)),
        JwtKeys::PublicKey(text) => format!("public key: {}", place(text)),
        JwtKeys::Jwks(text) => format!("key set: {}", place(text)),
        JwtKeys::JwksUri(url) => format!("key set: fetched from {}", asked.hidden.texts([url])),
        JwtKeys::Discovery => "key set: where the issuer's discovery document says".to_owned(),
    }
}

fn token(asked: &Asked<'_>, sources: &[TokenSource], query: Option<&str>, page: &mut Page) {
    let header = |name: &str| asked.header(name).map(Cow::Borrowed);
    page.line(
        "",
        match find(sources, &header, query) {
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
