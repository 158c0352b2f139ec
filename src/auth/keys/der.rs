//! Public keys in DER: SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) and RSAPublicKey (RFC 8017 appendix A.1.1).

use super::jwk::{KeyFlaw, KeyKind, PublicKey};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1 (RFC 3279 section 2.3.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
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

/// The content of an element that is all of `der`.
fn whole(der: &[u8], tag: u8) -> Option<&[u8]> {
    element(der, tag)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(content, _)| content)
}

/// The content of the first element, and what follows it (X.690 section 8.1, lengths as of section 10.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[first, short], rest) = der.split_first_chunk::<2>()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match short {
        0..=0x7f => (usize::from(short), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (*length >= 0x80).then_some((usize::from(*length), rest))?
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let length = u16::from_be_bytes(*length);
            (length >= 0x100).then_some((usize::from(length), rest))?
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
