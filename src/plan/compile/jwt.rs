//! The JSON Web Token authorizer: what it accepts, by which keys.

use super::authorizer::warn_of_literal;
use super::jwt_keys;
use crate::config::{
    Algorithm, Context, Field, JwtObject, Name, OneOrMany, Span, Spanned, TextValue, TokenPlace,
};
use crate::http::is_token;
use crate::plan::{JwsAlgorithm, JwtKeys, JwtSpec, Text, TokenSource};

/// What `algorithm` or `algorithms` say; `None` where they say nothing.
type Allowed = Option<Vec<Spanned<JwsAlgorithm>>>;

pub(super) fn compile(
    object: &JwtObject<'_>,
    sources: Vec<TokenSource>,
    cx: &mut Context,
) -> Option<JwtSpec> {
    let allowed = allowed(object, cx);
    let keys = jwt_keys::compile(object, cx);
    let algorithms = keys
        .as_ref()
        .map(|keys| algorithms(keys, allowed, object, cx));
    let texts = |field: &Field<OneOrMany<TextValue>>| -> Vec<Text> {
        let many = field.value().map(|many| many.values.as_slice());
        many.unwrap_or_default()
            .iter()
            .map(|value| value.text.clone())
            .collect()
    };
    Some(JwtSpec {
        issuers: texts(&object.issuer),
        audiences: texts(&object.audience),
        keys: keys?.keys,
        algorithms: algorithms?,
        subject: object.subject.value().map(|subject| subject.text.clone()),
        token_type: object.token_type.value().map(|name| name.value.to_owned()),
        leeway: object.leeway.value().map_or(0, |seconds| seconds.value),
        max_age: object.max_age.value().map(|seconds| seconds.value),
        require_exp: object.require_exp.value().is_none_or(|flag| flag.value),
        required_claims: object
            .required_claims
            .value()
            .into_iter()
            .flatten()
            .map(|name| name.value.to_owned())
            .collect(),
        expected_claims: Vec::new(),
        sources,
    })
}

fn allowed(object: &JwtObject<'_>, cx: &mut Context) -> Allowed {
    match (object.algorithm.value(), object.algorithms.value()) {
        (Some(_), Some(_)) => {
            cx.error(
                object.span.first(),
                "contradiction",
                "this authorizer has both `algorithm` and `algorithms`",
            )
            .help("keep one of them");
            Some(Vec::new())
        }
        (Some(one), None) => Some(vec![named(one)]),
        (None, Some(list)) => {
            if list.is_empty() {
                cx.error(
                    object.span.first(),
                    "empty_value",
                    "`algorithms` names no algorithm",
                )
                .help("leave it out for what the keys are usually used with");
            }
            Some(list.iter().map(named).collect())
        }
        (None, None) => None,
    }
}

/// The algorithms that are accepted: those of the config, each of which must be one of the keys, or else what the keys
/// are usually used with.
fn algorithms(
    source: &jwt_keys::Source,
    allowed: Allowed,
    object: &JwtObject<'_>,
    cx: &mut Context,
) -> Vec<JwsAlgorithm> {
    let shared = matches!(source.keys, JwtKeys::Secrets(_));
    let mut algorithms = match allowed {
        None if shared => vec![JwsAlgorithm::Hs256],
        None => match &source.known {
            Some(known) => JwsAlgorithm::ALL
                .into_iter()
                .filter(|a| known.iter().any(|key| jwt_keys::usual(key) == *a))
                .collect(),
            None => JwsAlgorithm::OF_PUBLIC_KEYS.to_vec(),
        },
        Some(allowed) => {
            for Spanned { value, span } in &allowed {
                let (name, message, help) = if value.is_hmac() && !shared {
                    (
                        value.name(),
                        "is of a shared secret, not of public keys",
                        "name an algorithm of the keys' type: with a public key for a secret, anybody could make tokens",
                    )
                } else if !value.is_hmac() && shared {
                    (
                        value.name(),
                        "is of public keys, not of a shared secret",
                        "write `HS256`, `HS384` or `HS512`, or give the issuer's public key in place of `secret`",
                    )
                } else if let Some(known) = &source.known
                    && !known.iter().any(|key| key.fits(*value))
                {
                    (
                        value.name(),
                        "does not fit any of the keys",
                        "remove it, or leave the algorithms out: the keys' types tell them",
                    )
                } else {
                    continue;
                };
                cx.error(*span, "algorithm_mismatch", format!("`{name}` {message}"))
                    .note(source.span, "the keys")
                    .help(help);
            }
            allowed.into_iter().map(|a| a.value).collect()
        }
    };
    algorithms.sort_unstable();
    algorithms.dedup();
    for secret in object.secret.value().into_iter().flat_map(|s| &s.values) {
        if shared {
            check_secret(secret, &algorithms, cx);
        }
    }
    algorithms
}

