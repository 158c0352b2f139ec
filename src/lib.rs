//! Causeway: an API gateway for Cloudflare Workers.

pub mod auth;
pub mod http;
pub mod plan;
pub mod secret;
