//! The reader of JSON with comments against another one: both take the same texts, see the same values in the same
//! places, and find the same fault first.

#![cfg(test)]

use std::fs;

use causeway::config::ast::{Range, Ranged, Value};
use causeway::config::{Context, parse};
use jsonc_parser::ast::Value as Theirs;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{ParseOptions, ParseStringErrorKind, parse_to_ast};
use peers::workspace;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What texts are made of: tokens, parts of tokens, and what looks like them.
const FRAGMENTS: [&str; 72] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"a\":",
    "{\"a\":",
    "\"paths\":[",
    "{\"paths\":[{",
    "paths",
    "\\",
    "\\u",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ude00",
    "\\u12",
    "\\n",
    "\\/",
    "\\x41",
    "\\'",
    "\\\"",
    "\\é",
    "true",
    "false",
    "null",
    "tru",
    "true_",
    "NaN",
    "Infinity",
    "-Infinity",
    "$",
    "_",
    "word",
    "0",
    "1",
    "01",
    "1.5",
    "1.",
    ".5",
    "-",
    "+",
    "-0",
    "-.5",
    "1e999",
    "1e",
    "1E+",
    "1e-7",
    "0x1F",
    "/",
    "//",
    "// x\n",
    "/*",
    "*/",
    "/* x */",
    "*",
    " ",
    "\n",
    "\r",
    "\t",
    "\u{b}",
    "\u{c}",
    "\u{0}",
    "\u{1f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "é٣\u{1f600}'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_fragments_are_read_alike(fragments in vec(select(&FRAGMENTS[..]), 0..24)) {
        agree(&fragments.concat());
    }

    #[test]
    fn mutilated_configs_are_read_alike(
        seed in any::<Index>(),
        edits in vec((any::<Index>(), 0_usize..12, select(&FRAGMENTS[..])), 0..5),
    ) {
        let seeds = seeds();
        let mut text: Vec<char> = seed.get(&seeds).chars().collect();
        for (place, removed, fragment) in edits {
            let at = place.index(text.len().saturating_add(1));
            let end = at.saturating_add(removed).min(text.len());
            text.splice(at..end, fragment.chars());
        }
        agree(&text.into_iter().collect::<String>());
    }
}

#[test]
fn depth_is_bounded_alike() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"paths\":[", "]}")] {
        for depth in (150..180).chain(240..270).chain(500..530) {
            for innermost in ["", "1", "[]", "{}"] {
                agree(&[&open.repeat(depth), innermost, &close.repeat(depth)].concat());
            }
        }
    }
}

#[test]
fn every_seed_is_cut_off_alike_anywhere() {
    for seed in seeds().iter().filter(|seed| seed.len() < 2_000) {
        for (end, _) in seed.char_indices() {
            agree(&seed[..end]);
        }
    }
}

/// What a reader makes of a text: its tree as one line, or the first fault's code and place.
type Outcome = Result<String, (&'static str, usize, usize)>;

#[track_caller]
fn agree(text: &str) {
    let (ours, theirs) = (ours(text), theirs(text));
    assert_eq!(ours, theirs, "{text:?}");
}

fn ours(text: &str) -> Outcome {
    let mut cx = Context::new();
    let mut tree = String::new();
    match parse(text, &mut cx) {
        Some(value) => our_tree(&value, &mut tree),
        None => {
            let diagnostics = cx.finish(text, None);
            let first = diagnostics.iter().next().unwrap();
            return Err((first.code, first.span.start, first.span.end));
        }
    }
    Ok(tree)
}

fn our_tree(value: &Value<'_>, tree: &mut String) {
    let Range { start, end } = value.range();
    match value {
        Value::StringLit(literal) => tree.push_str(&format!("{:?}", literal.value)),
        Value::NumberLit(literal) => tree.push_str(literal.value),
        Value::BooleanLit(literal) => tree.push_str(&literal.value.to_string()),
        Value::NullKeyword(_) => tree.push_str("null"),
        Value::Array(array) => {
            for element in &array.elements {
                our_tree(element, tree);
            }
        }
        Value::Unparsed(list) => {
            for element in list.iter() {
                our_tree(&element, tree);
            }
        }
        Value::Object(object) => {
            for property in &object.properties {
                let (name, key, all) = (
                    property.name.as_str(),
                    property.name.range(),
                    property.range(),
                );
                tree.push_str(&format!(
                    "{name:?}@{}-{} in {}-{}:",
                    key.start, key.end, all.start, all.end
                ));
                our_tree(&property.value, tree);
            }
        }
    }
    tree.push_str(&format!("@{start}-{end};"));
}

fn theirs(text: &str) -> Outcome {
    let options = ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &Default::default(), &options).map_err(|error| {
        let (start, end) = (error.range().start, error.range().end);
        let code = match error.kind() {
            ParseErrorKind::NestingDepthExceeded => "nested_too_deeply",
            ParseErrorKind::UnterminatedObject
            | ParseErrorKind::UnterminatedArray
            | ParseErrorKind::UnterminatedCommentBlock
            | ParseErrorKind::String(ParseStringErrorKind::UnterminatedStringLiteral) => {
                "truncated"
            }
            _ => return ("syntax", start, end),
        };
        (code, start, start.saturating_add(1))
    })?;
    let value = parsed.value.ok_or(("empty_document", 0, 0))?;
    let mut tree = String::new();
    their_tree(&value, &mut tree);
    Ok(tree)
}

fn their_tree(value: &Theirs<'_>, tree: &mut String) {
    let jsonc_parser::common::Range { start, end } = value.range();
    match value {
        Theirs::StringLit(literal) => tree.push_str(&format!("{:?}", literal.value)),
        Theirs::NumberLit(literal) => tree.push_str(literal.value),
        Theirs::BooleanLit(literal) => tree.push_str(&literal.value.to_string()),
        Theirs::NullKeyword(_) => tree.push_str("null"),
        Theirs::Array(array) => {
            for element in &array.elements {
                their_tree(element, tree);
            }
        }
        Theirs::Object(object) => {
            for property in &object.properties {
                let (name, key, all) = (
                    property.name.as_str(),
                    property.name.range(),
                    property.range(),
                );
                tree.push_str(&format!(
                    "{name:?}@{}-{} in {}-{}:",
                    key.start, key.end, all.start, all.end
                ));
                their_tree(&property.value, tree);
            }
        }
    }
    tree.push_str(&format!("@{start}-{end};"));
}

fn seeds() -> Vec<String> {
    let root = workspace::root();
    let mut paths: Vec<_> = ["fuzz/seeds/config", "tests/diagnostics", "examples"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_none_or(|e| e != "txt" && e != "md"))
        .collect();
    paths.sort();
    let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    paths.into_iter().map(read).collect()
}
