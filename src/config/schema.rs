//! The JSON Schema of `api-config.json`, from the same definitions that read it.

use serde_json::{Map, Value, json};

use super::document::Document;
use super::object::paragraph;
use super::read::{Defs, Read};

/// The schema, draft 2020-12. It describes the shape; what refers to what is for `plan::compile` to check.
///
/// Editors on the JSON service of VS Code take comments and trailing commas for mistakes unless the schema's root allows
/// them (`allowComments`, `allowTrailingCommas`); other readers of schemas pass over keywords that they do not know.
pub fn schema() -> Value {
    let mut defs = Defs::new();
    let document = Document::schema(&mut defs);
    if let Some(integration) = defs.get_mut("IntegrationObject") {
        by_type(integration);
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:causeway:api-config",
        "title": "api-config.json",
        "allowComments": true,
        "allowTrailingCommas": true,
        "$defs": defs,
    });
    if let (Some(schema), Value::Object(document)) = (schema.as_object_mut(), document) {
        schema.extend(document);
    }
    schema
}

/// A schema with the docs of the member it is for, and what these say besides: `80 if nothing is said` is its default,
/// ``such as `x` `` an example.
pub(super) fn described(schema: Value, docs: &str) -> Value {
    let Value::Object(mut schema) = schema else {
        return schema;
    };
    let text = paragraph(docs);
    if let Some(default) = default_of(&text, &schema) {
        schema.insert("default".to_owned(), default);
    }
    let plain =
        schema.get("type").is_some_and(|kind| kind == "string") && !schema.contains_key("enum");
    let examples = examples_of(&text);
    if plain && !examples.is_empty() {
        schema.insert("examples".to_owned(), json!(examples));
    }
    schema.insert("description".to_owned(), text.into());
    schema.into()
}

fn default_of(text: &str, schema: &Map<String, Value>) -> Option<Value> {
    let said = |part: &str| {
        let part = part.trim_end_matches('.').trim();
        part.strip_suffix(" if nothing is said").map(str::to_owned)
    };
    let value = text
        .split(". ")
        .flat_map(|sentence| sentence.split("; "))
        .find_map(said)?;
    let word = value
        .strip_prefix('`')
        .and_then(|word| word.strip_suffix('`'));
    let word = word.filter(|word| !word.contains('`'));
    match (schema.get("type")?.as_str()?, word) {
        ("integer", None) => value.parse::<u64>().ok().map(Value::from),
        ("boolean", Some(word)) => word.parse::<bool>().ok().map(Value::from),
        ("string", Some(word)) => Some(word.into()),
        ("array", Some(word)) => Some(json!([word])),
        _ => None,
    }
}

/// What stands in backticks behind `such as`, until something else does.
fn examples_of(text: &str) -> Vec<&str> {
    let mut examples = Vec::new();
    let starts = ["such as `", "Such as `"]
        .into_iter()
        .flat_map(|word| text.split(word).skip(1));
    for mut rest in starts {
        while let Some((example, behind)) = rest.split_once('`') {
            examples.push(example);
            let next = [", `", " or `", " and `"]
                .iter()
                .find_map(|between| behind.strip_prefix(between));
            let Some(next) = next else {
                break;
            };
            rest = next;
        }
    }
    examples
}

/// For each type of an integration the members that it has.
fn by_type(integration: &mut Value) {
    const TYPES: [(&[&str], &[&str], &[&str]); 6] = [
        (
            &["http", "http_proxy"],
            &["server"],
            &["zones", "mirror", "post_process"],
        ),
        (&["service"], &["binding"], &["env", "post_process"]),
        (
            &["service_binding"],
            &["binding", "function"],
            &["env", "post_process"],
        ),
        (
            &[
                "supabase_passwordless_auth",
                "supabase_passwordless_auth_alt",
            ],
            &[],
            &["authorizer", "create_user"],
        ),
        (&["auth0_callback"], &[], &["authorizer", "post_process"]),
        (
            &[
                "supabase_passwordless_verify",
                "auth0_userinfo",
                "auth0_callback_redirect",
                "auth0_refresh",
            ],
            &[],
            &["authorizer"],
        ),
    ];
    let Some(whole) = integration.as_object_mut() else {
        return;
    };
    let members = whole.remove("properties").unwrap_or_default();
    let alternatives = TYPES.map(|(words, required, optional)| {
        let mut properties = Map::new();
        let mut kind = members.get("type").cloned().unwrap_or_default();
        if let Some(kind) = kind.as_object_mut() {
            kind.insert("enum".to_owned(), json!(words));
        }
        properties.insert("type".to_owned(), kind);
        for name in required.iter().chain(optional) {
            let member = members.get(*name).cloned().unwrap_or_default();
            properties.insert((*name).to_owned(), member);
        }
        let required: Vec<&str> = ["type"].iter().chain(required).copied().collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    });
    whole.remove("required");
    whole.remove("additionalProperties");
    whole.insert("oneOf".to_owned(), json!(alternatives));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_s_docs_say_its_default_and_examples() {
        for (kind, docs, default, examples) in [
            (
                "integer",
                "Milliseconds. 25 if nothing is said; 0: never.",
                json!(25),
                json!(null),
            ),
            (
                "integer",
                "Milliseconds. What is left if nothing is said.",
                json!(null),
                json!(null),
            ),
            (
                "boolean",
                "Whether it is. `true` if nothing is said.",
                json!(true),
                json!(null),
            ),
            (
                "array",
                "Where. `bearer` if nothing is said.",
                json!(["bearer"]),
                json!(null),
            ),
            (
                "array",
                "Where. `a` and `b` if nothing is said.",
                json!(null),
                json!(null),
            ),
            (
                "string",
                "Such as `/a` or `/b/{.+}`.",
                json!(null),
                json!(["/a", "/b/{.+}"]),
            ),
        ] {
            let schema = described(json!({ "type": kind }), docs);
            assert_eq!(schema["default"], default, "{docs}");
            assert_eq!(schema["examples"], examples, "{docs}");
        }
    }
}
