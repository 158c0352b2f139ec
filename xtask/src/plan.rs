//! `api-config.json` to the plan that is shipped beside the worker.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use causeway::config::draw;
use causeway::http::Method;
use causeway::plan::{self, Action, Blueprint, Endpoint, Server, Service, Text};

/// What the build needs of a compiled config.
pub struct Plan {
    /// The artifact.
    pub bytes: Vec<u8>,
    /// The JavaScript modules that go into the bundle.
    pub services: Vec<Service>,
    /// What it is warned of, drawn; empty where there is nothing.
    pub warnings: String,
    /// A path that a plain `curl` can ask for: `GET`, public, without parameters, and no step of a login.
    pub first_path: Option<String>,
    /// The servers that stand on this machine: alias and port.
    pub local_servers: Vec<(String, u16)>,
}

/// Compiles a config. The error's text is the drawn diagnostics.
pub fn compile(config: &Path) -> Result<Plan> {
    let file = config.display();
    let text = fs::read(config).with_context(|| format!("cannot read {file}"))?;
    let text = causeway::config::decode(text).map_err(|why| anyhow::anyhow!("{file}: {why}"))?;
    let compiled = plan::compile(&text);
    let name = config
        .file_name()
        .and_then(|n| n.to_str())
        .unwrap_or("api-config.json");
    let drawn = draw(&compiled.diagnostics, name, &text, false);
    match compiled.blueprint {
        Some(blueprint) if !compiled.diagnostics.has_errors() => Ok(Plan {
            bytes: blueprint.to_bytes()?,
            warnings: match compiled.diagnostics.is_empty() {
                true => String::new(),
                false => drawn,
            },
            first_path: first_path(&blueprint),
            local_servers: blueprint.servers.iter().flat_map(local).collect(),
            services: blueprint.services,
        }),
        _ => Err(anyhow!("{drawn}")),
    }
}

fn first_path(blueprint: &Blueprint) -> Option<String> {
    let mut paths = blueprint.paths.iter();
    let plain = paths.find(|p| {
        let is_own = matches!(
            p.action,
            Action::Respond { .. }
                | Action::Proxy { .. }
                | Action::Call { .. }
                | Action::Service { .. }
        );
        is_own && p.method == Some(Method::Get) && p.access.is_public() && !p.pattern.contains('{')
    });
    plain.map(|p| p.pattern.clone())
}

/// The endpoints of a server whose URLs name this machine and a port.
fn local(server: &Server) -> Vec<(String, u16)> {
    let endpoints = server.endpoints.iter();
    let local = endpoints.filter_map(|endpoint| {
        let name = match server.endpoints.len() {
            1 => server.alias.clone(),
            _ => format!("{} in {}", server.alias, endpoint.name),
        };
        Some((name, local_port(endpoint)?))
    });
    local.collect()
}

fn local_port(endpoint: &Endpoint) -> Option<u16> {
    let Text::Literal(url) = &endpoint.url else {
        return None;
    };
    let authority = url.strip_prefix("http://")?.split(['/', '?']).next()?;
    let (host, port) = authority.rsplit_once(':')?;
    let is_local = matches!(host, "127.0.0.1" | "localhost") && endpoint.binding.is_none();
    port.parse().ok().filter(|_| is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_to_try_is_one_of_the_config_and_not_a_step_of_a_login() {
        let root = crate::root();
        for (file, path) in [
            ("api-config.json", Some("/health")),
            ("examples/login.json", Some("/")),
            ("examples/login-local.json", None),
        ] {
            let plan = compile(&root.join(file)).unwrap();
            assert_eq!(plan.first_path.as_deref(), path, "{file}");
        }
    }

    #[test]
    fn a_server_is_local_if_its_url_names_this_machine_and_a_port() {
        for (url, port) in [
            ("http://127.0.0.1:9101", Some(9101)),
            ("http://localhost:9102/v1?x", Some(9102)),
            ("http://127.0.0.1", None),
            ("https://127.0.0.1:9101", None),
            ("http://api.example.com:80/localhost:1", None),
            ("$env.API_URL", None),
        ] {
            let endpoint = Endpoint {
                name: "a".into(),
                url: Text::read(url),
                binding: None,
                identity: None,
                zone: None,
                weight: 1,
                canary: false,
            };
            assert_eq!(local_port(&endpoint), port, "{url}");
        }
    }
}
