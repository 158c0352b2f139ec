//! Authorizers of callers that sign what they send.

use super::{public_keys, warn_of_literal};
use crate::auth::LEAST_SECRET_BYTES;
use crate::config::{
    Context, MessageSignatureObject, Name, TextValue, WebhookObject, WebhookSchemeName,
};
use crate::http::is_token;
use crate::plan::{MessageSignatureSpec, Text, WebhookScheme, WebhookSpec};

/// Bytes of a body, if nothing is said.
const MAX_BODY: u32 = 1024 * 1024;

/// Seconds, if nothing is said.
const MAX_AGE: u32 = 300;
const LEEWAY: u32 = 5;

/// Components that say what is asked, if nothing is said.
const COMPONENTS: [&str; 4] = ["@method", "@authority", "@path", "@query"];

/// Derived components that can be checked (RFC 9421 section 2.2).
const DERIVED: [&str; 7] = [
    "@method",
    "@authority",
    "@path",
    "@query",
    "@scheme",
    "@target-uri",
    "@request-target",
];

pub(super) fn compile_webhook(object: &WebhookObject<'_>, cx: &mut Context) -> Option<WebhookSpec> {
    let secrets = object.secret.value()?;
    if secrets.values.is_empty() {
        cx.error(secrets.span, "empty_value", "`secret` names no secret");
    }
    for secret in &secrets.values {
        check_secret(secret, cx);
    }
    let scheme = match object.scheme.value()?.get(cx)? {
        WebhookSchemeName::Github => WebhookScheme::Github,
        WebhookSchemeName::Stripe => WebhookScheme::Stripe,
        WebhookSchemeName::Standard => WebhookScheme::Standard,
    };
    if scheme == WebhookScheme::Github
        && let Some(tolerance) = object.tolerance.value()
    {
        cx.error(
            tolerance.span,
            "contradiction",
            "GitHub signs no time, so that there is none to tolerate",
        )
        .help("leave `tolerance` out");
    }
    Some(WebhookSpec {
        scheme,
        secrets: secrets.values.iter().map(|s| s.text.clone()).collect(),
        tolerance: object.tolerance.value().map_or(MAX_AGE, |t| t.value),
        max_body: bytes(object.max_body.value().map(|bytes| bytes.value)),
    })
}

pub(super) fn compile_message(
    object: &MessageSignatureObject<'_>,
    cx: &mut Context,
) -> Option<MessageSignatureSpec> {
    let mut keys = Vec::new();
    for (id, secret) in object.keys.value().iter().flat_map(|keys| keys.iter()) {
        if let Some(secret) = secret.get(cx) {
            check_secret(&secret, cx);
            keys.push((id.value.to_owned(), secret.text));
        }
    }
    let public = public_keys::compile(object, cx);
    let fields_bad =
        object.keys.is_bad() || object.public_keys.is_bad() || object.jwks_uri.is_bad();
    if keys.is_empty() && public.is_empty() && !fields_bad {
        cx.error(
            object.span.first(),
            "empty_value",
            "this authorizer has no key",
        )
        .help("write the callers' secrets in `keys` by their `keyid`, or their public keys in `public_keys`");
    }
    let components = match object.components.value() {
        Some(names) => names.iter().map(|name| component(name, cx)).collect(),
        None => COMPONENTS.map(str::to_owned).to_vec(),
    };
    Some(MessageSignatureSpec {
        keys,
        public_keys: public.keys,
        jwks_uri: public.jwks_uri,
        algorithms: public.algorithms,
        components,
        max_age: object.max_age.value().map_or(MAX_AGE, |s| s.value),
        leeway: object.leeway.value().map_or(LEEWAY, |s| s.value),
        max_body: bytes(object.max_body.value().map(|bytes| bytes.value)),
    })
}

fn component(name: &Name<'_>, cx: &mut Context) -> String {
    let derived = name.value.starts_with('@');
    let known = if derived {
        DERIVED.contains(&name.value)
    } else {
        is_token(name.value) && !name.value.bytes().any(|b| b.is_ascii_uppercase())
    };
    if !known {
        let near = cx.closest(name.value, DERIVED.iter().copied());
        let message = format!("`{}` is no component that can be signed", name.value);
        let diagnostic = cx.error(name.span, "unknown_value", message);
        match near {
            Some(_) => diagnostic.suggest(near),
            None => diagnostic.help("write a field's name in lower case, or one like `@method`"),
        };
    }
    name.value.to_owned()
}

fn bytes(value: Option<u32>) -> usize {
    usize::try_from(value.unwrap_or(MAX_BODY)).unwrap_or(usize::MAX)
}

fn check_secret(secret: &TextValue, cx: &mut Context) {
    let Text::Literal(literal) = &secret.text else {
        return;
    };
    if literal.len() < LEAST_SECRET_BYTES {
        let message = format!("this secret has fewer than {LEAST_SECRET_BYTES} bytes");
        cx.error(secret.span, "weak_secret", message)
            .help("make a random one, for example by `openssl rand -base64 32`, and refer to it by `$secret.NAME`");
    } else {
        warn_of_literal(secret, cx);
    }
}
