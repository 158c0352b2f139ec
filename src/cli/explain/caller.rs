//! Which authorizer would be asked, and whether the request has something for it. Tokens are not verified: the
//! keys are not known here.

use std::borrow::Cow;

use causeway::auth::{AUTH_PATH, Found, JWKS_PATH, find};
use causeway::plan::{
    Access, AuthorizerKind, JwtKeys, JwtSpec, MessageSignatureSpec, PathEntry, SupabaseSpec, Text,
    TokenSource, signature_algorithm,
};

use super::{Asked, Page, asking, credential};
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
                    "authorizer `{}`: message signature, {}",
                    authorizer.name,
                    signed_by(spec)
                );
                page.line(label, &kind);
                if let Some(url) = &spec.jwks_uri {
                    let url = asked.hidden.texts([url]);
                    page.line("", &format!("  key set: fetched from {url}"));
                }
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
                    ("SPIFFE id", hidden.texts(&spec.spiffe_ids)),
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
            AuthorizerKind::Introspection(spec) => {
                let kind = format!("authorizer `{}`: introspection", authorizer.name);
                page.line(label, &kind);
                asking::introspection(asked, spec, page);
                token(asked, &spec.sources, query, page);
            }
            AuthorizerKind::ForwardAuth(spec) => {
                let kind = format!("authorizer `{}`: forward_auth", authorizer.name);
                page.line(label, &kind);
                asking::forward_auth(asked, spec, page);
            }
            AuthorizerKind::Supabase(spec) => {
                let kind = format!("authorizer `{}`: supabase", authorizer.name);
                page.line(label, &kind);
                supabase(asked, spec, query, page);
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

/// The algorithms of message signatures that are accepted.
fn signed_by(spec: &MessageSignatureSpec) -> String {
    let shared = (!spec.keys.is_empty()).then_some("hmac-sha256");
    let public = spec
        .algorithms
        .iter()
        .copied()
        .filter_map(signature_algorithm);
    let named: Vec<&str> = shared.into_iter().chain(public).collect();
    named.join(" or ")
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
    for (name, expected) in &spec.expected_claims {
        page.line("", &format!("  {name}: {}", expected.join(" or ")));
    }
    let places: Vec<String> = spec.sources.iter().map(show::place).collect();
    page.line("", &format!("  looked for in: {}", places.join(", then ")));
}

fn supabase(asked: &Asked<'_>, spec: &SupabaseSpec, query: Option<&str>, page: &mut Page) {
    let hidden = &asked.hidden;
    if let Some(secret) = &spec.secret {
        let secret = keys(asked, &JwtKeys::Secrets(vec![secret.clone()]));
        page.line("", &format!("  HS256, {secret}"));
    }
    let mut issuers = hidden.texts(&spec.issuers);
    if let Some(url) = &spec.url {
        let url = hidden.texts([url]);
        let api = format!("{}{AUTH_PATH}", url.trim_end_matches('/'));
        let keys = format!("  RS256 or ES256, key set: fetched from {api}{JWKS_PATH}");
        page.line("", &keys);
        if issuers.is_empty() {
            issuers = api;
        }
    }
    for (name, expected) in [("iss", issuers), ("aud", hidden.texts(&spec.audiences))] {
        if !expected.is_empty() {
            page.line("", &format!("  {name}: {expected}"));
        }
    }
    let places: Vec<String> = spec.sources.iter().map(show::place).collect();
    page.line("", &format!("  looked for in: {}", places.join(", then ")));
    token(asked, &spec.sources, query, page);
}

/// What tokens are checked with.
fn keys(asked: &Asked<'_>, keys: &JwtKeys) -> String {
    let place = |text: &Text| match text {
        Text::Literal(_) => "written in the config".to_owned(),
        Text::Reference(reference) => show::named(reference),
    };
    match keys {
        JwtKeys::Secrets(texts) => {
            let places: Vec<String> = texts.iter().map(place).collect();
            format!("secret: {}", places.join(" or "))
        }
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
