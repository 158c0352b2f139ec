//! Servers: zones, endpoints, and how requests are spread over these.

mod locality;
mod pool;
pub(super) mod regions;

use std::collections::BTreeSet;

use super::identity;
use super::names::Names;
use super::path::unused;
use super::url;
use super::whereabouts::{self, Against};
use crate::config::ast::Value;
use crate::config::{
    Context, Document, EndpointObject, Field, GroupName, IdentityObject, Items, Lazy, Name,
    NameList, Read, ServerObject, Span, TextValue, ZoneObject,
};
use crate::plan::{Binding, Blueprint, Endpoint, Near, Server, ServerIdentity, Text, Zone};
use crate::upstream::pool::MOST;

/// Where a binding is asked whose endpoint has no URL: its path and host are all that the other side sees of it.
const BOUND_URL: &str = "http://upstream";

/// The zones by name.
pub(super) struct Zones<'a> {
    names: Names<'a>,
}

impl Zones<'_> {
    /// The zone that a field names. A name that there is not is told.
    pub fn find(&self, field: &Field<Name<'_>>, cx: &mut Context) -> Option<u16> {
        let name = field.value()?;
        self.names.find(*name, cx).ok()
    }

    /// The same of a list.
    pub fn find_all(&self, list: &NameList<'_>, cx: &mut Context) -> Vec<u16> {
        let found = list.0.iter();
        found
            .filter_map(|name| self.names.find(*name, cx).ok())
            .collect()
    }
}

pub(super) fn compile_zones<'a>(
    document: &Document<'a>,
    zones: &mut Vec<Zone>,
    cx: &mut Context,
) -> Zones<'a> {
    let mut names = Names::new("zone");
    let entries = document.zones.value();
    for (key, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let zone = value.get(cx);
        let zone = zone.and_then(|zone| compile_zone(key, &zone, cx));
        if names
            .declare(Some(&key), zone.is_some(), zones.len(), cx)
            .is_some()
        {
            zones.extend(zone);
        }
    }
    Zones { names }
}

fn compile_zone(name: Name<'_>, object: &ZoneObject<'_>, cx: &mut Context) -> Option<Zone> {
    let before = cx.errors();
    let text = |field: &Field<Name<'_>>| field.value().map(|name| name.value.to_owned());
    let (latitude, longitude) = (object.latitude.value(), object.longitude.value());
    if object.latitude.is_absent() != object.longitude.is_absent() {
        cx.error(
            object.span.first(),
            "missing_field",
            "of `latitude` and `longitude` there is only one",
        )
        .help("write both, or neither where `region` is a known one");
    }
    let written = latitude.zip(longitude).map(|(n, e)| (n.0.value, e.0.value));
    let region = text(&object.region);
    let known = region.as_deref().and_then(regions::region);
    let near = object.near.value();
    let near = near.into_iter().flat_map(|list| &list.0);
    let near: Vec<Near> = near.filter_map(|near| compile_near(*near, cx)).collect();
    let zone = Zone {
        name: name.value.to_owned(),
        cloud: text(&object.cloud),
        region,
        jurisdiction: text(&object.jurisdiction).map(|j| j.to_ascii_lowercase()),
        location: written.or(known.map(regions::Region::location)),
        near,
    };
    let region = object.region.value().map(|region| region.span);
    whereabouts::check_zone(&zone, name.span, region, cx);
    (cx.errors() == before).then_some(zone)
}

fn compile_near(near: Name<'_>, cx: &mut Context) -> Option<Near> {
    let read = near.value.split_once(':').and_then(|(kind, code)| {
        let code = code.to_ascii_uppercase();
        let letters = code.bytes().all(|b| b.is_ascii_uppercase());
        match (kind, code.len(), letters) {
            ("colo", 3, true) => Some(Near::Colo(code)),
            ("country", 2, true) => Some(Near::Country(code)),
            ("continent", 2, true)
                if ["AF", "AN", "AS", "EU", "NA", "OC", "SA"].contains(&code.as_str()) =>
            {
                Some(Near::Continent(code))
            }
            _ => None,
        }
    });
    if read.is_none() {
        let message = format!("`{}` names no place", near.value);
        cx.error(near.span, "unknown_value", message)
            .help("write `colo:FRA`, `country:DE` or `continent:EU`");
    }
    read
}

