//! Values on their way through a condition, borrowed where they can be.

use std::borrow::Cow;

use super::data::Data;
use crate::plan::{Constant, Number};

#[derive(Clone, Debug)]
pub enum Value<'v> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'v, str>),
    List(Vec<Value<'v>>),
    /// A list of a claim.
    Data(&'v [Data]),
    Map(&'v [(String, Data)]),
}

impl<'v> From<&'v Data> for Value<'v> {
    fn from(data: &'v Data) -> Value<'v> {
        match data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(*value),
            Data::Text(value) => Value::Text(Cow::Borrowed(value)),
            Data::List(value) => Value::Data(value),
            Data::Map(value) => Value::Map(value),
        }
    }
}

impl<'v> From<&'v Constant> for Value<'v> {
    fn from(constant: &'v Constant) -> Value<'v> {
        match constant {
            Constant::Null => Value::Null,
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Number(value) => Value::Number(*value),
            Constant::Text(value) => Value::Text(Cow::Borrowed(value)),
        }
    }
}

/// The elements of a list.
pub fn elements_of<'v>(value: &Value<'v>) -> Option<Vec<Value<'v>>> {
    match value {
        Value::List(list) => Some(list.clone()),
        Value::Data(list) => Some(list.iter().map(Value::from).collect()),
        _ => None,
    }
}
