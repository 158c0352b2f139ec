//! The JSON Schema of `api-config.json`, from the same definitions that read it.

use serde_json::{Value, json};

use super::document::Document;
use super::read::{Defs, Read};

/// The schema, draft 2020-12. It describes the shape; what refers to what is for `plan::compile` to check.
pub fn schema() -> Value {
    let mut defs = Defs::new();
    let document = Document::schema(&mut defs);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "api-config.json",
        "$defs": defs,
    });
    if let (Some(schema), Value::Object(document)) = (schema.as_object_mut(), document) {
        schema.extend(document);
    }
    schema
}
