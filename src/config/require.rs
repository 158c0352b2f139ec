//! The object of `require`, and what stands in it.

use super::ast::Value;
use serde_json::json;

use super::context::Context;
use super::diagnostic::Span;
use super::object::object;
use super::read::{Defs, Entries, Read, Spanned, key_of, span_of, wrong_type};
use super::reference::check_references;
use super::schema::described;
use super::value::Name;
use crate::plan::{Constant, Number};

object! {
    /// What a known caller must be allowed. All of it must hold.
    pub struct RequireObject {
        /// Scopes that the caller must have, all of them.
        optional scopes: NameList<'a>,
        /// Scopes of which one is enough.
        optional any_scope: NameList<'a>,
        /// Groups that the caller must be in, all of them.
        optional groups: NameList<'a>,
        /// Groups of which one is enough.
        optional any_group: NameList<'a>,
        /// Claims by their names, such as `email_verified` or `org.id`, with what each must be.
        optional claims: Entries<'a, ClaimDemand>,
        /// A condition in the Common Expression Language, such as `claims.sub == params.id`.
        optional expression: Name<'a>,
    }
}

impl RequireObject<'_> {
    fn is_empty(&self) -> bool {
        let no_claims = self
            .claims
            .value()
            .is_none_or(|claims| claims.object.properties.is_empty());
        self.scopes.is_absent()
            && self.any_scope.is_absent()
            && self.groups.is_absent()
            && self.any_group.is_absent()
            && no_claims
            && self.expression.is_absent()
    }
}

/// What a path asks of a known caller: rules, or `false` for nothing more.
#[derive(Clone, Debug)]
pub enum RequireChoice<'a> {
    Nothing,
    Rules(Box<RequireObject<'a>>),
}

impl<'a> Read<'a> for RequireChoice<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(flag) if !flag.value => Some(RequireChoice::Nothing),
            Value::Object(_) => {
                let before = cx.errors();
                let rules = RequireObject::read(node, cx)?;
                if cx.errors() == before && rules.is_empty() {
                    cx.error(rules.span.first(), "empty_value", "this asks for nothing")
                        .help(
                            "say what is asked, or write `false` if every known caller may use it",
                        );
                }
                (cx.errors() == before).then(|| RequireChoice::Rules(Box::new(rules)))
            }
            other => wrong_type(other, "an object, or `false`", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [RequireObject::schema(defs), { "const": false }] })
    }
}

/// Names of which none stands twice; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameList<'a>(pub Vec<Name<'a>>);

impl<'a> Read<'a> for NameList<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let before = cx.errors();
        let names: Vec<Name<'a>> = Vec::read(node, cx)?;
        for (index, name) in names.iter().enumerate() {
            let earlier = names.iter().take(index);
            if let Some(first) = earlier.into_iter().find(|n| n.value == name.value) {
                let message = format!("`{}` is named twice", name.value);
                cx.error(name.span, "duplicate_value", message)
                    .note(first.span, "first here")
                    .help("remove one of them");
            }
        }
        if names.is_empty() && cx.errors() == before {
            empty_list(node, cx);
        }
        (cx.errors() == before).then_some(NameList(names))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "minLength": 1 },
        })
    }
}

/// What a claim must be: a value that it equals, or one of `{"one_of": [...]}`, `{"contains": ...}`, `{"exists": ...}`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimDemand {
    OneOf(Vec<Constant>),
    Contains(Vec<Constant>),
    Exists(bool),
}

impl<'a> Read<'a> for ClaimDemand {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let object = match node {
            Value::Object(object) => object,
            Value::Array(_) => return unclear(span_of(node).first(), cx),
            _ => return constant(node, cx).map(|one| ClaimDemand::OneOf(vec![one])),
        };
        let [property] = object.properties.as_slice() else {
            return unclear(span_of(node).first(), cx);
        };
        let value = &property.value;
        match key_of(property).value {
            "one_of" => constants(value, cx).map(ClaimDemand::OneOf),
            "contains" => match value {
                Value::Array(_) => constants(value, cx),
                one => constant(one, cx).map(|one| vec![one]),
            }
            .map(ClaimDemand::Contains),
            "exists" => {
                Spanned::<bool>::read(value, cx).map(|flag| ClaimDemand::Exists(flag.value))
            }
            _ => unclear(key_of(property).span, cx),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        let scalar = json!({ "type": ["string", "number", "boolean", "null"] });
        let list = json!({ "type": "array", "minItems": 1, "items": scalar });
        let member = |key: &str, value: serde_json::Value, description: &str| {
            let value = described(value, description);
            json!({
                "type": "object", "properties": { key: value }, "required": [key], "additionalProperties": false,
            })
        };
        json!({ "anyOf": [
            scalar,
            member("one_of", list.clone(), "Values of which the claim must be one."),
            member("contains", json!({ "anyOf": [scalar, list] }), "What the claim, a list, must hold: a value, or all of several."),
            member("exists", json!({ "type": "boolean" }), "Whether there must be such a claim, or none."),
        ] })
    }
}

fn unclear<T>(span: Span, cx: &mut Context) -> Option<T> {
    cx.error(
        span,
        "unknown_value",
        "this does not say what the claim must be",
    )
    .help("write a value that it equals, or one member: `one_of`, `contains` or `exists`");
    None
}

fn constants(node: &Value<'_>, cx: &mut Context) -> Option<Vec<Constant>> {
    let Value::Array(array) = node else {
        return wrong_type(node, "an array", cx);
    };
    let before = cx.errors();
    let mut constants = Vec::with_capacity(array.elements.len());
    for element in &array.elements {
        let Some(constant) = constant(element, cx) else {
            continue;
        };
        if constants.contains(&constant) {
            cx.error(
                span_of(element),
                "duplicate_value",
                "this value stands twice",
            )
            .help("remove one of them");
        }
        constants.push(constant);
    }
    if array.elements.is_empty() {
        empty_list(node, cx);
    }
    (cx.errors() == before).then_some(constants)
}

fn constant(node: &Value<'_>, cx: &mut Context) -> Option<Constant> {
    match node {
        Value::NullKeyword(_) => Some(Constant::Null),
        Value::BooleanLit(flag) => Some(Constant::Bool(flag.value)),
        Value::StringLit(literal) if literal.value.is_empty() => {
            Some(Constant::Text(String::new()))
        }
        Value::StringLit(_) => {
            let name = Name::read(node, cx)?;
            check_references(name.value, name.span, cx);
            Some(Constant::Text(name.value.to_owned()))
        }
        Value::NumberLit(number) => match Number::read(number.value) {
            Some(number) => Some(Constant::Number(number)),
            None => {
                cx.error(span_of(node), "out_of_range", "this number is too large");
                None
            }
        },
        other => wrong_type(other, "a string, a number, a boolean or null", cx),
    }
}

fn empty_list(node: &Value<'_>, cx: &mut Context) {
    cx.error(span_of(node), "empty_value", "this list is empty")
        .help("name at least one, or leave it out");
}
