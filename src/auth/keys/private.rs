//! A private key in PEM (RFC 7468 section 10, RFC 5208), as far as it must be known to sign with it and to publish its
//! public half.

use std::fmt;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::der::RSA;
use super::jwk::PublicKey;
use super::pem::block;
use crate::auth::asn1::{INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, element, whole};

/// More than the longest key that is accepted.
const MAX_BYTES: usize = 16 * 1024;

/// An RSA key that the gateway signs with. Its `Debug` is blank.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey {
    /// PKCS#8.
    der: Vec<u8>,
    /// Where in it the RSAPrivateKey is (RFC 8017 appendix A.1.2).
    inner: Range<usize>,
    thumbprint: String,
    jwk: String,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

/// Why something is no key to sign with. Nothing of what was read is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateKeyFlaw {
    /// For the operator.
    pub message: &'static str,
    pub help: &'static str,
}

impl PrivateKey {
    /// Reads the one key of a PEM text. Line ends may be written `\n`, as they are in JSON and in `.env` files.
    ///
    /// # Errors
    /// What it is instead.
    pub fn read(text: &str) -> Result<PrivateKey, PrivateKeyFlaw> {
        if text.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        let text = text.replace("\\n", "\n");
        let (label, body, rest) = block(&text).ok_or(MALFORMED)?;
        match label {
            "PRIVATE KEY" if rest.trim().is_empty() => {}
            "PRIVATE KEY" => return Err(SEVERAL),
            "RSA PRIVATE KEY" => return Err(PKCS1),
            "ENCRYPTED PRIVATE KEY" => return Err(ENCRYPTED),
            "EC PRIVATE KEY" => return Err(NOT_RSA),
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(PUBLIC),
            _ => return Err(MALFORMED),
        }
        let body: String = body.split_ascii_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| MALFORMED)?;
        PrivateKey::from_der(der)
    }

    fn from_der(der: Vec<u8>) -> Result<PrivateKey, PrivateKeyFlaw> {
        let (name, key) = pkcs8(&der).ok_or(MALFORMED)?;
        if name != RSA {
            return Err(NOT_RSA);
        }
        let (modulus, exponent) = rsa(key).ok_or(MALFORMED)?;
        // What is refused of others is not used either.
        PublicKey::rsa(modulus, exponent).map_err(|_| WEAK)?;
        let members = |number: &[u8]| {
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            URL_SAFE_NO_PAD.encode(number.get(zeros..).unwrap_or_default())
        };
        let (n, e) = (members(modulus), members(exponent));
        // The members that RFC 7638 section 3.2 requires, in its order.
        let canonical = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical));
        let jwk = format!(
            r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":"{thumbprint}","n":"{n}","e":"{e}"}}"#
        );
        let end = der.len();
        // Attributes may stand behind it (RFC 5208 section 5).
        let start = key.as_ptr().addr().saturating_sub(der.as_ptr().addr());
        let inner = start..start.saturating_add(key.len()).min(end);
        Ok(PrivateKey {
            inner,
            thumbprint,
            jwk,
            der,
        })
    }

    /// The whole key, as platforms import it.
    pub fn pkcs8(&self) -> &[u8] {
        &self.der
    }

    /// The RSAPrivateKey alone.
    pub fn pkcs1(&self) -> &[u8] {
        self.der.get(self.inner.clone()).unwrap_or_default()
    }

    /// Of its public half (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Its public half, for signatures by RS256, with its thumbprint as `kid`.
    pub fn public_jwk(&self) -> &str {
        &self.jwk
    }
}

