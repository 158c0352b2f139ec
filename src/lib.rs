//! Causeway: an API gateway for Cloudflare Workers.

pub mod http;
pub mod plan;
pub mod route;
