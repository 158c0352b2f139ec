//! AWS Signature Version 4, in the request's fields.
//!
//! What is signed: the method, path and query in their [one spelling](super::address), the fields that are given, and
//! the hash of the body or the word for none. Of the fields, `host`, all `x-amz-*` and `content-type`: nothing between
//! the gateway and AWS changes those. Others may be added, merged or taken away on the way, so they are not signed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::address::Address;
use super::credentials::Credentials;

/// In place of a body's hash.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// SHA-256 of nothing.
pub const EMPTY_PAYLOAD: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a request is about, as its signature has it.
pub struct Subject<'a> {
    pub method: &'a str,
    pub address: Address<'a>,
    /// Lower-case names with their values; `host` and `x-amz-date` among them.
    pub fields: &'a BTreeMap<String, String>,
    /// The body's hash in hexadecimal, or [`UNSIGNED_PAYLOAD`].
    pub payload: &'a str,
}

/// Whose signatures a service takes, and where.
pub struct Scope {
    pub region: String,
    pub service: String,
    /// The key of a day: deriving it costs four times what a signature does.
    key: RefCell<Option<DayKey>>,
}

struct DayKey {
    /// `YYYYMMDD`
    date: String,
    access_key_id: String,
    key: Hmac<Sha256>,
}

impl Scope {
    pub fn new(region: String, service: String) -> Scope {
        Scope {
            region,
            service,
            key: RefCell::default(),
        }
    }

    /// Whether paths are signed as they are sent: by S3 and its kin. All others encode them once more.
    pub fn takes_paths_as_they_are(&self) -> bool {
        self.is_s3() || self.service == "s3express" || self.service.starts_with("s3-")
    }

    pub fn is_s3(&self) -> bool {
        self.service == "s3"
    }

    /// The value of `Authorization`. `stamp` is that of `x-amz-date`.
    pub fn sign(&self, credentials: &Credentials, stamp: &str, subject: &Subject<'_>) -> String {
        let (request, names) = self.canonical_request(subject);
        let date = stamp.get(..8).unwrap_or(stamp);
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let hash = hex(&Sha256::digest(request));
        let text = format!("{ALGORITHM}\n{stamp}\n{scope}\n{hash}");
        let signature = self.day_key(credentials, date).chain_update(text);
        let signature = hex(&signature.finalize().into_bytes());
        let id = &credentials.access_key_id;
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    /// The canonical request, and the names of the signed fields.
    pub fn canonical_request(&self, subject: &Subject<'_>) -> (String, String) {
        let path = subject
            .address
            .canonical_path(self.takes_paths_as_they_are());
        let query = subject.address.canonical_query();
        let method = subject.method.to_ascii_uppercase();
        let mut request = format!("{method}\n{path}\n{query}\n");
        let mut names = String::new();
        for (name, value) in subject.fields {
            request.push_str(name);
            request.push(':');
            for (index, word) in value.split_ascii_whitespace().enumerate() {
                request.push_str(if index > 0 { " " } else { "" });
                request.push_str(word);
            }
            request.push('\n');
            names.push_str(if names.is_empty() { "" } else { ";" });
            names.push_str(name);
        }
        let _ = write!(request, "\n{names}\n{}", subject.payload);
        (request, names)
    }

    fn day_key(&self, credentials: &Credentials, date: &str) -> Hmac<Sha256> {
        let id = &credentials.access_key_id;
        if let Some(known) = self.key.borrow().as_ref()
            && known.date == date
            && known.access_key_id == *id
        {
            return known.key.clone();
        }
        let secret = format!("AWS4{}", credentials.secret_access_key.expose());
        let parts = [date, &self.region, &self.service, "aws4_request"];
        let key = parts.iter().fold(keyed(secret.as_bytes()), |key, part| {
            keyed(&key.chain_update(part).finalize().into_bytes())
        });
        *self.key.borrow_mut() = Some(DayKey {
            date: date.to_owned(),
            access_key_id: id.clone(),
            key: key.clone(),
        });
        key
    }
}

/// HMAC takes keys of any length (RFC 2104 section 2): a long one is hashed, a short one is filled up.
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    let hashed;
    let key = if key.len() > block.len() {
        hashed = Sha256::digest(key);
        hashed.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    Hmac::<Sha256>::new(&block.into())
}

pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
