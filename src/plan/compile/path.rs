//! One entry of `paths`.

use super::authorizer::{Authorizers, first_fault};
use super::integration::{compile_hook, compile_integration};
use super::mapping::{Scope, compile_mapping};
use super::names::Names;
use super::pattern::{self, Pattern};
use super::punycode::ascii_host;
use super::require::{compile_require, refuse_on_public};
use super::residency;
use super::response::compile_response;
use super::server::Zones;
use super::when::compile_when;
use super::{Variables, read_variables, tolerance};
use crate::config::ast::Value;
use crate::config::{
    Context, DefaultsObject, Field, IntegrationType, MethodName, Name, PathObject, Read,
    RequireChoice, Span,
};
use crate::http::Method;
use crate::plan::{Access, Action, Blueprint, Fault, PathEntry, Requirement, Tolerance, Zone};

/// Milliseconds to the upstream's response headers, if nothing is said.
const DEFAULT_TIMEOUT_MS: u32 = 30_000;

/// As long as Envoy lets a stream stand still.
pub(super) const DEFAULT_BODY_TIMEOUT_MS: u32 = 300_000;

/// What the paths of a config share.
pub(super) struct Gateway<'a> {
    /// What has been compiled before the paths.
    pub known: &'a Blueprint,
    pub zones: Zones<'a>,
    pub servers: Names<'a>,
    pub services: Names<'a>,
    pub bindings: Names<'a>,
    pub authorizers: Authorizers<'a>,
    pub variables: Variables<'a>,
    pub defaults: Defaults,
}

/// `defaults`, resolved.
pub(super) struct Defaults {
    /// `None` if nothing is said.
    auth: Option<Access>,
    require: Option<Box<Requirement>>,
    timeout_ms: u32,
    body_timeout_ms: u32,
    tolerate: Tolerance,
    /// Lower case, and where it is written.
    residency: Option<(String, Span)>,
}

/// A path, and where it was written.
pub(super) struct CompiledPath {
    pub entry: PathEntry,
    /// The pattern's place, for messages.
    pub written: Span,
    /// The jurisdiction that its requests must not leave, lower case.
    pub residency: Option<String>,
    /// Whether everyone may use it because nothing is said.
    pub silent: bool,
}

impl Defaults {
    pub fn read(
        object: Option<&DefaultsObject<'_>>,
        authorizers: &Authorizers<'_>,
        zones: &[Zone],
        cx: &mut Context,
    ) -> Defaults {
        let auth = object.and_then(|object| object.auth.value());
        let require = object.and_then(|object| object.require.value());
        let timeout = object.and_then(|object| object.timeout_ms.value());
        let body_timeout = object.and_then(|object| object.body_timeout_ms.value());
        let ambiguities = object.and_then(|object| object.allow_in_path.value());
        Defaults {
            auth: auth.map(|auth| authorizers.choose(auth, cx)),
            require: require.and_then(|require| compile_require(require, None, cx)),
            timeout_ms: timeout.map_or(DEFAULT_TIMEOUT_MS, |timeout| timeout.value),
            body_timeout_ms: body_timeout.map_or(DEFAULT_BODY_TIMEOUT_MS, |timeout| timeout.value),
            tolerate: ambiguities.map_or(Tolerance::default(), |list| tolerance(list)),
            residency: match object.and_then(|object| object.residency.value()) {
                Some(residency) => residency::read(residency, zones, cx),
                None => None,
            },
        }
    }
}

