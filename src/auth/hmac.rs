//! The crypto back end of `jsonwebtoken`: HMAC with SHA-2 and nothing else.
//!
//! The crate's own back ends bring RSA and elliptic curves, which would more than double the bundle.

use std::sync::Once;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use sha2::{Sha256, Sha384, Sha512};

/// Makes this back end the one that `jsonwebtoken` uses. A program that has chosen another one before keeps its
/// choice; further calls do nothing.
pub(super) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let _another_was_chosen = PROVIDER.install_default();
    });
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(unsupported()),
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if key.family() != AlgorithmFamily::Hmac {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    let key = key.try_get_as_bytes()?;
    match algorithm {
        Algorithm::HS256 => HmacVerifier::<Hmac<Sha256>>::boxed(*algorithm, key),
        Algorithm::HS384 => HmacVerifier::<Hmac<Sha384>>::boxed(*algorithm, key),
        Algorithm::HS512 => HmacVerifier::<Hmac<Sha512>>::boxed(*algorithm, key),
        _ => Err(unsupported()),
    }
}

fn unsupported() -> Error {
    ErrorKind::UnsupportedAlgorithm.into()
}

struct HmacVerifier<M> {
    algorithm: Algorithm,
    keyed: M,
}

impl<M: Mac + KeyInit + Clone + 'static> HmacVerifier<M> {
    fn boxed(algorithm: Algorithm, key: &[u8]) -> Result<Box<dyn JwtVerifier>, Error> {
        let keyed = <M as KeyInit>::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat)?;
        Ok(Box::new(HmacVerifier { algorithm, keyed }))
    }
}

impl<M: Mac + Clone> Verifier<Vec<u8>> for HmacVerifier<M> {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        // `verify_slice` wants the whole tag and compares it in constant time.
        self.keyed
            .clone()
            .chain_update(message)
            .verify_slice(tag)
            .map_err(|_| signature::Error::new())
    }
}

impl<M: Mac + Clone> JwtVerifier for HmacVerifier<M> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
