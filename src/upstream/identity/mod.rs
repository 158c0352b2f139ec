//! What the gateway proves to an upstream: who it is, in fields of the request.
//!
//! - It is proven last, when URL and fields of a try are known, because a proof may be about them.
//! - What the client sent in the proof's fields never goes on, neither beside the proof nor in its place.
//! - Where nothing can be proven, nothing is sent: 502 `upstream_identity_failed`. The client is not told what is
//!   behind the gateway; the log says whom it asked and what was refused, never a secret or a token.

mod aws;
mod fixed;
mod lent;
#[cfg(test)]
mod tests;

use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::Host;
use crate::plan::{Fault, IdentityKind};
use crate::problem::Problem;

use aws::Aws;
use fixed::Fixed;

pub use aws::{is_aws_name, is_external_id, is_role_arn, is_session_name};

/// An identity, ready to be proven. What it remembers is its own, so that a new config begins with nothing.
pub enum Identity {
    /// A field whose value is always the same.
    Fixed(Fixed),
    Aws(Box<Aws>),
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

impl Identity {
    /// Makes one ready of which every reference has been looked up.
    ///
    /// # Errors
    /// What would be proven is not sound: whoever needs it is refused with `config_error`.
    pub fn new(kind: IdentityKind) -> Result<Identity, Fault> {
        match kind {
            IdentityKind::Fault(fault) => Err(fault),
            IdentityKind::Header(spec) => Fixed::header(spec).map(Identity::Fixed),
            IdentityKind::Basic(spec) => Fixed::basic(spec).map(Identity::Fixed),
            IdentityKind::Aws(spec) => Aws::new(*spec).map(Box::new).map(Identity::Aws),
        }
    }

    /// Adds the proof to the edits of a request, once for each try, after all else.
    ///
    /// # Errors
    /// Nothing could be proven; the request must not be sent.
    pub async fn prove<H: Host>(
        &self,
        host: &H,
        outgoing: Outgoing<'_>,
        edits: &mut Edits,
    ) -> Result<(), Problem> {
        match self {
            Identity::Fixed(fixed) => {
                fixed.prove(edits);
                Ok(())
            }
            Identity::Aws(aws) => aws.prove(host, outgoing, edits).await,
        }
    }
}
