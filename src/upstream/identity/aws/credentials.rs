//! Whose keys a request is signed with: those of the config, or those of a role that they assume.

use std::rc::Rc;

use super::sts::Role;
use crate::host::Host;
use crate::plan::{AwsKeys, Fault};
use crate::secret::Secret;
use crate::upstream::identity::lent::Lent;

/// A lease lasts a little longer than an answer may take.
const LEASE_MS: u64 = 6_000;

/// Keys that sign.
#[derive(Debug)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// Of temporary ones.
    pub session_token: Option<Secret>,
}

/// Where they come from.
pub enum CredentialSource {
    Static(Rc<Credentials>),
    AssumeRole {
        /// Who assumes the role.
        keys: Rc<Credentials>,
        role: Box<Role>,
        lent: Lent<Rc<Credentials>>,
    },
}

impl Credentials {
    /// # Errors
    /// One of them cannot be what it is said to be.
    pub fn new(keys: AwsKeys) -> Result<Credentials, Fault> {
        let token = keys.session_token.map(|token| token.literal());
        Credentials::of(
            keys.access_key_id.literal()?,
            keys.secret_access_key.literal()?,
            token.transpose()?,
        )
        .ok_or_else(|| Fault {
            code: "bad_credentials".into(),
            message: "the access key's id, its secret or the session's token is none".into(),
        })
    }

    /// `None` if one of them cannot be what it is said to be.
    pub fn of(id: String, secret: String, token: Option<String>) -> Option<Credentials> {
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        // The two end it where it is shown.
        let is_id = is_plain(&id) && !id.contains(['/', ',']);
        let sound = is_id && is_plain(&secret) && token.as_deref().is_none_or(is_plain);
        sound.then(|| Credentials {
            access_key_id: id,
            secret_access_key: Secret::new(secret),
            session_token: token.map(Secret::new),
        })
    }
}

impl CredentialSource {
    pub fn assume_role(keys: Credentials, role: Role) -> CredentialSource {
        CredentialSource::AssumeRole {
            keys: Rc::new(keys),
            role: Box::new(role),
            lent: Lent::new(LEASE_MS),
        }
    }

    /// The keys of now.
    ///
    /// # Errors
    /// There are none; why, in words for the operator.
    pub async fn get<H: Host>(&self, host: &H) -> Result<Rc<Credentials>, String> {
        match self {
            CredentialSource::Static(keys) => Ok(Rc::clone(keys)),
            CredentialSource::AssumeRole { keys, role, lent } => {
                lent.get(host, async || role.assume(host, keys).await).await
            }
        }
    }
}
