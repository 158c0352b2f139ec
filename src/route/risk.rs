//! Spellings that are sound here but that some upstreams read differently.

use super::error::PathError;
use crate::plan::Tolerance;

/// The ambiguous spellings that a canonical path holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Risks(u8);

impl Risks {
    pub const NONE: Risks = Risks(0);
    pub const ENCODED_SLASH: Risks = Risks(1);
    pub const ENCODED_BACKSLASH: Risks = Risks(2);
    pub const SEMICOLON: Risks = Risks(4);
    pub const EMPTY_SEGMENT: Risks = Risks(8);

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are among these.
    pub fn contains(self, other: Risks) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets as one.
    #[must_use]
    pub fn with(self, other: Risks) -> Risks {
        Risks(self.0 | other.0)
    }

    /// Refuses the first risk that the route does not take on itself.
    pub fn check(self, tolerance: Tolerance) -> Result<(), PathError> {
        if self.is_empty() {
            return Ok(());
        }
        let rules = [
            (
                Risks::ENCODED_SLASH,
                tolerance.encoded_slash,
                PathError::EncodedSlash,
            ),
            (
                Risks::ENCODED_BACKSLASH,
                tolerance.encoded_backslash,
                PathError::EncodedBackslash,
            ),
            (Risks::SEMICOLON, tolerance.semicolon, PathError::Semicolon),
            (
                Risks::EMPTY_SEGMENT,
                tolerance.empty_segment,
                PathError::EmptySegment,
            ),
        ];
        match rules
            .into_iter()
            .find(|(risk, tolerated, _)| self.contains(*risk) && !tolerated)
        {
            Some((_, _, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// What is in a canonical path. Empty segments are counted as the most careless upstream would see them:
    /// after encoded slashes are decoded and path parameters cut off.
    pub(super) fn of(path: &str) -> Risks {
        let mut risks = Risks::NONE;
        let mut empty = true;
        let mut cut = false;
        let mut rest = path.strip_prefix('/').unwrap_or(path).as_bytes();
        loop {
            let (risk, separator, tail) = match rest {
                [] => return risks,
                [b'/', tail @ ..] => (Risks::NONE, true, tail),
                [b'%', b'2', b'F', tail @ ..] => (Risks::ENCODED_SLASH, true, tail),
                [b'%', b'5', b'C', tail @ ..] => (Risks::ENCODED_BACKSLASH, true, tail),
                [b'%', b'3', b'B', tail @ ..] | [b';', tail @ ..] => {
                    cut = true;
                    (Risks::SEMICOLON, false, tail)
                }
                [_, tail @ ..] => {
                    empty &= cut;
                    (Risks::NONE, false, tail)
                }
            };
            risks = risks.with(risk);
            if separator {
                if empty {
                    risks = risks.with(Risks::EMPTY_SEGMENT);
                }
                empty = true;
                cut = false;
            }
            rest = tail;
        }
    }
}
