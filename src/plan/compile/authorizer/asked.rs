//! Authorizers that ask somebody else.

use super::super::jwt;
use super::super::mapping::check_header;
use super::super::names::Names;
use super::super::url::server_url;
use super::warn_of_literal;
use crate::auth::check_asked_url;
use crate::config::{
    ClaimsFrom, ClientAuthName, Context, Field, ForwardAuthObject, IntrospectionObject, Name,
    OneOrMany, RequestPartName, Span, TextValue,
};
use crate::http::is_token;
use crate::plan::{
    AnsweredClaims, Binding, ClientAuth, ForwardAuthSpec, IntrospectionEndpoint, IntrospectionSpec,
    RequestPart, Text, TokenSource,
};

const TIMEOUT_MS: u32 = 5_000;
const INTROSPECTION_CACHE_SECONDS: u32 = 60;
const MAX_BODY: u32 = 65_536;

/// What is asked behind a binding that has no `url`: the worker sees it as the URL of its request.
const BOUND_URL: &str = "https://authorizer.invalid/";

/// What the gateway itself tells the other.
const TOLD_HEADERS: [&str; 5] = [
    "x-forwarded-method",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-uri",
    "x-forwarded-for",
];

pub(super) fn introspection_sources(
    object: &IntrospectionObject<'_>,
    cx: &mut Context,
) -> Vec<TokenSource> {
    jwt::sources(&object.token_from, object.span, cx)
}

pub(super) fn compile_introspection(
    object: &IntrospectionObject<'_>,
    sources: Vec<TokenSource>,
    cx: &mut Context,
) -> Option<IntrospectionSpec> {
    let endpoint = endpoint(object, cx);
    let client = client(object, cx);
    if let Some(hint) = object.token_type_hint.value()
        && !is_token(hint.value)
    {
        let message = format!("`{}` is no type of a token", hint.value);
        cx.error(hint.span, "bad_token", message)
            .help("write `access_token` or `refresh_token`");
    }
    Some(IntrospectionSpec {
        endpoint: endpoint?,
        client: client?,
        token_type_hint: object
            .token_type_hint
            .value()
            .map_or("access_token", |hint| hint.value)
            .to_owned(),
        issuers: texts(&object.issuer),
        audiences: texts(&object.audience),
        subject: object.subject.value().map(|subject| subject.text.clone()),
        leeway: object.leeway.value().map_or(0, |seconds| seconds.value),
        require_exp: object.require_exp.value().is_some_and(|flag| flag.value),
        required_claims: object
            .required_claims
            .value()
            .into_iter()
            .flatten()
            .map(|name| name.value.to_owned())
            .collect(),
        sources,
        timeout_ms: object.timeout_ms.value().map_or(TIMEOUT_MS, |ms| ms.value),
        cache_seconds: object
            .cache_seconds
            .value()
            .map_or(INTROSPECTION_CACHE_SECONDS, |seconds| seconds.value),
    })
}

fn endpoint(object: &IntrospectionObject<'_>, cx: &mut Context) -> Option<IntrospectionEndpoint> {
    let discovery = object.discovery.value().filter(|flag| flag.value);
    match (object.endpoint.value(), discovery) {
        (Some(endpoint), Some(discovery)) => {
            cx.error(
                discovery.span,
                "contradiction",
                "this authorizer has both `endpoint` and `discovery`",
            )
            .note(endpoint.span, "the other one")
            .help("keep one of them");
            None
        }
        (Some(endpoint), None) => {
            check_url(endpoint, cx)?;
            Some(IntrospectionEndpoint::Url(endpoint.text.clone()))
        }
        (None, Some(discovery)) => match issuers(object) {
            Some([issuer]) => {
                check_url(issuer, cx)?;
                Some(IntrospectionEndpoint::Discovery)
            }
            _ if object.issuer.is_bad() => None,
            _ => {
                cx.error(
                    discovery.span,
                    "missing_field",
                    "discovery needs exactly one `issuer`, whose endpoint it looks for",
                )
                .help("add the `issuer`, as its document has it");
                None
            }
        },
        (None, None) => {
            if !object.endpoint.is_bad() && !object.discovery.is_bad() {
                cx.error(
                    object.span.first(),
                    "missing_field",
                    "nothing says where the authorization server is asked",
                )
                .help(
                    "add its introspection `endpoint`, or its `issuer` and `\"discovery\": true`",
                );
            }
            None
        }
    }
}

fn issuers<'o>(object: &'o IntrospectionObject<'_>) -> Option<&'o [TextValue]> {
    object.issuer.value().map(|issuer| issuer.values.as_slice())
}

