//! What a config costs before the first request: `cargo bench --bench plan`.

#![allow(clippy::unwrap_used, reason = "a benchmark may stop")]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]

use std::ops::Range;

use causeway::plan::{Blueprint, Plan, compile};
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// What a build does, and a worker with a config of KV.
#[divan::bench(args = SIZES)]
fn compile_text(bencher: Bencher<'_, '_>, size: usize) {
    let text = config(size);
    bencher.bench_local(|| compile(black_box(&text)));
}

/// What a worker does with the config of its bundle.
#[divan::bench(args = SIZES)]
fn open(bencher: Bencher<'_, '_>, size: usize) {
    let bytes = blueprint(size).to_bytes().unwrap();
    let read = |range: Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
    bencher.bench_local(|| Plan::open(bytes.len(), &read, &environment).unwrap());
}

/// What a worker does with a config of KV once it is compiled.
#[divan::bench(args = SIZES)]
fn load(bencher: Bencher<'_, '_>, size: usize) {
    let blueprint = blueprint(size);
    bencher
        .with_inputs(|| blueprint.clone())
        .bench_local_values(|blueprint| Plan::load(blueprint, &environment));
}

#[divan::bench(args = SIZES)]
fn to_bytes(bencher: Bencher<'_, '_>, size: usize) {
    let blueprint = blueprint(size);
    bencher.bench_local(|| black_box(&blueprint).to_bytes().unwrap());
}

fn environment(_: &str) -> Option<String> {
    Some("0123456789abcdef0123456789abcdef".to_owned())
}

fn blueprint(size: usize) -> Blueprint {
    compile(&config(size)).blueprint.unwrap()
}

/// Per resource a list, an item with a mapping, an item's part and a wildcard; all but the lists are protected.
fn config(size: usize) -> String {
    let paths: Vec<String> = (0..size)
        .map(|number| {
            let resource = number / 4;
            let base = format!("/api/v1/service{}/resource{resource}", resource % 50);
            let (path, rest) = match number % 4 {
                0 => (base, r#""auth": false"#),
                1 => (
                    format!("{base}/{{id}}"),
                    r#""auth": true, "mapping": { "headers": { "X-User-Id": "$request.jwt.sub" } }"#,
                ),
                2 => (format!("{base}/{{id}}/parts/{{part}}"), r#""auth": true"#),
                _ => (format!("{base}/files/{{.+}}"), r#""auth": true"#),
            };
            format!(
                r#"{{ "method": "GET", "path": "{path}", "integration": {{ "type": "http", "server": "a" }}, {rest} }}"#
            )
        })
        .collect();
    format!(
        r#"{{
            "servers": [{{ "alias": "a", "url": "https://a.example.com/v1" }}],
            "authorizer": {{
                "type": "jwt", "secret": "$secret.JWT_SECRET", "algorithm": "HS256",
                "issuer": "https://login.example.com/", "audience": "https://api.example.com"
            }},
            "paths": [{}]
        }}"#,
        paths.join(",\n")
    )
}
