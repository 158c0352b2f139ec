//! The values that stand in a config's objects.

use serde_json::json;

use super::ast::Value;
use super::context::Context;
use super::diagnostic::Span;
use super::read::{Defs, Read, Spanned, key_of, refuse_duplicates, span_of, wrong_type};
use super::reference::{text_of, url_without_blanks};
use super::schema::described;
use crate::plan::Text;

/// A string that is not empty and stands for itself: no reference.
pub type Name<'a> = Spanned<&'a str>;

impl<'a> Read<'a> for Name<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let name = string(node, cx)?;
        if name.value.starts_with('$') && matches!(Text::read(name.value), Text::Reference(_)) {
            cx.error(
                name.span,
                "reference_not_allowed",
                format!("`{}` cannot stand here", name.value),
            )
            .label("a plain string is needed")
            .help(
                "this must be known before the worker runs, so it cannot come from its environment; a mapping sends it by a variable, `$config.NAME`",
            );
            return None;
        }
        not_empty(name, cx)
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// A string that is not empty, or a reference to the worker's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextValue {
    pub text: Text,
    pub span: Span,
}

impl<'a> Read<'a> for TextValue {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let written = string(node, cx)?;
        not_empty(written, cx)?;
        text_of(written, cx)
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

/// A string, number or boolean as the text that it is sent as; it may be empty or a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(pub TextValue);

impl<'a> Read<'a> for Scalar {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let literal = |text: String| {
            Some(Scalar(TextValue {
                text: Text::Literal(text),
                span: span_of(node),
            }))
        };
        match node {
            Value::StringLit(_) => text_of(string(node, cx)?, cx).map(Scalar),
            Value::NumberLit(number) => literal(number.value.to_owned()),
            Value::BooleanLit(boolean) => literal(boolean.value.to_string()),
            other => wrong_type(other, "a string, a number or a boolean", cx),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// A whole number within bounds, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const MIN: u32, const MAX: u32> {
    pub value: u32,
    pub span: Span,
}

impl<'a, const MIN: u32, const MAX: u32> Read<'a> for Whole<MIN, MAX> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let Value::NumberLit(number) = node else {
            return wrong_type(node, "a whole number", cx);
        };
        let span = span_of(node);
        let value = number.value.parse::<u32>().ok();
        match value.filter(|value| (MIN..=MAX).contains(value)) {
            Some(value) => Some(Whole { value, span }),
            None => {
                cx.error(
                    span,
                    "out_of_range",
                    format!("{} is not a whole number from {MIN} to {MAX}", number.value),
                )
                .label(format!("{MIN} to {MAX}"));
                None
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

impl<'a> Read<'a> for Spanned<bool> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(boolean) => Some(Spanned {
                value: boolean.value,
                span: span_of(node),
            }),
            other => wrong_type(other, "`true` or `false`", cx),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T> {
    pub values: Vec<T>,
    pub span: Span,
}

impl<'a, T: Read<'a>> Read<'a> for OneOrMany<T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let values = match node {
            Value::Array(_) => {
                let before = cx.errors();
                Some(Vec::read(node, cx)?).filter(|_| cx.errors() == before)?
            }
            one => vec![T::read(one, cx)?],
        };
        Some(OneOrMany {
            values,
            span: span_of(node),
        })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [T::schema(defs), { "type": "array", "items": T::schema(defs) }] })
    }
}

