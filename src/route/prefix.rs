//! The patterns with parameters or wildcards, by host and literal prefix.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::bucket::{Bucket, SCANNED_MAX};
use super::host::HostId;
use super::store::{Route, RouteId, Store, index, link};
use crate::http::Method;

/// Finds the buckets whose literal prefix a path has.
#[derive(Debug, Default)]
pub(super) struct PrefixIndex {
    /// By [`HostId`]: which prefixes its patterns with parameters have, then those with wildcards.
    known: Vec<[Known; 2]>,
    /// Places in `buckets`, by prefix.
    places: HashTable<u32>,
    buckets: Vec<Bucket>,
}

/// What is looked for, and where the routes are.
pub(super) struct Asked<'a> {
    pub(super) store: &'a Store,
    /// The leaves of all patterns in the index, by their literals in their places.
    pub(super) shapes: &'a HashTable<RouteId>,
    pub(super) host: HostId,
    /// Whether among the patterns with a wildcard or among those without.
    pub(super) wildcard: bool,
    /// `None` is a method that only `ANY` serves.
    pub(super) method: Option<Method>,
    pub(super) path: &'a str,
}

impl PrefixIndex {
    /// The best route. It asks the buckets from the longest literal prefix of the path to the shortest. No other order
    /// is needed: where one prefix goes on, the other has a parameter or its wildcard, and a literal is stronger than
    /// both.
    pub(super) fn find(&self, asked: &Asked<'_>) -> Option<RouteId> {
        let known = self
            .known
            .get(index(asked.host.0))?
            .get(usize::from(asked.wildcard))?;
        if known.depths == 0 {
            return None;
        }
        // Longer than any prefix of the config it need not be looked at, however long the path is.
        let (path, longest) = (asked.path, known.longest);
        let bytes = path.as_bytes();
        let bytes = bytes.get(..=longest).unwrap_or(bytes);
        let mut depth = bytes.iter().filter(|b| **b == b'/').count();
        if asked.wildcard
            && path.len() <= longest
            && let Some(id) = self.find_at(asked, known, path.len(), depth)
        {
            return Some(id);
        }
        let mut rest = bytes;
        while let Some(slash) = rest.iter().rposition(|b| *b == b'/') {
            depth = depth.saturating_sub(1);
            if let Some(id) = self.find_at(asked, known, slash, depth) {
                return Some(id);
            }
            rest = rest.get(..slash).unwrap_or_default();
        }
        None
    }

    /// Adds a leaf.
    pub(super) fn add(&mut self, store: &mut Store, id: RouteId) {
        let Some(route) = store.get(id) else {
            return;
        };
        let prefix = store.prefix(route);
        self.know(route, prefix);
        let buckets = &mut self.buckets;
        let first = |place: &u32| store.get(buckets.get(index(*place))?.first);
        let same = |r: &Route| {
            r.host == route.host && r.wildcard == route.wildcard && store.prefix(r) == prefix
        };
        let hash = |r: &Route| store.hash_prefix(r.host, r.wildcard, store.prefix(r));
        let entry = self.places.entry(
            hash(route),
            |place| first(place).is_some_and(same),
            |place| first(place).map_or(0, hash),
        );
        match entry {
            Entry::Occupied(entry) => {
                let Some(bucket) = buckets.get_mut(index(*entry.get())) else {
                    return;
                };
                let next = link(bucket.first);
                bucket.first = id;
                bucket.leaves = bucket.leaves.saturating_add(1);
                if let Some(route) = store.get_mut(id) {
                    route.next_in_bucket = next;
                }
            }
            Entry::Vacant(entry) => {
                // There are no more buckets than routes, whose numbers fit.
                entry.insert(u32::try_from(buckets.len()).unwrap_or(u32::MAX));
                buckets.push(Bucket::new(id));
            }
        }
    }

    /// Once all leaves are added: shares out the routers, with at most `routed_max` leaves in them.
    pub(super) fn seal(&mut self, routed_max: u32) {
        self.buckets.shrink_to_fit();
        let mut routed = 0_u32;
        for bucket in &mut self.buckets {
            let with = routed.saturating_add(bucket.leaves);
            if bucket.leaves > SCANNED_MAX && with <= routed_max {
                bucket.routed = true;
                routed = with;
            }
        }
    }

    /// Asks the bucket for the first bytes of the path, `length` of them and `depth` segments.
    #[inline]
    fn find_at(
        &self,
        asked: &Asked<'_>,
        known: &Known,
        length: usize,
        depth: usize,
    ) -> Option<RouteId> {
        if known.depths & depth_bit(depth) == 0 {
            return None;
        }
        let &Asked {
            store,
            host,
            wildcard,
            path,
            ..
        } = asked;
        let prefix = path.get(..length)?;
        let hash = store.hash_prefix(host, wildcard, prefix);
        let place = self.places.find(hash, |place| {
            self.bucket_route(store, *place).is_some_and(|route| {
                route.host == host && route.wildcard == wildcard && store.prefix(route) == prefix
            })
        })?;
        let bucket = self.buckets.get(index(*place))?;
        bucket.find(store, asked.shapes, asked.method, path, length)
    }

    fn bucket_route<'s>(&self, store: &'s Store, place: u32) -> Option<&'s Route> {
        let bucket = self.buckets.get(index(place))?;
        store.get(bucket.first)
    }

    fn know(&mut self, route: &Route, prefix: &str) {
        let (host, wildcard) = (index(route.host.0), usize::from(route.wildcard));
        if self.known.len() <= host {
            self.known
                .resize_with(host.saturating_add(1), Default::default);
        }
        let known = self.known.get_mut(host);
        if let Some(known) = known.and_then(|known| known.get_mut(wildcard)) {
            known.depths |= depth_bit(usize::from(route.depth));
            known.longest = known.longest.max(prefix.len());
        }
    }
}

/// Which literal prefixes exist for a host: enough to pass over most of those that do not.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// One bit per number of segments.
    depths: u64,
    /// Bytes.
    longest: usize,
}

/// No prefix has as many segments as would leave the number: see [`SEGMENTS_MAX`](super::SEGMENTS_MAX).
fn depth_bit(depth: usize) -> u64 {
    let depth = u32::try_from(depth).unwrap_or(u32::MAX);
    1_u64.checked_shl(depth).unwrap_or(0)
}
