//! `api-config.json` to the plan that is shipped beside the worker.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use causeway::config::draw;
use causeway::http::Method;
use causeway::plan::{self, Blueprint, Service};

/// What the build needs of a compiled config.
pub struct Plan {
    /// The artifact.
    pub bytes: Vec<u8>,
    /// The JavaScript modules that go into the bundle.
    pub services: Vec<Service>,
    /// A path that a plain `curl` can ask for: `GET`, public, without parameters.
    pub first_path: Option<String>,
}

/// Compiles a config. The error's text is the drawn diagnostics.
pub fn compile(config: &Path) -> Result<Plan> {
    let file = config.display();
    let text = fs::read_to_string(config).with_context(|| format!("cannot read {file}"))?;
    let compiled = plan::compile(&text);
    let name = config
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or("api-config.json");
    let drawn = draw(&compiled.diagnostics, name, &text, false);
    match compiled.blueprint {
        Some(blueprint) if !compiled.diagnostics.has_errors() => {
            if !compiled.diagnostics.is_empty() {
                eprintln!("{drawn}");
            }
            Ok(Plan {
                bytes: blueprint.to_bytes()?,
                first_path: first_path(&blueprint),
                services: blueprint.services,
            })
        }
        _ => Err(anyhow!("{drawn}")),
    }
}

fn first_path(blueprint: &Blueprint) -> Option<String> {
    let mut paths = blueprint.paths.iter();
    let plain = paths.find(|p| {
        p.method == Some(Method::Get) && p.authorizer.is_none() && !p.pattern.contains('{')
    });
    plain.map(|p| p.pattern.clone())
}
