//! Public keys: how they are read, which of them a token is checked with, and how they come from elsewhere.
//!
//! A key is reduced to what a check needs and written anew, so that nothing else of what was read reaches the
//! platform. What is private, symmetric or weak is no key here.

mod der;
mod discovery;
mod freshness;
mod jwk;
mod origin;
mod pem;
mod private;
mod remote;
mod set;
#[cfg(test)]
mod tests;

pub use jwk::{KeyFlaw, KeyKind, PublicKey, read_jwks};
pub use origin::{check_asked_url, check_key_url};
pub use pem::read_pem;
pub use private::{PrivateKey, PrivateKeyFlaw};

pub(super) use discovery::{NotDiscovered, ask_issuer, discover, is_safe_of};
pub(super) use freshness::fresh_ms;
pub(super) use origin::is_loopback;
pub(super) use remote::{Place, Remote};
pub(super) use set::KeySet;
