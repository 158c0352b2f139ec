//! The method of a path.

use super::ast::Value;
use super::context::Context;
use super::document::MethodName;
use super::read::{Defs, Read, span_of};

/// The method of a path: one of [`MethodName`], whatever its case is.
#[derive(Clone, Copy, Debug)]
pub struct PathMethod(pub MethodName);

impl<'a> Read<'a> for PathMethod {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let several = "a path has one method: write one path for each, or `ANY`";
        let literal = match node {
            Value::StringLit(literal) => literal,
            Value::Array(list) => {
                let message = "expected a string, found an array";
                let help = match list.elements.as_slice() {
                    [_] => "write the method without brackets",
                    _ => several,
                };
                let diagnostic = cx.error(span_of(node).first(), "wrong_type", message);
                diagnostic.label("expected a string").help(help);
                return None;
            }
            _ => return MethodName::read(node, cx).map(PathMethod),
        };
        let span = literal.range.into();
        let written: &str = &literal.value;
        let upper = written.trim().to_ascii_uppercase();
        if let Some(method) = named(&upper) {
            if upper != written {
                let message = format!("`{written}` is read as `{upper}`");
                cx.warning(span, "method_spelling", message)
                    .help(format!("write `{upper}`: methods are in capitals"));
            }
            return Some(PathMethod(method));
        }
        let help = match upper.as_str() {
            "HEAD" => "a path with `GET` serves `HEAD` too, without the body: write `GET`",
            "*" | "ALL" => "write `ANY`",
            "TRACE" | "CONNECT" => "no path can be for this method",
            list if list.contains([',', '|', ' ', '/']) => several,
            _ => return MethodName::read(node, cx).map(PathMethod),
        };
        let message = format!("`{written}` is not known here");
        cx.error(span, "unknown_value", message)
            .label("unknown")
            .help(help);
        None
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        MethodName::schema(defs)
    }
}

fn named(word: &str) -> Option<MethodName> {
    Some(match word {
        "GET" => MethodName::Get,
        "POST" => MethodName::Post,
        "PUT" => MethodName::Put,
        "DELETE" => MethodName::Delete,
        "OPTIONS" => MethodName::Options,
        "PATCH" => MethodName::Patch,
        "ANY" => MethodName::Any,
        _ => return None,
    })
}
