//! What the gateway proves to an upstream: who it is, in fields of the request.
//!
//! - It is proven last, when URL and fields of a try are known, because a proof may be about them.
//! - What the client sent in the proof's fields never goes on, neither beside the proof nor in its place; nor do
//!   [orders](super::fields) that would be carried out in the gateway's name.
//! - Where nothing can be proven, nothing is sent: 502 `upstream_identity_failed`. The client is not told what is
//!   behind the gateway; the log says whom it asked and what was refused, never a secret or a token.

mod assertion;
mod aws;
mod azure;
mod federation;
mod fetched;
mod fixed;
mod google;
mod lent;
mod oauth2;
#[cfg(test)]
mod tests;
mod token;
#[cfg(test)]
mod token_tests;

use std::cell::RefCell;
use std::rc::Rc;

use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::Host;
use crate::plan::{Fault, IdentityKind};
use crate::problem::{Problem, json_string};

use aws::Aws;
use fetched::Fetched;
use fixed::Fixed;

pub use aws::{is_aws_name, is_external_id, is_role_arn, is_session_name, unread};
pub use azure::is_tenant;
pub use federation::Federation;
pub use google::is_service_account;

/// The identities of a config, by their indices.
#[derive(Default)]
pub struct Identities {
    all: Vec<Named>,
    due: RefCell<Vec<u16>>,
}

/// An identity, and the server whose it is.
pub struct Named {
    pub server: String,
    pub identity: Result<Identity, Fault>,
}

/// An identity, ready to be proven. What it remembers is its own, so that a new config begins with nothing.
pub enum Identity {
    /// A field whose value is always the same.
    Fixed(Fixed),
    Aws(Box<Aws>),
    /// A token that is fetched.
    Fetched(Box<Fetched>),
}

/// A request that is about to be sent.
#[derive(Debug)]
pub struct Outgoing<'a> {
    /// As it is sent.
    pub method: &'a str,
    /// Absolute. A proof may bring it into another spelling of the same, where it is about the one that is sent.
    pub url: &'a mut String,
    /// Of the client's request.
    pub body: Body,
}

impl Identities {
    pub fn new(all: Vec<Named>) -> Identities {
        Identities {
            all,
            due: RefCell::default(),
        }
    }

    /// A single one, of index 0.
    pub fn of(server: &str, identity: Result<Identity, Fault>) -> Identities {
        let server = server.to_owned();
        Identities::new(vec![Named { server, identity }])
    }

    /// Why one cannot be used.
    pub fn fault(&self, index: u16) -> Option<&Fault> {
        self.all.get(usize::from(index))?.identity.as_ref().err()
    }

    /// Whether one is shown in `Authorization`, where a server looks for whom it obeys.
    pub fn speak_in_authorization(&self, index: u16) -> bool {
        let named = self.all.get(usize::from(index));
        match named.and_then(|named| named.identity.as_ref().ok()) {
            Some(Identity::Fixed(fixed)) => fixed.name() == AUTHORIZATION,
            Some(Identity::Aws(_) | Identity::Fetched(_)) => true,
            None => false,
        }
    }

    /// Adds a proof to the edits of a request, once for each try, after all else.
    ///
    /// # Errors
    /// Nothing could be proven; the request must not be sent.
    pub async fn prove<H: Host>(
        &self,
        host: &H,
        index: u16,
        outgoing: Outgoing<'_>,
        edits: &mut Edits,
    ) -> Result<(), Problem> {
        let named = self.all.get(usize::from(index));
        let identity = match named.map(|named| &named.identity) {
            Some(Ok(identity)) => identity,
            Some(Err(fault)) => return Err(Problem::config(fault.message.clone())),
            None => return Err(Problem::config("the server names no identity")),
        };
        if identity.prove(host, outgoing, edits).await? {
            let mut due = self.due.borrow_mut();
            if !due.contains(&index) {
                due.push(index);
            }
        }
        Ok(())
    }

    /// Whether one cannot be proven at the moment: the last time it could not, and it is not yet time to try again.
    pub fn rests(&self, index: u16, now: u64) -> bool {
        self.usable(index).is_some_and(|identity| match identity {
            Identity::Fixed(_) => false,
            Identity::Aws(aws) => aws.rests(now),
            Identity::Fetched(fetched) => fetched.rests(now),
        })
    }

