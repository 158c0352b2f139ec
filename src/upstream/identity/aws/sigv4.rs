//! AWS Signature Version 4, in the request's fields.
//!
//! What is signed: the method, path and query in their [one spelling](super::address), the fields that are given, and
//! the hash of the body or the word for none. Of the fields, `host`, all `x-amz-*` and `content-type`: nothing between
//! the gateway and AWS changes those. Others may be added, merged or taken away on the way, so they are not signed.

use std::cell::RefCell;

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
    /// `host` and `x-amz-date` among them.
    pub fields: &'a Fields,
    /// The body's hash in hexadecimal, or [`UNSIGNED_PAYLOAD`].
    pub payload: &'a str,
}

/// Fields that are signed, by their lower-case names and in the order of those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn set(&mut self, name: &str, value: &str) {
        match self.place(name) {
            Ok(at) => {
                if let Some((_, old)) = self.0.get_mut(at) {
                    value.clone_into(old);
                }
            }
            Err(at) => self.0.insert(at, (name.to_owned(), value.to_owned())),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.get(self.place(name).ok()?)?;
        Some(value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.0.iter();
        fields.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
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
    key: Tag,
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
        let parts = [date, &self.region, &self.service, "aws4_request"];
        let scope = parts.join("/");
        let hash = hex(&Sha256::digest(request));
        let text = [ALGORITHM, stamp, &scope, &hash].join("\n");
        let signature = hex(&tag(&self.day_key(credentials, &parts), &text));
        let id = credentials.access_key_id.as_str();
        [
            ALGORITHM,
            " Credential=",
            id,
            "/",
            &scope,
            ", SignedHeaders=",
            &names,
            ", Signature=",
            &signature,
        ]
        .concat()
    }

    /// The canonical request, and the names of the signed fields.
    pub fn canonical_request(&self, subject: &Subject<'_>) -> (String, String) {
        let path = subject
            .address
            .canonical_path(self.takes_paths_as_they_are());
        let query = subject.address.canonical_query();
        let method = subject.method.to_ascii_uppercase();
        let mut request = [method.as_str(), &path, &query, ""].join("\n");
        let mut names = String::new();
        for (name, value) in subject.fields.iter() {
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
        for line in [&names, subject.payload] {
            request.push('\n');
            request.push_str(line);
        }
        (request, names)
    }

    /// `parts`: date, region, service, and the constant end.
    fn day_key(&self, credentials: &Credentials, parts: &[&str; 4]) -> Tag {
        let [date, others @ ..] = parts;
        let id = &credentials.access_key_id;
        if let Some(known) = self.key.borrow().as_ref()
            && known.date == *date
            && known.access_key_id == *id
        {
            return known.key;
        }
        let secret = ["AWS4", credentials.secret_access_key.expose()].concat();
        let first = tag(secret.as_bytes(), date);
        let key = others.iter().fold(first, |key, part| tag(&key, part));
        *self.key.borrow_mut() = Some(DayKey {
            date: (*date).to_owned(),
            access_key_id: id.clone(),
            key,
        });
        key
    }
}

type Tag = [u8; 32];

/// HMAC with SHA-256 (RFC 2104).
fn tag(key: &[u8], text: &str) -> Tag {
    let mut block = [0; 64];
    let hashed;
    // A long key is hashed, a short one is filled up.
    let key = if key.len() > block.len() {
        hashed = Sha256::digest(key);
        hashed.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let keyed = Hmac::<Sha256>::new(&block.into());
    keyed.chain_update(text).finalize().into_bytes().into()
}

pub fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = halves.filter_map(|half| char::from_digit(u32::from(half), 16));
    digits.collect()
}
