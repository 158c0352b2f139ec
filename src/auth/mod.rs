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

mod authorizer;
mod claims;
mod denied;
mod find;
mod header;
mod hmac;
mod jwt;
mod keys;
mod public;
mod rules;
mod seen;
#[cfg(test)]
mod tests;
mod token;

pub use authorizer::{Authorizer, Presented};
pub use claims::Claims;
pub use denied::{Cause, Denied};
pub use find::{Found, find};
pub use jwt::Jwt;
pub use keys::{KeyFlaw, KeyKind, PublicKey, check_key_url, read_jwks, read_pem};
pub use token::MAX_TOKEN_BYTES;
