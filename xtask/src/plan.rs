//! `api-config.json` to the plan that is shipped beside the worker.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

/// What the build needs of a compiled config.
pub struct Plan {
    /// The artifact.
    pub bytes: Vec<u8>,
    /// The JavaScript modules that go into the bundle.
    pub services: Vec<Service>,
    /// A path that a plain `curl` can ask for: `GET`, public, without parameters.
    pub first_path: Option<String>,
}

/// A JavaScript module of the bundle.
pub struct Service {
    pub alias: String,
    pub entrypoint: String,
}

/// Compiles a config. The error's text is the drawn diagnostics.
pub fn compile(config: &Path) -> Result<Plan> {
    let text =
        fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let document: Value = serde_json::from_str(&text).map_err(|error| {
        let line = text
            .lines()
            .nth(error.line().saturating_sub(1))
            .unwrap_or("");
        let gutter = error.line().to_string();
        let caret = " ".repeat(error.column().saturating_sub(1));
        anyhow!(
            "{}:{}:{}: {error}\n{gutter} | {line}\n{:width$} | {caret}^",
            config.display(),
            error.line(),
            error.column(),
            "",
            width = gutter.len(),
        )
    })?;
    let member =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(String::from);
    let list = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let services = list("services")
        .iter()
        .filter_map(|service| {
            Some(Service {
                alias: member(service, "alias")?,
                entrypoint: member(service, "entrypoint")?,
            })
        })
        .collect();
    let first_path = list("paths")
        .iter()
        .filter(|path| path.get("auth").and_then(Value::as_bool) != Some(true))
        .filter(|path| member(path, "method").is_some_and(|method| method == "GET"))
        .filter_map(|path| member(path, "path"))
        .find(|path| !path.contains('{'));
    Ok(Plan {
        bytes: text.into_bytes(),
        services,
        first_path,
    })
}
