//! What a match and a table cost: `cargo bench --bench route`.

use causeway::http::Method;
use causeway::route::{Found, Table, canonicalise};
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// Paths as a large config has them: per resource a list, an item, an item's part and a wildcard.
fn mixed(count: usize) -> Vec<String> {
    (0..count)
        .map(|i| {
            let resource = i / 4;
            match i % 4 {
                0 => format!("/api/v1/service{}/resource{resource}", resource % 50),
                1 => format!("/api/v1/service{}/resource{resource}/{{id}}", resource % 50),
                2 => format!(
                    "/api/v1/service{}/resource{resource}/{{id}}/parts/{{part}}",
                    resource % 50
                ),
                _ => format!(
                    "/api/v1/service{}/resource{resource}/files/{{.+}}",
                    resource % 50
                ),
            }
        })
        .collect()
}

/// All paths behind one leading parameter: the worst case for an index of literal prefixes.
fn behind_parameter(count: usize) -> Vec<String> {
    (0..count)
        .map(|i| format!("/{{tenant}}/resource{i}/{{id}}"))
        .collect()
}

fn table(patterns: &[String]) -> Table {
    let paths = patterns
        .iter()
        .map(|p| (None, Some(Method::Get), p.as_str()));
    Table::build(paths).unwrap_or_default()
}

fn find(bencher: Bencher<'_, '_>, patterns: &[String], path: &str, matches: bool) {
    let table = table(patterns);
    assert_eq!(
        matches!(table.find("h", "GET", path, &|_| true), Found::Match(_)),
        matches,
        "{path}"
    );
    bencher.bench_local(|| {
        matches!(
            black_box(&table).find("h", "GET", black_box(path), &|_| true),
            Found::Match(_)
        )
    });
}

#[divan::bench(args = SIZES)]
fn build_mixed(bencher: Bencher<'_, '_>, size: usize) {
    let patterns = mixed(size);
    bencher.bench_local(|| table(black_box(&patterns)));
}

#[divan::bench(args = SIZES)]
fn build_behind_parameter(bencher: Bencher<'_, '_>, size: usize) {
    let patterns = behind_parameter(size);
    bencher.bench_local(|| table(black_box(&patterns)));
}

/// The first request that asks the bucket pays for its routers or its shapes.
#[divan::bench(args = SIZES)]
fn first_find_behind_parameter(bencher: Bencher<'_, '_>, size: usize) {
    let patterns = behind_parameter(size);
    bencher
        .with_inputs(|| table(&patterns))
        .bench_local_refs(|table| {
            matches!(
                table.find("h", "GET", black_box("/acme/resource5/77"), &|_| true),
                Found::Match(_)
            )
        });
}

#[divan::bench(args = SIZES)]
fn find_literal(bencher: Bencher<'_, '_>, size: usize) {
    let resource = (size / 8).min(size / 4);
    let path = format!("/api/v1/service{}/resource{resource}", resource % 50);
    find(bencher, &mixed(size), &path, true);
}

#[divan::bench(args = SIZES)]
fn find_parameters(bencher: Bencher<'_, '_>, size: usize) {
    let resource = size / 8;
    let path = format!(
        "/api/v1/service{}/resource{resource}/17/parts/4",
        resource % 50
    );
    find(bencher, &mixed(size), &path, size >= 10);
}

#[divan::bench(args = SIZES)]
fn find_wildcard(bencher: Bencher<'_, '_>, size: usize) {
    let resource = size / 8;
    let path = format!(
        "/api/v1/service{}/resource{resource}/files/a/b/c.png",
        resource % 50
    );
    find(bencher, &mixed(size), &path, true);
}

#[divan::bench(args = SIZES)]
fn find_behind_parameter(bencher: Bencher<'_, '_>, size: usize) {
    find(bencher, &behind_parameter(size), "/acme/resource5/77", true);
}

#[divan::bench(args = SIZES)]
fn find_nothing(bencher: Bencher<'_, '_>, size: usize) {
    find(
        bencher,
        &mixed(size),
        "/api/v1/service1/resourceX/17",
        false,
    );
}

#[divan::bench(args = [
    "/api/v1/service7/resource57/1234/parts/9?x=1&y=2",
    "/api/v1/../v1/service7/%72esource57/caf\u{e9}",
])]
fn canonicalise_target(target: &str) -> bool {
    canonicalise(black_box(target)).is_ok()
}