/// The algorithm and the key of a PrivateKeyInfo (RFC 5208 section 5).
fn pkcs8(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = whole(der, SEQUENCE)?;
    let (version, rest) = element(info, INTEGER)?;
    let (algorithm, rest) = element(rest, SEQUENCE)?;
    let (name, parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    let (key, _attributes) = element(rest, OCTET_STRING)?;
    let plain = name != RSA || parameters.is_empty() || parameters == [NULL, 0];
    (version.len() == 1 && plain).then_some((name, key))
}

/// Modulus and public exponent of an RSAPrivateKey of two primes.
fn rsa(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let numbers = whole(der, SEQUENCE)?;
    let (version, rest) = element(numbers, INTEGER)?;
    let (modulus, rest) = element(rest, INTEGER)?;
    let (exponent, mut rest) = element(rest, INTEGER)?;
    // The private exponent, two primes, two exponents, a coefficient.
    for _ in 0..6 {
        (_, rest) = element(rest, INTEGER)?;
    }
    let positive = |number: &[u8]| number.first().is_some_and(|byte| *byte < 0x80);
    let sound = version == [0] && rest.is_empty() && positive(modulus) && positive(exponent);
    sound.then_some((modulus, exponent))
}

const MAKE: &str = "make one by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`, store it by `npx wrangler secret put NAME`, and write `$secret.NAME`";
const MALFORMED: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this is no private key in PEM that can be read",
    help: MAKE,
};
const SEVERAL: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "there is more than one key here",
    help: "keep the private key alone, from `-----BEGIN` to `-----END PRIVATE KEY-----`",
};
const PUBLIC: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this is public: nothing can be signed with it",
    help: "give the private key that it belongs to",
};
const ENCRYPTED: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this private key is encrypted by a passphrase",
    help: "decrypt it by `openssl pkcs8 -topk8 -nocrypt -in KEY`, and store it as a secret",
};
const PKCS1: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this private key is in the form of PKCS#1",
    help: "convert it by `openssl pkcs8 -topk8 -nocrypt -in KEY`",
};
const NOT_RSA: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this private key is not of RSA",
    help: MAKE,
};
const WEAK: PrivateKeyFlaw = PrivateKeyFlaw {
    message: "this RSA key has less than 2048 bits or more than 8192, or an unsafe exponent",
    help: MAKE,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::read_jwks;
    use crate::host::memory::{MemoryHost, run};
    use crate::host::{Host, Signed, Signing};
    use crate::plan::JwsAlgorithm;

    const KEY: &str = include_str!("private/rsa.pem");

    #[test]
    fn a_key_is_read_and_its_public_half_checks_what_it_signs() {
        let key = PrivateKey::read(KEY).unwrap();
        assert_eq!(
            PrivateKey::read(&KEY.replace('\n', "\\n")).as_ref(),
            Ok(&key)
        );
        assert_eq!(format!("{key:?}"), "PrivateKey");
        let public = read_jwks(key.public_jwk()).unwrap();
        let public = public[0].as_ref().unwrap();
        assert_eq!(public.kid.as_deref(), Some(key.thumbprint()));
        let host = MemoryHost::new(0, &[]);
        for algorithm in [JwsAlgorithm::Rs256, JwsAlgorithm::Ps256] {
            let signature = run(host.sign(&Signing {
                algorithm,
                key: &key,
                message: "message",
            }));
            let signature = signature.unwrap();
            let holds = |message| {
                let signed = Signed {
                    algorithm,
                    jwk: &public.jwk,
                    message,
                    signature: &signature,
                };
                run(host.verifies(&signed))
            };
            assert_eq!(holds("message"), Ok(true));
            assert_eq!(holds("another"), Ok(false));
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // The key of section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let integer = |bytes: &[u8]| tlv(INTEGER, bytes);
        let mut modulus = vec![0];
        modulus.extend(URL_SAFE_NO_PAD.decode(n).unwrap());
        let one = integer(&[1]);
        let numbers = [integer(&[0]), integer(&modulus), integer(&[1, 0, 1])].concat();
        let numbers = [numbers, one.repeat(6)].concat();
        let algorithm = [tlv(OBJECT_IDENTIFIER, RSA), vec![NULL, 0]].concat();
        let key = tlv(OCTET_STRING, &tlv(SEQUENCE, &numbers));
        let info = [integer(&[0]), tlv(SEQUENCE, &algorithm), key].concat();
        let key = PrivateKey::from_der(tlv(SEQUENCE, &info)).unwrap();
        assert_eq!(
            key.thumbprint(),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn what_is_no_key_to_sign_with_is_told_apart() {
        let labelled = |label: &str| KEY.replace("PRIVATE KEY", label);
        for (text, flaw) in [
            (String::new(), MALFORMED),
            ("secret".to_owned(), MALFORMED),
            (KEY.replace('M', "!"), MALFORMED),
            (KEY.repeat(2), SEVERAL),
            (labelled("PUBLIC KEY"), PUBLIC),
            (labelled("CERTIFICATE"), PUBLIC),
            (labelled("RSA PRIVATE KEY"), PKCS1),
            (labelled("ENCRYPTED PRIVATE KEY"), ENCRYPTED),
            (labelled("EC PRIVATE KEY"), NOT_RSA),
            (include_str!("private/p256.pem").to_owned(), NOT_RSA),
            (include_str!("private/rsa1024.pem").to_owned(), WEAK),
            ("x".repeat(20_000), MALFORMED),
        ] {
            assert_eq!(PrivateKey::read(&text), Err(flaw), "{text}");
        }
        let der = PrivateKey::read(KEY).unwrap().der;
        for length in 0..der.len() {
            assert!(PrivateKey::from_der(der[..length].to_vec()).is_err());
        }
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let head = match length {
            0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
            0x80..=0xff => vec![tag, 0x81, u8::try_from(length).unwrap()],
            _ => [&[tag, 0x82][..], &length.to_be_bytes()].concat(),
        };
        [&head, content].concat()
    }
}
