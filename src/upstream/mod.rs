//! Where a request goes: the address it is sent to and the fields it carries there.

mod base;
mod forward;
mod geo;
pub mod pool;
mod retry;
mod send;

pub use base::Base;
pub use forward::{Inbound, REQUEST_REMOVED, RESPONSE_REMOVED, forwarding, hop_by_hop};
pub use geo::{Geography, nearest};
pub use pool::Pool;
pub use retry::{Tried, is_idempotent};
pub use send::{Order, Sent, Story, send};

/// Where a server's requests go.
pub enum Server {
    /// To one address; nothing needs to be known of the answers.
    Single(Base),
    Pool(Box<Pool>),
}
