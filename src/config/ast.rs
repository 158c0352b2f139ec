//! The syntax tree of a document: what is written, and where.
//!
//! Strings without escapes are borrowed from the document's text, places are byte offsets into it. A document has
//! at most [`MAX_BYTES`](super::MAX_BYTES), so 32 bits do for each.

use std::borrow::Cow;

use super::diagnostic::Span;
use super::parser::element;
use crate::problem::json_string;

/// From the first byte to the one behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    pub start: u32,
    pub end: u32,
}

/// What has a place in the text.
pub trait Ranged {
    fn range(&self) -> Range;
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    StringLit(StringLit<'a>),
    NumberLit(NumberLit<'a>),
    BooleanLit(BooleanLit),
    Object(Object<'a>),
    Array(Array<'a>),
    /// The array of `paths`.
    Unparsed(Unparsed<'a>),
    NullKeyword(NullKeyword),
}

impl Value<'_> {
    /// Writes the value as plain JSON, without white space, comments and trailing commas. The parser bounds the depth.
    pub fn write_json(&self, json: &mut String) {
        match self {
            Value::NullKeyword(_) => json.push_str("null"),
            Value::BooleanLit(boolean) => {
                json.push_str(if boolean.value { "true" } else { "false" });
            }
            Value::NumberLit(number) => json.push_str(number.value),
            Value::StringLit(literal) => json.push_str(&json_string(&literal.value)),
            Value::Array(array) => write_list(&array.elements, json),
            Value::Unparsed(list) => write_list(&list.iter().collect::<Vec<_>>(), json),
            Value::Object(object) => {
                json.push('{');
                for (index, property) in object.properties.iter().enumerate() {
                    json.push_str(if index > 0 { "," } else { "" });
                    json.push_str(&json_string(property.name.as_str()));
                    json.push(':');
                    property.value.write_json(json);
                }
                json.push('}');
            }
        }
    }
}

fn write_list(elements: &[Value<'_>], json: &mut String) {
    json.push('[');
    for (index, element) in elements.iter().enumerate() {
        json.push_str(if index > 0 { "," } else { "" });
        element.write_json(json);
    }
    json.push(']');
}

#[derive(Clone, Debug, PartialEq)]
pub struct StringLit<'a> {
    /// With the quotes.
    pub range: Range,
    /// Without them, escapes resolved.
    pub value: Cow<'a, str>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NumberLit<'a> {
    pub range: Range,
    /// As written.
    pub value: &'a str,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BooleanLit {
    pub range: Range,
    pub value: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NullKeyword {
    pub range: Range,
}

/// Keys may stand twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<'a> {
    pub range: Range,
    pub properties: Vec<ObjectProp<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ObjectProp<'a> {
    pub name: StringLit<'a>,
    pub value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Array<'a> {
    pub range: Range,
    pub elements: Vec<Value<'a>>,
}

/// An array that is known to be sound, and whose elements become a tree only while they are looked at: 100,000 of
/// them never stand side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Unparsed<'a> {
    pub range: Range,
    /// The whole document.
    pub(super) text: &'a str,
    /// Where each element starts.
    pub(super) starts: Vec<u32>,
}

impl<'a> Unparsed<'a> {
    /// Parses one element after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value<'a>> {
        self.starts.iter().map(|start| element(self.text, *start))
    }

    /// What the string at `span`, somewhere in an element, says.
    pub fn string_at(&self, span: Span) -> Cow<'a, str> {
        match u32::try_from(span.start).map(|start| element(self.text, start)) {
            Ok(Value::StringLit(literal)) => literal.value,
            _ => Cow::Borrowed(""),
        }
    }

    /// The element that starts last before the byte `offset`, and its index.
    pub fn around(&self, offset: usize) -> Option<(usize, Value<'a>)> {
        let starts_before =
            |start: &u32| usize::try_from(*start).is_ok_and(|start| start <= offset);
        let index = self.starts.partition_point(starts_before).checked_sub(1)?;
        let start = self.starts.get(index)?;
        Some((index, element(self.text, *start)))
    }
}

impl<'a> Object<'a> {
    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&ObjectProp<'a>> {
        self.properties.iter().find(|p| p.name.value == name)
    }
}

impl StringLit<'_> {
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

impl Ranged for Value<'_> {
    fn range(&self) -> Range {
        match self {
            Value::StringLit(node) => node.range,
            Value::NumberLit(node) => node.range,
            Value::BooleanLit(node) => node.range,
            Value::Object(node) => node.range,
            Value::Array(node) => node.range,
            Value::Unparsed(node) => node.range,
            Value::NullKeyword(node) => node.range,
        }
    }
}

/// From the key to the value.
impl Ranged for ObjectProp<'_> {
    fn range(&self) -> Range {
        Range {
            start: self.name.range.start,
            end: self.value.range().end,
        }
    }
}

impl Ranged for StringLit<'_> {
    fn range(&self) -> Range {
        self.range
    }
}
