//! The name of a place in the document, found from its span alone.
//!
//! Nobody carries a path about while reading: the few diagnostics that are shown look theirs up.

use std::fmt::Write as _;

use super::ast::{Ranged, Value};
use super::diagnostic::Span;

/// Such as `paths[3].integration.server`, or `variables["a b"]`; empty for the document itself.
pub fn place_of(root: &Value<'_>, span: Span) -> String {
    let mut place = String::new();
    push_place(root, span, &mut place);
    place
}

/// Adds the way from `node` to `span`. The parser bounds the depth.
fn push_place(node: &Value<'_>, span: Span, place: &mut String) {
    match node {
        Value::Object(object) => {
            if let Some((_, property)) = holding(&object.properties, span) {
                push_key(place, property.name.as_str());
                push_inner(&property.value, span, place);
            }
        }
        Value::Array(array) => {
            if let Some((index, element)) = holding(&array.elements, span) {
                push_index(place, index);
                push_inner(element, span, place);
            }
        }
        Value::Unparsed(list) => {
            if let Some((index, element)) = list.around(span.start)
                && holds(&element, span)
            {
                push_index(place, index);
                push_inner(&element, span, place);
            }
        }
        _ => {}
    }
}

/// A span that covers all of a node, or more, is about that node.
fn push_inner(node: &Value<'_>, span: Span, place: &mut String) {
    if span.start > Span::from(node.range()).start {
        push_place(node, span, place);
    }
}

fn holding<T: Ranged>(nodes: &[T], span: Span) -> Option<(usize, &T)> {
    let index = nodes.partition_point(|node| Span::from(node.range()).end <= span.start);
    let node = nodes.get(index).filter(|node| holds(*node, span))?;
    Some((index, node))
}

fn holds<T: Ranged>(node: &T, span: Span) -> bool {
    let Span { start, end } = node.range().into();
    start <= span.start && span.start < end
}

fn push_index(place: &mut String, index: usize) {
    // Writing to a String does not fail.
    let _ = write!(place, "[{index}]");
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
