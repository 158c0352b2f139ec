//! From a scenario's text to a [`Scenario`], with everything that is wrong told at once.

use super::Target;
use super::scenario::{Behaviour, Clients, ErrorShare, Incident, Latency, Scenario, Until};
use crate::config::{
    BehaviourObject, ClientsObject, Context, Decimal, Diagnostics, ErrorObject, Field,
    IncidentObject, Items, LatencyObject, Name, Read, ScenarioObject, Span, parse,
    without_byte_order_mark,
};
use crate::upstream::Geography;
use crate::upstream::pool::bit;

/// Reads a scenario for a server. `None` if anything in it is not understood.
pub fn read(text: &str, target: &Target) -> (Option<Scenario>, Diagnostics) {
    let mut cx = Context::new();
    let text = without_byte_order_mark(text, &mut cx);
    let root = parse(text, &mut cx);
    let scenario = root.as_ref().and_then(|root| {
        let object = ScenarioObject::read(root, &mut cx)?;
        Reader { target }.scenario(&object, &mut cx)
    });
    let sound = cx.errors() == 0;
    (scenario.filter(|_| sound), cx.finish(text, root.as_ref()))
}

struct Reader<'t> {
    target: &'t Target,
}

impl Reader<'_> {
    fn scenario(&self, object: &ScenarioObject<'_>, cx: &mut Context) -> Option<Scenario> {
        let per_second = object.requests_per_second.value();
        if let Some(Decimal(number)) = per_second.filter(|number| number.0.value <= 0.0) {
            cx.error(number.span, "out_of_range", "there are no requests");
        }
        let until = until(object, cx);
        let zones = object.only_zones.value().map(|names| {
            let zones = names.iter().filter_map(|name| self.zone(*name, cx));
            zones.collect::<Vec<u16>>()
        });
        let clients = all(&object.clients, cx, clients);
        let clients = match clients.as_slice() {
            [] => vec![Clients {
                share: 1,
                geography: Geography::default(),
            }],
            _ => clients,
        };
        if let Field::Value(items) = &object.clients
            && clients.iter().all(|clients| clients.share == 0)
        {
            let span = Span::from(items.array.range).first();
            cx.error(span, "out_of_range", "no clients have a share");
        }
        let behaviours = all(&object.endpoints, cx, |object, cx| {
            self.behaviour(object, cx)
        });
        let before = cx.errors();
        let endpoints = (0..self.target.endpoints.len()).filter_map(|endpoint| {
            let behaviour = behaviours.iter().find(|(set, _)| set & bit(endpoint) != 0);
            let endpoint = self.target.endpoints.get(endpoint);
            match (behaviour, endpoint) {
                (None, Some(endpoint)) if before == 0 => {
                    let message = format!("nothing is said of the endpoint `{}`", endpoint.name);
                    cx.error(object.span.first(), "missing_field", message)
                        .help("add a member to `endpoints` for its name, for its zone, or for all");
                    None
                }
                (behaviour, _) => behaviour.map(|(_, behaviour)| behaviour.clone()),
            }
        });
        let endpoints = endpoints.collect();
        let incidents = all(&object.incidents, cx, |object, cx| {
            self.incident(object, cx)
        });
        Some(Scenario {
            per_second: per_second?.0.value,
            until: until?,
            seed: object.seed.value().map_or(1, |seed| u64::from(seed.value)),
            isolates: object.isolates.value().map_or(1, |n| n.value as usize),
            timeout_ms: object.timeout_ms.value().map_or(30_000, |ms| ms.value),
            post_percent: decimal(&object.post_percent, 0.0),
            keys: object
                .keys
                .value()
                .map_or(1_000, |keys| keys.value as usize),
            zones,
            clients,
            endpoints,
            incidents,
        })
    }

    fn behaviour(
        &self,
        object: &BehaviourObject<'_>,
        cx: &mut Context,
    ) -> Option<(u64, Behaviour)> {
        let endpoints = self.endpoints(&object.endpoint, &object.zone, object.span, cx);
        let latency = object.latency.value().and_then(|l| latency(l, cx));
        let errors = errors(&object.errors, cx);
        let most = object.max_concurrent.value();
        let behaviour = Behaviour {
            latency: latency?,
            errors,
            refuse_percent: decimal(&object.refuse_percent, 0.0),
            hang_percent: decimal(&object.hang_percent, 0.0),
            max_concurrent: most.map(|most| most.value as usize),
        };
        Some((endpoints?, behaviour))
    }

    fn incident(&self, object: &IncidentObject<'_>, cx: &mut Context) -> Option<Incident> {
        let endpoints = self.endpoints(&object.endpoint, &object.zone, object.span, cx);
        let (from, to) = (object.from_s.value(), object.to_s.value());
        if let Some((from, to)) = from.zip(to)
            && from.0.value >= to.0.value
        {
            cx.error(to.0.span, "out_of_range", "it ends before it begins")
                .note(from.0.span, "it begins here");
        }
        let errors = errors(&object.errors, cx);
        let nothing = object.slower.is_absent()
            && object.errors.is_absent()
            && object.refuse_percent.is_absent()
            && object.hang_percent.is_absent();
        if nothing {
            cx.error(object.span.first(), "missing_field", "nothing happens")
                .help("write `slower`, `errors`, `refuse_percent` or `hang_percent`");
        }
        Some(Incident {
            from_us: us(from?),
            to_us: us(to?),
            endpoints: endpoints?,
            slower: decimal(&object.slower, 1.0),
            errors,
            refuse_percent: decimal(&object.refuse_percent, 0.0),
            hang_percent: decimal(&object.hang_percent, 0.0),
        })
    }

    /// Those of a name, of a zone, or all.
    fn endpoints(
        &self,
        endpoint: &Field<Name<'_>>,
        zone: &Field<Name<'_>>,
        object: Span,
        cx: &mut Context,
    ) -> Option<u64> {
        let all = self.target.endpoints.iter().enumerate();
        match (endpoint, zone) {
            (Field::Absent, Field::Absent) => Some(u64::MAX),
            (Field::Value(name), Field::Absent) => {
                let mut all = all.clone();
                let found = all.find(|(_, endpoint)| endpoint.name == name.value);
                if found.is_none() {
                    let names = self.target.endpoints.iter().map(|e| e.name.as_str());
                    unknown("endpoint", *name, names, cx);
                }
                found.map(|(index, _)| bit(index))
            }
            (Field::Absent, Field::Value(name)) => {
                let zone = self.zone(*name, cx)?;
                let within = all.filter(|(_, endpoint)| endpoint.zone == Some(zone));
                Some(within.fold(0, |set, (index, _)| set | bit(index)))
            }
            (Field::Value(_), Field::Value(_)) => {
                cx.error(
                    object.first(),
                    "conflicting_fields",
                    "`endpoint` and `zone` exclude each other",
                );
                None
            }
            _ => None,
        }
    }

    fn zone(&self, name: Name<'_>, cx: &mut Context) -> Option<u16> {
        let zones = &self.target.zones;
        let found = zones.iter().position(|zone| zone.name == name.value);
        if found.is_none() {
            let names = zones.iter().map(|zone| zone.name.as_str());
            unknown("zone", name, names, cx);
        }
        found.and_then(|index| u16::try_from(index).ok())
    }
}

