//! Constant answers, serialized ahead of time.

use std::borrow::Borrow;

use super::mapping::check_header;
use crate::config::ast::{Ranged, Value};
use crate::config::{Context, JsonBody, PathObject, Span, check_references};
use crate::http::is_field_value;
use crate::plan::{Action, Piece, ReferenceKind, Template, Text};

/// The status if nothing is said.
const OK: u16 = 200;

pub(super) fn compile_response(path: &PathObject<'_>, cx: &mut Context) -> Option<Action> {
    let JsonBody(value) = path.response.value()?;
    let before = cx.errors();
    let status = path.response_status.value();
    let code = status.map_or(Some(OK), |status| u16::try_from(status.value).ok())?;
    let mut body = Template::default();
    let bodiless = matches!(code, 204 | 205 | 304);
    if !bodiless {
        let mut writer = Writer::default();
        writer.write(value, cx);
        body = writer.finish();
    } else if !matches!(value, Value::NullKeyword(_)) {
        // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
        cx.error(
            Span::from(value.range()).first(),
            "response_without_body",
            format!("an answer with the status {code} has no body"),
        )
        .help("write `\"response\": null` for no body");
    }
    let mut headers = Vec::new();
    let fields = path.response_headers.value();
    for (key, value) in fields.into_iter().flat_map(|entries| entries.iter()) {
        let name = key.value.to_ascii_lowercase();
        check_header(key, &name, cx);
        if headers.iter().any(|(other, _)| *other == name) {
            cx.error(
                key.span,
                "duplicate_header",
                format!("the header `{name}` is set twice"),
            )
            .help("case makes no difference in the names of headers");
        }
        let Some(value) = value.get(cx) else {
            continue;
        };
        let (text, span) = (value.0.text, value.0.span);
        match &text {
            Text::Literal(value) if !is_field_value(value) => {
                cx.error(
                    span,
                    "bad_header_value",
                    "a header's value has no control characters",
                );
            }
            Text::Reference(reference) if reference.kind == ReferenceKind::Secret => {
                secret_in_response(span, cx);
            }
            _ => {}
        }
        headers.push((name, text));
    }
    (cx.errors() == before).then_some(Action::Respond {
        status: code,
        headers,
        body,
    })
}

fn secret_in_response(span: Span, cx: &mut Context) {
    cx.error(
        span,
        "secret_in_response",
        "this would send a secret to every caller",
    )
    .help("if it is no secret, make it a plain variable and write `$env.NAME`");
}

/// Writes JSON without spaces and cuts it where references are.
#[derive(Default)]
struct Writer {
    pieces: Vec<Piece>,
    json: String,
}

impl Writer {
    /// The parser bounds the depth.
    fn write(&mut self, value: &Value<'_>, cx: &mut Context) {
        match value {
            Value::NullKeyword(_) => self.json.push_str("null"),
            Value::BooleanLit(boolean) => {
                self.json
                    .push_str(if boolean.value { "true" } else { "false" });
            }
            Value::NumberLit(number) => self.json.push_str(number.value),
            Value::StringLit(literal) => match Text::read(&literal.value) {
                Text::Literal(text) => {
                    check_references(&text, literal.range.into(), cx);
                    self.string(&text);
                }
                Text::Reference(reference) => {
                    let span = Span::from(literal.range);
                    if reference.kind == ReferenceKind::Secret {
                        secret_in_response(span, cx);
                    } else {
                        check_references(&literal.value, span, cx);
                    }
                    self.cut();
                    self.pieces.push(Piece::Reference(reference));
                }
            },
            Value::Array(array) => self.list(array.elements.iter(), cx),
            Value::Unparsed(list) => self.list(list.iter(), cx),
            Value::Object(object) => {
                self.json.push('{');
                for (index, property) in object.properties.iter().enumerate() {
                    if index > 0 {
                        self.json.push(',');
                    }
                    self.string(property.name.as_str());
                    self.json.push(':');
                    self.write(&property.value, cx);
                }
                self.json.push('}');
            }
        }
    }

    fn list<'v>(&mut self, elements: impl Iterator<Item: Borrow<Value<'v>>>, cx: &mut Context) {
        self.json.push('[');
        for (index, element) in elements.enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.write(element.borrow(), cx);
        }
        self.json.push(']');
    }

    fn string(&mut self, text: &str) {
        self.json
            .push_str(&serde_json::Value::from(text).to_string());
    }

    fn cut(&mut self) {
        if !self.json.is_empty() {
            self.pieces
                .push(Piece::Json(std::mem::take(&mut self.json)));
        }
    }

    fn finish(mut self) -> Template {
        self.cut();
        Template(self.pieces)
    }
}
