//! `jsonwebtoken`'s verifier, made of HMAC with SHA-2 and nothing else.
//!
//! The crate's own back ends bring RSA and elliptic curves, which would more than double the bundle, and its `decode`
//! reads the header twice, the claims twice, keys the MAC for every token, and reads a clock. So the verifiers are
//! made once, are kept, and are asked directly.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use sha2::{Sha256, Sha384, Sha512};

/// A verifier that holds its key.
pub(super) type HmacVerifier = Box<dyn JwtVerifier + Send + Sync>;

/// The verifier of one algorithm. An error for a key or an algorithm that is not of HMAC.
pub(super) fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<HmacVerifier, Error> {
    if key.family() != AlgorithmFamily::Hmac {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let key = key.try_get_as_bytes()?;
    match algorithm {
        Algorithm::HS256 => boxed::<Hmac<Sha256>>(algorithm, key),
        Algorithm::HS384 => boxed::<Hmac<Sha384>>(algorithm, key),
        Algorithm::HS512 => boxed::<Hmac<Sha512>>(algorithm, key),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn boxed<M>(algorithm: Algorithm, key: &[u8]) -> Result<HmacVerifier, Error>
where
    M: Mac + KeyInit + Clone + Send + Sync + 'static,
{
    let keyed = <M as KeyInit>::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
    Ok(Box::new(Keyed { algorithm, keyed }))
}

struct Keyed<M> {
    algorithm: Algorithm,
    keyed: M,
}

impl<M: Mac + Clone> Verifier<Vec<u8>> for Keyed<M> {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        // `verify_slice` wants the whole tag and compares it in constant time.
        self.keyed
            .clone()
            .chain_update(message)
            .verify_slice(tag)
            .map_err(|_| signature::Error::new())
    }
}

impl<M: Mac + Clone> JwtVerifier for Keyed<M> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