/// Every item that is understood, of a list or of none.
fn all<'a, T: Read<'a>, P>(
    field: &Field<Items<'a, T>>,
    cx: &mut Context,
    mut each: impl FnMut(&T, &mut Context) -> Option<P>,
) -> Vec<P> {
    let nodes = field.value().into_iter().flat_map(Items::nodes);
    nodes
        .filter_map(|node| {
            let item = T::read(node, cx)?;
            each(&item, cx)
        })
        .collect()
}

fn until(object: &ScenarioObject<'_>, cx: &mut Context) -> Option<Until> {
    match (&object.requests, &object.duration_s) {
        (Field::Value(requests), Field::Absent) => Some(Until::Requests(u64::from(requests.value))),
        (Field::Absent, Field::Value(duration)) => Some(Until::Us(us(duration))),
        (Field::Bad, _) | (_, Field::Bad) => None,
        (Field::Absent, Field::Absent) => {
            cx.error(
                object.span.first(),
                "missing_field",
                "it is not said when it ends",
            )
            .help("write `requests` or `duration_s`");
            None
        }
        (Field::Value(_), Field::Value(_)) => {
            cx.error(
                object.span.first(),
                "conflicting_fields",
                "`requests` and `duration_s` exclude each other",
            );
            None
        }
    }
}

