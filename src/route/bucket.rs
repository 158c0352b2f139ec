//! The patterns that share their literal prefix, and the look-up among them.
//!
//! Three ways, by the bucket's size; all give the leaf of the lowest rank that has the method:
//! - a few leaves are tried in the order of their rank;
//! - more are in a `matchit` router, built when the first request comes: one per method and per number of segments.
//!   A router holds neither routes with conditions, nor wildcards (their prefixes are looked up, cut to the router's number of segments; matchit
//!   refuses `/{*rest}` beside `/{id}`) nor two leaves that the method would have to tell apart;
//! - what would make the routers too large for an isolate's memory is found by its shape: for each order in which
//!   literals and parameters occur in the bucket, one probe of the hash table of all leaves.

use std::cell::OnceCell;

use matchit::Router;

use super::key::hash_as;
use super::pattern::{Segment, matches, segments};
use super::prefix::Asked;
use super::rank::Steps;
use super::store::{Bucket, Group, MethodCode, RouteId, Section, Store, index};
use crate::http::Method;

/// The routers of all buckets that may have some, made when they are first asked.
#[derive(Debug, Default)]
pub(super) struct Routers(Vec<OnceCell<Box<BucketRouters>>>);

/// The routers of each method of [`Method::ALL`] and, as the last, of `ANY`.
type BucketRouters = [OnceCell<Option<MethodRouters>>; 7];

/// One router per number of segments, counted behind the literal prefix.
struct MethodRouters {
    /// The pattern of none: `{.+}` alone.
    bare: Option<RouteId>,
    by_length: Vec<(usize, Router<RouteId>)>,
}

impl Routers {
    pub(super) fn of(store: &Store) -> Routers {
        let mut routers = Vec::new();
        routers.resize_with(index(store.routers), OnceCell::new);
        Routers(routers)
    }

    fn get(&self, group: &Group) -> Option<&BucketRouters> {
        let cell = self.0.get(index(group.router?))?;
        Some(cell.get_or_init(Box::default))
    }
}

/// The best route of a bucket. `prefix` is the length of its literal prefix, which is known to match.
pub(super) fn find_in(bucket: Bucket, asked: &Asked<'_>, prefix: usize) -> Option<RouteId> {
    let &Asked {
        store,
        method,
        path,
        holds,
        ..
    } = asked;
    let tail = path.get(prefix..).unwrap_or_default();
    let scan = |leaf: RouteId| {
        matches(store.remainder_of(leaf), tail)
            .then(|| store.pick(leaf, method, holds))
            .flatten()
    };
    let Some(place) = bucket.group else {
        return scan(bucket.leaf);
    };
    let group = store.group(place)?;
    let first = index(group.first);
    if group.leaves <= SCANNED_MAX {
        return store.members(first, group.leaves).find_map(scan);
    }
    if let Some(routers) = asked.routers.get(&group)
        && let Ok(found) = find_routed(&group, routers, asked, tail)
    {
        return found;
    }
    let models = first.saturating_add(index(group.leaves));
    store.members(models, group.shapes).find_map(|model| {
        let leaf = find_by_shape(store, model, path)?;
        store.pick(leaf, method, holds)
    })
}

/// `Err` when matchit does not take the bucket's patterns.
fn find_routed(
    group: &Group,
    routers: &BucketRouters,
    asked: &Asked<'_>,
    tail: &str,
) -> Result<Option<RouteId>, NoRouter> {
    let store = asked.store;
    let any = Method::ALL.len();
    let own = asked.method.method();
    let own = own.and_then(|m| Method::ALL.iter().position(|other| *other == m));
    let mut best: Option<RouteId> = None;
    for slot in own.into_iter().chain([any]) {
        let Some(cell) = routers.get(slot) else {
            continue;
        };
        let named = MethodCode::of(Method::ALL.get(slot).copied());
        let built = cell.get_or_init(|| MethodRouters::build(store, group, named));
        let Some(built) = built else {
            return Err(NoRouter);
        };
        built.each_match(tail, asked.wildcard, |leaf| {
            // At equal steps it is the same leaf, whose own choice of method follows.
            let steps = |leaf| Steps::of(store.remainder_of(leaf));
            if best.is_none_or(|best| steps(leaf) < steps(best)) {
                best = Some(leaf);
            }
        });
    }
    Ok(best.and_then(|leaf| store.pick(leaf, asked.method, asked.holds)))
}

/// The leaf of the shape of `model` that matches the path.
fn find_by_shape(store: &Store, model: RouteId, path: &str) -> Option<RouteId> {
    let model = store.get(model)?;
    let hash = hash_as(store, &model, path)?;
    let steps = Steps::of(store.pattern(&model));
    store.slots(Section::Shapes).find(hash, |leaf| {
        store.get(leaf).is_some_and(|route| {
            let pattern = store.pattern(&route);
            route.host == model.host && matches(pattern, path) && Steps::of(pattern) == steps
        })
    })
}

/// matchit cannot hold the bucket.
struct NoRouter;

impl MethodRouters {
    /// The leaves that have the method.
    fn build(store: &Store, group: &Group, method: MethodCode) -> Option<MethodRouters> {
        let mut built = MethodRouters {
            bare: None,
            by_length: Vec::new(),
        };
        for leaf in store.members(index(group.first), group.leaves) {
            if !store.leaf(leaf).any(|(_, route)| route.method == method) {
                continue;
            }
            let mut length = 0_usize;
            let mut pattern = String::new();
            for segment in segments(store.remainder_of(leaf)) {
                match segment {
                    Segment::Rest => break,
                    Segment::Literal(text) => pattern.extend(["/", text]),
                    Segment::Parameter(_) => pattern.push_str("/{p}"),
                }
                length = length.saturating_add(1);
            }
            if length == 0 {
                built.bare = Some(leaf);
                continue;
            }
            let place = match built.by_length.iter().position(|(l, _)| *l == length) {
                Some(place) => place,
                None => {
                    built.by_length.push((length, Router::new()));
                    built.by_length.len().saturating_sub(1)
                }
            };
            let (_, router) = built.by_length.get_mut(place)?;
            router.insert(pattern, leaf).ok()?;
        }
        Some(built)
    }

    /// The best leaf of each length that matches.
    fn each_match(&self, tail: &str, wildcard: bool, mut visit: impl FnMut(RouteId)) {
        if let Some(leaf) = self.bare {
            visit(leaf);
        }
        let total = tail.bytes().filter(|b| *b == b'/').count();
        for (length, router) in &self.by_length {
            let cut = if *length == total {
                Some(tail)
            } else if wildcard && *length < total {
                let end = tail.match_indices('/').nth(*length).map(|(at, _)| at);
                end.and_then(|end| tail.get(..end))
            } else {
                None
            };
            if let Some(found) = cut.and_then(|cut| router.at(cut).ok()) {
                visit(*found.value);
            }
        }
    }
}

impl std::fmt::Debug for MethodRouters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MethodRouters")
    }
}

/// So few leaves are tried one by one.
pub(super) const SCANNED_MAX: u32 = 8;

/// Patterns with more segments are in no router.
pub(super) const ROUTED_SEGMENTS_MAX: usize = 24;
