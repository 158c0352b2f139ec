//! Every mistake a config can have, drawn word for word.
//!
//! `tests/diagnostics/NAME.json` is a config with a mistake and `NAME.txt` what its author is shown. After a wanted
//! change, `CAUSEWAY_BLESS=1 cargo test` writes the files anew; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::config::{draw, schema};
use causeway::plan::compile;
use serde_json::{Value, json};

#[test]
fn every_mistake_is_told_word_for_word() {
    let folder = root().join("tests/diagnostics");
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let mut different = Vec::new();
    for path in names {
        let text = fs::read_to_string(&path).unwrap();
        let compiled = compile(&text);
        let diagnostics = &compiled.diagnostics;
        assert!(!diagnostics.is_empty(), "{} has no mistake", path.display());
        let served = match &compiled.blueprint {
            Some(_) => "At run time: served, but for what is refused above.",
            None => "At run time: refused as a whole.",
        };
        let drawn = format!(
            "{}\n\n{}\n\n{served}\n",
            draw(diagnostics, "api-config.json", &text, false),
            diagnostics.lines("api-config.json").join("\n"),
        );
        if !matches(&path.with_extension("txt"), &drawn) {
            different.push(format!("{}\n{drawn}", path.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn no_literal_secret_is_ever_drawn() {
    for entry in fs::read_dir(root().join("tests/diagnostics")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let drawn = fs::read_to_string(&path).unwrap();
            assert!(!drawn.contains("hunter2"), "{}", path.display());
        }
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_reader() {
    let path = root().join("api-config.schema.json");
    let mut text = serde_json::to_string_pretty(&schema()).unwrap();
    text.push('\n');
    if blessed() {
        fs::write(&path, &text).unwrap();
    }
    let committed: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        committed == schema(),
        "api-config.schema.json is old: CAUSEWAY_BLESS=1 cargo test writes it anew"
    );
}

#[test]
fn editors_take_comments_and_find_every_key_described() {
    fn undescribed(schema: &Value, at: &str, found: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                for (key, member) in members
                    .get("properties")
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                {
                    if member.is_object() && member.get("description").is_none() {
                        found.push(format!("{at}/{key}"));
                    }
                }
                for (key, member) in members {
                    undescribed(member, &format!("{at}/{key}"), found);
                }
            }
            Value::Array(list) => list.iter().for_each(|one| undescribed(one, at, found)),
            _ => {}
        }
    }
    let schema = schema();
    assert_eq!(schema["allowComments"], true);
    assert_eq!(schema["allowTrailingCommas"], true);
    assert!(schema["$id"].is_string());
    let mut found = Vec::new();
    undescribed(&schema, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
    let path = &schema["$defs"]["PathObject"]["properties"];
    assert_eq!(path["response_status"]["default"], 200);
    assert_eq!(
        path["path"]["examples"],
        json!(["/users/{id}", "/files/{.+}"])
    );
}

#[test]
fn the_schema_offers_the_members_that_the_reader_takes_for_each_type() {
    let schema = schema();
    let alternatives = schema["$defs"]["IntegrationObject"]["oneOf"]
        .as_array()
        .unwrap();
    let types = alternatives.iter().flat_map(|one| {
        let words = one["properties"]["type"]["enum"].as_array().unwrap();
        words.iter().map(move |word| (word, &one["properties"]))
    });
    let mut seen = 0;
    for (word, properties) in types {
        seen += 1;
        for (member, value) in [
            ("server", json!("a")),
            ("zones", json!(["z"])),
            ("binding", json!("b")),
            ("function", json!("f")),
            ("env", json!(["E"])),
            ("authorizer", json!("x")),
            ("create_user", json!(true)),
            ("mirror", json!({ "server": "c" })),
            ("post_process", json!({ "binding": "b", "function": "f" })),
        ] {
            let mut integration = json!({ "type": word });
            integration[member] = value;
            let path =
                json!({ "method": "GET", "path": "/a", "auth": false, "integration": integration });
            let config = json!({
                "zones": { "z": {} },
                "servers": [{ "alias": "a", "url": "https://a.test", "zone": "z" }, { "alias": "c", "url": "https://c.test" }],
                "serviceBindings": [{ "alias": "b", "binding": "B" }],
                "authorizer": { "type": "auth0", "domain": "a.test", "client_id": "c", "client_secret": "$secret.S" },
                "paths": [path],
            });
            let compiled = compile(&config.to_string());
            let told = compiled.diagnostics.iter();
            let name = format!("`{member}`");
            let unused = told
                .filter(|d| d.code == "unused_field" && d.message.contains(&name))
                .count()
                > 0;
            assert_eq!(unused, properties.get(member).is_none(), "{word} {member}");
        }
    }
    assert_eq!(seen, 11);
}

#[test]
fn the_default_config_has_no_mistake() {
    let text = fs::read_to_string(root().join("api-config.json")).unwrap();
    let compiled = compile(&text);
    assert_eq!(
        compiled.diagnostics.lines("api-config.json"),
        Vec::<String>::new()
    );
    assert_eq!(compiled.blueprint.unwrap().paths.len(), 6);
}

/// Whether the file has this content; blessed, it gets it.
fn matches(path: &Path, content: &str) -> bool {
    if blessed() && fs::write(path, content).is_err() {
        return false;
    }
    fs::read_to_string(path).is_ok_and(|committed| committed == content)
}

fn blessed() -> bool {
    std::env::var_os("CAUSEWAY_BLESS").is_some()
}

fn root() -> PathBuf {
    peers::workspace::root().to_owned()
}
