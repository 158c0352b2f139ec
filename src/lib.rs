//! Causeway: an API gateway for Cloudflare Workers.

pub mod edits;
pub mod http;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod upstream;
