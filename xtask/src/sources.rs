//! Whether a worker's config may come from anywhere but its bundle.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use causeway::config::{SOURCE_NAMESPACE, SOURCE_VARIABLE};
use toml::{Table, Value};

/// Whether the wrangler.toml of a folder, in any of its environments, binds the config's KV namespace or sets the
/// config's variable, or a file of local secrets sets it.
pub fn may_change(folder: &Path) -> Result<bool> {
    let settings = read(&folder.join("wrangler.toml"))?;
    let table = settings
        .parse::<Table>()
        .context("wrangler.toml is no TOML")?;
    let environments = table.get("env").and_then(Value::as_table);
    let environments = environments.into_iter().flat_map(Table::values);
    let environments = environments.filter_map(Value::as_table);
    if std::iter::once(&table)
        .chain(environments)
        .any(names_source)
    {
        return Ok(true);
    }
    for file in [".dev.vars", ".env"] {
        if read(&folder.join(file))?.lines().any(sets_variable) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn names_source(settings: &Table) -> bool {
    let namespaces = settings.get("kv_namespaces").and_then(Value::as_array);
    let mut bindings = namespaces
        .into_iter()
        .flatten()
        .filter_map(|namespace| namespace.get("binding")?.as_str());
    let variables = settings.get("vars").and_then(Value::as_table);
    bindings.any(|binding| binding == SOURCE_NAMESPACE)
        || variables.is_some_and(|variables| variables.contains_key(SOURCE_VARIABLE))
}

fn sets_variable(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default().trim();
    name.strip_prefix("export ").unwrap_or(name).trim() == SOURCE_VARIABLE
}

/// A file's text, empty where there is none.
fn read(path: &Path) -> Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_may_change_where_its_namespace_or_its_variable_is_named() {
        let folder = std::env::temp_dir().join(format!("causeway-sources-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (file, text, expected) in [
            ("wrangler.toml", "name = 'x'", false),
            ("wrangler.toml", "# binding = 'CONFIG'", false),
            (
                "wrangler.toml",
                "[[kv_namespaces]]\nbinding = 'KEYS'",
                false,
            ),
            (
                "wrangler.toml",
                "[[kv_namespaces]]\nbinding = 'CONFIG'",
                true,
            ),
            (
                "wrangler.toml",
                "[[env.a.kv_namespaces]]\nbinding = 'CONFIG'",
                true,
            ),
            ("wrangler.toml", "[vars]\nSAG_API_CONFIG_JSON = '{}'", true),
            (
                "wrangler.toml",
                "[env.a.vars]\nSAG_API_CONFIG_JSON = '{}'",
                true,
            ),
            ("wrangler.toml", "[[services]]\nbinding = 'CONFIG'", false),
            (".dev.vars", "#SAG_API_CONFIG_JSON={}", false),
            (".dev.vars", "A=1\nSAG_API_CONFIG_JSON={}", true),
            (".env", "export SAG_API_CONFIG_JSON = '{}'", true),
        ] {
            let path = folder.join(file);
            fs::write(&path, text).unwrap();
            assert_eq!(may_change(&folder).unwrap(), expected, "{file}: {text}");
            fs::remove_file(&path).unwrap();
        }
        fs::write(folder.join("wrangler.toml"), "not toml").unwrap();
        assert!(may_change(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
