//! How values of the Common Expression Language compare, and what an evaluation may cost.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;

use super::value::{Value, elements_of};
use crate::plan::Comparison;

/// How many steps an evaluation may take; at some 50 ns each.
const BUDGET: u32 = 20_000;

/// How many characters are looked at for the price of a step.
const CHARACTERS: usize = 32;

/// Why a condition has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A claim, header or member that is not there.
    Absent(String),
    /// What stands twice, or is not sound JSON.
    Unclear(String),
    Type(&'static str),
    TooLong,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Absent(name) => write!(f, "there is no {name}"),
            Failure::Unclear(what) => f.write_str(what),
            Failure::Type(what) => f.write_str(what),
            Failure::TooLong => write!(f, "it takes more than {BUDGET} steps"),
        }
    }
}

/// What is left of an evaluation's steps.
pub struct Budget(Cell<u32>);

impl Budget {
    pub fn new() -> Budget {
        Budget(Cell::new(BUDGET))
    }

    /// Pays for a step, and for looking at so many characters.
    pub fn pay(&self, characters: usize) -> Result<(), Failure> {
        let steps = u32::try_from(characters / CHARACTERS).unwrap_or(u32::MAX);
        let rest = self.0.get().checked_sub(steps.saturating_add(1));
        self.0.set(rest.ok_or(Failure::TooLong)?);
        Ok(())
    }

    pub fn compare<'v>(
        &self,
        comparison: Comparison,
        left: &Value<'v>,
        right: &Value<'v>,
    ) -> Result<bool, Failure> {
        match comparison {
            Comparison::Equal => return self.equal(left, right),
            Comparison::NotEqual => return self.equal(left, right).map(|equal| !equal),
            _ => {}
        }
        let order = match (left, right) {
            (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
            (Value::Text(a), Value::Text(b)) => {
                self.pay(a.len().min(b.len()))?;
                Some(a.cmp(b))
            }
            _ => None,
        };
        let order = order.ok_or(Failure::Type("values that have no order were compared"))?;
        Ok(match comparison {
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    pub fn equal<'v>(&self, left: &Value<'v>, right: &Value<'v>) -> Result<bool, Failure> {
        self.pay(0)?;
        match (left, right) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
            (Value::Number(a), Value::Number(b)) => Ok(a == b),
            (Value::Text(a), Value::Text(b)) => {
                self.pay(a.len().min(b.len()))?;
                Ok(a == b)
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (name, data) in *a {
                    self.pay(b.len())?;
                    let other = b.iter().find(|(n, _)| n == name);
                    let Some((_, other)) = other else {
                        return Ok(false);
                    };
                    if !self.equal(&data.into(), &other.into())? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => {
                let (Some(a), Some(b)) = (elements_of(left), elements_of(right)) else {
                    return Ok(false);
                };
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(&b) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    pub fn within<'v>(&self, wanted: &Value<'v>, within: &Value<'v>) -> Result<bool, Failure> {
        if let Value::Map(members) = within {
            self.pay(members.len())?;
            return Ok(
                matches!(wanted, Value::Text(name) if members.iter().any(|(n, _)| n == name)),
            );
        }
        let elements = elements_of(within).ok_or(Failure::Type("`in` asks what is no list"))?;
        for element in &elements {
            if self.equal(wanted, element)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
