//! What the config names and the wrangler.toml beside it does not have. Secrets and what is set elsewhere cannot be
//! seen from here, so these are warnings.

use std::collections::BTreeSet;
use std::path::Path;

use causeway::plan::{
    Action, AuthorizerKind, Blueprint, OriginPattern, Piece, Reference, ReferenceKind, Source, Text,
};
use toml::{Table, Value};

use super::{Failure, read};

/// Something that is named and not there.
pub struct Gap {
    pub code: &'static str,
    pub message: String,
    pub help: &'static str,
}

/// Compares a config with the wrangler.toml in its folder, if there is one.
pub fn gaps(blueprint: &Blueprint, file: &Path) -> Result<Vec<Gap>, Failure> {
    let path = file.with_file_name("wrangler.toml");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let table = read(&path)?
        .parse::<Table>()
        .map_err(|error| Failure(format!("{} is no TOML: {error}", path.display())))?;
    let worker = Worker::read(&table);

    let bindings = blueprint
        .bindings
        .iter()
        .map(|b| b.binding.as_str())
        .collect::<BTreeSet<_>>();
    let unbound = bindings.difference(&worker.services).map(|name| Gap {
        code: "unbound_service",
        message: format!("wrangler.toml has no service binding `{name}`"),
        help: "add it to wrangler.toml as a member of `[[services]]`, `[[vpc_services]]` or `[[mtls_certificates]]`",
    });
    let namespaces = namespaces(blueprint);
    let unstored = namespaces.difference(&worker.namespaces).map(|name| Gap {
        code: "unbound_kv",
        message: format!("wrangler.toml has no KV namespace `{name}`"),
        help: "add it to wrangler.toml as a member of `[[kv_namespaces]]`",
    });
    let variables = variables(blueprint);
    let unset = variables.difference(&worker.variables).map(|name| Gap {
        code: "unset_variable",
        message: format!("wrangler.toml has no variable `{name}`, which `$env.{name}` refers to"),
        help: "add it to `[vars]` of wrangler.toml; a secret is better written `$secret.NAME`",
    });
    let checking = unchecked(blueprint, &worker);
    Ok(unbound
        .chain(unstored)
        .chain(unset)
        .chain(checking)
        .collect())
}

/// What health checks lack.
fn unchecked(blueprint: &Blueprint, worker: &Worker<'_>) -> Vec<Gap> {
    let pools = blueprint.servers.iter().filter_map(|s| s.pool.as_ref());
    if pools.filter(|pool| pool.health.is_some()).count() == 0 {
        return Vec::new();
    }
    let mut gaps = Vec::new();
    if !worker.has_cron {
        gaps.push(Gap {
            code: "no_cron_trigger",
            message: "wrangler.toml has no cron trigger: no `health_check` is ever made".into(),
            help: "add `[triggers]` with `crons = [\"* * * * *\"]` to wrangler.toml",
        });
    }
    if !worker.objects.contains(HEALTH) {
        gaps.push(Gap {
            code: "unbound_durable_object",
            message: format!(
                "wrangler.toml has no Durable Object namespace `{HEALTH}`: what a `health_check` finds stays in one isolate"
            ),
            help: "add it to `[[durable_objects.bindings]]` of wrangler.toml with the class `HealthBoard`, and a migration",
        });
    } else if !worker.classes.contains(HEALTH_CLASS) {
        gaps.push(Gap {
            code: "no_migration",
            message: format!("wrangler.toml has no migration that makes the class `{HEALTH_CLASS}`"),
            help: "add `new_sqlite_classes = [\"HealthBoard\"]` to a member of `[[migrations]]`, with a tag of its own",
        });
    }
    gaps
}

/// What a wrangler.toml gives, in any of its environments.
#[derive(Default)]
struct Worker<'a> {
    services: BTreeSet<&'a str>,
    namespaces: BTreeSet<&'a str>,
    variables: BTreeSet<&'a str>,
    /// Namespaces of Durable Objects.
    objects: BTreeSet<&'a str>,
    /// The classes of Durable Objects that migrations make.
    classes: BTreeSet<&'a str>,
    has_cron: bool,
}

