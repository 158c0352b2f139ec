//! Whose keys a request is signed with: those of the config, or those of a role that is assumed by them or by a token of
//! the gateway's own.

use std::rc::Rc;

use super::sts::Role;
use crate::host::Host;
use crate::plan::{AwsKeys, Fault};
use crate::secret::Secret;
use crate::upstream::identity::assertion::Moment;
use crate::upstream::identity::federation::Federation;
use crate::upstream::identity::lent::{Got, Lent, Loan};

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
    Role {
        role: Box<Role>,
        by: By,
        lent: Lent<Rc<Credentials>>,
    },
}

/// Who assumes a role.
pub enum By {
    Keys(Credentials),
    /// The gateway, by a token for this audience.
    Token {
        federation: Rc<Federation>,
        audience: String,
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
    pub fn role(role: Role, by: By) -> CredentialSource {
        CredentialSource::Role {
            role: Box::new(role),
            by,
            lent: Lent::new(LEASE_MS),
        }
    }

    /// The keys of now.
    ///
    /// # Errors
    /// There are none; why, in words for the operator.
    pub async fn get<H: Host>(&self, host: &H) -> Result<Got<Rc<Credentials>>, String> {
        match self {
            CredentialSource::Static(keys) => Ok(Got {
                value: Rc::clone(keys),
                is_due: false,
            }),
            CredentialSource::Role { role, by, lent } => {
                lent.get(host, async || by.assume(role, host).await).await
            }
        }
    }

    pub fn rests(&self, now: u64) -> bool {
        match self {
            CredentialSource::Static(_) => false,
            CredentialSource::Role { lent, .. } => lent.rests(now),
        }
    }

    pub fn came_late(&self, now: u64) {
        if let CredentialSource::Role { lent, .. } = self {
            lent.came_late(now);
        }
    }

    /// # Errors
    /// No keys came; why, in words for the operator.
    pub async fn renew<H: Host>(&self, host: &H) -> Result<(), String> {
        match self {
            CredentialSource::Static(_) => Ok(()),
            CredentialSource::Role { role, by, lent } => {
                lent.renew(host, async || by.assume(role, host).await).await
            }
        }
    }
}

impl By {
    async fn assume<H: Host>(
        &self,
        role: &Role,
        host: &H,
    ) -> Result<Loan<Rc<Credentials>>, String> {
        match self {
            By::Keys(keys) => role.assume(host, keys).await,
            By::Token {
                federation,
                audience,
            } => {
                let moment = Moment::of(host);
                let token = federation.token(&moment, audience).signed(host).await?;
                role.assume_by_token(host, &token).await
            }
        }
    }
}
