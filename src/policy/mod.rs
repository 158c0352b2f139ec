//! What the gateway adds to a path: one folder each.

pub mod cors;
pub mod mapping;
pub mod require;
pub mod when;
