//! Conditions in the Common Expression Language, evaluated.
//!
//! The language's own definition holds: `==` of values of two types is false and `!=` true, all else over the wrong types fails; `&&`,
//! `||`, `all` and `exists` pass over a failure where the rest decides. Every step and every character that is looked at
//! is paid for out of a budget, so that no claim and no request makes a condition slow.

use std::borrow::Cow;

use super::Facts;
use super::compare::{Budget, Failure};
use super::data::Data;
use super::value::{Value, elements_of};
use crate::auth::Claims;
use crate::plan::{Expr, Expression, Number, Quantifier, TextTest};

/// Whether the condition is true.
///
/// # Errors
/// It is neither true nor false: whoever asks closes.
pub fn holds(
    expression: &Expression,
    claims: &Claims,
    facts: &impl Facts,
) -> Result<bool, Failure> {
    // Read once, however often the condition comes back to them.
    let read = |name: &String| {
        let json = claims.json_of(name);
        json.map(|json| serde_json::from_str::<Data>(json).map_err(|_| ()))
    };
    let read: Vec<_> = expression.claims.iter().map(read).collect();
    let evaluation = Evaluation {
        names: &expression.claims,
        claims: &read,
        facts,
        budget: Budget::new(),
    };
    evaluation.truth(&expression.root, &Elements::None)
}

/// What the quantifiers around a node stand at, the innermost first.
enum Elements<'e, 'v> {
    None,
    One {
        index: u16,
        value: Value<'v>,
        outer: &'e Elements<'e, 'v>,
    },
}

impl<'v> Elements<'_, 'v> {
    fn get(&self, wanted: u16) -> Option<Value<'v>> {
        match self {
            Elements::None => None,
            Elements::One { index, value, .. } if *index == wanted => Some(value.clone()),
            Elements::One { outer, .. } => outer.get(wanted),
        }
    }

    fn next(&self) -> u16 {
        match self {
            Elements::None => 0,
            Elements::One { index, .. } => index.saturating_add(1),
        }
    }
}

struct Evaluation<'v, F> {
    names: &'v [String],
    claims: &'v [Option<Result<Data, ()>>],
    facts: &'v F,
    budget: Budget,
}

type Outcome<'v> = Result<Value<'v>, Failure>;

impl<'v, F: Facts> Evaluation<'v, F> {
    fn truth(&self, expr: &'v Expr, elements: &Elements<'_, 'v>) -> Result<bool, Failure> {
        match self.value(expr, elements)? {
            Value::Bool(value) => Ok(value),
            _ => Err(Failure::Type("what must be true or false is neither")),
        }
    }

