//! A config: any text. What compiles loads, and what loads serves.

use causeway::config::draw;
use causeway::exchange::Request;
use causeway::gateway::serve;
use causeway::host::memory::{MemoryHost, run};
use causeway::plan::{Blueprint, Plan, compile};

/// Long enough for every algorithm's secret, and a sound URL, so that references of every kind can be resolved.
const VALUE: &str = "https://upstream.test/abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklm";
/// So many paths of a config are asked.
const ASKED: usize = 4;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let compiled = compile(text);
    let diagnostics = &compiled.diagnostics;
    let drawn = draw(diagnostics, "api-config.json", text, false);
    assert_eq!(drawn.is_empty(), diagnostics.is_empty());
    let Some(blueprint) = compiled.blueprint else {
        assert!(diagnostics.has_errors(), "refused without a word");
        return;
    };

    let bytes = blueprint.to_bytes();
    let back = bytes.as_deref().map(Blueprint::from_bytes);
    assert_eq!(back, Ok(Ok(blueprint.clone())));

    let patterns: Vec<(String, Option<String>)> = blueprint
        .paths
        .iter()
        .take(ASKED)
        .map(|path| (path.pattern.clone(), path.host.clone()))
        .collect();
    let known = |_: &str| Some(VALUE.to_owned());
    let unknown = |_: &str| None::<String>;
    for loaded in [
        Plan::load(blueprint.clone(), &known),
        Plan::load(blueprint, &unknown),
    ] {
        assert!(loaded.is_ok(), "compiled, but not to be loaded");
        let Ok((plan, _)) = loaded else { return };
        for (target, host) in &patterns {
            for method in ["GET", "OPTIONS", "PURGE"] {
                let memory = MemoryHost::new(0, &[("origin", "https://app.example.com")]);
                let request = Request {
                    method,
                    scheme: "https",
                    authority: host.as_deref().unwrap_or("gateway.test"),
                    target,
                    body: Default::default(),
                };
                let answer = run(serve(&plan, &memory, request));
                assert_eq!(answer.request_id.len(), 32);
            }
        }
    }
}
