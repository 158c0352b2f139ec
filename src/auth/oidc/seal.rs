//! Text that a browser keeps for the gateway and can neither read nor change: XChaCha20-Poly1305.
//!
//! Its nonce is long enough to be drawn at random for every text (draft-irtf-cfrg-xchacha section 2), and the cipher is
//! quick without a crossing to the platform, whose AES-GCM would cost one for every request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::host::Host;
use crate::plan::Fault;

/// A key's secret has at least so many bytes: what it seals is in everybody's hands, to be guessed at for ever.
pub const SESSION_KEY_BYTES: usize = 32;

const NONCE_BYTES: usize = 24;

/// Seals by the first of its keys and opens by any, so that a key can be replaced while texts of the old one are about.
pub struct Sealer {
    keys: Vec<XChaCha20Poly1305>,
}

impl Sealer {
    /// `purpose` is part of every key: what one sealer makes, no other opens.
    ///
    /// # Errors
    /// There is no secret, or one is shorter than [`SESSION_KEY_BYTES`].
    pub fn new(secrets: &[String], purpose: &[&str]) -> Result<Sealer, Fault> {
        let fault = |code: &str, message: String| Fault {
            code: code.to_owned(),
            message,
        };
        let mut keys = Vec::with_capacity(secrets.len());
        for secret in secrets {
            if secret.len() < SESSION_KEY_BYTES {
                let message = format!(
                    "a session key has {} bytes; it needs at least {SESSION_KEY_BYTES}",
                    secret.len()
                );
                return Err(fault("weak_secret", message));
            }
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes())
                .map_err(|_| fault("weak_secret", "a session key is none".into()))?;
            mac.update(b"causeway sealed text 1");
            for part in purpose {
                // Lengths keep the parts apart.
                mac.update(&part.len().to_le_bytes());
                mac.update(part.as_bytes());
            }
            keys.push(XChaCha20Poly1305::new(&mac.finalize().into_bytes()));
        }
        if keys.is_empty() {
            return Err(fault("missing_field", "there is no session key".into()));
        }
        Ok(Sealer { keys })
    }

    /// The sealed form, in the characters of base64url. It opens under the same name only.
    pub fn seal(&self, host: &impl Host, name: &str, plain: &[u8]) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        for part in nonce.chunks_exact_mut(8) {
            part.copy_from_slice(&host.random().to_le_bytes());
        }
        let payload = Payload {
            msg: plain,
            aad: name.as_bytes(),
        };
        let sealed = self.keys.first()?.encrypt(&XNonce::from(nonce), payload);
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed.ok()?);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// `None` for what was not sealed by one of the keys under this name.
    pub fn open(&self, name: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let nonce = XNonce::from(*nonce);
        let aad = name.as_bytes();
        let mut keys = self.keys.iter();
        keys.find_map(|key| key.decrypt(&nonce, Payload { msg: text, aad }).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::MemoryHost;

    const A: &str = "the first session key of the tests";
    const B: &str = "the second session key of the tests";

    fn sealer(secrets: &[&str], purpose: &[&str]) -> Sealer {
        let secrets: Vec<String> = secrets.iter().map(|s| (*s).to_owned()).collect();
        Sealer::new(&secrets, purpose).unwrap()
    }

    #[test]
    fn a_text_opens_by_any_key_under_its_own_name_and_purpose_alone() {
        let host = MemoryHost::new(0, &[]);
        let sealed = sealer(&[A], &["x"]).seal(&host, "name", b"text").unwrap();
        for (keys, purpose, name, opens) in [
            (&[A][..], &["x"][..], "name", true),
            (&[B, A], &["x"], "name", true),
            (&[B], &["x"], "name", false),
            (&[A], &["y"], "name", false),
            (&[A], &["x", ""], "name", false),
            (&[A], &["x"], "names", false),
        ] {
            let opened = sealer(keys, purpose).open(name, &sealed);
            assert_eq!(opened.is_some(), opens, "{keys:?} {purpose:?} {name}");
        }
        let second = sealer(&[A], &["x"]).seal(&host, "name", b"text").unwrap();
        assert_ne!(sealed, second, "the nonce is another each time");
    }

    #[test]
    fn a_text_with_any_change_does_not_open() {
        let host = MemoryHost::new(0, &[]);
        let sealer = sealer(&[A], &[]);
        let sealed = sealer.seal(&host, "name", b"text").unwrap();
        assert_eq!(sealer.open("name", &sealed).as_deref(), Some(&b"text"[..]));
        for at in 0..sealed.len() {
            let mut other = sealed.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_eq!(sealer.open("name", &other), None, "{at}");
            assert_eq!(sealer.open("name", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_key_that_can_be_guessed_is_none() {
        for (secrets, code) in [
            (vec!["short".to_owned()], "weak_secret"),
            (vec![A.to_owned(), String::new()], "weak_secret"),
            (vec![], "missing_field"),
        ] {
            assert_eq!(Sealer::new(&secrets, &[]).err().unwrap().code, code);
        }
    }
}
