//! Active health checks of a server's endpoints; a part of the blueprint.

use serde::{Deserialize, Serialize};

use super::Text;

/// How the endpoints of a server are checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthSpec {
    /// Behind each endpoint's prefix; perhaps with a query.
    pub path: String,
    /// Milliseconds between two checks.
    pub interval_ms: u64,
    /// Milliseconds to the head of the answer.
    pub timeout_ms: u32,
    /// Of which one must be answered; 200 to 299 where there are none.
    pub statuses: Vec<u16>,
    /// Bad checks, one after another, that make an endpoint go down; at least 1.
    pub unhealthy_after: u32,
    /// Good checks, one after another, that make it come up; at least 1.
    pub healthy_after: u32,
    /// Lower-case names.
    pub headers: Vec<(String, Text)>,
}

impl HealthSpec {
    /// Whether a check that is answered by this status is good.
    pub fn expects(&self, status: u16) -> bool {
        if self.statuses.is_empty() {
            return (200..300).contains(&status);
        }
        self.statuses.contains(&status)
    }
}
