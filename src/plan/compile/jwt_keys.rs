//! The keys of a JSON Web Token authorizer: exactly one source, and nothing in it that should not be there.

use crate::config::ast::Ranged;
use crate::config::ast::Value;

use crate::auth::{KeyFlaw, KeyKind, PublicKey, check_key_url, read_jwks, read_pem};
use crate::config::{Auth0Object, Context, Field, Jwks, JwtObject, Span, TextValue};
use crate::plan::{JwsAlgorithm, JwtKeys, Text};

/// Where the keys come from.
pub(super) struct Source {
    pub keys: JwtKeys,
    pub span: Span,
    /// The public keys, where they stand in the config.
    pub known: Option<Vec<PublicKey>>,
}

/// `None`, and an error told, where there is not exactly one source or it is not understood.
pub(super) fn compile(object: &JwtObject<'_>, cx: &mut Context) -> Option<Source> {
    let discovery = object.discovery.value().filter(|flag| flag.value);
    let jwks_span = object.jwks.value().map(|jwks| match jwks {
        Jwks::Inline(value) => Span::from(value.range()).first(),
        Jwks::Text(text) => text.span,
    });
    let span_of = |text: Option<&TextValue>| text.map(|text| text.span);
    let places = [
        ("secret", object.secret.value().map(|secrets| secrets.span)),
        ("public_key", span_of(object.public_key.value())),
        ("jwks", jwks_span),
        ("jwks_uri", span_of(object.jwks_uri.value())),
        ("discovery", discovery.map(|flag| flag.span)),
    ];
    let mut given = places
        .iter()
        .filter_map(|(key, span)| Some((key, (*span)?)));
    let Some((first_key, span)) = given.next() else {
        // One that is there and was not understood has been told.
        let bad = object.secret.is_bad()
            || object.public_key.is_bad()
            || object.jwks.is_bad()
            || object.jwks_uri.is_bad()
            || object.discovery.is_bad();
        if !bad {
            cx.error(
                object.span.first(),
                "missing_field",
                "this authorizer has no keys to check tokens with",
            )
            .help(
                "add one of `secret`, `public_key`, `jwks`, `jwks_uri`, or `\"discovery\": true`",
            );
        }
        return None;
    };
    if let Some((key, second)) = given.next() {
        cx.error(
            second,
            "contradiction",
            format!("this authorizer has both `{first_key}` and `{key}`"),
        )
        .note(span, "the other one")
        .help("keep one of them; two issuers are two authorizers, and a path may name both");
        return None;
    }
    let remote = |keys| Source {
        keys,
        span,
        known: None,
    };
    if let Some(secrets) = object.secret.value() {
        if secrets.values.is_empty() {
            cx.error(secrets.span, "empty_value", "`secret` names no secret");
            return None;
        }
        let texts = secrets.values.iter().map(|secret| secret.text.clone());
        return Some(remote(JwtKeys::Secrets(texts.collect())));
    }
    if let Some(pem) = object.public_key.value() {
        return public_key(pem, cx);
    }
    if let Some(jwks) = object.jwks.value() {
        return inline(jwks, span, cx);
    }
    if let Some(url) = object.jwks_uri.value() {
        check_url(url, cx)?;
        return Some(remote(JwtKeys::JwksUri(url.text.clone())));
    }
    match object.issuer.value().map(|issuer| issuer.values.as_slice()) {
        Some([issuer]) => check_url(issuer, cx)?,
        _ if object.issuer.is_bad() => return None,
        _ => {
            cx.error(
                span,
                "missing_field",
                "discovery needs exactly one `issuer`, whose keys it looks for",
            )
            .help("add the `issuer`, as its tokens have it in `iss`");
            return None;
        }
    }
    Some(remote(JwtKeys::Discovery))
}

/// The keys of an Auth0 tenant: those of the config, or the tenant's own.
pub(super) fn compile_auth0(object: &Auth0Object<'_>, cx: &mut Context) -> Option<JwtKeys> {
    match (&object.jwks, &object.jwks_uri) {
        (Field::Absent, Field::Absent) => Some(JwtKeys::Discovery),
        (Field::Value(jwks), _) => {
            // The predecessor's files have both; what is written is what counts there, too.
            let span = match jwks {
                Jwks::Inline(value) => Span::from(value.range()).first(),
                Jwks::Text(text) => text.span,
            };
            Some(inline(jwks, span, cx)?.keys)
        }
        (Field::Absent, Field::Value(url)) => {
            check_url(url, cx)?;
            Some(JwtKeys::JwksUri(url.text.clone()))
        }
        _ => None,
    }
}

