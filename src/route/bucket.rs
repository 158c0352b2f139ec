//! The patterns that share their literal prefix, and the look-up among them.
//!
//! Three ways, by the bucket's size; all give the leaf of the lowest rank that has the method:
//! - a few leaves are tried in the order of their rank;
//! - more are in a `matchit` router, built when the first request comes: one per method and per number of segments.
//!   A router holds neither wildcards (their prefixes are looked up, cut to the router's number of segments; matchit
//!   refuses `/{*rest}` beside `/{id}`) nor two leaves that the method would have to tell apart;
//! - what would make the routers too large for an isolate's memory is found by its shape: for each order in which
//!   literals and parameters occur in the bucket, one probe of the hash table of all leaves.

use std::sync::OnceLock;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use matchit::Router;

use super::pattern::{Segment, matches, segments};
use super::rank::Steps;
use super::store::{RouteId, Store, linked};
use crate::http::Method;

/// Leaves of one host and kind (with or without wildcard) with the same literal prefix.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The head of the list of its leaves.
    pub(super) first: RouteId,
    pub(super) leaves: u32,
    /// Whether it may have routers.
    pub(super) routed: bool,
    lookup: OnceLock<Box<Lookup>>,
}

/// What is made when a bucket of more than one leaf is first asked.
#[derive(Debug)]
struct Lookup {
    /// Few leaves: all of them. More: the first of each shape. In the order of their rank.
    order: Box<[RouteId]>,
    routers: Option<Routers>,
}

/// The routers of each method of [`Method::ALL`] and, as the last, of `ANY`.
type Routers = [OnceLock<Option<MethodRouters>>; 7];

/// One router per number of segments, counted behind the literal prefix.
struct MethodRouters {
    /// The pattern of none: `{.+}` alone.
    bare: Option<RouteId>,
    by_length: Vec<(usize, Router<RouteId>)>,
}

impl Bucket {
    pub(super) fn new(first: RouteId) -> Bucket {
        Bucket {
            first,
            leaves: 1,
            routed: false,
            lookup: OnceLock::new(),
        }
    }

    /// The best route for the method; `None` is a method that only `ANY` serves. `prefix` is the length of the
    /// literal prefix, which is known to match.
    pub(super) fn find(
        &self,
        store: &Store,
        shapes: &HashTable<RouteId>,
        method: Option<Method>,
        path: &str,
        prefix: usize,
    ) -> Option<RouteId> {
        let tail = path.get(prefix..).unwrap_or_default();
        let scan = |leaf: &RouteId| {
            matches(store.remainder_of(*leaf), tail)
                .then(|| store.pick(*leaf, method))
                .flatten()
        };
        if self.leaves == 1 {
            return scan(&self.first);
        }
        let lookup = self.lookup.get_or_init(|| Box::new(self.lookup(store)));
        if self.leaves <= SCANNED_MAX {
            return lookup.order.iter().find_map(scan);
        }
        if let Some(routers) = &lookup.routers
            && let Ok(found) = self.find_routed(store, routers, method, tail)
        {
            return found;
        }
        lookup.order.iter().find_map(|model| {
            let leaf = find_by_shape(store, shapes, *model, path)?;
            store.pick(leaf, method)
        })
    }

    /// `Err` when matchit does not take the bucket's patterns.
    fn find_routed(
        &self,
        store: &Store,
        routers: &Routers,
        method: Option<Method>,
        tail: &str,
    ) -> Result<Option<RouteId>, NoRouter> {
        let wildcard = store.get(self.first).is_some_and(|route| route.wildcard);
        let any = Method::ALL.len();
        let own = method.and_then(|m| Method::ALL.iter().position(|other| *other == m));
        let mut best: Option<RouteId> = None;
        for slot in own.into_iter().chain([any]) {
            let Some(cell) = routers.get(slot) else {
                continue;
            };
            let named = Method::ALL.get(slot).copied();
            let built = cell.get_or_init(|| MethodRouters::build(store, self, named));
            let Some(built) = built else {
                return Err(NoRouter);
            };
            built.each_match(tail, wildcard, |leaf| {
                // At equal steps it is the same leaf, whose own choice of method follows.
                let steps = |leaf| Steps::of(store.remainder_of(leaf));
                if best.is_none_or(|best| steps(leaf) < steps(best)) {
                    best = Some(leaf);
                }
            });
        }
        Ok(best.and_then(|leaf| store.pick(leaf, method)))
    }

    fn lookup(&self, store: &Store) -> Lookup {
        let steps = |leaf: RouteId| Steps::of(store.remainder_of(leaf));
        let mut order: Vec<RouteId> = if self.leaves <= SCANNED_MAX {
            self.each_leaf(store).collect()
        } else {
            let models: HashMap<Steps, RouteId, FixedState> = self
                .each_leaf(store)
                .map(|leaf| (steps(leaf), leaf))
                .collect();
            models.into_values().collect()
        };
        order.sort_by_cached_key(|leaf| steps(*leaf));
        // matchit names parameters by letters, and panics when it has run out of them.
        let routed = self.routed
            && order
                .iter()
                .all(|leaf| steps(*leaf).iter().count() <= ROUTED_SEGMENTS_MAX);
        Lookup {
            order: order.into_boxed_slice(),
            routers: routed.then(Routers::default),
        }
    }

    fn each_leaf(&self, store: &Store) -> impl Iterator<Item = RouteId> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let id = next?;
            next = linked(store.get(id)?.next_in_bucket);
            Some(id)
        })
    }
}

/// The leaf of the shape of `model` that matches the path.
fn find_by_shape(
    store: &Store,
    shapes: &HashTable<RouteId>,
    model: RouteId,
    path: &str,
) -> Option<RouteId> {
    let model = store.get(model)?;
    let hash = store.hash_as(model, path)?;
    let same = |leaf: &RouteId| {
        store.get(*leaf).is_some_and(|route| {
            let pattern = store.pattern(route);
            route.host == model.host
                && matches(pattern, path)
                && Steps::of(pattern) == Steps::of(store.pattern(model))
        })
    };
    shapes.find(hash, same).copied()
}

/// matchit cannot hold the bucket.
struct NoRouter;

impl MethodRouters {
    /// The leaves that have the method (`None`: `ANY`).
    fn build(store: &Store, bucket: &Bucket, method: Option<Method>) -> Option<MethodRouters> {
        let mut built = MethodRouters {
            bare: None,
            by_length: Vec::new(),
        };
        for leaf in bucket.each_leaf(store) {
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

const ROUTED_SEGMENTS_MAX: usize = 24;
