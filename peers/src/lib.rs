//! The gateway's peers, for tests, local development and benchmarks.
//!
//! - [`upstream`]: a backend that tells what reached it, and misbehaves on demand.
//! - [`load`]: many requests at once, and what became of each.
//! - [`client`]: an HTTP/1.1 client for when bytes matter.
//! - [`workspace`]: where the project's files are.
//! - [`workerd`]: runs a worker in the real runtime, without Node.
//! - [`npm`]: the packages that workerd and wrangler come in.
//! - [`kv`]: the service that stands behind a KV binding.
//! - [`oidc`]: an OpenID provider.
//! - [`python`]: the packages that the next one and some tests come in.
//! - [`aws`]: AWS, as far as it checks signatures.
//! - [`azure`]: Azure Storage, as far as it checks tokens.
//! - [`tls`]: what takes TLS off in front of a backend, and certificates.
//! - [`gateway`]: the built gateway in workerd, from a config.
//!
//! Everything is threads and blocking sockets, and everything that is started stops when its value is dropped.
//! Whatever goes wrong panics: the callers are tests.

pub mod aws;
pub mod azure;
pub mod client;
pub mod gateway;
pub mod kv;
pub mod load;
pub mod npm;
pub mod oidc;
pub mod python;
pub mod tls;
pub mod upstream;
pub mod wire;
pub mod workerd;
pub mod workspace;

pub use aws::Aws;
pub use azure::Azure;
pub use client::{Answer, Client, Ending, Request};
pub use gateway::{Gateway, Options, Source};
pub use kv::Kv;
pub use load::{Load, Outcome};
pub use oidc::Oidc;
pub use tls::{Terminator, Tls};
pub use upstream::{Fault, Upstream};
pub use workerd::{Worker, Workerd};