/// The algorithm that a key is usually used with: what its owner says, or one for each type.
pub(super) fn usual(key: &PublicKey) -> JwsAlgorithm {
    key.algorithm.unwrap_or(match key.kind {
        KeyKind::Rsa => JwsAlgorithm::Rs256,
        KeyKind::P256 => JwsAlgorithm::Es256,
        KeyKind::P384 => JwsAlgorithm::Es384,
        KeyKind::Ed25519 => JwsAlgorithm::EdDsa,
    })
}

fn public_key(pem: &TextValue, cx: &mut Context) -> Option<Source> {
    let known = match &pem.text {
        Text::Reference(_) => None,
        Text::Literal(text) => match read_pem(text) {
            Ok(key) => Some(vec![key]),
            Err(flaw) => {
                tell(flaw, pem.span, cx);
                return None;
            }
        },
    };
    Some(Source {
        keys: JwtKeys::PublicKey(pem.text.clone()),
        span: pem.span,
        known,
    })
}

fn inline(jwks: &Jwks<'_>, span: Span, cx: &mut Context) -> Option<Source> {
    let json = match jwks {
        Jwks::Inline(value) => {
            let mut json = String::new();
            value.write_json(&mut json);
            json
        }
        Jwks::Text(text) => match &text.text {
            Text::Literal(json) => json.clone(),
            Text::Reference(_) => {
                return Some(Source {
                    keys: JwtKeys::Jwks(text.text.clone()),
                    span,
                    known: None,
                });
            }
        },
    };
    let read = match read_jwks(&json) {
        Ok(read) => read,
        Err(flaw) => {
            tell(flaw, span, cx);
            return None;
        }
    };
    let before = cx.errors();
    let mut known = Vec::new();
    for (index, key) in read.into_iter().enumerate() {
        match key {
            Ok(key) => known.push(key),
            // Issuers publish keys for other uses in the same set (RFC 7517 section 5).
            Err(KeyFlaw::Unsupported | KeyFlaw::OtherUse) => {}
            Err(flaw) => tell(flaw, place(jwks, index).unwrap_or(span), cx),
        }
    }
    if known.is_empty() && cx.errors() == before {
        cx.error(span, "bad_key", "none of these keys can be used")
            .help("RSA, P-256, P-384 and Ed25519 keys for signatures are supported");
    }
    (cx.errors() == before).then_some(Source {
        keys: JwtKeys::Jwks(Text::Literal(json)),
        span,
        known: Some(known),
    })
}

/// Where a key of an inline set stands.
fn place(jwks: &Jwks<'_>, index: usize) -> Option<Span> {
    let Jwks::Inline(Value::Object(object)) = jwks else {
        return None;
    };
    let keys = object.properties.iter().find(|p| p.name.as_str() == "keys");
    let Value::Array(keys) = &keys?.value else {
        return None;
    };
    let key = keys.elements.get(index)?;
    Some(Span::from(key.range()).first())
}

pub(super) fn tell(flaw: KeyFlaw, span: Span, cx: &mut Context) {
    let (code, help) = match flaw {
        KeyFlaw::Private => (
            "private_key",
            "take the public half, by `openssl pkey -in FILE -pubout`; make a new pair if others can read this file",
        ),
        KeyFlaw::Symmetric => (
            "symmetric_key",
            "write a shared secret as `\"secret\": \"$secret.NAME\"`",
        ),
        KeyFlaw::Weak => (
            "weak_key",
            "RFC 7518 section 3.3 asks for 2048 bits at least: have the issuer make a new key",
        ),
        KeyFlaw::Certificate => (
            "bad_key",
            "take its key, by `openssl x509 -in FILE -pubkey -noout`",
        ),
        KeyFlaw::Several => ("bad_key", "a PEM holds one key here, a set at most 100"),
        KeyFlaw::Malformed | KeyFlaw::Unsupported | KeyFlaw::OtherUse => (
            "bad_key",
            "write a PEM that begins with `-----BEGIN PUBLIC KEY-----`, or a JSON Web Key or set of them, of RSA, P-256, P-384 or Ed25519",
        ),
    };
    cx.error(span, code, flaw.message()).help(help);
}

pub(super) fn check_url(url: &TextValue, cx: &mut Context) -> Option<()> {
    let Text::Literal(literal) = &url.text else {
        return Some(());
    };
    match check_key_url(literal) {
        Ok(()) => Some(()),
        Err(flaw) => {
            cx.error(url.span, flaw.code, flaw.message).help(flaw.help);
            None
        }
    }
}
