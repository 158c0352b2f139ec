//! Public keys in DER: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) and RSAPublicKey (RFC 8017 appendix A.1.1).

use super::jwk::{KeyFlaw, KeyKind, PublicKey};
use crate::auth::asn1::{BIT_STRING, INTEGER, NULL, OBJECT_IDENTIFIER, SEQUENCE, element, whole};

/// 1.2.840.113549.1.1.1 (RFC 3279 section 2.3.1).
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1 (RFC 5480 section 2.1.1).
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, which is P-256 (RFC 5480 section 2.1.1.1).
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34, which is P-384.
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.101.112 (RFC 8410 section 3).
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Reads a SubjectPublicKeyInfo.
pub(super) fn spki(der: &[u8]) -> Result<PublicKey, KeyFlaw> {
    let parts = || {
        let info = whole(der, SEQUENCE)?;
        let (algorithm, rest) = element(info, SEQUENCE)?;
        let (name, parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
        // No bit of the last byte is left over.
        let key = whole(rest, BIT_STRING)?.strip_prefix(&[0])?;
        Some((name, parameters, key))
    };
    let (name, parameters, key) = parts().ok_or(KeyFlaw::Malformed)?;
    match name {
        RSA if parameters.is_empty() || parameters == [NULL, 0] => rsa(key),
        EC => {
            let kind = match whole(parameters, OBJECT_IDENTIFIER) {
                Some(P256) => KeyKind::P256,
                Some(P384) => KeyKind::P384,
                _ => return Err(KeyFlaw::Unsupported),
            };
            // Uncompressed (SEC 1 section 2.3.3).
            let point = key.strip_prefix(&[4]).ok_or(KeyFlaw::Malformed)?;
            let (x, y) = point
                .split_at_checked(point.len() / 2)
                .ok_or(KeyFlaw::Malformed)?;
            PublicKey::ec(kind, x, y)
        }
        ED25519 if parameters.is_empty() => PublicKey::ed25519(key),
        _ => Err(KeyFlaw::Unsupported),
    }
}

/// Reads an RSAPublicKey.
pub(super) fn rsa(der: &[u8]) -> Result<PublicKey, KeyFlaw> {
    let numbers = || {
        let numbers = whole(der, SEQUENCE)?;
        let (modulus, rest) = element(numbers, INTEGER)?;
        let exponent = whole(rest, INTEGER)?;
        let positive = |number: &[u8]| number.first().is_some_and(|byte| *byte < 0x80);
        (positive(modulus) && positive(exponent)).then_some((modulus, exponent))
    };
    let (modulus, exponent) = numbers().ok_or(KeyFlaw::Malformed)?;
    PublicKey::rsa(modulus, exponent)
}
