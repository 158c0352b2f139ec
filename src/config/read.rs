//! Reading a syntax tree into types, without stopping at a mistake.

use std::collections::HashMap;
use std::marker::PhantomData;

use serde_json::{Map, json};

use super::ast::{Array, Object, ObjectProp, Ranged, Unparsed, Value};
use super::context::Context;
use super::diagnostic::Span;

/// The named objects of the schema, gathered on the way.
pub type Defs = Map<String, serde_json::Value>;

/// A value of a document: how it is read, and how its schema tells others to write it.
pub trait Read<'a>: Sized {
    /// `None`, and at least one error in `cx`, where the value cannot be understood.
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self>;

    fn schema(defs: &mut Defs) -> serde_json::Value;
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

/// A member of an object. That a member is there and not understood is kept apart from its absence: a faulty
/// `auth` must not be taken for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Field<T> {
    #[default]
    Absent,
    /// There, or required, and not understood; told already.
    Bad,
    Value(T),
}

impl<T> Field<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Field::Value(value) => Some(value),
            Field::Absent | Field::Bad => None,
        }
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Field::Absent)
    }

    pub fn is_bad(&self) -> bool {
        matches!(self, Field::Bad)
    }
}

/// A value that is read when it is asked for.
#[derive(Debug)]
pub struct Lazy<'a, T> {
    pub node: &'a Value<'a>,
    item: PhantomData<T>,
}

// Derived, these would ask the same of T.
impl<T> Clone for Lazy<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Lazy<'_, T> {}

impl<'a, T: Read<'a>> Lazy<'a, T> {
    pub fn get(&self, cx: &mut Context) -> Option<T> {
        T::read(self.node, cx)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Lazy<'a, T> {
    fn read(node: &'a Value<'a>, _: &mut Context) -> Option<Self> {
        Some(Lazy {
            node,
            item: PhantomData,
        })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        T::schema(defs)
    }
}

/// An array whose items are read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a, T> {
    pub array: &'a Array<'a>,
    item: PhantomData<T>,
}

impl<'a, T> Items<'a, T> {
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &'a Value<'a>> + use<'a, T> {
        self.array.elements.iter()
    }
}

impl<'a, T: Read<'a>> Read<'a> for Items<'a, T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::Array(array) => Some(Items {
                array,
                item: PhantomData,
            }),
            other => wrong_type(other, "an array", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "type": "array", "items": T::schema(defs) })
    }
}

/// The array of `paths`: its items are parsed and read one by one, so that 100,000 of them never stand side by side.
#[derive(Clone, Copy, Debug)]
pub struct OneByOne<'a, T> {
    pub list: &'a Unparsed<'a>,
    item: PhantomData<T>,
}

impl<'a, T: Read<'a>> Read<'a> for OneByOne<'a, T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::Unparsed(list) => Some(OneByOne {
                list,
                item: PhantomData,
            }),
            other => wrong_type(other, "an array", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        Items::<T>::schema(defs)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let items = Items::<T>::read(node, cx)?;
        // An item that is not understood has been told; the others are still looked at.
        let understood: Vec<T> = items.nodes().filter_map(|item| T::read(item, cx)).collect();
        // Where none is left, the list is not an empty one.
        (!understood.is_empty() || items.nodes().next().is_none()).then_some(understood)
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        Items::<T>::schema(defs)
    }
}

/// An object that is a map: its keys are the author's.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a, T> {
    pub object: &'a Object<'a>,
    value: PhantomData<T>,
}

impl<'a, T: Read<'a>> Entries<'a, T> {
    /// Keys with their values, which are yet to be read.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = (Spanned<&'a str>, Lazy<'a, T>)> + use<'a, T> {
        self.object.properties.iter().map(|property| {
            (
                key_of(property),
                Lazy {
                    node: &property.value,
                    item: PhantomData,
                },
            )
        })
    }
}

impl<'a, T: Read<'a>> Read<'a> for Entries<'a, T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let Value::Object(object) = node else {
            return wrong_type(node, "an object", cx);
        };
        refuse_duplicates(object, cx).then_some(Entries {
            object,
            value: PhantomData,
        })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "type": "object", "additionalProperties": T::schema(defs) })
    }
}

