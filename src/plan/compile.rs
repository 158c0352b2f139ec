//! From a config's text to a [`Blueprint`], with everything that is wrong told at once.
//!
//! Two kinds of callers use the same function:
//! - Strict ones (check, build, deploy) refuse a config whose diagnostics have an error.
//! - The running worker serves what can be served, closed where it cannot be understood:
//!   - A fault inside one path, whose host, method and pattern are understood: [`Action::Fault`].
//!   - An authorizer that is not understood: [`AuthorizerKind::Fault`].
//!   - In `cors`: what is not understood is not allowed.
//!   - A variable that is not understood closes the paths that map it.
//!   - A path that cannot be matched as it was meant, or a fault in what holds for all (syntax, `defaults`,
//!     `hosts`, an unknown top-level key): no blueprint. To leave such a part out could open a protected path
//!     through a wider public one.

mod authorizer;
mod conflict;
mod cors;
mod expression;
mod federation;
mod flaw;
mod health;
mod hosts;
mod identity;
mod identity_aws;
mod identity_token;
mod integration;
mod jwt;
mod jwt_keys;
mod mapping;
mod mirror;
mod names;
mod path;
mod pattern;
mod preset;
mod punycode;
mod require;
mod residency;
mod response;
mod server;
mod url;
mod when;
mod whereabouts;

use std::collections::HashMap;

use crate::config::ast::Unparsed;
use crate::config::{
    Ambiguity, BindingObject, Context, Diagnostics, Document, Entries, Items, MAX_BYTES, Read,
    Scalar, ServiceObject, Span, Spanned, parse, without_byte_order_mark,
};

use self::conflict::Taken;
use self::names::Names;
use self::path::{CompiledPath, Defaults, Gateway, compile_path};
use super::Zone;
use super::blueprint::{
    Action, Binding, Blueprint, Cors, Fault, PathEntry, Service, Text, Tolerance,
};
use super::memory::foresee;

pub use self::cors::origin_pattern;
pub use self::jwt::secret_bytes_needed;
pub use self::url::{UrlFlaw, server_url};
pub(crate) use self::whereabouts::{Against, against};

/// What became of a config.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// `None` if the worker cannot even serve a part of it.
    pub blueprint: Option<Blueprint>,
    pub diagnostics: Diagnostics,
}

/// How many bytes of memory a byte of a typical config needs until it is compiled, as measured on wasm32.
const BYTES_PER_BYTE: usize = 2;

/// Reads, checks and compiles a config.
pub fn compile(text: &str) -> Compiled {
    let mut cx = Context::new();
    let text = without_byte_order_mark(text, &mut cx);
    if text.len() <= MAX_BYTES {
        foresee(text.len().saturating_mul(BYTES_PER_BYTE));
    }
    let root = parse(text, &mut cx);
    let blueprint = root.as_ref().and_then(|root| {
        let document = Document::read(root, &mut cx)?;
        document_to_blueprint(&document, &mut cx)
    });
    Compiled {
        blueprint,
        diagnostics: cx.finish(text, root.as_ref()),
    }
}