fn clients(object: &ClientsObject<'_>, cx: &mut Context) -> Option<Clients> {
    let text = |field: &Field<Name<'_>>| {
        let name = field.value();
        name.map_or_else(String::new, |name| name.value.to_ascii_uppercase())
    };
    let (latitude, longitude) = (object.latitude.value(), object.longitude.value());
    if latitude.is_some() != longitude.is_some() {
        cx.error(
            object.span.first(),
            "missing_field",
            "of `latitude` and `longitude` there is only one",
        );
    }
    Some(Clients {
        share: object.share.value().map_or(1, |share| share.value as usize),
        geography: Geography {
            colo: text(&object.colo),
            country: text(&object.country),
            continent: text(&object.continent),
            location: latitude.zip(longitude).map(|(n, e)| (n.0.value, e.0.value)),
        },
    })
}

fn latency(object: &LatencyObject<'_>, cx: &mut Context) -> Option<Latency> {
    let ms = |field: &Field<Decimal<600_000>>| field.value().map(|ms| ms.0.value);
    let ascending = |low: f64, high: &Field<Decimal<600_000>>, cx: &mut Context| {
        let high = high.value()?.0;
        if high.value < low {
            let message = format!("{} is less than {low}", high.value);
            cx.error(high.span, "out_of_range", message);
            return None;
        }
        Some(high.value)
    };
    let there = [
        !object.fixed_ms.is_absent(),
        !object.min_ms.is_absent(),
        !object.max_ms.is_absent(),
        !object.p50_ms.is_absent(),
        !object.p99_ms.is_absent(),
    ];
    match there {
        [true, false, false, false, false] => ms(&object.fixed_ms).map(Latency::Fixed),
        [false, true, true, false, false] => {
            let min = ms(&object.min_ms)?;
            let max = ascending(min, &object.max_ms, cx)?;
            Some(Latency::Uniform { min, max })
        }
        [false, false, false, true, true] => {
            let p50 = object.p50_ms.value()?.0;
            if p50.value <= 0.0 {
                cx.error(p50.span, "out_of_range", "half of the answers take no time");
                return None;
            }
            let p99 = ascending(p50.value, &object.p99_ms, cx)?;
            Some(Latency::LogNormal {
                p50: p50.value,
                p99,
            })
        }
        _ => {
            let message = "this does not say how long an answer takes";
            cx.error(object.span.first(), "unknown_value", message)
                .help("write `fixed_ms`, `min_ms` with `max_ms`, or `p50_ms` with `p99_ms`");
            None
        }
    }
}

fn errors<'a>(field: &Field<Items<'a, ErrorObject<'a>>>, cx: &mut Context) -> Vec<ErrorShare> {
    let errors = all(field, cx, |error, _| {
        Some(ErrorShare {
            status: u16::try_from(error.status.value()?.value).ok()?,
            percent: error.percent.value()?.0.value,
            retry_after_s: error.retry_after_s.value().map(|s| s.value),
        })
    });
    let sum: f64 = errors.iter().map(|error| error.percent).sum();
    if let Some(items) = field.value().filter(|_| sum > 100.0) {
        let span = Span::from(items.array.range).first();
        let message = format!("together these are {sum} percent of the answers");
        cx.error(span, "out_of_range", message);
    }
    errors
}

fn unknown<'n>(kind: &str, name: Name<'_>, names: impl Iterator<Item = &'n str>, cx: &mut Context) {
    let near = cx.closest(name.value, names);
    let message = format!("there is no {kind} named `{}`", name.value);
    cx.error(name.span, "unknown_alias", message).suggest(near);
}

fn decimal<const MAX: u32>(field: &Field<Decimal<MAX>>, otherwise: f64) -> f64 {
    field.value().map_or(otherwise, |number| number.0.value)
}

fn us<const MAX: u32>(seconds: &Decimal<MAX>) -> u64 {
    (seconds.0.value * 1e6) as u64
}
