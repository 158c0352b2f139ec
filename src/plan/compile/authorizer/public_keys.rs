//! The public keys of callers that sign their requests.

use crate::auth::{KeyFlaw, read_public_key};
use crate::config::ast::Ranged;
use crate::config::{
    Context, Jwks, MessageSignatureObject, SignatureAlgorithm, Span, Spanned, TextValue,
};
use crate::plan::compile::jwt_keys::{check_url, tell};
use crate::plan::{JwsAlgorithm, Text};

/// What public keys are used with, if nothing is said: one algorithm for each type of key.
const ALGORITHMS: [JwsAlgorithm; 4] = [
    JwsAlgorithm::Ps512,
    JwsAlgorithm::Es256,
    JwsAlgorithm::Es384,
    JwsAlgorithm::EdDsa,
];

#[derive(Default)]
pub(super) struct PublicKeys {
    pub keys: Vec<(String, Text)>,
    pub jwks_uri: Option<Text>,
    /// Empty where there are no keys.
    pub algorithms: Vec<JwsAlgorithm>,
}

impl PublicKeys {
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.jwks_uri.is_none()
    }
}

pub(super) fn compile(object: &MessageSignatureObject<'_>, cx: &mut Context) -> PublicKeys {
    if let (Some(_), Some(url)) = (object.public_keys.value(), object.jwks_uri.value()) {
        cx.error(
            url.span,
            "contradiction",
            "this authorizer has both `public_keys` and `jwks_uri`",
        )
        .help("keep one of them; a path may name two authorizers");
    }
    let algorithms = algorithms(object, cx);
    let mut compiled = PublicKeys::default();
    let keys = object.public_keys.value();
    for (id, key) in keys.iter().flat_map(|keys| keys.iter()) {
        if is_shared(object, id.value) {
            let message = format!("`{}` names a shared secret too", id.value);
            cx.error(id.span, "duplicate_value", message)
                .help("give each key a name of its own");
        }
        if let Some(jwks) = key.get(cx) {
            let text = text(&jwks, &algorithms, cx);
            compiled.keys.push((id.value.to_owned(), text));
        }
    }
    if let Some(url) = object.jwks_uri.value() {
        // What is wrong with it has been told.
        let _ = check_url(url, cx);
        compiled.jwks_uri = Some(url.text.clone());
    }
    if !compiled.is_empty() {
        compiled.algorithms = algorithms;
    } else if !object.algorithms.is_absent() {
        let message = "`algorithms` has no effect without public keys";
        cx.warning(object.span.first(), "unused_field", message)
            .help("remove it: shared secrets are used with `hmac-sha256`");
    }
    compiled
}

fn algorithms(object: &MessageSignatureObject<'_>, cx: &mut Context) -> Vec<JwsAlgorithm> {
    let Some(listed) = object.algorithms.value() else {
        return ALGORITHMS.to_vec();
    };
    if listed.is_empty() {
        cx.error(
            object.span.first(),
            "empty_value",
            "`algorithms` names no algorithm",
        )
        .help("leave it out for what the keys are usually used with");
    }
    let mut algorithms = Vec::new();
    for Spanned { value, .. } in listed {
        let algorithm = match value {
            SignatureAlgorithm::RsaPssSha512 => JwsAlgorithm::Ps512,
            SignatureAlgorithm::RsaV15Sha256 => JwsAlgorithm::Rs256,
            SignatureAlgorithm::EcdsaP256Sha256 => JwsAlgorithm::Es256,
            SignatureAlgorithm::EcdsaP384Sha384 => JwsAlgorithm::Es384,
            SignatureAlgorithm::Ed25519 => JwsAlgorithm::EdDsa,
        };
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms
}

fn is_shared(object: &MessageSignatureObject<'_>, id: &str) -> bool {
    let shared = object.keys.value();
    shared.is_some_and(|keys| keys.iter().any(|(known, _)| known.value == id))
}

fn text(jwks: &Jwks<'_>, algorithms: &[JwsAlgorithm], cx: &mut Context) -> Text {
    let (text, span) = match jwks {
        Jwks::Text(TextValue { text, span }) => (text.clone(), *span),
        Jwks::Inline(value) => {
            let mut json = String::new();
            value.write_json(&mut json);
            (Text::Literal(json), Span::from(value.range()).first())
        }
    };
    let Text::Literal(literal) = &text else {
        return text;
    };
    match read_public_key(literal) {
        Ok(key) if algorithms.iter().any(|algorithm| key.fits(*algorithm)) => {}
        Ok(_) => {
            let message = "no algorithm that is accepted fits this key";
            cx.error(span, "algorithm_mismatch", message)
                .help("name the key's algorithm in `algorithms`");
        }
        Err(flaw @ KeyFlaw::Symmetric) => {
            cx.error(span, "symmetric_key", flaw.message())
                .help("write a shared secret in `keys`, as `$secret.NAME`");
        }
        Err(flaw) => tell(flaw, span, cx),
    }
    text
}