fn document_to_blueprint<'a>(document: &Document<'a>, cx: &mut Context) -> Option<Blueprint> {
    // Servers, services, bindings, authorizers and paths are yet to be read: what is wrong so far, or in what all
    // paths share, is wrong for every path.
    let mut sound = cx.errors() == 0;
    let mut blueprint = Blueprint::default();
    let zones = server::compile_zones(document, &mut blueprint.zones, cx);
    let services = compile_services(document.services.value(), &mut blueprint.services, cx);
    let mut bindings = Names::new("service binding");
    for items in [&document.service_bindings, &document.services_bindings] {
        compile_bindings(
            items.value(),
            (&zones, &blueprint.zones),
            &mut bindings,
            &mut blueprint.bindings,
            cx,
        );
    }
    let servers = server::compile_servers(
        document.servers.value(),
        &zones,
        &bindings,
        !document.federation.is_absent(),
        &mut blueprint,
        cx,
    );
    let authorizers = authorizer::compile(
        document,
        (&bindings, &blueprint.bindings),
        &mut blueprint.authorizers,
        cx,
    );

    // Where it is not understood, only what depends on it is closed.
    let federation = document.federation.value().and_then(|f| f.get(cx));
    let federation = federation.and_then(|object| federation::compile(&object, cx));
    let (federation, documents) = federation.unzip();
    blueprint.federation = federation;

    // A mistake in it allows less, never more.
    blueprint.cors = document.cors.value().map(|cors| match cors.get(cx) {
        Some(cors) => cors::compile(&cors, cx),
        None => Cors::default(),
    });

    let before = cx.errors();
    if let Some(hosts) = document.hosts.value() {
        blueprint.hosts = hosts::compile(hosts, &blueprint, cx);
    }
    let sound_variables = cx.errors();
    let variables = match document.variables.value() {
        Some(variables) => read_variables(variables, cx),
        None => HashMap::new(),
    };
    let before = before.saturating_add(cx.errors().saturating_sub(sound_variables));
    let gateway = Gateway {
        defaults: Defaults::read(
            document.defaults.value(),
            &authorizers,
            &blueprint.zones,
            cx,
        ),
        known: &blueprint,
        zones,
        servers,
        services,
        bindings,
        authorizers,
        variables,
    };
    sound &= cx.errors() == before;

    let paths = document.paths.value()?.list;
    let elements = paths.iter();
    let mut entries = Vec::with_capacity(elements.len());
    let mut taken = Taken::with_capacity(elements.len());
    let mut residents = Vec::new();
    let mut silent = Vec::new();
    for node in elements {
        let Some(mut path) = compile_path(&node, &gateway, cx) else {
            sound = false;
            continue;
        };
        if path.silent {
            silent.push(path.written);
        }
        let (index, within) = (entries.len(), path.residency.take());
        add(path, &mut taken, &mut entries, paths, cx);
        if entries.len() > index {
            residents.extend(within.map(|within| (index, within)));
        }
    }
    warn_of_silence(&silent, paths, cx);
    residency::gaps(&residents, &entries, &taken, &gateway, cx);
    for (authorizer, login) in gateway.authorizers.logins() {
        for entry in login.entries(*authorizer) {
            let written = login.span;
            let path = CompiledPath {
                entry,
                written,
                residency: None,
                silent: false,
            };
            add(path, &mut taken, &mut entries, paths, cx);
        }
    }
    for path in documents.into_iter().flatten() {
        add(path, &mut taken, &mut entries, paths, cx);
    }
    gateway
        .authorizers
        .tell_of_cookies(&blueprint.authorizers, &entries, cx);
    drop(gateway);
    blueprint.paths = entries;
    sound.then_some(blueprint)
}

/// One warning of all paths that are public because nothing is said: one for each would drown what else there is.
fn warn_of_silence(silent: &[Span], paths: &Unparsed<'_>, cx: &mut Context) {
    const LISTED: usize = 10;
    let Some(first) = silent.first() else {
        return;
    };
    let message = match silent.len() {
        1 => "this path says nothing of `auth`, so everyone may use it".to_owned(),
        count => {
            let listed = silent.iter().take(LISTED);
            let listed = listed.map(|span| format!("`{}`", paths.string_at(*span)));
            let listed = listed.collect::<Vec<_>>().join(", ");
            let more = match count.saturating_sub(LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{count} paths say nothing of `auth`, so everyone may use them: {listed}{more}")
        }
    };
    cx.warning(*first, "public_by_silence", message)
        .help("write `\"auth\": false` if that is meant, or set `defaults.auth`");
}

fn add(
    path: CompiledPath,
    taken: &mut Taken,
    paths: &mut Vec<PathEntry>,
    written_paths: &Unparsed<'_>,
    cx: &mut Context,
) {
    let CompiledPath { entry, written, .. } = path;
    match taken.add(&entry, written, paths) {
        None => paths.push(entry),
        Some((index, first)) => {
            let fault = conflict(&entry, written, first, written_paths, cx);
            if let Some(entry) = paths.get_mut(index) {
                entry.action = Action::Fault(fault);
            }
        }
    }
}

/// Two paths between which nothing decides. The first stays, closed; a request could have meant either.
fn conflict(
    entry: &PathEntry,
    second: Span,
    first: Span,
    paths: &Unparsed<'_>,
    cx: &mut Context,
) -> Fault {
    // An authorizer has a path of its own that may stand nowhere.
    let written = |span| match paths.string_at(span) {
        empty if empty.is_empty() => entry.pattern.clone().into(),
        written => written,
    };
    let message = format!(
        "`{}` and `{}` answer the same requests",
        written(first),
        written(second)
    );
    let fault = Fault {
        code: "conflicting_paths".to_owned(),
        message: message.clone(),
    };
    cx.error(second, "conflicting_paths", message)
        .label("the same host, method and pattern")
        .note(first, "as this path")
        .help("remove one of them, or tell them apart by host, method or `when`; names of parameters make no difference");
    fault
}

fn compile_services<'a>(
    items: Option<&Items<'a, ServiceObject<'a>>>,
    services: &mut Vec<Service>,
    cx: &mut Context,
) -> Names<'a> {
    let mut names = Names::new("service");
    for node in items.into_iter().flat_map(Items::nodes) {
        let service = ServiceObject::read(node, cx);
        let entrypoint = service
            .as_ref()
            .and_then(|service| service.entrypoint.value())
            .and_then(|entrypoint| module_name(entrypoint, cx));
        let alias = service.as_ref().and_then(|service| service.alias.value());
        if let Some(alias) = names.declare(alias, entrypoint.is_some(), services.len(), cx)
            && let Some(entrypoint) = entrypoint
        {
            services.push(Service {
                alias: alias.value.to_owned(),
                entrypoint: entrypoint.to_owned(),
            });
        }
    }
    names
}

