//! `hosts`: the template of hostnames that pin a request.

use super::url::is_host;
use crate::config::{Context, HostsObject};
use crate::plan::{Blueprint, HostLabel, HostTemplate};

pub(super) fn compile(
    object: &HostsObject<'_>,
    known: &Blueprint,
    cx: &mut Context,
) -> Option<HostTemplate> {
    let template = object.template.value()?;
    let labels: Vec<HostLabel> = template
        .value
        .split('.')
        .map(|label| match label {
            "{server}" => HostLabel::Server,
            "{zone}" => HostLabel::Zone,
            literal => HostLabel::Literal(literal.to_ascii_lowercase()),
        })
        .collect();
    let times = |wanted: &HostLabel| labels.iter().filter(|label| *label == wanted).count();
    let once = times(&HostLabel::Server) == 1 && times(&HostLabel::Zone) == 1;
    let literals = labels.iter().filter_map(|label| match label {
        HostLabel::Literal(literal) => Some(literal),
        _ => None,
    });
    let sound = literals.clone().all(|literal| is_host(literal));
    // Without an end of its own the template would take hosts that belong to nobody, or to paths.
    let anchored = matches!(labels.last(), Some(HostLabel::Literal(_)));
    if !once || !sound || !anchored {
        cx.error(template.span, "bad_host", "this is no template of hostnames")
            .help("write `{server}` and `{zone}` once each, as labels of their own, and the rest of a host behind them, such as `{server}.{zone}.api.example.com`");
        return None;
    }
    for server in &known.servers {
        let zones = server.endpoints.iter().filter_map(|e| e.zone);
        let zones = zones.filter_map(|zone| known.zones.get(usize::from(zone)));
        for name in zones.map(|zone| &zone.name).chain([&server.alias]) {
            if name.contains('.') || !is_host(name) {
                cx.warning(
                    template.span,
                    "unaddressable_host",
                    format!(
                        "`{name}` cannot stand in a hostname, so the template does not reach it"
                    ),
                )
                .help("names that shall be reached are of letters, digits and `-`");
            }
        }
    }
    Some(HostTemplate(labels))
}
