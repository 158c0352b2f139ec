//! The patterns with parameters or wildcards, by host and literal prefix.

use super::bucket::{Routers, find_in};
use super::host::HostId;
use super::key::hash_prefix;
use super::store::{Known, MethodCode, RouteId, Section, Store, index};

/// What is looked for, and where the routes are.
pub(super) struct Asked<'a> {
    pub(super) store: &'a Store,
    pub(super) routers: &'a Routers,
    pub(super) host: HostId,
    /// Whether among the patterns with a wildcard or among those without.
    pub(super) wildcard: bool,
    /// `ANY` is a method that only it serves.
    pub(super) method: MethodCode,
    pub(super) path: &'a str,
    /// Whether a route's conditions hold.
    pub(super) holds: &'a dyn Fn(RouteId) -> bool,
}

impl Asked<'_> {
    /// The best route. It asks the buckets from the longest literal prefix of the path to the shortest. No other order
    /// is needed: where one prefix goes on, the other has a parameter or its wildcard, and a literal is stronger than
    /// both.
    pub(super) fn find(&self) -> Option<RouteId> {
        let [parameters, wildcards] = self.store.host(self.host)?.known;
        let known = if self.wildcard { wildcards } else { parameters };
        if known.depths == 0 {
            return None;
        }
        // Longer than any prefix of the config it need not be looked at, however long the path is.
        let (path, longest) = (self.path, index(known.longest));
        let bytes = path.as_bytes();
        let bytes = bytes.get(..=longest).unwrap_or(bytes);
        let mut depth = bytes.iter().filter(|b| **b == b'/').count();
        if self.wildcard
            && path.len() <= longest
            && let Some(id) = self.find_at(known, path.len(), depth)
        {
            return Some(id);
        }
        let mut rest = bytes;
        while let Some(slash) = rest.iter().rposition(|b| *b == b'/') {
            depth = depth.saturating_sub(1);
            if let Some(id) = self.find_at(known, slash, depth) {
                return Some(id);
            }
            rest = rest.get(..slash).unwrap_or_default();
        }
        None
    }

    /// Asks the bucket for the first bytes of the path, `length` of them and `depth` segments.
    #[inline]
    fn find_at(&self, known: Known, length: usize, depth: usize) -> Option<RouteId> {
        if known.depths & depth_bit(depth) == 0 {
            return None;
        }
        let (store, host, wildcard) = (self.store, self.host, self.wildcard);
        let prefix = self.path.get(..length)?;
        let prefixes = store.slots(Section::Prefixes);
        let place = prefixes.find(hash_prefix(host, wildcard, prefix), |place| {
            let bucket = store.bucket(place);
            bucket
                .and_then(|bucket| store.get(bucket.leaf))
                .is_some_and(|route| {
                    route.host == host
                        && route.wildcard == wildcard
                        && store.prefix(&route) == prefix
                })
        })?;
        find_in(store.bucket(place)?, self, length)
    }
}

/// No prefix has as many segments as would leave the number: see [`SEGMENTS_MAX`](super::SEGMENTS_MAX).
pub(super) fn depth_bit(depth: usize) -> u64 {
    let depth = u32::try_from(depth).unwrap_or(u32::MAX);
    1_u64.checked_shl(depth).unwrap_or(0)
}
