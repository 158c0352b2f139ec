//! Where a request goes: the address it is sent to, the fields it carries there, and what the gateway proves by them.

mod base;
mod forward;
mod identity;

pub use base::Base;
pub use forward::{Inbound, REQUEST_REMOVED, RESPONSE_REMOVED, forwarding, hop_by_hop};
pub use identity::{
    Federation, Identity, Outgoing, is_aws_name, is_external_id, is_role_arn, is_service_account,
    is_session_name, is_tenant,
};

/// A server, ready to be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub base: Base,
    /// What the gateway proves to it: an index into [`Plan::identities`](crate::plan::Plan::identities).
    pub identity: Option<u16>,
}
