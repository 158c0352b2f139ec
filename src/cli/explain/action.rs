//! What the path would do with the request once its caller is known.

use std::borrow::Cow;

use causeway::auth::{AUTH_PATH, Withheld};
use causeway::plan::{
    Action, Endpoint, FederationDocument, Hook, Mapping, PathEntry, Piece, Server, Source,
    SupabaseStep, Text,
};
use causeway::policy::mapping::{self, Lookup, percent_decode};
use causeway::route::{Canonical, Match};
use causeway::upstream::Base;

use super::{Asked, Page, mirror, spread};
use crate::cli::show;

pub fn explain(
    asked: &Asked<'_>,
    path: &PathEntry,
    found: &Match<'_, '_>,
    canonical: &Canonical<'_>,
    page: &mut Page,
) {
    if let Some(hook) = &path.pre_process {
        page.line("pre_process", &called(asked, hook));
    }
    match &path.action {
        Action::Proxy {
            server,
            mapping,
            zones,
            mirror,
            post_process,
        } => {
            let listed = path.access.authorizers().iter();
            let listed = listed.filter_map(|i| asked.blueprint.authorizers.get(usize::from(*i)));
            let call = Call {
                asked,
                found,
                canonical,
                withheld: Withheld::new(listed.flat_map(|a| &a.withheld)),
            };
            let zones = call.zones(zones.as_deref(), asked.pinned(path));
            if !call.upstream(*server, zones.as_deref(), mapping.as_deref(), page) {
                return;
            }
            page.line(
                "timeout",
                &format!("{} ms to the head of the answer", path.timeout_ms),
            );
            // What a hostname pins to a zone is not mirrored.
            if let Some(spec) = mirror.as_ref().filter(|_| asked.pin().is_none()) {
                mirror::explain(asked, spec, page);
            }
            post(asked, post_process.as_ref(), page);
        }
        Action::Call { hook, post_process } => {
            page.line("call", &called(asked, hook));
            post(asked, post_process.as_ref(), page);
        }
        Action::Service {
            service,
            post_process,
            ..
        } => {
            let service = asked.blueprint.services.get(usize::from(*service));
            let entrypoint = service.map_or("", |s| &s.entrypoint);
            page.line("call", &format!("fetch of services/{entrypoint}.js"));
            post(asked, post_process.as_ref(), page);
        }
        Action::Supabase(call) => {
            let what = match call.step {
                SupabaseStep::Send => "a one-time code is sent to an e-mail address or a phone",
                SupabaseStep::SendEmail => "a one-time code is sent to an e-mail address",
                SupabaseStep::Verify => "a one-time code is taken for a session",
            };
            page.line("supabase", what);
            let url = asked.hidden.text(&call.url);
            page.line("", &format!("  asked at {url}{AUTH_PATH}"));
        }
        Action::Respond {
            status,
            headers,
            body,
        } => {
            page.line("answer", &format!("{status}, by the gateway itself"));
            for (name, value) in headers {
                page.line("", &format!("  {name}: {}", asked.hidden.text(value)));
            }
            let pieces = body.0.iter().map(|piece| match piece {
                Piece::Json(json) => json.clone(),
                Piece::Reference(reference) => show::named(reference),
            });
            page.line("", &format!("  {}", pieces.collect::<String>()));
        }
        Action::Login {
            authorizer,
            step,
            post_process,
        } => {
            let authorizer = asked.blueprint.authorizers.get(usize::from(*authorizer));
            let name = authorizer.map_or("", |a| &a.name);
            let step = step.name();
            page.line("answer", &format!("the {step} of authorizer `{name}`"));
            post(asked, post_process.as_ref(), page);
        }
        Action::Federation(document) => {
            let what = match document {
                FederationDocument::Discovery => "its document as an issuer",
                FederationDocument::Keys => "its public keys as an issuer",
            };
            page.line("answer", &format!("{what}, by the gateway itself"));
        }
        Action::Fault(fault) => {
            page.refuse(500, "config_error", &format!(": {}", fault.message));
        }
    }
}

fn post(asked: &Asked<'_>, hook: Option<&Hook>, page: &mut Page) {
    if let Some(hook) = hook {
        page.line("post_process", &called(asked, hook));
    }
}

fn called(asked: &Asked<'_>, hook: &Hook) -> String {
    let binding = asked.blueprint.bindings.get(usize::from(hook.binding));
    let binding = binding.map_or("", |b| &b.binding);
    format!("{}() of binding {binding}", hook.function)
}

struct Call<'a> {
    asked: &'a Asked<'a>,
    found: &'a Match<'a, 'a>,
    canonical: &'a Canonical<'a>,
    withheld: Withheld<'a>,
}

