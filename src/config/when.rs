//! The object of `when`: which requests a path is for, besides those of its host, method and pattern.

use serde_json::json;

use super::ast::Value;
use super::context::Context;
use super::object::object;
use super::read::{Defs, Entries, Read, wrong_type};
use super::require::NameList;
use super::value::Name;

object! {
    /// Which requests a path is for. All of it must hold; where it does not, the next path that matches is taken.
    pub struct WhenObject {
        /// Header fields by their names, with what each must be.
        optional headers: Entries<'a, Wanted<'a>>,
        /// Keys of the query, with what each must be.
        optional query: Entries<'a, Wanted<'a>>,
    }
}

impl WhenObject<'_> {
    /// Whether it holds for every request.
    pub fn is_empty(&self) -> bool {
        [&self.headers, &self.query]
            .into_iter()
            .all(|part| match part.value() {
                Some(entries) => entries.object.properties.is_empty(),
                None => part.is_absent(),
            })
    }
}

/// A value, several of which one is enough, `true` for any value, or `false` for none.
#[derive(Clone, Debug)]
pub enum Wanted<'a> {
    There(bool),
    OneOf(Vec<Name<'a>>),
}

impl<'a> Read<'a> for Wanted<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(flag) => Some(Wanted::There(flag.value)),
            Value::StringLit(_) => Name::read(node, cx).map(|name| Wanted::OneOf(vec![name])),
            Value::Array(_) => NameList::read(node, cx).map(|names| Wanted::OneOf(names.0)),
            other => wrong_type(
                other,
                "a string, a list of strings, or `true` or `false`",
                cx,
            ),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            { "type": "boolean" },
            { "type": "string", "minLength": 1 },
            NameList::schema(defs),
        ] })
    }
}
