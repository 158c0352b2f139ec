//! Where a request goes: the address it is sent to, the fields it carries there, and what the gateway proves by them.

mod base;
mod drain;
pub mod fields;
mod forward;
mod geo;
mod health;
pub mod identity;
pub mod mirror;
mod outbound;
pub mod pool;
mod retry;
mod send;
mod service;

pub use base::Base;
pub use drain::Drain;
pub use forward::{Inbound, RESPONSE_REMOVED, forwarding, hop_by_hop};
pub use geo::{Geography, nearest};
pub use health::{Board, Change, Check};
pub use identity::{
    Federation, Identities, Identity, Named, Outgoing, is_aws_name, is_external_id, is_role_arn,
    is_service_account, is_session_name, is_tenant,
};
pub use outbound::{Outbound, by, left};
pub use pool::Pool;
pub use retry::{Tried, is_idempotent};
pub use send::{Order, Sent, Story, send};

/// Where a server's requests go.
pub enum Server {
    /// To one address; nothing needs to be known of the answers.
    Single {
        alias: String,
        /// Index into the plan's zones.
        zone: Option<u16>,
        base: Base,
        /// What the gateway proves to it: an index into [`Plan::identities`](crate::plan::Plan::identities).
        identity: Option<u16>,
    },
    Pool(Box<Pool>),
}

impl Server {
    pub fn alias(&self) -> &str {
        match self {
            Server::Single { alias, .. } => alias,
            Server::Pool(pool) => &pool.alias,
        }
    }

    /// Whether it has an endpoint in a zone.
    pub fn stands_in(&self, zone: u16) -> bool {
        match self {
            Server::Single { zone: own, .. } => *own == Some(zone),
            Server::Pool(pool) => pool.endpoints.iter().any(|e| e.zone == Some(zone)),
        }
    }
}