/// Compiles a path. `None` if it is not understood which requests it is for; else it is there, if only as a fault.
pub(super) fn compile_path(
    node: &Value<'_>,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) -> Option<CompiledPath> {
    cx.mark();
    let before = cx.errors();
    let path = PathObject::read(node, cx)?;
    let method = path.method.value().map(|method| match method.0 {
        MethodName::Get => Some(Method::Get),
        MethodName::Post => Some(Method::Post),
        MethodName::Put => Some(Method::Put),
        MethodName::Delete => Some(Method::Delete),
        MethodName::Options => Some(Method::Options),
        MethodName::Patch => Some(Method::Patch),
        MethodName::Any => None,
    });
    let host = match &path.host {
        Field::Absent => Some(None),
        Field::Bad => None,
        Field::Value(host) => compile_host(host, cx).map(Some),
    };
    if let (Some(template), Some(host)) = (&gateway.known.hosts, path.host.value())
        && template.takes(host.value)
    {
        let message = format!(
            "hosts of `{}` are of the template in `hosts`, too",
            host.value
        );
        cx.error(host.span, "host_of_template", message).help(
            "give the template an end of its own, such as `{server}.{zone}.zones.example.com`",
        );
    }
    let pattern = path.path.value().and_then(|path| compile_pattern(path, cx));
    let when = compile_when(&path.when, cx.errors() == before, cx);
    let (access, silent) = compile_auth(&path, gateway, cx);
    let auth_errors = cx.errors() > before;
    let require = match (path.require.value(), pattern.as_ref()) {
        (Some(require), Some(_)) => {
            if let (RequireChoice::Rules(rules), true, false) =
                (require, access.is_public(), auth_errors)
            {
                refuse_on_public(rules.span.first(), cx);
            }
            compile_require(require, pattern.as_ref(), cx)
        }
        // A pattern or a rule that is not understood closes the path.
        (Some(_), None) => None,
        (None, _) if access.is_public() => None,
        (None, _) => gateway.defaults.require.clone(),
    };
    let pre_process = path
        .pre_process
        .value()
        .map(|hook| compile_hook(hook, gateway, cx))
        .transpose();
    let own_variables = path.variables.value().map(|own| read_variables(own, cx));
    let scope = Scope {
        own: own_variables.unwrap_or_default(),
        variables: &gateway.variables,
        pattern: pattern.as_ref(),
        // Where `auth` itself is at fault, nothing more need be said of it.
        protected: !access.is_public() || cx.errors() > before,
        withheld: gateway.authorizers.withheld(&access),
    };
    let action = compile_action(&path, method, &scope, gateway, cx);
    let residency = match path.residency.value() {
        Some(residency) => residency::read(residency, &gateway.known.zones, cx),
        None => gateway.defaults.residency.clone(),
    };
    let mut within = None;
    let action = match (action, residency) {
        (Ok(action), Some((jurisdiction, span))) => {
            let ways = residency::Ways::new(gateway.known, &jurisdiction);
            // What `defaults` says is told where the path stands.
            let span = match path.residency.value() {
                Some(_) => span,
                None => path.path.value().map_or(span, |written| written.span),
            };
            let hooks = pre_process.iter().flatten();
            let action = ways.prove(action, hooks, &access).told(span, cx);
            within = Some(jurisdiction);
            Ok(action)
        }
        (action, _) => action,
    };
    let (action, pre_process) = match (action, pre_process) {
        _ if cx.errors() > before => (Action::Fault(first_fault(cx)), None),
        (Ok(action), Ok(pre_process)) => (action, pre_process),
        (Err(fault), _) | (_, Err(fault)) => (Action::Fault(fault), None),
    };
    let (method, host, pattern, when) = (method?, host?, pattern?, when.ok()?);
    let written = path.path.value()?.span;
    Some(CompiledPath {
        entry: PathEntry {
            method,
            host,
            pattern: pattern.text,
            when,
            action,
            access,
            require,
            pre_process,
            timeout_ms: path
                .timeout_ms
                .value()
                .map_or(gateway.defaults.timeout_ms, |timeout| timeout.value),
            body_timeout_ms: path
                .body_timeout_ms
                .value()
                .map_or(gateway.defaults.body_timeout_ms, |timeout| timeout.value),
            tolerate: path
                .allow_in_path
                .value()
                .map_or(gateway.defaults.tolerate, |list| tolerance(list)),
        },
        written,
        residency: within,
        silent,
    })
}

fn compile_host(host: &Name<'_>, cx: &mut Context) -> Option<String> {
    let written = host.value.trim_matches(' ');
    let (below, name) = match written.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", written),
    };
    if let Some(name) = ascii_host(name) {
        return Some(format!("{below}{name}"));
    }
    let help = if written == "*" || written == "*.*" {
        "for every host leave `host` out".to_owned()
    } else if let Some(plain) = bare_host(written) {
        format!("write `{plain}`: a host has neither scheme nor port nor path")
    } else if !written.is_ascii() {
        "write it in Punycode (`xn--...`): these letters have more than one spelling".to_owned()
    } else {
        "write a name such as `api.example.com`, or `*.example.com`, without scheme, port and path"
            .to_owned()
    };
    let message = format!("`{}` is no host", host.value);
    cx.error(host.span, "bad_host", message).help(help);
    None
}

