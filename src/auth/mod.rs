//! Who calls.
//!
//! An authorizer finds a credential in a request, checks it, and either tells who is calling ([`Claims`]) or
//! refuses ([`Denied`]). Time comes from outside: nothing here reads a clock.
//!
//! A token is checked in this order, and nothing of a later step is looked at before the earlier ones hold:
//!
//! 1. structure: at most 16 KB, three parts (RFC 7515 section 7.1);
//! 2. header: strict JSON, an allowed `alg`, nothing that brings its own key or asks for an extension;
//! 3. signature, by the secret or by a key that the token's `kid` may pick and never bring;
//! 4. claims: strict JSON, issuer, audience, subject, type, required claims, times.

mod api_key;
mod asked;
mod asn1;
mod authorizer;
mod basic;
mod certificate;
mod claims;
mod denied;
mod effects;
mod find;
mod forward;
mod header;
mod hmac;
mod introspection;
mod jwt;
mod keys;
mod moment;
mod oidc;
mod public;
mod recent;
mod rules;
mod seen;
mod signature;
mod supabase;
#[cfg(test)]
mod tests;
mod token;
mod withheld;

use crate::plan::Fault;

pub use api_key::{
    ApiKeys, KeyHasher, PEPPER_BYTES, is_name, is_prefix, make, read_hash, stored_name,
};
pub use authorizer::{Authorizer, Presented};
pub use basic::{Basic, ITERATIONS, PasswordHash, pbkdf2};
pub use certificate::{ClientCertificate, Workloads, is_spiffe_id, spiffe_id};
pub use claims::Claims;
pub use denied::{Cause, Denied, Passed, Way};
pub use effects::Effects;
pub use find::{Found, find};
pub use forward::ForwardAuth;
pub use introspection::Introspection;
pub use jwt::Jwt;
pub use keys::{
    KeyFlaw, KeyKind, PrivateKey, PrivateKeyFlaw, PublicKey, check_asked_url, check_key_url,
    read_jwks, read_pem,
};
pub use moment::unix_seconds;
pub use oidc::{AUTH0_COOKIE, Auth0, Granted, Oidc, SESSION_KEY_BYTES, own_path, tenant_url};
pub use recent::share;
pub use signature::{LEAST_SECRET_BYTES, MessageSignature, Webhook, read_public_key};
pub use supabase::{AUTH_PATH, JWKS_PATH, Supabase, has_all_rights, project_url};
pub use token::MAX_TOKEN_BYTES;
pub use withheld::Withheld;

/// Reads the claims that a config or a record gives the holder of a credential.
fn claims_of(json: &str) -> Result<Claims, Fault> {
    serde_json::from_str(json).map_err(|_| Fault {
        code: "bad_claims".into(),
        message: "the claims of a caller are not one sound JSON object".into(),
    })
}