/// The binding of the object that health checks share, and its class.
const HEALTH: &str = "HEALTH";
const HEALTH_CLASS: &str = "HealthBoard";

impl<'a> Worker<'a> {
    fn read(table: &'a Table) -> Worker<'a> {
        let environments = table.get("env").and_then(Value::as_table);
        let environments = environments
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table);
        let mut worker = Worker::default();
        for table in std::iter::once(table).chain(environments) {
            // Another Worker, a private network, a client certificate: all of them have a `fetch`.
            for list in ["services", "vpc_services", "mtls_certificates"] {
                let bound = array(table.get(list));
                let bound = bound.filter_map(|one| one.get("binding")?.as_str());
                worker.services.extend(bound);
            }
            let stored = array(table.get("kv_namespaces"));
            let stored = stored.filter_map(|one| one.get("binding")?.as_str());
            worker.namespaces.extend(stored);
            let objects = table.get("durable_objects").and_then(|o| o.get("bindings"));
            let objects = array(objects).filter_map(|one| one.get("name")?.as_str());
            worker.objects.extend(objects);
            for migration in array(table.get("migrations")) {
                for list in ["new_sqlite_classes", "new_classes"] {
                    let made = array(migration.get(list)).filter_map(Value::as_str);
                    worker.classes.extend(made);
                }
            }
            let crons = table.get("triggers").and_then(|t| t.get("crons"));
            worker.has_cron |= array(crons).next().is_some();
            let variables = table.get("vars").and_then(Value::as_table);
            worker.variables.extend(
                variables
                    .into_iter()
                    .flat_map(Table::keys)
                    .map(String::as_str),
            );
        }
        worker
    }
}

fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// The names of all KV namespaces that authorizers read.
fn namespaces(blueprint: &Blueprint) -> BTreeSet<&str> {
    let kinds = blueprint.authorizers.iter().map(|a| &a.kind);
    let named = kinds.filter_map(|kind| match kind {
        AuthorizerKind::ApiKey(spec) => Some(spec.kv.as_ref()?.binding.as_str()),
        _ => None,
    });
    named.collect()
}

/// The names of all `$env.NAME` in a config.
fn variables(blueprint: &Blueprint) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for server in &blueprint.servers {
        for endpoint in &server.endpoints {
            add(&endpoint.url, &mut names);
        }
    }
    for origin in blueprint.cors.iter().flat_map(|cors| &cors.allow_origins) {
        if let OriginPattern::Exact(text) = origin {
            add(text, &mut names);
        }
    }
    for authorizer in &blueprint.authorizers {
        for text in authorizer.kind.texts() {
            add(text, &mut names);
        }
    }
    for key in blueprint.federation.iter().flat_map(|f| &f.keys) {
        add(key, &mut names);
    }
    for identity in &blueprint.identities {
        for text in identity.kind.texts() {
            add(text, &mut names);
        }
    }
    for path in &blueprint.paths {
        match &path.action {
            Action::Proxy {
                mapping: Some(mapping),
                ..
            } => {
                for (_, source) in mapping.headers.iter().chain(&mapping.query) {
                    if let Source::Config(text) = source {
                        add(text, &mut names);
                    }
                }
            }
            Action::Respond { headers, body, .. } => {
                for (_, text) in headers {
                    add(text, &mut names);
                }
                for piece in &body.0 {
                    if let Piece::Reference(reference) = piece {
                        add_reference(reference, &mut names);
                    }
                }
            }
            Action::Supabase(call) => {
                add(&call.url, &mut names);
                add(&call.key, &mut names);
            }
            Action::Proxy { mapping: None, .. }
            | Action::Call { .. }
            | Action::Service { .. }
            | Action::Login { .. }
            | Action::Federation(_)
            | Action::Fault(_) => {}
        }
    }
    names
}

fn add<'a>(text: &'a Text, names: &mut BTreeSet<&'a str>) {
    if let Text::Reference(reference) = text {
        add_reference(reference, names);
    }
}

fn add_reference<'a>(reference: &'a Reference, names: &mut BTreeSet<&'a str>) {
    if reference.kind == ReferenceKind::Env {
        names.insert(&reference.name);
    }
}
