//! What a caller must be allowed before a path serves it; a part of the blueprint.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Demands on a known caller. All of them must hold; never without any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// Scopes that the caller must have, all of them (RFC 6749 section 3.3).
    pub scopes: Vec<String>,
    /// Scopes of which one is enough.
    pub any_scope: Vec<String>,
    pub groups: Vec<String>,
    pub any_group: Vec<String>,
    /// Names of claims, with what is asked of each.
    pub claims: Vec<(String, ClaimRule)>,
    pub expression: Option<Expression>,
}

/// What is asked of one claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClaimRule {
    /// It is one of these.
    OneOf(Vec<Constant>),
    /// It is a list that holds all of these.
    Contains(Vec<Constant>),
    /// Whether it is there and not `null`.
    Exists(bool),
}

/// A JSON value that is neither array nor object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Constant {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
}

/// A number of JSON, which has one kind: 1 and 1.0 are the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    /// The number that a JSON text writes (RFC 8259 section 6).
    pub fn read(json: &str) -> Option<Number> {
        match json.parse() {
            Ok(whole) => Some(Number::Whole(whole)),
            Err(_) => json
                .parse()
                .ok()
                .filter(|real: &f64| real.is_finite())
                .map(Number::Real),
        }
    }

    /// As a whole number, where it is one that a double holds exactly.
    fn whole(self) -> Option<i128> {
        /// Beyond it a double tells only some of the whole numbers apart, but those it names exactly.
        const LIMIT: f64 = 1e37;
        match self {
            Number::Whole(whole) => Some(whole),
            Number::Real(real) if real.fract() == 0.0 && real.abs() < LIMIT => Some(real as i128),
            Number::Real(_) => None,
        }
    }

    fn real(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => self.real().partial_cmp(&other.real()),
        }
    }
}

/// A condition in the Common Expression Language, ready to be evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expression {
    /// As it is written.
    pub text: String,
    /// Names of the claims that it looks at; [`Expr::Claim`] names them by index.
    pub claims: Vec<String>,
    pub root: Expr,
}

/// A node of an expression. The compiler bounds the depth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    Constant(Constant),
    List(Vec<Expr>),
    Claim(u16),
    HasClaim(u16),
    Method,
    /// The canonical path.
    Path,
    /// In lower case, without port.
    Host,
    /// By its lower-case name.
    Header(String),
    HasHeader(String),
    Query(String),
    HasQuery(String),
    Parameter(String),
    /// An element that a quantifier stands at, counted from the outermost quantifier.
    Element(u16),
    Member(Box<Expr>, String),
    HasMember(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    /// Condition, then, else.
    If(Box<(Expr, Expr, Expr)>),
    Compare(Comparison, Box<(Expr, Expr)>),
    /// Whether the second holds the first.
    In(Box<(Expr, Expr)>),
    Size(Box<Expr>),
    /// Of the first text, with the second.
    Text(TextTest, Box<(Expr, Expr)>),
    /// Over the list, the condition.
    Quantified(Quantifier, Box<(Expr, Expr)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_and_exactly() {
        let read = |json| Number::read(json).unwrap();
        for (a, b, order) in [
            ("1", "1.0", Ordering::Equal),
            ("1", "1e0", Ordering::Equal),
            ("-0", "0.0", Ordering::Equal),
            ("1", "1.5", Ordering::Less),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            (
                "18446744073709551616",
                "18446744073709551615",
                Ordering::Greater,
            ),
            ("1e300", "1", Ordering::Greater),
            ("-1e300", "1e300", Ordering::Less),
        ] {
            assert_eq!(read(a).partial_cmp(&read(b)), Some(order), "{a} {b}");
            assert_eq!(read(a) == read(b), order == Ordering::Equal, "{a} {b}");
        }
        assert!(Number::read("1e400").is_none());
        assert!(Number::read("\"1\"").is_none());
    }
}
