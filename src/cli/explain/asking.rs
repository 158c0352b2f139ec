//! Authorizers that ask somebody else: who would be asked, and what he would be shown.

use causeway::plan::{AnsweredClaims, ForwardAuthSpec, IntrospectionEndpoint, IntrospectionSpec};

use super::{Asked, Page};
use crate::cli::show;

pub fn introspection(asked: &Asked<'_>, spec: &IntrospectionSpec, page: &mut Page) {
    let hidden = &asked.hidden;
    let endpoint = match &spec.endpoint {
        IntrospectionEndpoint::Url(url) => hidden.text(url),
        IntrospectionEndpoint::Discovery => "where the issuer's discovery document says".to_owned(),
    };
    page.line("", &format!("  asks: {endpoint}"));
    for (name, expected) in [
        ("iss", hidden.texts(&spec.issuers)),
        ("aud", hidden.texts(&spec.audiences)),
        ("sub", hidden.texts(&spec.subject)),
        ("also there", spec.required_claims.join(", ")),
    ] {
        if !expected.is_empty() {
            page.line("", &format!("  {name}: {expected}"));
        }
    }
    page.line("", &format!("  remembered for: {} s", spec.cache_seconds));
    let places: Vec<String> = spec.sources.iter().map(show::place).collect();
    page.line("", &format!("  looked for in: {}", places.join(", then ")));
}

pub fn forward_auth(asked: &Asked<'_>, spec: &ForwardAuthSpec, page: &mut Page) {
    let url = asked.hidden.text(&spec.url);
    let who = match &spec.binding {
        Some(binding) => format!("the service binding {binding}, as {url}"),
        None => url,
    };
    page.line("", &format!("  asks: {who}"));
    page.line("", &format!("  shows: {}", spec.request_headers.join(", ")));
    if let Some(most) = spec.max_body {
        page.line("", &format!("  shows the body, of at most {most} bytes"));
    }
    let claims = match &spec.claims {
        AnsweredClaims::None => String::new(),
        AnsweredClaims::Body => "the answer's body".to_owned(),
        AnsweredClaims::Headers(named) => {
            let named = named.iter();
            let named = named.map(|(claim, header)| format!("{claim} from {header}"));
            named.collect::<Vec<_>>().join(", ")
        }
    };
    for (name, list) in [
        ("claims", claims),
        ("sent on", spec.copy_headers.join(", ")),
        (
            "of a refusal the client gets",
            spec.refusal_headers.join(", "),
        ),
    ] {
        if !list.is_empty() {
            page.line("", &format!("  {name}: {list}"));
        }
    }
}