fn named(algorithm: &Spanned<Algorithm>) -> Spanned<JwsAlgorithm> {
    Spanned {
        value: match algorithm.value {
            Algorithm::Hs256 => JwsAlgorithm::Hs256,
            Algorithm::Hs384 => JwsAlgorithm::Hs384,
            Algorithm::Hs512 => JwsAlgorithm::Hs512,
            Algorithm::Rs256 => JwsAlgorithm::Rs256,
            Algorithm::Rs384 => JwsAlgorithm::Rs384,
            Algorithm::Rs512 => JwsAlgorithm::Rs512,
            Algorithm::Ps256 => JwsAlgorithm::Ps256,
            Algorithm::Ps384 => JwsAlgorithm::Ps384,
            Algorithm::Ps512 => JwsAlgorithm::Ps512,
            Algorithm::Es256 => JwsAlgorithm::Es256,
            Algorithm::Es384 => JwsAlgorithm::Es384,
            Algorithm::EdDsa | Algorithm::Ed25519 => JwsAlgorithm::EdDsa,
        },
        span: algorithm.span,
    }
}

/// How many bytes a secret needs at least: a key shorter than the hash is weaker than the algorithm (RFC 7518
/// section 3.2). For references this is asked when they are resolved.
pub fn secret_bytes_needed(algorithms: &[JwsAlgorithm]) -> usize {
    strongest(algorithms).1
}

fn strongest(algorithms: &[JwsAlgorithm]) -> (&'static str, usize) {
    match algorithms.iter().max() {
        Some(JwsAlgorithm::Hs384) => ("HS384", 48),
        Some(JwsAlgorithm::Hs512) => ("HS512", 64),
        _ => ("HS256", 32),
    }
}

pub(super) fn check_secret(secret: &TextValue, algorithms: &[JwsAlgorithm], cx: &mut Context) {
    let Text::Literal(literal) = &secret.text else {
        return;
    };
    let (name, needed) = strongest(algorithms);
    if literal.len() < needed {
        cx.error(
            secret.span,
            "weak_secret",
            format!("this secret is too short for {name}, which needs {needed} bytes"),
        )
        .help("make a random one, for example by `openssl rand -base64 64`, and refer to it by `$secret.NAME`");
    } else {
        warn_of_literal(secret, cx);
    }
}

/// Where the token is looked for.
pub(super) fn sources(
    token_from: &Field<Vec<TokenPlace<'_>>>,
    object: Span,
    cx: &mut Context,
) -> Vec<TokenSource> {
    let Some(places) = token_from.value() else {
        return vec![TokenSource::Bearer];
    };
    if places.is_empty() {
        cx.error(object.first(), "empty_value", "`token_from` names no place")
            .help("leave it out for `bearer`");
    }
    let mut token = |name: &Name<'_>| {
        if !is_token(name.value) {
            cx.error(
                name.span,
                "bad_token",
                format!("`{}` is no name of a header or cookie", name.value),
            );
        }
    };
    places
        .iter()
        .map(|place| match place {
            TokenPlace::Bearer => TokenSource::Bearer,
            TokenPlace::Header(name) => {
                token(name);
                TokenSource::Header(name.value.to_ascii_lowercase())
            }
            TokenPlace::Cookie(name) => {
                token(name);
                TokenSource::Cookie(name.value.to_owned())
            }
            TokenPlace::Query(name) => TokenSource::Query(name.value.to_owned()),
        })
        .collect()
}
