//! Which paths of a config answer the same requests.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::pattern::shape;
use crate::config::Span;
use crate::http::Method;
use crate::plan::PathEntry;

/// The paths that are taken, found by host, method and shape without a copy of any of them: there may be 100,000.
pub(super) struct Taken {
    /// Numbers of paths.
    table: HashTable<usize>,
    /// Where their patterns are written, for messages.
    written: Vec<Span>,
    /// Fixed: the keys are the config's own, so no client can choose them to collide.
    state: FixedState,
}

impl Taken {
    pub fn with_capacity(paths: usize) -> Taken {
        Taken {
            table: HashTable::with_capacity(paths),
            written: Vec::with_capacity(paths),
            state: FixedState::default(),
        }
    }

    /// Where the pattern of the path at `index` is written.
    pub fn written(&self, index: usize) -> Span {
        self.written.get(index).copied().unwrap_or_default()
    }

    /// Takes the place behind `paths`, which are those added before, for `entry`; or gives the one that answers the
    /// same requests, and where it was written.
    pub fn add(
        &mut self,
        entry: &PathEntry,
        written: Span,
        paths: &[PathEntry],
    ) -> Option<(usize, Span)> {
        let state = &self.state;
        let same = |index: &usize| paths.get(*index).is_some_and(|other| alike(entry, other));
        let hash_of = |index: &usize| paths.get(*index).map_or(0, |other| hash(other, state));
        match self.table.entry(hash(entry, state), same, hash_of) {
            Entry::Occupied(first) => {
                let index = *first.get();
                Some((index, *self.written.get(index)?))
            }
            Entry::Vacant(free) => {
                free.insert(paths.len());
                self.written.push(written);
                None
            }
        }
    }
}

fn alike(a: &PathEntry, b: &PathEntry) -> bool {
    a.method == b.method
        && a.host == b.host
        && a.when == b.when
        && shape(&a.pattern).eq(shape(&b.pattern))
}

fn hash(entry: &PathEntry, state: &FixedState) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(entry.method.map_or("ANY", Method::as_str).as_bytes());
    hasher.write(entry.host.as_deref().unwrap_or_default().as_bytes());
    for part in shape(&entry.pattern) {
        hasher.write(part.as_bytes());
    }
    hasher.finish()
}