pub(super) fn compile_servers<'a>(
    items: Option<&Items<'a, ServerObject<'a>>>,
    zones: &Zones<'a>,
    bindings: &Names<'a>,
    federation: bool,
    blueprint: &mut Blueprint,
    cx: &mut Context,
) -> Names<'a> {
    let mut names = Names::new("server");
    for node in items.into_iter().flat_map(Items::nodes) {
        let object = ServerObject::read(node, cx);
        let alias = object.as_ref().and_then(|object| object.alias.value());
        let server = object.as_ref().and_then(|object| {
            let name = alias.map_or("", |alias| alias.value);
            let mut known = Known {
                zones,
                bindings,
                federation,
                server: name,
                places: (&blueprint.zones, &blueprint.bindings),
                identities: &mut blueprint.identities,
            };
            compile_server(object, &mut known, cx)
        });
        if let Some(alias) = names.declare(alias, server.is_some(), blueprint.servers.len(), cx)
            && let Some((endpoints, pool)) = server
        {
            blueprint.servers.push(Server {
                alias: alias.value.to_owned(),
                endpoints,
                pool,
            });
        }
    }
    names
}

type Compiled = (Vec<Endpoint>, Option<Box<crate::plan::PoolSpec>>);

/// What the members of a server refer to.
struct Known<'k, 'a> {
    zones: &'k Zones<'a>,
    bindings: &'k Names<'a>,
    /// Whether the config has one.
    federation: bool,
    /// Whose identities these are, for the log.
    server: &'k str,
    /// What the names stand for.
    places: (&'k [Zone], &'k [Binding]),
    identities: &'k mut Vec<ServerIdentity>,
}

impl Known<'_, '_> {
    fn identity<'i>(
        &mut self,
        field: &Field<Lazy<'i, IdentityObject<'i>>>,
        urls: &[&TextValue],
        cx: &mut Context,
    ) -> Option<u16> {
        let kind = identity::compile(field, urls, self.federation, cx)?;
        let Ok(index) = u16::try_from(self.identities.len()) else {
            let span = urls.first().map(|url| url.span).unwrap_or_default();
            cx.error(span, "too_many", "there are more than 65536 identities");
            return None;
        };
        self.identities.push(ServerIdentity {
            server: self.server.to_owned(),
            kind,
        });
        Some(index)
    }

    /// Where an endpoint stands: in the zone that it names, else in that of what is asked in its place. Tells what
    /// contradicts it: of a zone that is not right nothing could be proven.
    fn place(
        &self,
        field: &Field<Name<'_>>,
        url: Option<(&TextValue, &Text)>,
        (alias, binding): (Option<&Name<'_>>, Option<u16>),
        cx: &mut Context,
    ) -> Option<u16> {
        let own = self.zones.find(field, cx);
        let (zones, bindings) = self.places;
        let zone_of = |index: u16| zones.get(usize::from(index));
        let bound = binding.and_then(|index| bindings.get(usize::from(index))?.zone);
        if let (Some(written), Some(alias)) = (field.value(), alias)
            && let (Some(own), Some(bound)) = (own.and_then(zone_of), bound.and_then(zone_of))
            && own.name != bound.name
        {
            let same = own.jurisdiction.is_some() && own.jurisdiction == bound.jurisdiction;
            let message = format!(
                "this endpoint is said to be in `{}`, its binding `{}` in `{}`",
                own.name, alias.value, bound.name
            );
            let diagnostic = match same {
                true => cx.warning(written.span, "doubtful_place", message),
                false => cx.error(written.span, "contradiction", message),
            };
            diagnostic.help("name the zone in one of the two places, or the same in both");
        }
        let zone = own.or(bound);
        if let (Some((written, Text::Literal(url))), Some(zone)) = (url, zone.and_then(zone_of)) {
            match whereabouts::against(url, zone) {
                None => {}
                Some(Against::Contradiction(message)) => {
                    cx.error(written.span, "contradiction", message)
                        .help("name the zone where the host is, or the host that is meant");
                }
                Some(Against::Doubt(message)) => {
                    cx.warning(written.span, "doubtful_place", message)
                        .help("see whether the endpoint's zone is right");
                }
            }
        }
        zone
    }
}

