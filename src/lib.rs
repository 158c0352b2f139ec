//! Causeway: an API gateway for Cloudflare Workers.

pub mod config;
pub mod http;
pub mod plan;
