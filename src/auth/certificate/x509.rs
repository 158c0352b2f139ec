//! What a certificate (RFC 5280) says besides what the platform tells of it: the URIs of its subject, and whether it
//! signs others. Its signature and times are the platform's to check, and have been.

use crate::auth::asn1::{
    BIT_STRING, BOOLEAN, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, any, element,
    whole,
};

/// 2.5.29.15 (RFC 5280 section 4.2.1.3).
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// 2.5.29.17 (RFC 5280 section 4.2.1.6).
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// 2.5.29.19 (RFC 5280 section 4.2.1.9).
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Context-specific types of a TBSCertificate (RFC 5280 section 4.1).
const VERSION: u8 = 0xa0;
const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// `uniformResourceIdentifier` of a GeneralName.
const URI: u8 = 0x86;

/// keyCertSign and cRLSign, the bits 5 and 6.
const SIGNS_OTHERS: u8 = 0b0000_0110;

/// No certificate of a workload has so many extensions.
const MOST_EXTENSIONS: usize = 64;

/// What is read of a certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The URIs among the subject's alternative names.
    pub uris: Vec<&'a str>,
    /// It is a certificate authority's, or may sign certificates or revocations.
    pub signs_others: bool,
}

/// Reads a certificate. `None` if it is not one in every byte.
pub fn read(der: &[u8]) -> Option<Certificate<'_>> {
    let certificate = whole(der, SEQUENCE)?;
    let (tbs, rest) = element(certificate, SEQUENCE)?;
    let (_algorithm, rest) = element(rest, SEQUENCE)?;
    whole(rest, BIT_STRING)?;
    // Extensions are there in version 3 alone (RFC 5280 section 4.1.2.9), whose number is 2.
    let (version, mut rest) = match element(tbs, VERSION) {
        Some((version, rest)) => (Some(whole(version, INTEGER)?), rest),
        None => (None, tbs),
    };
    // Serial number, algorithm, issuer, validity, subject, public key.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, rest) = element(rest, tag)?;
    }
    for tag in [ISSUER_UNIQUE_ID, SUBJECT_UNIQUE_ID] {
        if let Some((_, after)) = element(rest, tag) {
            rest = after;
        }
    }
    if rest.is_empty() {
        return Some(Certificate::default());
    }
    if version != Some(&[2]) {
        return None;
    }
    extensions(whole(whole(rest, EXTENSIONS)?, SEQUENCE)?)
}

fn extensions(mut rest: &[u8]) -> Option<Certificate<'_>> {
    let mut certificate = Certificate::default();
    let mut seen: Vec<&[u8]> = Vec::new();
    while !rest.is_empty() {
        let (extension, after) = element(rest, SEQUENCE)?;
        rest = after;
        let (name, value) = element(extension, OBJECT_IDENTIFIER)?;
        // `critical` is there only where it is true (X.690 section 11.5).
        let value = match element(value, BOOLEAN) {
            Some((critical, value)) => (critical == [0xff]).then_some(value)?,
            None => value,
        };
        let value = whole(value, OCTET_STRING)?;
        // No extension stands twice (RFC 5280 section 4.2).
        if seen.contains(&name) || seen.len() >= MOST_EXTENSIONS {
            return None;
        }
        seen.push(name);
        match name {
            SUBJECT_ALT_NAME => certificate.uris = uris(whole(value, SEQUENCE)?)?,
            BASIC_CONSTRAINTS => {
                let constraints = whole(value, SEQUENCE)?;
                if let Some((authority, _)) = element(constraints, BOOLEAN) {
                    certificate.signs_others |= (authority == [0xff]).then_some(true)?;
                }
            }
            KEY_USAGE => {
                let (_unused, bits) = whole(value, BIT_STRING)?.split_first()?;
                let first = bits.first()?;
                certificate.signs_others |= first & SIGNS_OTHERS != 0;
            }
            _ => {}
        }
    }
    Some(certificate)
}

/// The URIs of GeneralNames, of which there is at least one of any kind.
fn uris(mut names: &[u8]) -> Option<Vec<&str>> {
    let mut uris = Vec::new();
    loop {
        let (Element { tag, content }, rest) = any(names)?;
        if tag == URI {
            let uri = str::from_utf8(content).ok()?;
            uris.push(uri.is_ascii().then_some(uri)?);
        }
        names = rest;
        if names.is_empty() {
            return Some(uris);
        }
    }
}
