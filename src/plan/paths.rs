//! The paths of a plan: at hand, or packed as the artifact brought them and each unpacked when it is first asked for.

use std::cell::OnceCell;

use super::blueprint::PathEntry;
use crate::route::{Match, Table};

/// All paths, in file order; the route table names them by index. No [`Text`](super::Text) in them is a reference.
pub struct Paths(Kind);

enum Kind {
    Ready(Vec<PathEntry>),
    Packed {
        packed: Packed,
        /// What has been unpacked so far.
        ready: Vec<OnceCell<Box<PathEntry>>>,
    },
}

/// Path entries, one behind the other, and where each ends.
pub(super) struct Packed {
    /// The ends, as many as there are entries, little-endian; behind them the entries, postcard.
    bytes: Vec<u8>,
    count: usize,
}

/// No paths.
impl Default for Paths {
    fn default() -> Paths {
        Paths::ready(Vec::new())
    }
}

impl Paths {
    /// `entries` have been resolved.
    pub(super) fn ready(entries: Vec<PathEntry>) -> Paths {
        Paths(Kind::Ready(entries))
    }

    /// Those entries that hold references are to be [set](Paths::set).
    pub(super) fn packed(packed: Packed) -> Paths {
        let mut ready = Vec::new();
        ready.resize_with(packed.count, OnceCell::new);
        Paths(Kind::Packed { packed, ready })
    }

    /// Puts an entry in the place of a packed one that nobody has asked for.
    pub(super) fn set(&self, index: usize, entry: PathEntry) {
        if let Kind::Packed { ready, .. } = &self.0
            && let Some(cell) = ready.get(index)
        {
            // It fails where the place is taken, which it is not.
            let _ = cell.set(Box::new(entry));
        }
    }

    /// The entry of a match of this plan's table.
    pub fn get(&self, matched: &Match<'_, '_>) -> Option<&PathEntry> {
        match &self.0 {
            Kind::Ready(entries) => entries.get(matched.index),
            Kind::Packed { packed, ready } => {
                let cell = ready.get(matched.index)?;
                if let Some(entry) = cell.get() {
                    return Some(entry);
                }
                let entry = packed.unpack(matched.index, matched.pattern)?;
                Some(cell.get_or_init(|| Box::new(entry)))
            }
        }
    }
}

impl Packed {
    /// The bytes that [`Packed::open`] takes. A pattern that the table knows anyway is left out.
    pub(super) fn pack(entries: &[PathEntry], table: &Table) -> Result<Vec<u8>, postcard::Error> {
        let mut ends = Vec::with_capacity(entries.len().saturating_mul(4));
        let mut packed = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let mut entry = entry.clone();
            if entry.pattern == table.pattern(index) {
                entry.pattern.clear();
            }
            packed = postcard::to_extend(&entry, packed)?;
            let end = u32::try_from(packed.len());
            let end = end.map_err(|_| postcard::Error::SerializeBufferFull)?;
            ends.extend(end.to_le_bytes());
        }
        ends.extend(packed);
        Ok(ends)
    }

    /// `None` if these bytes do not hold so many entries.
    pub(super) fn open(bytes: Vec<u8>, count: usize) -> Option<Packed> {
        let packed = Packed { bytes, count };
        let last = packed.count.checked_sub(1);
        let end = last.map_or(Some(0), |last| packed.end(last))?;
        let length = count.checked_mul(4)?.checked_add(end)?;
        (length == packed.bytes.len()).then_some(packed)
    }

    /// One entry; `pattern` is the table's.
    pub(super) fn unpack(&self, index: usize, pattern: &str) -> Option<PathEntry> {
        let start = index.checked_sub(1);
        let start = start.map_or(Some(0), |before| self.end(before))?;
        let entries = self.bytes.get(self.count.checked_mul(4)?..)?;
        let bytes = entries.get(start..self.end(index)?)?;
        let (mut entry, []) = postcard::take_from_bytes::<PathEntry>(bytes).ok()? else {
            return None;
        };
        if entry.pattern.is_empty() {
            pattern.clone_into(&mut entry.pattern);
        }
        Some(entry)
    }

    fn end(&self, index: usize) -> Option<usize> {
        let (ends, _) = self.bytes.as_chunks();
        let end = ends.get(..self.count)?.get(index)?;
        usize::try_from(u32::from_le_bytes(*end)).ok()
    }
}