impl Call<'_> {
    /// The only zones that may be used: the path's, and of these the one that the host pins the request to.
    fn zones(&self, of_path: Option<&[u16]>, pinned: Option<u16>) -> Option<Vec<u16>> {
        let may = |zone: &u16| of_path.is_none_or(|zones| zones.contains(zone));
        match pinned {
            Some(pinned) => Some(Some(pinned).into_iter().filter(may).collect()),
            None => of_path.map(<[u16]>::to_vec),
        }
    }

    /// Whether the request goes anywhere.
    fn upstream(
        &self,
        server: u16,
        zones: Option<&[u16]>,
        mapping: Option<&Mapping>,
        page: &mut Page,
    ) -> bool {
        let Some(server) = self.asked.blueprint.servers.get(usize::from(server)) else {
            return false;
        };
        page.line("server", &server.alias);
        let all = &self.asked.blueprint.zones;
        if let Some(zones) = zones {
            let names = zones.iter().filter_map(|zone| all.get(usize::from(*zone)));
            let names: Vec<&str> = names.map(|zone| zone.name.as_str()).collect();
            let names = if names.is_empty() {
                "none"
            } else {
                &names.join(", ")
            };
            page.line("zones", &format!("only {names}"));
        }
        let may = |endpoint: &&Endpoint| {
            zones.is_none_or(|zones| endpoint.zone.is_some_and(|zone| zones.contains(&zone)))
        };
        if !server.endpoints.iter().any(|endpoint| may(&endpoint)) {
            match &server.pool {
                None => page.refuse(404, "not_found", ": the server stands in none of them"),
                Some(_) => page.refuse(503, "no_endpoint", ": none stands in one of them"),
            }
            return false;
        }
        let (_, path) = self.found.cut();
        let sent = self.canonical.query.and_then(|q| self.withheld.query(q));
        let shown = mapping.map(|m| self.without_hidden(m));
        let query = match &shown {
            Some(mapping) if !mapping.query.is_empty() => {
                mapping::query(mapping, sent.as_deref(), self).map(Cow::Owned)
            }
            _ => sent,
        };
        let query = query.as_deref();
        let method = &self.asked.request.method;
        for endpoint in server.endpoints.iter().filter(may) {
            let url = match &endpoint.url {
                // A literal has been brought into its one spelling when the config was compiled.
                Text::Literal(url) => Base::new(url).join(path, query),
                Text::Reference(reference) => {
                    let query = query.map(|q| format!("?{q}")).unwrap_or_default();
                    format!("{}{path}{query}", show::named(reference))
                }
            };
            let of = self.of_endpoint(server, endpoint);
            page.line("upstream", &format!("{method} {url}{of}"));
            let identities = &self.asked.blueprint.identities;
            let identity = endpoint
                .identity
                .and_then(|i| identities.get(usize::from(i)));
            if let Some(identity) = identity {
                super::identity::explain(self.asked, &identity.kind, page);
            }
        }
        if let Some(pool) = &server.pool {
            spread::explain(pool, &self.asked.blueprint.zones, page);
        }
        let (Some(shown), Some(mapping)) = (&shown, mapping) else {
            return true;
        };
        for ((name, source), (_, written)) in shown.query.iter().zip(&mapping.query) {
            if matches!(
                source,
                Source::Claim(_) | Source::Config(Text::Reference(_))
            ) {
                let source = self.asked.hidden.source(written);
                page.line("", &format!("  and, once it is known, {name}={source}"));
            }
        }
        for (name, source) in &mapping.headers {
            page.line(
                "",
                &format!("  {name}: {}", self.asked.hidden.source(source)),
            );
        }
        true
    }

    /// What tells an endpoint from the others.
    fn of_endpoint(&self, server: &Server, endpoint: &Endpoint) -> String {
        if server.pool.is_none() {
            return String::new();
        }
        let blueprint = self.asked.blueprint;
        let zone = endpoint
            .zone
            .and_then(|z| blueprint.zones.get(usize::from(z)));
        let zone = zone.map_or_else(|| "no zone".to_owned(), |z| format!("zone {}", z.name));
        let binding = endpoint
            .binding
            .and_then(|b| blueprint.bindings.get(usize::from(b)));
        let binding = binding.map_or_else(String::new, |b| format!(", by binding {}", b.binding));
        let group = if endpoint.canary { ", canary" } else { "" };
        format!(
            "  ({}: {zone}, weight {}{group}{binding})",
            endpoint.name, endpoint.weight
        )
    }

    /// The mapping with every literal secret as something that is not known yet.
    fn without_hidden(&self, mapping: &Mapping) -> Mapping {
        let mut mapping = mapping.clone();
        for (_, source) in &mut mapping.query {
            if let Source::Config(Text::Literal(value)) = source
                && self.asked.hidden.holds(value)
            {
                *source = Source::Claim(String::new());
            }
        }
        mapping
    }
}

impl Lookup for Call<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.withheld.field(name, self.asked.header(name)?)
    }

    fn claim(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.found.param(name).map(percent_decode)
    }
}
