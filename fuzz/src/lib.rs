//! What must hold for every input, whatever a fuzzer makes of it: one module for each door by which something from
//! outside comes in. `cargo fuzz` runs them by coverage, `cargo test` over the committed seeds and mutations of them.

pub mod aws;
pub mod certificate;
pub mod config;
pub mod expression;
pub mod headers;
pub mod identity;
pub mod login;
pub mod mirror;
pub mod path;
pub mod signature;
pub mod token;
