//! Which path of the config a request takes, and which zone its hostname pins it to.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::act::Aside;
use crate::edits::Edits;
use crate::exchange::Request;
use crate::host::Host;
use crate::plan::{Action, PathEntry, Pin, Plan};
use crate::problem::Problem;
use crate::route::{Canonical, Found, Match};

/// The host for which paths are looked up, and what a hostname of the template pins the request to.
pub(super) fn pinned<'a>(plan: &Plan, authority: &'a str) -> (&'a str, Option<Pin<'a>>) {
    let pin = plan.hosts.as_ref().and_then(|template| {
        let host = authority.split(':').next().unwrap_or_default();
        template.read(host)
    });
    (pin.as_ref().map_or(authority, |pin| pin.host), pin)
}

/// The zone of a pin, if the path goes to its server and that stands there. All else is not there.
pub(super) fn pinned_zone(plan: &Plan, path: &PathEntry, pin: &Pin<'_>) -> Result<u16, Problem> {
    let zone = plan
        .zones
        .iter()
        .position(|zone| zone.name.eq_ignore_ascii_case(pin.zone));
    let zone = zone.and_then(|zone| u16::try_from(zone).ok());
    let server = match &path.action {
        Action::Proxy { server, .. } => plan.servers.get(usize::from(*server)),
        _ => None,
    };
    match (server, zone) {
        // Its fault is told where it is used.
        (Some(Err(_)), Some(zone)) => Ok(zone),
        (Some(Ok(server)), Some(zone))
            if server.alias().eq_ignore_ascii_case(pin.server) && server.stands_in(zone) =>
        {
            Ok(zone)
        }
        _ => Err(Problem::not_found()),
    }
}

/// The route of a request. Where it hangs on header fields, the answer names them for caches (RFC 9110 section 12.5.5).
pub(super) fn find<'p, H: Host>(
    plan: &'p Plan,
    host: &H,
    request: Request<'_>,
    canonical: &'p Canonical<'_>,
    edits: &mut Edits,
    aside: &Aside<H::Reply>,
) -> Found<'p, 'p> {
    let asked = RefCell::new(BTreeSet::new());
    let holds = |matched: &Match<'p, 'p>| {
        holds(plan, host, canonical.query, matched, &mut |name| {
            asked.borrow_mut().insert(name);
        })
    };
    let (authority, method) = (request.authority, request.method);
    let found = plan.table.find(authority, method, &canonical.path, &holds);
    for name in asked.into_inner() {
        edits.append("vary", name);
        aside.conditions.borrow_mut().push(name.to_owned());
    }
    found
}

/// Whether a path's conditions hold. `asked` is told of the header fields that they hang on.
pub(super) fn holds<'p, H: Host>(
    plan: &'p Plan,
    host: &H,
    query: Option<&str>,
    matched: &Match<'_, '_>,
    asked: &mut dyn FnMut(&'p str),
) -> bool {
    let path = plan.paths.get(matched);
    let Some(when) = path.and_then(|path| path.when.as_ref()) else {
        return true;
    };
    let names = when.headers.iter().map(|condition| condition.name.as_str());
    names.for_each(asked);
    when.holds(|name| host.header(name), query)
}