    /// A request had no time left to wait for a proof.
    pub fn came_late(&self, index: u16, now: u64) {
        match self.usable(index) {
            Some(Identity::Aws(aws)) => aws.came_late(now),
            Some(Identity::Fetched(fetched)) => fetched.came_late(now),
            Some(Identity::Fixed(_)) | None => {}
        }
    }

    fn usable(&self, index: u16) -> Option<&Identity> {
        self.all.get(usize::from(index))?.identity.as_ref().ok()
    }

    /// How many bytes of the client's body a proof is about, at most; `None` where it is about none.
    pub fn reads_body(&self, index: u16) -> Option<usize> {
        match &self.all.get(usize::from(index))?.identity {
            Ok(Identity::Aws(aws)) => aws.reads_body(),
            _ => None,
        }
    }

    /// What is to be [renewed](Self::renew), now that the gateway is done with a request: what a cloud has lent for a time
    /// that is nearly over. Each is told once.
    pub fn due(&self) -> Vec<u16> {
        self.due.take()
    }

    /// Fetches anew what proves an identity, if that is still wanted. What is at hand is used meanwhile.
    ///
    /// # Errors
    /// Nothing came; a line for the log. It becomes due again.
    pub async fn renew<H: Host>(&self, host: &H, index: u16) -> Result<(), String> {
        let named = self.all.get(usize::from(index));
        let Some((server, Ok(identity))) = named.map(|named| (&named.server, &named.identity))
        else {
            return Ok(());
        };
        identity.renew(host).await.map_err(|reason| {
            let (server, reason) = (json_string(server), json_string(&reason));
            format!(
                r#"{{"level":"warn","event":"identity_not_renewed","server":{server},"reason":{reason}}}"#
            )
        })
    }
}

impl Identity {
    /// Makes one ready of which every reference has been looked up. `federation` is the config's, if it can be used.
    ///
    /// # Errors
    /// What would be proven is not sound: whoever needs it is refused with `config_error`.
    pub fn new(kind: IdentityKind, federation: Option<&Rc<Federation>>) -> Result<Identity, Fault> {
        match kind {
            IdentityKind::Fault(fault) => Err(fault),
            IdentityKind::OAuth2(spec) => boxed(Fetched::oauth2(&spec)),
            IdentityKind::Google(spec) => boxed(Fetched::google(&spec, federation)),
            IdentityKind::Azure(spec) => boxed(Fetched::azure(&spec, federation)),
            IdentityKind::Header(spec) => Fixed::header(spec).map(Identity::Fixed),
            IdentityKind::Basic(spec) => Fixed::basic(spec).map(Identity::Fixed),
            IdentityKind::Aws(spec) => Aws::new(*spec, federation).map(Box::new).map(Identity::Aws),
        }
    }

    /// As [`Identities::prove`]; whether it is [due](Identities::due).
    async fn prove<H: Host>(
        &self,
        host: &H,
        outgoing: Outgoing<'_>,
        edits: &mut Edits,
    ) -> Result<bool, Problem> {
        match self {
            Identity::Fixed(fixed) => {
                fixed.prove(edits);
                Ok(false)
            }
            Identity::Aws(aws) => aws.prove(host, outgoing, edits).await,
            Identity::Fetched(fetched) => {
                let got = fetched.bearer(host).await.map_err(Problem::identity)?;
                for name in fetched.removed() {
                    edits.remove(name);
                }
                edits.set(AUTHORIZATION, got.value.expose());
                Ok(got.is_due)
            }
        }
    }

    async fn renew<H: Host>(&self, host: &H) -> Result<(), String> {
        match self {
            Identity::Fixed(_) => Ok(()),
            Identity::Aws(aws) => aws.renew(host).await,
            Identity::Fetched(fetched) => fetched.renew(host).await,
        }
    }
}

fn boxed(fetched: Result<Fetched, Fault>) -> Result<Identity, Fault> {
    fetched.map(Box::new).map(Identity::Fetched)
}

const AUTHORIZATION: &str = "authorization";
