//! Every mistake a config can have, drawn word for word.
//!
//! `tests/diagnostics/NAME.json` is a config with a mistake and `NAME.txt` what its author is shown. After a wanted
//! change, `CAUSEWAY_BLESS=1 cargo test` writes the files anew; read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::config::{draw, schema};
use causeway::plan::compile;

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
