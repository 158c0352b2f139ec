//! Causeway: an API gateway that runs as a Cloudflare Worker and sends requests on to backends on any cloud.
//!
//! # The life of a request
//!
//! 1. The edge hands the request's head over in one string; body and response stay outside.
//! 2. [`route`] brings the path to its one spelling, which is both matched and forwarded, and finds the path of the config.
//! 3. [`policy::cors`] answers a browser's preflight; nobody has been asked for credentials yet.
//! 4. [`auth`] knows the caller, or refuses.
//! 5. [`policy::require`] asks what the caller may, or refuses.
//! 6. A `pre_process` hook, where the path names one, lets the request go on, or answers in its place.
//! 7. The path acts: it answers by itself, calls a function, or writes a [`Forward`](host::Forward) with what
//!    [`policy::mapping`] and [`upstream`] say of its fields.
//! 8. Whatever answers, the answer gets its request id, its CORS fields and, for a refusal, its [`problem`] document.
//! 9. Beside the answer, [`upstream::mirror`] sends the request to a second server, where the path has one and chance chose.
//!
//! [`gateway`] is that order in code, and there is no other: paths cannot change it.
//!
//! # From config to plan
//!
//! [`config`] reads what a person wrote and tells all that is wrong with it at once. [`plan`] compiles it: ahead of time to
//! a [`Blueprint`](plan::Blueprint) that is shipped with the worker, and once per isolate to a [`Plan`](plan::Plan).
//! Nothing of it is done again for a request.
//!
//! A worker is one WebAssembly module or two: `edge` serves requests, and `compiler`, where the config may change without
//! a deployment, compiles it. Only these two name the platform; all else takes a [`Host`](host::Host).

pub mod auth;
#[cfg(all(target_arch = "wasm32", feature = "compiler"))]
mod compiler;
pub mod config;
#[cfg(all(target_arch = "wasm32", not(feature = "compiler")))]
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
#[cfg(not(target_arch = "wasm32"))]
pub mod simulate;
pub mod upstream;