fn compile_bindings<'a>(
    items: Option<&Items<'a, BindingObject<'a>>>,
    (zones, known): (&server::Zones<'_>, &[Zone]),
    names: &mut Names<'a>,
    bindings: &mut Vec<Binding>,
    cx: &mut Context,
) {
    for node in items.into_iter().flat_map(Items::nodes) {
        let object = BindingObject::read(node, cx);
        let binding = object.as_ref().and_then(|object| object.binding.value());
        let alias = object.as_ref().and_then(|object| object.alias.value());
        if let Some(alias) = names.declare(alias, binding.is_some(), bindings.len(), cx)
            && let Some(binding) = binding
        {
            let zone = object.as_ref().and_then(|o| zones.find(&o.zone, cx));
            let law = |zone: Option<u16>| known.get(usize::from(zone?))?.jurisdiction.as_ref();
            let mut others = bindings
                .iter()
                .filter(|other| other.binding == binding.value);
            let elsewhere = |other: &&Binding| {
                law(zone)
                    .zip(law(other.zone))
                    .is_some_and(|(one, other)| one != other)
            };
            if let Some(other) = others.find(elsewhere) {
                let message = format!(
                    "`{}` is bound as `{}`, too, in a zone of another jurisdiction",
                    binding.value, other.alias
                );
                cx.error(alias.span, "contradiction", message)
                    .help("one Worker cannot be in both: name the zone where it is");
            }
            bindings.push(Binding {
                alias: alias.value.to_owned(),
                binding: binding.value.to_owned(),
                zone,
            });
        }
    }
}

/// A module below `services/`, which must not be left.
fn module_name<'a>(entrypoint: &Spanned<&'a str>, cx: &mut Context) -> Option<&'a str> {
    let name = entrypoint
        .value
        .strip_prefix("./")
        .unwrap_or(entrypoint.value);
    let safe = name.split('/').all(|part| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    });
    if safe {
        return Some(name);
    }
    cx.error(
        entrypoint.span,
        "bad_entrypoint",
        format!("`{}` is no module below `services/`", entrypoint.value),
    )
    .help("write names of letters, digits, `.`, `_` and `-`, with `/` between them");
    None
}

/// `None` is a variable that is not understood, and told.
type Variables<'a> = HashMap<&'a str, Option<Text>>;

fn read_variables<'a>(variables: &Entries<'a, Scalar>, cx: &mut Context) -> Variables<'a> {
    variables
        .iter()
        .map(|(key, value)| (key.value, value.get(cx).map(|scalar| scalar.0.text)))
        .collect()
}

fn tolerance(ambiguities: &[Ambiguity]) -> Tolerance {
    let mut tolerate = Tolerance::default();
    for ambiguity in ambiguities {
        match ambiguity {
            Ambiguity::EncodedSlash => tolerate.encoded_slash = true,
            Ambiguity::EncodedBackslash => tolerate.encoded_backslash = true,
            Ambiguity::Semicolon => tolerate.semicolon = true,
            Ambiguity::EmptySegment => tolerate.empty_segment = true,
        }
    }
    tolerate
}
