//! What has been learned lately, never more than a bound.

use std::collections::BTreeMap;
use std::mem;

/// A map that forgets. It has two generations: when the younger one is full, the older one goes and the younger takes
/// its place. So it holds at most twice its bound, and nothing is ever searched for what to remove.
pub(super) struct Recent<K, V> {
    bound: usize,
    young: BTreeMap<K, V>,
    old: BTreeMap<K, V>,
}

impl<K: Ord, V> Recent<K, V> {
    pub fn new(bound: usize) -> Recent<K, V> {
        Recent {
            bound,
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

    pub fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.bound && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
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
}
