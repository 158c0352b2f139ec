//! Causeway: an API gateway for Cloudflare Workers.

pub mod auth;
pub mod config;
#[cfg(target_arch = "wasm32")]
mod edge;
pub mod edits;
pub mod exchange;
pub mod gateway;
pub mod host;
pub mod http;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod route;
pub mod secret;
pub mod upstream;