/// Who may use a path: `true`, `false`, the name of an authorizer, a list of names of which any is enough, or
/// `{"any": [...]}`, `{"all": [...]}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthChoice<'a> {
    Flag(Spanned<bool>),
    Named(Name<'a>),
    Any(Spanned<Vec<Name<'a>>>),
    All(Spanned<Vec<Name<'a>>>),
}

impl<'a> Read<'a> for AuthChoice<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let names = |list: &'a Value<'a>, cx: &mut Context| {
            let before = cx.errors();
            let names = Vec::read(list, cx)?;
            let span = span_of(list);
            if names.is_empty() && cx.errors() == before {
                cx.error(span, "empty_value", "this list names no authorizer")
                    .help("write `false` if everyone may use the path");
            }
            (cx.errors() == before).then_some(Spanned { value: names, span })
        };
        let object = match node {
            Value::BooleanLit(_) => return Spanned::read(node, cx).map(AuthChoice::Flag),
            Value::StringLit(_) => return Name::read(node, cx).map(AuthChoice::Named),
            Value::Array(_) => return names(node, cx).map(AuthChoice::Any),
            Value::Object(object) => object,
            other => return wrong_type(other, EXPECTED_AUTH, cx),
        };
        match object.properties.as_slice() {
            [property] if key_of(property).value == "any" => {
                names(&property.value, cx).map(AuthChoice::Any)
            }
            [property] if key_of(property).value == "all" => {
                names(&property.value, cx).map(AuthChoice::All)
            }
            _ => {
                cx.error(
                    span_of(node),
                    "unknown_value",
                    "this does not say who may use the path",
                )
                .help("write one member, `any` or `all`, with a list of authorizers");
                None
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        let names = json!({ "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } });
        let object = |key: &str, description: &str| {
            let names = described(names.clone(), description);
            json!({
                "type": "object", "properties": { key: names }, "required": [key], "additionalProperties": false,
            })
        };
        json!({ "anyOf": [
            { "type": ["boolean", "string"], "minLength": 1 },
            names,
            object("any", "Names of authorizers, of which one must know the caller; they are asked in order."),
            object("all", "Names of authorizers, all of which must know the caller."),
        ] })
    }
}

const EXPECTED_AUTH: &str = "`true`, `false`, the name of an authorizer, or a list of names";

/// Where a token is looked for: `"bearer"`, or `{"header": name}`, `{"cookie": name}`, `{"query": name}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPlace<'a> {
    Bearer,
    Header(Name<'a>),
    Cookie(Name<'a>),
    Query(Name<'a>),
}

impl<'a> Read<'a> for TokenPlace<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let object = match node {
            Value::StringLit(word) if word.value == "bearer" => return Some(TokenPlace::Bearer),
            Value::Object(object) => object,
            _ => return unknown_token_place(node, cx),
        };
        let [property] = object.properties.as_slice() else {
            return unknown_token_place(node, cx);
        };
        let place = match key_of(property).value {
            "header" => TokenPlace::Header,
            "cookie" => TokenPlace::Cookie,
            "query" => TokenPlace::Query,
            _ => return unknown_token_place(node, cx),
        };
        Name::read(&property.value, cx).map(place)
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [
            { "const": "bearer" },
            place("header", "The name of a header that has it, as a whole."),
            place("cookie", "The name of a cookie that has it."),
            place("query", "The key of the query that has it."),
        ] })
    }
}

/// The schema of an object with one member, the name of a part of the request.
pub(super) fn place(key: &str, description: &str) -> serde_json::Value {
    json!({
        "type": "object",
        "properties": { key: { "type": "string", "minLength": 1, "description": description } },
        "required": [key],
        "additionalProperties": false,
    })
}

fn unknown_token_place<T>(node: &Value<'_>, cx: &mut Context) -> Option<T> {
    cx.error(
        span_of(node),
        "unknown_value",
        "this is no place for a token",
    )
    .help("write `\"bearer\"`, or one of `{\"header\": name}`, `{\"cookie\": name}` and `{\"query\": name}`");
    None
}

/// Any JSON, kept as it is written.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<'a>(pub &'a Value<'a>);

impl<'a> Read<'a> for JsonBody<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        sound(node, cx).then_some(JsonBody(node))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({})
    }
}

/// Whether no object in `node` has a key twice. The parser bounds the depth.
fn sound<'a>(node: &'a Value<'a>, cx: &mut Context) -> bool {
    let mut all = true;
    match node {
        Value::Object(object) => {
            all = refuse_duplicates(object, cx);
            for property in &object.properties {
                all &= sound(&property.value, cx);
            }
        }
        Value::Array(array) => {
            for element in &array.elements {
                all &= sound(element, cx);
            }
        }
        Value::Unparsed(list) => {
            for element in list.iter() {
                all &= sound(&element, cx);
            }
        }
        _ => {}
    }
    all
}

fn string<'a>(node: &'a Value<'a>, cx: &mut Context) -> Option<Spanned<&'a str>> {
    let Value::StringLit(literal) = node else {
        return wrong_type(node, "a string", cx);
    };
    let (written, span) = (literal.value.as_ref(), literal.range.into());
    let value = url_without_blanks(written);
    if value != written {
        cx.warning(
            span,
            "blanks_around_url",
            "the blanks around this URL are left out",
        )
        .help("remove them");
    }
    Some(Spanned { value, span })
}

fn not_empty<'a>(written: Spanned<&'a str>, cx: &mut Context) -> Option<Spanned<&'a str>> {
    if written.value.is_empty() {
        cx.error(written.span, "empty_value", "this string is empty");
        return None;
    }
    Some(written)
}