/// Reads `node` as a list of every value, or `None` if one of them is not understood.
pub fn read_all<'a, T: Read<'a>>(items: &Items<'a, T>, cx: &mut Context) -> Option<Vec<T>> {
    let before = cx.errors();
    let values = items.nodes().filter_map(|node| T::read(node, cx)).collect();
    (cx.errors() == before).then_some(values)
}

/// Whether no key stands twice; tells each that does.
pub(super) fn refuse_duplicates<'a>(object: &'a Object<'a>, cx: &mut Context) -> bool {
    /// Up to here, comparing every pair is quicker than a table.
    const FEW: usize = 8;
    let mut sound = true;
    if object.properties.len() <= FEW {
        for (index, property) in object.properties.iter().enumerate() {
            let name = property.name.as_str();
            let earlier = object.properties.iter().take(index);
            if let Some(first) = earlier.into_iter().find(|p| p.name.as_str() == name) {
                duplicate_key(key_of(property), key_of(first).span, cx);
                sound = false;
            }
        }
        return sound;
    }
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(object.properties.len());
    for property in &object.properties {
        let key = key_of(property);
        if let Some(first) = seen.get(key.value) {
            duplicate_key(key, *first, cx);
            sound = false;
        } else {
            seen.insert(key.value, key.span);
        }
    }
    sound
}

pub(super) fn duplicate_key(key: Spanned<&str>, first: Span, cx: &mut Context) {
    cx.error(
        key.span,
        "duplicate_key",
        format!("`{}` stands twice in this object", key.value),
    )
    .label("again here")
    .note(first, "first here")
    .help("readers of JSON differ on which of the two counts: remove one");
}

pub(super) fn key_of<'a>(property: &'a ObjectProp<'a>) -> Spanned<&'a str> {
    Spanned {
        value: property.name.as_str(),
        span: property.name.range().into(),
    }
}

pub(super) fn span_of(node: &Value<'_>) -> Span {
    node.range().into()
}

/// Tells that `expected` was expected, and reads nothing.
pub(super) fn wrong_type<T>(node: &Value<'_>, expected: &str, cx: &mut Context) -> Option<T> {
    let found = match node {
        Value::StringLit(_) => "a string",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a boolean",
        Value::Object(_) => "an object",
        Value::Array(_) | Value::Unparsed(_) => "an array",
        Value::NullKeyword(_) => "null",
    };
    let span = match node {
        Value::Object(_) | Value::Array(_) | Value::Unparsed(_) => span_of(node).first(),
        _ => span_of(node),
    };
    let diagnostic = cx.error(
        span,
        "wrong_type",
        format!("expected {expected}, found {found}"),
    );
    diagnostic.label(format!("expected {expected}"));
    if let Some(help) = retyped(node, expected) {
        diagnostic.help(help);
    }
    None
}

/// How what was meant is written, where that is plain.
fn retyped(node: &Value<'_>, expected: &str) -> Option<String> {
    let text = match node {
        Value::StringLit(literal) => Some(literal.value.trim()),
        _ => None,
    };
    if let Some(text) = text
        && ((expected.contains("number") && text.parse::<f64>().is_ok_and(f64::is_finite))
            || (expected.contains("`true`") && matches!(text, "true" | "false")))
    {
        return Some(format!("write `{text}` without quotes"));
    }
    match node {
        Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_)
            if expected == "an array" =>
        {
            Some("put it into brackets, as a list of one: `[...]`".to_owned())
        }
        Value::NumberLit(number) if expected.starts_with("a string") => {
            Some(format!("put it into quotes: `\"{}\"`", number.value))
        }
        Value::Array(list) if expected.starts_with("a string") && list.elements.len() == 1 => {
            Some("write it without brackets".to_owned())
        }
        Value::NullKeyword(_) => Some("leave the member out if nothing is meant".to_owned()),
        _ => None,
    }
}
