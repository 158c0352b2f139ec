//! Which path: canonical form, matcher, precedence.
mod allow;
mod bucket;
mod canonical;
mod error;
mod host;
mod pattern;
mod rank;
mod risk;
mod store;
mod table;

pub use allow::Allow;
pub use canonical::{Canonical, TARGET_MAX, canonicalise};
pub use error::PathError;
pub use pattern::{Pattern, PatternError, PatternErrorKind, SEGMENTS_MAX, Segment};
pub use rank::{HostRank, Rank, Step, Steps};
pub use risk::Risks;
pub use table::{Candidate, Conflict, Found, Match, Table, TableError};

#[cfg(test)]
mod tests;