    fn text(&self, expr: &'v Expr, elements: &Elements<'_, 'v>) -> Result<Cow<'v, str>, Failure> {
        match self.value(expr, elements)? {
            Value::Text(text) => Ok(text),
            _ => Err(Failure::Type("what must be a text is none")),
        }
    }

    fn value(&self, expr: &'v Expr, elements: &Elements<'_, 'v>) -> Outcome<'v> {
        self.budget.pay(0)?;
        let bool = Value::Bool;
        let text = |text| Ok(Value::Text(text));
        match expr {
            Expr::Constant(constant) => Ok(constant.into()),
            Expr::List(list) => {
                let values = list.iter().map(|expr| self.value(expr, elements));
                values.collect::<Result<_, _>>().map(Value::List)
            }
            Expr::Claim(index) => {
                let (name, claim) = self.claim(*index);
                match claim {
                    Some(Ok(data)) => Ok(data.into()),
                    Some(Err(())) => Err(Failure::Unclear(format!(
                        "the claim `{name}` cannot be read"
                    ))),
                    None => Err(Failure::Absent(format!("claim `{name}`"))),
                }
            }
            Expr::HasClaim(index) => Ok(bool(self.claim(*index).1.is_some())),
            Expr::Method => text(Cow::Borrowed(self.facts.method())),
            Expr::Path => text(Cow::Borrowed(self.facts.path())),
            Expr::Host => text(self.facts.host()),
            Expr::Header(name) => {
                let header = self.facts.header(name);
                let header = header.ok_or_else(|| Failure::Absent(format!("header `{name}`")));
                header.map(Value::Text)
            }
            Expr::HasHeader(name) => Ok(bool(self.facts.header(name).is_some())),
            Expr::Query(name) => self.query(name).map(Value::Text),
            Expr::HasQuery(name) => {
                let found = self.query(name);
                match found {
                    Ok(_) => Ok(bool(true)),
                    Err(Failure::Absent(_)) => Ok(bool(false)),
                    Err(failure) => Err(failure),
                }
            }
            Expr::Parameter(name) => {
                let value = self.facts.parameter(name);
                let value = value.ok_or_else(|| Failure::Absent(format!("parameter `{name}`")));
                value.map(Value::Text)
            }
            Expr::Element(index) => elements
                .get(*index)
                .ok_or(Failure::Type("an element is meant that is not there")),
            Expr::Member(of, name) => self.member(&self.value(of, elements)?, name),
            Expr::HasMember(of, name) => match self.value(of, elements)? {
                Value::Map(members) => Ok(bool(members.iter().any(|(n, _)| n == name))),
                _ => Err(Failure::Type("what is no object has no members")),
            },
            Expr::Index(of, at) => {
                let (of, at) = (self.value(of, elements)?, self.value(at, elements)?);
                self.index(of, at)
            }
            Expr::Not(of) => Ok(bool(!self.truth(of, elements)?)),
            Expr::And(both) => {
                let right = || self.truth(&both.1, elements);
                decided(self.truth(&both.0, elements), right, false).map(bool)
            }
            Expr::Or(both) => {
                let right = || self.truth(&both.1, elements);
                decided(self.truth(&both.0, elements), right, true).map(bool)
            }
            Expr::If(parts) => match self.truth(&parts.0, elements)? {
                true => self.value(&parts.1, elements),
                false => self.value(&parts.2, elements),
            },
            Expr::Compare(comparison, both) => {
                let left = self.value(&both.0, elements)?;
                let right = self.value(&both.1, elements)?;
                self.budget.compare(*comparison, &left, &right).map(bool)
            }
            Expr::In(both) => {
                let wanted = self.value(&both.0, elements)?;
                let within = self.value(&both.1, elements)?;
                self.budget.within(&wanted, &within).map(bool)
            }
            Expr::Size(of) => {
                let size = match self.value(of, elements)? {
                    Value::Text(text) => {
                        self.budget.pay(text.len())?;
                        text.chars().count()
                    }
                    Value::List(list) => list.len(),
                    Value::Data(list) => list.len(),
                    Value::Map(members) => members.len(),
                    _ => return Err(Failure::Type("what has no size was measured")),
                };
                let size = i128::try_from(size).unwrap_or(i128::MAX);
                Ok(Value::Number(Number::Whole(size)))
            }
            Expr::Text(test, both) => {
                let whole = self.text(&both.0, elements)?;
                let part = self.text(&both.1, elements)?;
                self.budget.pay(whole.len().saturating_add(part.len()))?;
                Ok(bool(match test {
                    TextTest::StartsWith => whole.starts_with(&*part),
                    TextTest::EndsWith => whole.ends_with(&*part),
                    TextTest::Contains => whole.contains(&*part),
                }))
            }
            Expr::Quantified(quantifier, both) => {
                let list = self.value(&both.0, elements)?;
                self.quantified(*quantifier, list, &both.1, elements)
                    .map(bool)
            }
        }
    }

    fn claim(&self, index: u16) -> (&'v str, Option<&'v Result<Data, ()>>) {
        let index = usize::from(index);
        let name = self.names.get(index).map_or("", String::as_str);
        (name, self.claims.get(index).and_then(Option::as_ref))
    }

    /// The one value of a key, decoded as a form's (URL standard, section 5.1). Of two, the upstream may take the other.
    fn query(&self, name: &str) -> Result<Cow<'v, str>, Failure> {
        let query = self.facts.query().unwrap_or_default();
        self.budget.pay(query.len())?;
        let pairs = form_urlencoded::parse(query.as_bytes());
        let mut values = pairs.filter(|(key, _)| key == name).map(|(_, v)| v);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(Failure::Absent(format!("query key `{name}`"))),
            (Some(_), Some(_)) => Err(Failure::Unclear(format!(
                "the query key `{name}` stands twice"
            ))),
        }
    }

