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

use hashbrown::HashTable;
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
    order: OnceLock<Box<[RouteId]>>,
    routers: OnceLock<Option<Box<Routers>>>,
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
            order: OnceLock::new(),
            routers: OnceLock::new(),
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
        if self.leaves == 1 {
            return matches(store.pattern_of(self.first), path)
                .then(|| store.pick(self.first, method))
                .flatten();
        }
        if self.leaves <= SCANNED_MAX {
            let mut leaves = self.order.get_or_init(|| self.sorted(store)).iter();
            return leaves.find_map(|leaf| {
                matches(store.pattern_of(*leaf), path)
                    .then(|| store.pick(*leaf, method))
                    .flatten()
            });
        }
        if self.routed {
            let tail = path.get(prefix..).unwrap_or_default();
            if let Ok(found) = self.find_routed(store, method, tail) {
                return found;
            }
        }
        self.find_by_shape(store, shapes, method, path)
    }

    /// `Err` when matchit does not take the bucket's patterns.
    fn find_routed(
        &self,
        store: &Store,
        method: Option<Method>,
        tail: &str,
    ) -> Result<Option<RouteId>, NoRouter> {
        let Some(routers) = self.routers.get_or_init(|| self.new_routers(store)) else {
            return Err(NoRouter);
        };
        let wildcard = store.get(self.first).is_some_and(|route| route.wildcard);
        let any = Method::ALL.len();
        let own = method.and_then(|m| Method::ALL.iter().position(|other| *other == m));
        let mut best: Option<(Steps, RouteId)> = None;
        for slot in own.into_iter().chain([any]) {
            let Some(cell) = routers.get(slot) else {
                continue;
            };
            let built = cell
                .get_or_init(|| MethodRouters::build(store, self, Method::ALL.get(slot).copied()));
            let Some(built) = built else {
                return Err(NoRouter);
            };
            built.each_match(tail, wildcard, |leaf| {
                let steps = Steps::of(store.pattern_of(leaf));
                // At equal steps it is the same leaf, whose own choice of method follows.
                if best.is_none_or(|(least, _)| steps < least) {
                    best = Some((steps, leaf));
                }
            });
        }
        Ok(best.and_then(|(_, leaf)| store.pick(leaf, method)))
    }

    fn find_by_shape(
        &self,
        store: &Store,
        shapes: &HashTable<RouteId>,
        method: Option<Method>,
        path: &str,
    ) -> Option<RouteId> {
        let models = self.order.get_or_init(|| {
            let mut models = self.sorted(store).into_vec();
            models.dedup_by_key(|leaf| Steps::of(store.pattern_of(*leaf)));
            models.into_boxed_slice()
        });
        models.iter().find_map(|model| {
            let model = store.get(*model)?;
            let steps = Steps::of(store.pattern(model));
            let hash = store.hash_as(model, path)?;
            let leaf = shapes.find(hash, |leaf| {
                store.get(*leaf).is_some_and(|route| {
                    let pattern = store.pattern(route);
                    route.host == model.host
                        && matches(pattern, path)
                        && Steps::of(pattern) == steps
                })
            })?;
            store.pick(*leaf, method)
        })
    }

    fn each_leaf(&self, store: &Store) -> impl Iterator<Item = RouteId> {
        let mut next = Some(self.first);
        std::iter::from_fn(move || {
            let id = next?;
            next = linked(store.get(id)?.next_in_bucket);
            Some(id)
        })
    }

    fn sorted(&self, store: &Store) -> Box<[RouteId]> {
        let mut leaves: Vec<RouteId> = self.each_leaf(store).collect();
        leaves.sort_by_cached_key(|leaf| Steps::of(store.pattern_of(*leaf)));
        leaves.into_boxed_slice()
    }

    fn new_routers(&self, store: &Store) -> Option<Box<Routers>> {
        // matchit names parameters by letters, and panics when it has run out of them.
        self.each_leaf(store)
            .all(|leaf| segments(store.pattern_of(leaf)).count() <= ROUTED_SEGMENTS_MAX)
            .then(Box::default)
    }
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
            for segment in segments(store.remainder(leaf)) {
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
