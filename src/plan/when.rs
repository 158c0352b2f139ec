//! What a request must have, besides its host, method and path, for a path to serve it.

use serde::{Deserialize, Serialize};

/// All conditions must hold. They are sorted and there is at least one: equal conditions are equal here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// By lower-case field name.
    pub headers: Vec<Condition>,
    /// By the query's key, decoded.
    pub query: Vec<Condition>,
}

/// What one field or key must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    pub name: String,
    pub test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Test {
    Present,
    Absent,
    /// Its value is one of these, sorted.
    OneOf(Vec<String>),
}
