//! Precedence: one order, and nothing else decides.

use std::cmp::Reverse;
use std::fmt;

/// Where a route stands among those that match a request; the least is taken. The members are compared in the
/// order in which they are written here, which is the rule of the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub host: HostRank,
    /// A path without a wildcard comes first.
    pub wildcard: bool,
    pub steps: Steps,
    /// A path that names the method comes before `ANY`.
    pub any_method: bool,
    /// A path with conditions of its own comes first.
    pub unconditional: bool,
    /// Place in the config.
    pub position: usize,
}

/// How a route names its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostRank {
    Exact,
    /// `*.example.com`, by the length of what follows the star: the longer first.
    Suffix(Reverse<usize>),
    /// No host: every one.
    Every,
}

/// What kind of segment stands at each position of a pattern. Compared position by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Steps(u128);

/// One position of a pattern, the stronger first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Literal,
    Parameter,
    /// The wildcard: weaker than any segment in its place, so the longer prefix wins.
    Rest,
}

impl Steps {
    /// The steps of a canonical pattern.
    pub(super) fn of(pattern: &str) -> Steps {
        // Two bits a step from the top down, all ones behind the last: the number's order is the order by position.
        let mut code = u128::MAX;
        let mut shift = TOP_SHIFT;
        let mut rest = pattern.as_bytes();
        while let Some((byte, tail)) = rest.split_first() {
            if *byte == b'/' {
                let step = match tail {
                    b"{.+}" => 2,
                    [b'{', ..] => 1,
                    _ => 0_u128,
                };
                code ^= (END ^ step).wrapping_shl(shift);
                shift = shift.saturating_sub(2);
            }
            rest = tail;
        }
        Steps(code)
    }

    pub fn iter(self) -> impl Iterator<Item = Step> {
        (0..=TOP_SHIFT).rev().step_by(2).map_while(move |shift| {
            match self.0.wrapping_shr(shift) & END {
                0 => Some(Step::Literal),
                1 => Some(Step::Parameter),
                2 => Some(Step::Rest),
                _ => None,
            }
        })
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(match step {
                Step::Literal => "literal",
                Step::Parameter => "parameter",
                Step::Rest => "wildcard",
            })?;
        }
        Ok(())
    }
}

impl fmt::Display for HostRank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostRank::Exact => "exact host",
            HostRank::Suffix(_) => "host wildcard",
            HostRank::Every => "every host",
        })
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.any_method {
            "ANY"
        } else {
            "exact method"
        };
        let conditions = if self.unconditional {
            ""
        } else {
            "with conditions; "
        };
        write!(
            f,
            "{}; {}; {}; {conditions}number {}",
            self.host, self.steps, method, self.position
        )
    }
}

/// No step: behind the last.
const END: u128 = 3;
const TOP_SHIFT: u32 = 126;