    fn member(&self, of: &Value<'v>, name: &str) -> Outcome<'v> {
        let Value::Map(members) = of else {
            return Err(Failure::Type("what is no object has no members"));
        };
        self.budget.pay(members.len())?;
        let found = members.iter().find(|(n, _)| n == name);
        found
            .map(|(_, data)| data.into())
            .ok_or_else(|| Failure::Absent(format!("member `{name}`")))
    }

    fn index(&self, of: Value<'v>, at: Value<'v>) -> Outcome<'v> {
        let at = match (&of, at) {
            (Value::Map(_), Value::Text(name)) => return self.member(&of, &name),
            (_, Value::Number(Number::Whole(at))) => usize::try_from(at).ok(),
            _ => return Err(Failure::Type("an index is of the wrong type")),
        };
        let found = match (of, at) {
            (Value::List(list), Some(at)) => list.into_iter().nth(at),
            (Value::Data(list), Some(at)) => list.get(at).map(Value::from),
            (Value::List(_) | Value::Data(_), None) => None,
            _ => return Err(Failure::Type("what is no list has an index")),
        };
        found.ok_or_else(|| Failure::Absent("element at this index".into()))
    }

    fn quantified(
        &self,
        quantifier: Quantifier,
        list: Value<'v>,
        condition: &'v Expr,
        outer: &Elements<'_, 'v>,
    ) -> Result<bool, Failure> {
        let values = match &list {
            // Over its names.
            Value::Map(members) => members
                .iter()
                .map(|(name, _)| Value::Text(Cow::Borrowed(name.as_str())))
                .collect(),
            other => {
                elements_of(other).ok_or(Failure::Type("a quantifier goes over what is no list"))?
            }
        };
        let mut failure = None;
        let mut count = 0_u32;
        for value in values {
            let elements = Elements::One {
                index: outer.next(),
                value,
                outer,
            };
            match (quantifier, self.truth(condition, &elements)) {
                (_, Err(Failure::TooLong)) => return Err(Failure::TooLong),
                (Quantifier::ExistsOne, Err(other)) => return Err(other),
                (_, Err(other)) => failure = failure.or(Some(other)),
                (Quantifier::All, Ok(false)) => return Ok(false),
                (Quantifier::Exists, Ok(true)) => return Ok(true),
                (Quantifier::ExistsOne, Ok(true)) => count = count.saturating_add(1),
                _ => {}
            }
        }
        match (failure, quantifier) {
            (Some(failure), _) => Err(failure),
            (None, Quantifier::All) => Ok(true),
            (None, Quantifier::Exists) => Ok(false),
            (None, Quantifier::ExistsOne) => Ok(count == 1),
        }
    }
}

/// Of `&&` and `||`: the value that `decider` is, from either side, whatever the other comes to.
fn decided(
    left: Result<bool, Failure>,
    right: impl FnOnce() -> Result<bool, Failure>,
    decider: bool,
) -> Result<bool, Failure> {
    match left {
        Ok(value) if value == decider => Ok(decider),
        Err(Failure::TooLong) => Err(Failure::TooLong),
        left => match right() {
            Ok(value) if value == decider => Ok(decider),
            right => left.and(right),
        },
    }
}