/// How the gateway shows who it is: a server that tells anybody is none (RFC 7662 section 2.1).
fn client(object: &IntrospectionObject<'_>, cx: &mut Context) -> Option<ClientAuth> {
    let (id, secret) = (object.client_id.value(), object.client_secret.value());
    if let Some(token) = object.bearer_token.value() {
        warn_if_literal(token, cx);
        let other = [
            ("client_id", id.map(|id| id.span)),
            ("client_secret", secret.map(|secret| secret.span)),
        ];
        for (key, span) in other {
            if let Some(span) = span {
                cx.error(
                    span,
                    "contradiction",
                    format!("this authorizer has both `bearer_token` and `{key}`"),
                )
                .note(token.span, "the other one")
                .help("keep the token, or id and secret");
                return None;
            }
        }
        if !object.client_auth.is_absent() {
            cx.warning(
                object.span.first(),
                "unused_field",
                "`client_auth` has no effect with a `bearer_token`",
            )
            .help("remove it");
        }
        return Some(ClientAuth::Bearer(token.text.clone()));
    }
    if let Some(secret) = secret {
        warn_if_literal(secret, cx);
    }
    let (Some(id), Some(secret)) = (id, secret) else {
        for (key, absent) in [
            ("client_id", object.client_id.is_absent()),
            ("client_secret", object.client_secret.is_absent()),
        ] {
            if absent && !object.bearer_token.is_bad() {
                cx.error(
                    object.span.first(),
                    "missing_field",
                    format!("`{key}` is missing: the server answers nobody whom it does not know"),
                )
                .help("add `client_id` and `client_secret`, or a `bearer_token`");
            }
        }
        return None;
    };
    let (id, secret) = (id.text.clone(), secret.text.clone());
    Some(match object.client_auth.value() {
        Some(ClientAuthName::Post) => ClientAuth::Post { id, secret },
        Some(ClientAuthName::Basic) | None => ClientAuth::Basic { id, secret },
    })
}

/// What stays with the gateway, whether or not the rest is understood: the client's own headers of the names that the
/// other gives, and those that it is shown, where they are not to go on.
pub(super) fn forward_auth_headers(
    object: &ForwardAuthObject<'_>,
    shown_go_on: bool,
) -> Vec<String> {
    let mut headers = names(&object.copy_headers).unwrap_or_default();
    if !shown_go_on {
        headers.extend(shown(object));
    }
    headers
}

fn shown(object: &ForwardAuthObject<'_>) -> Vec<String> {
    names(&object.request_headers).unwrap_or_else(|| vec!["authorization".to_owned()])
}

