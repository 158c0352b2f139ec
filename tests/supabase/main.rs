//! Supabase end to end: whose tokens come in, what its auth API is sent for a client, and what the client learns of it.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod passwordless;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

/// A project's secret.
const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters";

/// A project's publishable key.
const KEY: &str = "sb_publishable_of_the_tests";
