//! Signatures where no platform makes and checks them: in tests, fuzzers and the command line.

use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::{CallError, Signed, Signing};

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

pub(super) fn sign(signing: &Signing<'_>) -> Result<Vec<u8>, CallError> {
    let key = EncodingKey::from_rsa_der(signing.key.pkcs1());
    let signature = || {
        let algorithm: Algorithm = signing.algorithm.name().parse().ok()?;
        let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm, &key).ok()?;
        signer.try_sign(signing.message.as_bytes()).ok()
    };
    signature().ok_or_else(|| CallError("the private key cannot be used".into()))
}
