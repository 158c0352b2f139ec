//! What has been learned lately, never more than a bound.
//!
//! What is of any length, such as claims and sessions, is bounded in bytes too: all authorizers of a config keep
//! [`KEPT_BYTES`] of it together, each an equal share.

use std::collections::BTreeMap;
use std::mem;

/// For all authorizers of an isolate together, which has 128 MB for everything.
const KEPT_BYTES: usize = 8 << 20;

/// An authorizer can keep some of the longest answers, however many there are of its kind.
const LEAST_SHARE: usize = 64 << 10;

/// How many bytes each of so many authorizers may keep.
pub fn share(authorizers: usize) -> usize {
    let share = KEPT_BYTES.checked_div(authorizers);
    share.unwrap_or(KEPT_BYTES).max(LEAST_SHARE)
}

/// A map that forgets. It has two generations: when the younger one is full, the older one goes and the younger takes
/// its place. So it holds at most twice its bound, and nothing is ever searched for what to remove.
pub(super) struct Recent<K, V> {
    bound: usize,
    /// Of a generation.
    max_bytes: usize,
    young_bytes: usize,
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
}

impl<K: Ord, V> Recent<K, V> {
    pub fn new(bound: usize) -> Recent<K, V> {
        Recent {
            bound,
            max_bytes: KEPT_BYTES / 2,
            young_bytes: 0,
            young: BTreeMap::new(),
            old: BTreeMap::new(),
        }
    }

    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Keeps so many bytes at most from now on.
    pub fn limit(&mut self, bytes: usize) {
        self.max_bytes = bytes / 2;
    }

    /// Of a value that is short.
    pub fn put(&mut self, key: K, value: V) {
        self.put_sized(key, value, 0);
    }

    /// Of a value of so many bytes. One that is too long for all is forgotten.
    pub fn put_sized(&mut self, key: K, value: V, bytes: usize) {
        if bytes > self.max_bytes {
            self.remove(&key);
            return;
        }
        let room = self.max_bytes.saturating_sub(bytes);
        let is_full = self.young.len() >= self.bound && !self.young.contains_key(&key);
        if is_full || self.young_bytes > room {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        // What it replaces is counted still: the generation goes a little early.
        self.young_bytes = self.young_bytes.saturating_add(bytes);
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub fn remove<Q>(&mut self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_the_latest_stay() {
        let mut recent = Recent::new(10);
        for number in 0..1000 {
            recent.put(number, number);
            assert_eq!(recent.get(&number), Some(&number));
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        let kept = (0..1000).filter(|n| recent.get(n).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), (980..1000).collect::<Vec<_>>());
        recent.put(985, 0);
        assert_eq!(recent.get(&985), Some(&0), "the latest value counts");
        recent.remove(&985);
        assert_eq!(recent.get(&985), None);
    }

    #[test]
    fn no_more_bytes_are_kept_than_may_be() {
        let mut recent = Recent::new(1000);
        recent.limit(1000);
        for number in 0..100 {
            recent.put_sized(number, (), 100);
            assert!(recent.get(&number).is_some());
            assert!(recent.young.len() + recent.old.len() <= 10);
        }
        recent.put_sized(99, (), 501);
        assert_eq!(recent.get(&99), None, "neither the new one nor the old");
        for number in 0..900 {
            recent.put(number, ());
        }
        assert!((0..900).all(|number| recent.get(&number).is_some()));
    }

    #[test]
    fn all_authorizers_share_what_an_isolate_keeps() {
        for (authorizers, expected) in [(0, KEPT_BYTES), (1, KEPT_BYTES), (4, KEPT_BYTES / 4)] {
            assert_eq!(share(authorizers), expected);
        }
        assert_eq!(share(100_000), LEAST_SHARE);
    }
}