/// The host of what was written as a URL or with a port.
fn bare_host(written: &str) -> Option<&str> {
    let rest = written.split_once("://").map_or(written, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next()?;
    let name = host.strip_prefix("*.").unwrap_or(host);
    (host != written && ascii_host(name).is_some()).then_some(host)
}

fn compile_pattern<'a>(path: &Name<'a>, cx: &mut Context) -> Option<Pattern<'a>> {
    pattern::parse(path.value)
        .map_err(|flaw| {
            let span = path.span;
            // Where the string has escapes, its bytes are not the document's.
            let plain = span.end.saturating_sub(span.start) == path.value.len().saturating_add(2);
            let inner = span.start.saturating_add(1);
            let span = if plain && !flaw.range.is_empty() {
                Span {
                    start: inner.saturating_add(flaw.range.start),
                    end: inner.saturating_add(flaw.range.end),
                }
            } else {
                span
            };
            let diagnostic = cx.error(span, "bad_path", flaw.message);
            if let Some(help) = flaw.help {
                diagnostic.help(help);
            }
        })
        .ok()
}

/// Whom the path serves; and whether that is everyone because nothing is said, where something could be.
fn compile_auth(path: &PathObject<'_>, gateway: &Gateway<'_>, cx: &mut Context) -> (Access, bool) {
    match (&path.auth, &gateway.defaults.auth) {
        (Field::Value(auth), _) => (gateway.authorizers.choose(auth, cx), false),
        (_, Some(default)) => (default.clone(), false),
        (Field::Bad, None) => (Access::Public, false),
        (Field::Absent, None) => (Access::Public, !gateway.authorizers.is_empty()),
    }
}

fn compile_action(
    path: &PathObject<'_>,
    method: Option<Option<Method>>,
    scope: &Scope<'_>,
    gateway: &Gateway<'_>,
    cx: &mut Context,
) -> Result<Action, Fault> {
    if path.response.is_absent() {
        for (field, there) in [
            ("response_status", !path.response_status.is_absent()),
            ("response_headers", !path.response_headers.is_absent()),
        ] {
            if there {
                unused(path.span, field, "without a `response`", cx);
            }
        }
    }
    let proxied = matches!(
        path.integration.value().and_then(|i| i.kind.value()),
        Some(IntegrationType::Http | IntegrationType::HttpProxy)
    );
    let mapping = path
        .mapping
        .value()
        .map(|mapping| compile_mapping(mapping, scope, cx));
    if mapping.is_some() && !proxied && !path.integration.is_bad() {
        unused(path.span, "mapping", "on a path that is not proxied", cx);
    }
    match (&path.integration, path.response.is_absent()) {
        (Field::Absent, true) => {
            cx.error(
                path.span.first(),
                "path_without_action",
                "this path neither has an `integration` nor a `response`",
            )
            .help("say where it goes, or what it answers");
        }
        (Field::Absent, false) => return compile_response(path, cx).ok_or_else(|| first_fault(cx)),
        (integration, false) => {
            cx.error(
                path.span.first(),
                "path_with_two_actions",
                "this path has an `integration` and a `response`",
            )
            .help("remove one of them");
            let fault = first_fault(cx);
            // Whichever stays is to be right.
            if let Field::Value(integration) = integration {
                let _ = compile_integration(integration, None, method, gateway, cx);
            }
            let _ = compile_response(path, cx);
            return Err(fault);
        }
        (Field::Value(integration), true) => {
            let mapping =
                mapping.filter(|mapping| !mapping.headers.is_empty() || !mapping.query.is_empty());
            let mapping = mapping.map(Box::new);
            return compile_integration(integration, mapping, method, gateway, cx);
        }
        (Field::Bad, true) => {}
    }
    Err(first_fault(cx))
}

/// Warns of a field that changes nothing.
pub(super) fn unused(object: Span, field: &str, why: &str, cx: &mut Context) {
    cx.warning(
        object.first(),
        "unused_field",
        format!("`{field}` has no effect {why}"),
    )
    .help("remove it");
}
