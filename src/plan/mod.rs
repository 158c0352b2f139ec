//! From config to plan: what a person wrote becomes what a request runs through.
//!
//! A [`Blueprint`] is a whole config, checked and resolved but for references to the worker's environment. It is
//! made ahead of time and shipped beside the worker, or made in the isolate from a config of KV or a variable.

mod artifact;
mod asked;
mod authorizer;
mod blueprint;
mod compile;
mod credential;
mod health;
mod identity;
mod jws;
mod load;
mod login;
mod memory;
mod mirror;
mod paths;
mod require;
mod server;
mod successor;
mod supabase;
mod token;
mod when;

pub use artifact::{ARTIFACT_START, ArtifactError};
pub use asked::*;
pub use authorizer::*;
pub use blueprint::*;
use compile::{Against, against};
pub use compile::{Compiled, UrlFlaw, compile, origin_pattern, secret_bytes_needed, server_url};
pub use credential::*;
pub use health::HealthSpec;
pub use identity::*;
pub use jws::{JwsAlgorithm, JwtKeys, signature_algorithm};
pub use load::{Environment, Plan};
pub use login::*;
pub use mirror::*;
pub use paths::Paths;
pub use require::*;
pub use server::*;
pub use supabase::*;
pub use token::*;
pub use when::*;
