//! `locality`: the home zone and the rules of failover.

use std::collections::BTreeSet;

use super::super::path::unused;
use super::Zones;
use crate::config::{Context, FailoverObject, FailoverType, Items, LocalityObject, Read};
use crate::plan::{Endpoint, Failover, FailoverTo, Home, Locality};
use crate::upstream::pool::reach;

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
    // The homes that requests have: of a path that may not use the home that is named, another one.
    let all: BTreeSet<u16> = endpoints.iter().filter_map(|e| e.zone).collect();
    let homes: Vec<u16> = match home {
        Some(Home::Zone(zone)) => vec![zone],
        _ => all.iter().copied().collect(),
    };
    if let (Some(name), true) = (object.home.value(), cx.errors() == before)
        && !homes.iter().any(|home| all.contains(home))
    {
        cx.error(
            name.span,
            "empty_zone",
            "no endpoint of this server stands in its home zone",
        )
        .help("give an endpoint this `zone`, or name another home");
    }
    let mut locality = Locality {
        home: home.clone().unwrap_or(Home::Nearest),
        failover: Vec::new(),
        threshold: object
            .threshold
            .value()
            .map_or(DEFAULT_THRESHOLD, |t| t.value),
    };
    for node in object.failover.value().into_iter().flat_map(Items::nodes) {
        let errors = cx.errors();
        let Some(rule) = FailoverObject::read(node, cx) else {
            continue;
        };
        let Some(compiled) = compile_rule(&rule, zones, cx) else {
            continue;
        };
        let ends = compiled.to == FailoverTo::None;
        let applies = |home: &u16| {
            let from = compiled.from.as_ref();
            from.is_none_or(|from| from.contains(home))
        };
        let asked = [homes.iter().any(applies), all.iter().any(applies)];
        if let FailoverTo::Only(only) = &compiled.to
            && !only.iter().any(|zone| all.contains(zone))
        {
            cx.error(
                rule.span.first(),
                "empty_zone",
                "no endpoint of this server stands in a zone that this rule leads to",
            )
            .help("give an endpoint such a `zone`, or name another one here");
        }
        let before = reached(&locality, &all, endpoints);
        locality.failover.push(compiled);
        let adds = ends || reached(&locality, &all, endpoints) != before;
        if cx.errors() > errors || home.is_none() {
            continue;
        }
        match asked {
            [_, false] => unreachable(
                &rule,
                "no endpoint of this server stands in a zone of its `from`",
                cx,
            ),
            [_, true] if !adds => unreachable(
                &rule,
                "the home and earlier rules lead to all that it leads to, or nowhere",
                cx,
            ),
            [false, true] => {
                cx.warning(
                    rule.span.first(),
                    "unreachable_failover",
                    "this rule is reached only by paths whose `zones` leave the home out",
                )
                .help("name the home in its `from`, if that is meant");
            }
            _ => {}
        }
    }
    (cx.errors() == before).then_some(locality)
}

fn unreachable(rule: &FailoverObject<'_>, why: &str, cx: &mut Context) {
    cx.error(
        rule.span.first(),
        "unreachable_failover",
        "this rule can never be reached",
    )
    .help(why);
}

/// What is reached from each home, one endpoint after another.
fn reached(locality: &Locality, homes: &BTreeSet<u16>, endpoints: &[Endpoint]) -> Vec<bool> {
    let places: Vec<Option<u16>> = endpoints.iter().map(|e| e.zone).collect();
    let from = |home: &u16| {
        let home = Some(*home);
        let ends = 0..places.len();
        let reached = ends.map(|end| reach(Some(locality), home, &places, end).is_some());
        reached.collect::<Vec<_>>()
    };
    homes.iter().flat_map(from).collect()
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
