//! Several authorizers on a path, and what a known caller must be allowed.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

mod lists;
mod require;
#[path = "../support/mod.rs"]
mod support;