pub(super) fn compile_forward_auth(
    object: &ForwardAuthObject<'_>,
    bindings: (&Names<'_>, &[Binding]),
    cx: &mut Context,
) -> Option<ForwardAuthSpec> {
    let before = cx.errors();
    let binding = match object.binding.value() {
        Some(alias) => Some(bound(alias, bindings, cx)?),
        None => None,
    };
    let url = forward_url(object, binding.is_some(), cx);
    let lists = [
        &object.request_headers,
        &object.copy_headers,
        &object.refusal_headers,
    ];
    for name in lists.into_iter().filter_map(Field::value).flatten() {
        check_header(*name, &name.value.to_ascii_lowercase(), cx);
    }
    for name in object.request_headers.value().into_iter().flatten() {
        if TOLD_HEADERS.contains(&name.value.to_ascii_lowercase().as_str()) {
            let message = format!("the gateway itself sets the header `{}`", name.value);
            cx.error(name.span, "reserved_header", message)
                .help("remove it: the other is told of the request by these headers always");
        }
    }
    let claims = claims(object, cx);
    let shows_body = object.body.value().is_some_and(|flag| flag.value);
    if !shows_body && !object.max_body.is_absent() {
        unused(object.span, "max_body", "without `\"body\": true`", cx);
    }
    let cache_seconds = object
        .cache_seconds
        .value()
        .map_or(0, |seconds| seconds.value);
    if cache_seconds == 0 && !object.cache_seconds.is_bad() && !object.cache_by.is_absent() {
        unused(object.span, "cache_by", "without `cache_seconds`", cx);
    }
    if cache_seconds > 0 && shows_body {
        cx.error(
            object.span.first(),
            "contradiction",
            "an answer that depends on the body cannot be remembered",
        )
        .help("remove `cache_seconds` or `body`");
    }
    let parts = object.cache_by.value().map_or(
        vec![
            RequestPart::Method,
            RequestPart::Host,
            RequestPart::Path,
            RequestPart::Query,
            RequestPart::Ip,
        ],
        |parts| parts.iter().copied().map(part).collect(),
    );
    let flag =
        |field: &Field<crate::config::Spanned<bool>>| field.value().is_some_and(|flag| flag.value);
    let max_body = object.max_body.value().map_or(MAX_BODY, |most| most.value);
    let url = url?;
    (cx.errors() == before).then(|| ForwardAuthSpec {
        url,
        binding,
        request_headers: shown(object),
        max_body: shows_body.then(|| usize::try_from(max_body).unwrap_or(0)),
        copy_headers: names(&object.copy_headers).unwrap_or_default(),
        claims,
        refusal_headers: names(&object.refusal_headers)
            .unwrap_or_else(|| vec!["www-authenticate".to_owned()]),
        refusal_body: flag(&object.refusal_body),
        redirects: flag(&object.redirects),
        timeout_ms: object.timeout_ms.value().map_or(TIMEOUT_MS, |ms| ms.value),
        cache_seconds,
        cache_by: parts,
    })
}

fn bound(
    alias: &Name<'_>,
    (names, bindings): (&Names<'_>, &[Binding]),
    cx: &mut Context,
) -> Option<String> {
    let index = names.find(*alias, cx).ok()?;
    let binding = bindings.get(usize::from(index))?;
    Some(binding.binding.clone())
}

fn forward_url(object: &ForwardAuthObject<'_>, bound: bool, cx: &mut Context) -> Option<Text> {
    let Some(url) = object.url.value() else {
        if bound && object.url.is_absent() {
            return Some(Text::Literal(BOUND_URL.to_owned()));
        }
        if object.url.is_absent() && object.binding.is_absent() {
            cx.error(
                object.span.first(),
                "missing_field",
                "nothing says who decides about requests",
            )
            .help("add a `url`, or the alias of a service binding as `binding`");
        }
        return None;
    };
    if !bound {
        check_url(url, cx)?;
    } else if let Text::Literal(literal) = &url.text
        && let Err(flaw) = server_url(literal)
    {
        cx.error(url.span, flaw.code, flaw.message).help(flaw.help);
        return None;
    }
    Some(url.text.clone())
}

fn claims(object: &ForwardAuthObject<'_>, cx: &mut Context) -> AnsweredClaims {
    let named = match object.claims.value() {
        None => return AnsweredClaims::None,
        Some(ClaimsFrom::Body) => return AnsweredClaims::Body,
        Some(ClaimsFrom::Headers(named)) => named,
    };
    let mut headers = Vec::new();
    for (claim, header) in named.iter() {
        if claim.value.is_empty() {
            cx.error(claim.span, "empty_value", "this claim has no name");
        }
        let Some(header) = header.get(cx) else {
            continue;
        };
        if !is_token(header.value) {
            let message = format!("`{}` is no name of a header", header.value);
            cx.error(header.span, "bad_token", message);
        }
        headers.push((claim.value.to_owned(), header.value.to_ascii_lowercase()));
    }
    AnsweredClaims::Headers(headers)
}

fn part(name: RequestPartName) -> RequestPart {
    match name {
        RequestPartName::Method => RequestPart::Method,
        RequestPartName::Host => RequestPart::Host,
        RequestPartName::Path => RequestPart::Path,
        RequestPartName::Query => RequestPart::Query,
        RequestPartName::Ip => RequestPart::Ip,
    }
}

/// Names of headers in lower case; `None` where nothing is said.
fn names(field: &Field<Vec<Name<'_>>>) -> Option<Vec<String>> {
    let names = field.value()?.iter();
    Some(names.map(|name| name.value.to_ascii_lowercase()).collect())
}

fn texts(field: &Field<OneOrMany<TextValue>>) -> Vec<Text> {
    let values = field.value().into_iter().flat_map(|many| &many.values);
    values.map(|value| value.text.clone()).collect()
}

fn check_url(url: &TextValue, cx: &mut Context) -> Option<()> {
    let Text::Literal(literal) = &url.text else {
        return Some(());
    };
    match check_asked_url(literal) {
        Ok(()) => Some(()),
        Err(flaw) => {
            cx.error(url.span, flaw.code, flaw.message).help(flaw.help);
            None
        }
    }
}

fn warn_if_literal(secret: &TextValue, cx: &mut Context) {
    if matches!(secret.text, Text::Literal(_)) {
        warn_of_literal(secret, cx);
    }
}

fn unused(object: Span, field: &str, why: &str, cx: &mut Context) {
    cx.warning(
        object.first(),
        "unused_field",
        format!("`{field}` has no effect {why}"),
    )
    .help("remove it");
}
