//! Where a request goes: the address it is sent to and the fields it carries there.

mod base;
mod forward;
pub mod identity;

pub use base::Base;
pub use forward::{Inbound, REQUEST_REMOVED, RESPONSE_REMOVED, forwarding, hop_by_hop};
