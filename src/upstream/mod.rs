//! Where a request goes: the address it is sent to, the fields it carries there, and what the gateway proves by them.

mod base;
mod forward;
mod geo;
mod identity;
pub mod mirror;
pub mod pool;
mod retry;
mod send;

pub use base::Base;
pub use forward::{Inbound, REQUEST_REMOVED, RESPONSE_REMOVED, forwarding, hop_by_hop};
pub use geo::{Geography, nearest};
pub use identity::{Identity, Outgoing};
pub use pool::Pool;
pub use retry::{Tried, is_idempotent};
pub use send::{Order, Sent, Story, prove, send};

/// Where a server's requests go.
pub enum Server {
    /// To one address; nothing needs to be known of the answers.
    Single {
        base: Base,
        /// What the gateway proves to it: an index into [`Plan::identities`](crate::plan::Plan::identities).
        identity: Option<u16>,
    },
    Pool(Box<Pool>),
}
