//! User names and passwords (RFC 7617), in UTF-8.
//!
//! A password's hash is slow on purpose, so that a leaked config does not give the passwords away. What it came to is
//! remembered for a while, under a digest with a key of the isolate's own: the next request with the same credentials
//! does not pay again. An unknown user costs what a known one does.

mod password;
#[cfg(test)]
mod tests;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ctutils::CtEq;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::find::after_scheme;
use super::recent::Recent;
use super::{Cause, Claims, Denied, Presented, Way};
use crate::host::Host;
use crate::plan::{BasicSpec, Fault};

pub use password::{ITERATIONS, PasswordHash, pbkdf2};

/// RFC 7617 section 2.1.
const CHALLENGE: &str = r#"Basic realm="causeway", charset="UTF-8""#;

const MISSING: Way = Way {
    status: 401,
    code: "credentials_missing",
    text: "No user name and password were sent.",
    challenge: Some(CHALLENGE),
    absent: true,
};

/// The user is unknown, or the password is another.
const INVALID: Way = Way {
    status: 401,
    code: "credentials_invalid",
    text: "The user name or the password is not accepted.",
    challenge: Some(CHALLENGE),
    absent: false,
};

/// Longer credentials are refused before they are decoded.
const MAX_BYTES: usize = 1024;

/// How long the outcome for credentials is remembered, in milliseconds. It cannot become wrong: a new config begins
/// with nothing.
const REMEMBERED_MS: u64 = 300_000;

/// Of how many credentials, twice over at most (see [`Recent`]). Bad ones are kept apart, so that a flood of them pushes
/// out no good one.
const REMEMBERED: usize = 500;

/// The authorizer of user names and passwords.
pub struct Basic {
    users: BTreeMap<String, User>,
    /// Hashed in place of a user who is not there.
    nobody: PasswordHash,
    /// Made of the host's randomness when it is first needed.
    key: OnceCell<Hmac<Sha256>>,
    /// Digests of credentials, until when in milliseconds.
    good: RefCell<Recent<Digest, u64>>,
    bad: RefCell<Recent<Digest, u64>>,
}

struct User {
    password: PasswordHash,
    claims: Claims,
}

type Digest = [u8; 32];

impl Basic {
    /// # Errors
    /// A password's hash is none, or a user's claims are not sound.
    pub fn new(spec: BasicSpec) -> Result<Basic, Fault> {
        let mut users = BTreeMap::new();
        for user in spec.users {
            let password = PasswordHash::read(&user.password.literal()?);
            let password = password.ok_or_else(|| Fault {
                code: "bad_password_hash".into(),
                message: format!("what stands for the password of {} is no hash", user.name),
            })?;
            let claims = super::claims_of(&user.claims)?;
            users.insert(user.name, User { password, claims });
        }
        let iterations = users.values().map(|u| u.password.iterations).max();
        Ok(Basic {
            nobody: PasswordHash {
                iterations: iterations.unwrap_or(*ITERATIONS.start()),
                salt: vec![0; 16],
                hash: [0; 32],
            },
            users,
            key: OnceCell::new(),
            good: RefCell::new(Recent::new(REMEMBERED)),
            bad: RefCell::new(Recent::new(REMEMBERED)),
        })
    }

    /// Who calls.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let header = presented.header("authorization").unwrap_or_default();
        let encoded = after_scheme(&header, "basic")
            .ok_or_else(|| Denied::of(&MISSING, "password_missing: no Basic"))?;
        let credentials = decoded(encoded)
            .ok_or_else(|| refused("password_malformed: not user name and password"))?;
        let (name, password) = (credentials.name(), credentials.password());
        let user = self.users.get(name);
        let now = presented.host.now_ms();
        let digest = self.digest(presented.host, &credentials.text);
        let is_fresh = |until: Option<&u64>| until.is_some_and(|until| now < *until);
        if let Some(user) = user
            && is_fresh(self.good.borrow().get(&digest))
        {
            return Ok(user.claims.clone());
        }
        if is_fresh(self.bad.borrow().get(&digest)) {
            return Err(mismatch(user.is_some()));
        }
        let expected = user.map_or(&self.nobody, |user| &user.password);
        let derived = presented
            .host
            .derive(password, &expected.salt, expected.iterations)
            .await
            .map_err(|error| {
                let reason = format!("password_hash: it cannot be computed: {}", error.0);
                Denied::new(Cause::Unavailable, reason)
            })?;
        let until = now.saturating_add(REMEMBERED_MS);
        match user {
            Some(user) if derived.ct_eq(&expected.hash).to_bool() => {
                self.good.borrow_mut().put(digest, until);
                Ok(user.claims.clone())
            }
            user => {
                self.bad.borrow_mut().put(digest, until);
                Err(mismatch(user.is_some()))
            }
        }
    }

    /// Under a key that nobody outside knows, so that what is remembered is worth nothing to whoever sees it.
    fn digest(&self, host: &impl Host, credentials: &str) -> Digest {
        let keyed = self.key.get_or_init(|| {
            let mut key = [0; 64];
            for part in key.chunks_exact_mut(8) {
                part.copy_from_slice(&host.random().to_le_bytes());
            }
            Hmac::<Sha256>::new(&key.into())
        });
        let keyed = keyed.clone().chain_update(credentials);
        keyed.finalize().into_bytes().into()
    }
}

/// `user:password`
struct Credentials {
    text: String,
    colon: usize,
}

impl Credentials {
    fn name(&self) -> &str {
        self.text.get(..self.colon).unwrap_or_default()
    }

    fn password(&self) -> &str {
        let password = self.text.get(self.colon..).unwrap_or_default();
        password.strip_prefix(':').unwrap_or_default()
    }
}

/// A name and a password with a colon between, of which neither is empty or has a control character (RFC 7617
/// section 2). The name ends at the first colon.
fn decoded(encoded: &str) -> Option<Credentials> {
    if encoded.len() > MAX_BYTES {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let colon = text.find(':')?;
    let credentials = Credentials { text, colon };
    let sound = !credentials.name().is_empty()
        && !credentials.password().is_empty()
        && !credentials.text.chars().any(char::is_control);
    sound.then_some(credentials)
}

fn mismatch(known: bool) -> Denied {
    refused(match known {
        true => "password_wrong: the password is another",
        false => "user_unknown: there is no such user",
    })
}

fn refused(reason: &'static str) -> Denied {
    Denied::of(&INVALID, reason)
}
