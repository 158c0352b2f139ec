//! Signatures by public keys where no platform checks them: in tests, fuzzers and the command line.

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::{CallError, Signed};

pub(super) fn verifies(signed: &Signed<'_>) -> Result<bool, CallError> {
    let verifier = || {
        let jwk: Jwk = serde_json::from_str(signed.jwk)?;
        let key = DecodingKey::from_jwk(&jwk)?;
        let algorithm: Algorithm = signed.algorithm.name().parse()?;
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key)
    };
    let verifier =
        verifier().map_err(|error: jsonwebtoken::errors::Error| CallError(error.to_string()))?;
    let signature = signed.signature.to_vec();
    Ok(verifier
        .verify(signed.message.as_bytes(), &signature)
        .is_ok())
}