fn compile_server(
    object: &ServerObject<'_>,
    known: &mut Known<'_, '_>,
    cx: &mut Context,
) -> Option<Compiled> {
    let before = cx.errors();
    let zones = known.zones;
    let urls: Vec<&TextValue> = object.url.value().into_iter().collect();
    let identity = known.identity(&object.identity, &urls, cx);
    let endpoints = match (&object.url, &object.endpoints) {
        (Field::Absent, Field::Absent) => {
            cx.error(object.span.first(), "missing_field", "`url` is missing")
                .label("this object needs `url` or `endpoints`");
            Vec::new()
        }
        (Field::Absent, endpoints) => {
            if let Some(zone) = object.zone.value() {
                unused(zone.span, "zone", "beside `endpoints`", cx);
            }
            compile_endpoints(endpoints.value(), object.span, known, identity, cx)
        }
        (_, Field::Absent) => {
            let url = object.url.value().and_then(|url| url::compile(url, cx));
            let pair = object.url.value().zip(url.as_ref());
            let zone = known.place(&object.zone, pair, (None, None), cx);
            url.map(|url| Endpoint {
                name: object
                    .zone
                    .value()
                    .map_or_else(|| "url".to_owned(), |zone| zone.value.to_owned()),
                url,
                binding: None,
                zone,
                identity,
                weight: 1,
                canary: false,
            })
            .into_iter()
            .collect()
        }
        _ => {
            cx.error(
                object.span.first(),
                "server_with_two_addresses",
                "this server has a `url` and `endpoints`",
            )
            .help("write the URL as a member of `endpoints`");
            Vec::new()
        }
    };
    for endpoint in &endpoints {
        let zone = endpoint
            .zone
            .and_then(|z| known.places.0.get(usize::from(z)));
        let identity = endpoint.identity;
        let identity = identity.and_then(|i| known.identities.get(usize::from(i)));
        if let (Some(zone), Some(identity)) = (zone, identity) {
            let span = object.span.first();
            whereabouts::check_identity(&identity.kind, &endpoint.name, zone, span, cx);
        }
    }
    let pool = pool::compile(object, &endpoints, zones, cx);
    (cx.errors() == before).then_some((endpoints, pool))
}

fn compile_endpoints<'a>(
    items: Option<&Items<'a, EndpointObject<'a>>>,
    server: Span,
    known: &mut Known<'_, '_>,
    identity: Option<u16>,
    cx: &mut Context,
) -> Vec<Endpoint> {
    let Some(items) = items else {
        return Vec::new();
    };
    let mut taken = BTreeSet::new();
    let mut endpoints = Vec::new();
    let nodes = items.nodes();
    let count = nodes.len();
    if count == 0 || count > MOST {
        let (code, message) = match count {
            0 => ("empty_value", "this server has no endpoint".to_owned()),
            _ => ("too_many", format!("a server has at most {MOST} endpoints")),
        };
        cx.error(server.first(), code, message);
    }
    let before = cx.errors();
    for (index, node) in nodes.enumerate() {
        if let Some(mut endpoint) = compile_endpoint(node, index, known, &mut taken, cx) {
            endpoint.identity = endpoint.identity.or(identity);
            endpoints.push(endpoint);
        }
    }
    if cx.errors() == before && !endpoints.is_empty() && endpoints.iter().all(|e| e.weight == 0) {
        cx.error(
            server.first(),
            "no_weight",
            "every endpoint of this server has the weight 0",
        )
        .help("give at least one of them a weight: no request could be sent");
    }
    endpoints
}

fn compile_endpoint<'a>(
    node: &'a Value<'a>,
    index: usize,
    known: &mut Known<'_, '_>,
    taken: &mut BTreeSet<String>,
    cx: &mut Context,
) -> Option<Endpoint> {
    let before = cx.errors();
    let object = EndpointObject::read(node, cx)?;
    if object.url.is_absent() && object.binding.is_absent() {
        cx.error(object.span.first(), "missing_field", "`url` is missing")
            .label("an endpoint needs `url` or `binding`");
    }
    let url = match object.url.value() {
        Some(url) => url::compile(url, cx),
        None => Some(Text::Literal(BOUND_URL.to_owned())),
    };
    let binding = object.binding.value();
    let binding = binding.and_then(|alias| known.bindings.find(*alias, cx).ok());
    let pair = object.url.value().zip(url.as_ref());
    let zone = known.place(&object.zone, pair, (object.binding.value(), binding), cx);
    let urls: Vec<&TextValue> = object.url.value().into_iter().collect();
    let identity = known.identity(&object.identity, &urls, cx);
    let name = match (object.name.value(), object.zone.value()) {
        (Some(name), _) => name.value.to_owned(),
        (None, Some(zone)) if !taken.contains(zone.value) => zone.value.to_owned(),
        (None, _) => format!("endpoint {}", index.saturating_add(1)),
    };
    if !taken.insert(name.clone()) {
        let span = object.name.value().map_or(object.span.first(), |n| n.span);
        let message = format!("there are two endpoints named `{name}`");
        cx.error(span, "duplicate_alias", message)
            .help("names tell endpoints apart in logs and cookies: give each its own");
    }
    // A binding that is not understood was told where it stands: the server is closed all the same.
    let bound = object.binding.is_absent() || binding.is_some();
    let endpoint = Endpoint {
        name,
        url: url?,
        binding,
        zone,
        identity,
        weight: object
            .weight
            .value()
            .map_or(1, |w| u16::try_from(w.value).unwrap_or(1)),
        canary: matches!(object.group.value(), Some(GroupName::Canary)),
    };
    (cx.errors() == before && bound).then_some(endpoint)
}
