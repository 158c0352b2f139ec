//! `residency`: that no way out of a path leads out of a jurisdiction.
//!
//! **What is promised.** Of a request to such a path nothing (its target, fields, body, credential, or what is derived
//! of them) is sent to anybody of whom the config says, or leaves open, that another law holds there. What is trusted is
//! the author's `jurisdiction` of a zone, and that endpoints and bindings stand in the zones that they name. Who makes a
//! mistake there is told where names contradict it, see [`whereabouts`](super::whereabouts).
//!
//! **The ways out**, and there are no others:
//! 1. The endpoints that its server can reach: the primary ones, by failover, and so by retries and hedges, which never
//!    use another endpoint than failover could. One that names no zone stands in that of its binding.
//! 2. The server of a mirror, in the same way.
//! 3. Hooks and functions of bound workers.
//! 4. Modules of the bundle, and services of others that a path asks by itself: nobody knows where these are.
//! 5. Whoever is asked who the caller is: forward authentication, introspection, an identity provider.
//! 6. The store of API keys: KV holds copies wherever it is read. It is shown an id of the key, nothing else of the
//!    request: a doubt.
//! 7. Another path, which takes the requests that this one was to take: one with a slash behind it, of another method, or
//!    without what `when` asks for. A wider path that may leave is a doubt, see [`gaps`].
//!
//! **What is no way out**, since nothing of the request is in what is sent: keys of token issuers (JWKS and discovery),
//! tokens and keys that clouds lend for an `identity`, health checks, the store of the config and of drains. Replays and
//! sessions are remembered in the isolate. The log has no body, field or address of a request.
//!
//! **What nobody here can know**: where an upstream sends what it is given, or a redirect its client; what is behind a
//! name that says nothing; where Cloudflare runs the gateway itself.
//!
//! What is proven is kept at run time too: endpoints of other zones are never chosen, and where a URL comes from the
//! environment, one whose host contradicts its zone closes the server.

mod gaps;

use crate::config::{Context, Residency, Span};
use crate::plan::{Access, Action, AuthorizerKind, Blueprint, Home, Hook, Zone};
use crate::upstream::pool::reach;

pub(super) use self::gaps::gaps;

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

/// What is known of a config before its paths, and the jurisdiction that a path must not leave.
#[derive(Clone, Copy)]
pub(super) struct Ways<'w> {
    known: &'w Blueprint,
    jurisdiction: &'w str,
}

/// The ways out of a path.
pub(super) struct Proof<'w> {
    /// It cannot leave at run time.
    action: Action,
    jurisdiction: &'w str,
    leaks: Vec<String>,
    doubts: Vec<String>,
}

impl Proof<'_> {
    /// Whether a request can leave.
    pub fn leaves(&self) -> bool {
        !self.leaks.is_empty()
    }

    /// Tells each way that leaves at `span`, where it is asked for.
    pub fn told(self, span: Span, cx: &mut Context) -> Action {
        let within = self.jurisdiction;
        for leak in self.leaks {
            let message = format!("a request can leave `{within}`: {leak}");
            cx.error(span, "leaves_jurisdiction", message)
                .help("keep the way within zones of this `jurisdiction`, by `failover`, `zones` of the integration or `zone` of a binding, or take `residency` away");
        }
        for doubt in self.doubts {
            let message = format!("something may leave `{within}`: {doubt}");
            cx.warning(span, "doubtful_place", message)
                .help("list the keys in the authorizer's `keys`, in place of `kv`");
        }
        self.action
    }
}

impl<'w> Ways<'w> {
    pub fn new(known: &'w Blueprint, jurisdiction: &'w str) -> Ways<'w> {
        Ways {
            known,
            jurisdiction,
        }
    }

    /// Goes every way out of a path.
    pub fn prove<'h>(
        self,
        action: Action,
        hooks: impl Iterator<Item = &'h Hook>,
        access: &Access,
    ) -> Proof<'w> {
        let mut leaks = Vec::new();
        let mut doubts = Vec::new();
        let out = &mut leaks;
        for hook in hooks {
            self.hook("the hook `pre_process`", hook, out);
        }
        for index in access.authorizers() {
            let Some(authorizer) = self.known.authorizers.get(usize::from(*index)) else {
                continue;
            };
            let name = &authorizer.name;
            match &authorizer.kind {
                AuthorizerKind::ForwardAuth(_)
                | AuthorizerKind::Introspection(_)
                | AuthorizerKind::Oidc(_) => out.push(format!(
                    "the authorizer `{name}` asks somebody of whom it is not known where"
                )),
                AuthorizerKind::ApiKey(keys) if keys.kv.is_some() => doubts.push(format!(
                    "the authorizer `{name}` looks keys up in KV, which no jurisdiction holds"
                )),
                // What is needed of others to check these has nothing of the request.
                AuthorizerKind::ApiKey(_)
                | AuthorizerKind::Auth0(_)
                | AuthorizerKind::Basic(_)
                | AuthorizerKind::ClientCertificate(_)
                | AuthorizerKind::Fault(_)
                | AuthorizerKind::Jwt(_)
                | AuthorizerKind::MessageSignature(_)
                | AuthorizerKind::Supabase(_)
                | AuthorizerKind::Webhook(_) => {}
            }
        }
        let action = self.acts(action, out);
        Proof {
            action,
            jurisdiction: self.jurisdiction,
            leaks,
            doubts,
        }
    }

    fn acts(self, action: Action, out: &mut Vec<String>) -> Action {
        match action {
            Action::Proxy {
                server,
                zones,
                mapping,
                mut mirror,
                post_process,
            } => {
                if let Some(mirror) = &mut mirror {
                    mirror.zones = Some(self.proxied(mirror.server, None, out));
                }
                if let Some(hook) = &post_process {
                    self.hook("the hook `post_process`", hook, out);
                }
                let inside = self.proxied(server, zones.as_deref(), out);
                Action::Proxy {
                    server,
                    zones: Some(inside),
                    mapping,
                    mirror,
                    post_process,
                }
            }
            Action::Call { hook, post_process } => {
                self.hook("the function", &hook, out);
                if let Some(hook) = &post_process {
                    self.hook("the hook `post_process`", hook, out);
                }
                Action::Call { hook, post_process }
            }
            Action::Service { .. } => {
                out.push("the module of the bundle may send it anywhere".to_owned());
                action
            }
            Action::Supabase(_) | Action::Login { .. } => {
                let why = "this integration asks a service of which it is not known where";
                out.push(why.to_owned());
                action
            }
            Action::Respond { .. } | Action::Federation(_) | Action::Fault(_) => action,
        }
    }

    /// The zones of the jurisdiction that a server's requests may use.
    fn proxied(self, server: u16, only: Option<&[u16]>, out: &mut Vec<String>) -> Vec<u16> {
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
            out.push(format!(
                "endpoint `{}` of server `{}` {where_to}{by}",
                endpoint.name, server.alias
            ));
        }
        inside
    }

    fn hook(self, way: &str, hook: &Hook, out: &mut Vec<String>) {
        let Some(binding) = self.known.bindings.get(usize::from(hook.binding)) else {
            return;
        };
        let zone = binding
            .zone
            .and_then(|z| self.known.zones.get(usize::from(z)));
        match zone {
            Some(zone) if self.holds(zone) => {}
            Some(zone) => out.push(format!("{way} leads to zone `{}`", zone.name)),
            None => out.push(format!(
                "{way} leads to the binding `{}`, which names no zone",
                binding.alias
            )),
        }
    }

    fn holds(self, zone: &Zone) -> bool {
        zone.jurisdiction.as_deref() == Some(self.jurisdiction)
    }
}
