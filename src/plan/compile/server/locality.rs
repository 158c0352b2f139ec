//! `locality`: the home zone and the rules of failover.

use super::super::path::unused;
use super::Zones;
use crate::config::{Context, FailoverObject, FailoverType, Items, LocalityObject, Read};
use crate::plan::{Endpoint, Failover, FailoverTo, Home, Locality};

/// Percent of a zone's endpoints that must be well, if nothing is said.
const DEFAULT_THRESHOLD: u32 = 50;

pub(super) fn compile(
    object: &LocalityObject<'_>,
    endpoints: &[Endpoint],
    zones: &Zones<'_>,
    cx: &mut Context,
) -> Option<Locality> {
    let before = cx.errors();
    let home = object.home.value().and_then(|name| match name.value {
        "nearest" => Some(Home::Nearest),
        _ => zones.names.find(*name, cx).ok().map(Home::Zone),
    });
    // The homes that a request can have.
    let homes: Vec<u16> = match home {
        Some(Home::Zone(zone)) => vec![zone],
        _ => endpoints.iter().filter_map(|e| e.zone).collect(),
    };
    if let (Some(name), true) = (object.home.value(), cx.errors() == before)
        && !homes.iter().any(|home| stands_in(endpoints, *home))
    {
        cx.error(
            name.span,
            "empty_zone",
            "no endpoint of this server stands in its home zone",
        )
        .help("give an endpoint this `zone`, or name another home");
    }
    let mut failover = Vec::new();
    // Homes for which an earlier rule has led everywhere, or nowhere.
    let mut ended: Vec<u16> = Vec::new();
    for node in object.failover.value().into_iter().flat_map(Items::nodes) {
        let errors = cx.errors();
        let Some(rule) = FailoverObject::read(node, cx) else {
            continue;
        };
        let Some(compiled) = compile_rule(&rule, zones, cx) else {
            continue;
        };
        let reachable = |home: &&u16| {
            let from = compiled.from.as_ref();
            from.is_none_or(|from| from.contains(home)) && !ended.contains(home)
        };
        let served: Vec<u16> = homes.iter().filter(reachable).copied().collect();
        if served.is_empty() && cx.errors() == errors && home.is_some() {
            cx.error(
                rule.span.first(),
                "unreachable_failover",
                "this rule can never be reached",
            )
            .help("no home of this server is in its `from`, or an earlier rule of type `Any` or `None` ends the list for it");
        } else if let FailoverTo::Only(only) = &compiled.to
            && !only.iter().any(|zone| stands_in(endpoints, *zone))
            && cx.errors() == errors
        {
            cx.error(
                rule.span.first(),
                "empty_zone",
                "no endpoint of this server stands in a zone that this rule leads to",
            )
            .help("give an endpoint such a `zone`, or name another one here");
        }
        if matches!(compiled.to, FailoverTo::Any | FailoverTo::None) {
            ended.extend(served);
        }
        failover.push(compiled);
    }
    (cx.errors() == before).then(|| Locality {
        home: home.unwrap_or(Home::Nearest),
        failover,
        threshold: object
            .threshold
            .value()
            .map_or(DEFAULT_THRESHOLD, |t| t.value),
    })
}

fn compile_rule(
    rule: &FailoverObject<'_>,
    zones: &Zones<'_>,
    cx: &mut Context,
) -> Option<Failover> {
    let before = cx.errors();
    let from = rule.from.value().and_then(|from| from.zones.value());
    let from = from.map(|list| zones.find_all(list, cx));
    let to = rule.to.value()?;
    let named = to.zones.value();
    let kind = to.kind.value()?;
    let listed = named.map(|list| zones.find_all(list, cx));
    let compiled = match (kind, listed) {
        (FailoverType::Only, Some(zones)) => FailoverTo::Only(zones),
        (FailoverType::AnyExcept, Some(zones)) => FailoverTo::AnyExcept(zones),
        (FailoverType::Only | FailoverType::AnyExcept, None) => {
            if to.zones.is_absent() {
                cx.error(to.span.first(), "missing_field", "`zones` is missing")
                    .label("this type needs `zones`");
            }
            return None;
        }
        (FailoverType::Any | FailoverType::None, None) => match kind {
            FailoverType::Any => FailoverTo::Any,
            _ => FailoverTo::None,
        },
        (FailoverType::Any | FailoverType::None, Some(_)) => {
            unused(to.span, "zones", "for this type", cx);
            return None;
        }
    };
    (cx.errors() == before).then_some(Failover { from, to: compiled })
}

fn stands_in(endpoints: &[Endpoint], zone: u16) -> bool {
    endpoints.iter().any(|endpoint| endpoint.zone == Some(zone))
}
