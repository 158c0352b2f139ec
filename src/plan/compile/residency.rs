//! `residency`: that no way out of a path leads out of a jurisdiction.
//!
//! What is proven is that of each way, and there are no others:
//! - the endpoints that its server can reach: the primary ones, by failover, and so by retries and hedges, which never
//!   use another endpoint than failover could;
//! - the server of a mirror, in the same way;
//! - hooks and functions of bound workers;
//! - whoever is asked who the caller is.
//!
//! What is proven is kept at run time too: endpoints of other zones are never chosen.

use crate::config::{Context, Residency, Span};
use crate::plan::{Access, Action, AuthorizerKind, Blueprint, Home, Hook, Zone};
use crate::upstream::pool::reach;

/// The jurisdiction that is written, lower case, if any zone has it.
pub(super) fn read(
    written: &Residency<'_>,
    zones: &[Zone],
    cx: &mut Context,
) -> Option<(String, Span)> {
    let Residency::Within(name) = written else {
        return None;
    };
    let jurisdiction = name.value.to_ascii_lowercase();
    let known = zones.iter().filter_map(|zone| zone.jurisdiction.as_deref());
    if !known.clone().any(|known| known == jurisdiction) {
        let near = cx.closest(&jurisdiction, known);
        cx.error(
            name.span,
            "unknown_jurisdiction",
            format!("no zone has the jurisdiction `{}`", name.value),
        )
        .label("unknown")
        .suggest(near);
        return None;
    }
    Some((jurisdiction, name.span))
}

/// The ways out of a path.
pub(super) struct Ways<'w> {
    pub known: &'w Blueprint,
    pub jurisdiction: &'w str,
    /// Where it is asked for.
    pub span: Span,
}

impl Ways<'_> {
    /// Tells each way that leaves. The action that comes back cannot leave at run time.
    pub fn prove<'h>(
        &self,
        action: Action,
        hooks: impl Iterator<Item = &'h Hook>,
        access: &Access,
        cx: &mut Context,
    ) -> Action {
        for hook in hooks {
            self.hook("the hook `pre_process`", hook, cx);
        }
        for index in access.authorizers() {
            let authorizer = self.known.authorizers.get(usize::from(*index));
            if let Some(authorizer) = authorizer
                && matches!(
                    authorizer.kind,
                    AuthorizerKind::ForwardAuth(_)
                        | AuthorizerKind::Introspection(_)
                        | AuthorizerKind::Oidc(_)
                )
            {
                let way = format!("the authorizer `{}`", authorizer.name);
                self.leaves(&way, "asks somebody of whom it is not known where", cx);
            }
        }
        match action {
            Action::Proxy {
                server,
                zones,
                mapping,
                mut mirror,
                post_process,
            } => {
                if let Some(mirror) = &mut mirror {
                    mirror.zones = Some(self.proxied(mirror.server, None, cx));
                }
                if let Some(hook) = &post_process {
                    self.hook("the hook `post_process`", hook, cx);
                }
                let inside = self.proxied(server, zones.as_deref(), cx);
                Action::Proxy {
                    server,
                    zones: Some(inside),
                    mapping,
                    mirror,
                    post_process,
                }
            }
            Action::Call { hook, post_process } => {
                self.hook("the function", &hook, cx);
                if let Some(hook) = &post_process {
                    self.hook("the hook `post_process`", hook, cx);
                }
                Action::Call { hook, post_process }
            }
            Action::Service { .. } => {
                self.leaves("the module of the bundle", "may send it anywhere", cx);
                action
            }
            Action::Supabase(_) | Action::Login { .. } => {
                self.leaves(
                    "this integration",
                    "asks a service of which it is not known where",
                    cx,
                );
                action
            }
            Action::Respond { .. } | Action::Federation(_) | Action::Fault(_) => action,
        }
    }

    /// The zones of the jurisdiction that a server's requests may use.
    fn proxied(&self, server: u16, only: Option<&[u16]>, cx: &mut Context) -> Vec<u16> {
        let may = |zone: u16| only.is_none_or(|only| only.contains(&zone));
        let inside = (0_u16..).zip(&self.known.zones);
        let inside = inside.filter(|(index, zone)| may(*index) && self.holds(zone));
        let inside: Vec<u16> = inside.map(|(index, _)| index).collect();
        let Some(server) = self.known.servers.get(usize::from(server)) else {
            return inside;
        };
        let places: Vec<Option<u16>> = server.endpoints.iter().map(|e| e.zone).collect();
        let locality = server.pool.as_ref().and_then(|pool| pool.locality.as_ref());
        let mut homes: Vec<Option<u16>> = match locality.map(|locality| &locality.home) {
            Some(Home::Zone(zone)) if may(*zone) => vec![Some(*zone)],
            _ => places
                .iter()
                .copied()
                .filter(|p| p.is_some_and(may))
                .collect(),
        };
        if homes.is_empty() {
            homes.push(None);
        }
        for (index, endpoint) in server.endpoints.iter().enumerate() {
            let allowed = match endpoint.zone {
                Some(zone) => may(zone),
                None => only.is_none(),
            };
            let zone = endpoint
                .zone
                .and_then(|z| self.known.zones.get(usize::from(z)));
            if !allowed || endpoint.weight == 0 || zone.is_some_and(|zone| self.holds(zone)) {
                continue;
            }
            let way = homes
                .iter()
                .filter_map(|home| reach(locality, *home, &places, index))
                .min();
            let where_to = match zone {
                Some(zone) => format!("leads to zone `{}`", zone.name),
                None => "leads to no zone that is named".to_owned(),
            };
            let by = match way {
                Some(0) => "",
                Some(_) => " by failover",
                None => continue,
            };
            let way = format!("endpoint `{}` of server `{}`", endpoint.name, server.alias);
            self.leaves(&way, &format!("{where_to}{by}"), cx);
        }
        inside
    }

    fn hook(&self, way: &str, hook: &Hook, cx: &mut Context) {
        let Some(binding) = self.known.bindings.get(usize::from(hook.binding)) else {
            return;
        };
        let zone = binding
            .zone
            .and_then(|z| self.known.zones.get(usize::from(z)));
        match zone {
            Some(zone) if self.holds(zone) => {}
            Some(zone) => self.leaves(way, &format!("leads to zone `{}`", zone.name), cx),
            None => {
                let why = format!(
                    "leads to the binding `{}`, which names no zone",
                    binding.alias
                );
                self.leaves(way, &why, cx);
            }
        }
    }

    fn holds(&self, zone: &Zone) -> bool {
        zone.jurisdiction.as_deref() == Some(self.jurisdiction)
    }

    fn leaves(&self, way: &str, why: &str, cx: &mut Context) {
        let message = format!("a request can leave `{}`: {way} {why}", self.jurisdiction);
        cx.error(self.span, "leaves_jurisdiction", message)
            .help("keep the way within zones of this `jurisdiction`, by `failover`, `zones` of the integration or `zone` of a binding, or take `residency` away");
    }
}
