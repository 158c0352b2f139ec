//! Causeway: an API gateway for Cloudflare Workers.

#[cfg(target_arch = "wasm32")]
mod edge;
pub mod http;
pub mod plan;
