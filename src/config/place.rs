//! The name of a place in the document, found from its span alone.
//!
//! Nobody carries a path about while reading: the few diagnostics that are shown look theirs up.

use std::fmt::Write as _;

use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged};

use super::diagnostic::Span;

/// Such as `paths[3].integration.server`, or `variables["a b"]`; empty for the document itself.
pub fn place_of(root: &Value<'_>, span: Span) -> String {
    let mut place = String::new();
    let mut node = root;
    loop {
        node = match node {
            Value::Object(object) => {
                let Some(property) = holding(&object.properties, span) else {
                    return place;
                };
                push_key(&mut place, property.name.as_str());
                &property.value
            }
            Value::Array(array) => {
                let index = array
                    .elements
                    .partition_point(|element| ends_before(element.range(), span));
                let Some(element) = array.elements.get(index).filter(|e| holds(e.range(), span))
                else {
                    return place;
                };
                // Writing to a String does not fail.
                let _ = write!(place, "[{index}]");
                element
            }
            _ => return place,
        };
        // A span that covers all of a node, or more, is about that node.
        if span.start <= node.range().start {
            return place;
        }
    }
}

fn holding<T: Ranged>(nodes: &[T], span: Span) -> Option<&T> {
    let index = nodes.partition_point(|node| ends_before(node.range(), span));
    nodes.get(index).filter(|node| holds(node.range(), span))
}

fn ends_before(range: Range, span: Span) -> bool {
    range.end <= span.start
}

fn holds(range: Range, span: Span) -> bool {
    range.start <= span.start && span.start < range.end
}

fn push_key(place: &mut String, key: &str) {
    let plain = !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'));
    if plain {
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(key);
    } else {
        let _ = write!(place, "[{key:?}]");
    }
}
