//! A hash table that is nothing but numbers, so that it can be laid out ahead of time: open addressing, one step on
//! after a collision. A slot is 0 where it is free; else a byte of the hash and, below it, the number kept plus one.

use super::hash::Hash;
use super::store::{Word, index};

/// A table that is looked up only.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a>(pub(super) &'a [Word]);

impl Slots<'_> {
    /// The number under a key, by the key's hash and whether a number's key is the same.
    #[inline]
    pub(super) fn find(self, hash: Hash, same: impl Fn(u32) -> bool) -> Option<u32> {
        let (place, tag) = place_and_tag(hash, self.0.len());
        let (before, after) = self.0.split_at_checked(place)?;
        for slot in after.iter().chain(before) {
            let slot = u32::from_le_bytes(*slot);
            let number = (slot & NUMBER).checked_sub(1)?;
            if slot & !NUMBER == tag && same(number) {
                return Some(number);
            }
        }
        None
    }
}

/// A table in the making.
pub(super) struct SlotsDraft {
    slots: Vec<u32>,
    taken: usize,
}

impl SlotsDraft {
    /// With room for so many numbers; more are not taken.
    pub(super) fn with_room(numbers: usize) -> SlotsDraft {
        let slots = numbers.saturating_mul(5).div_ceil(3);
        SlotsDraft {
            slots: vec![0; slots],
            taken: 0,
        }
    }

    /// Keeps a number, below [`NUMBERS_MAX`], unless one with the same key is there: then the answer is that one.
    pub(super) fn enter(
        &mut self,
        hash: Hash,
        number: u32,
        same: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let (place, tag) = place_and_tag(hash, self.slots.len());
        let (before, after) = self.slots.split_at_mut_checked(place)?;
        for slot in after.iter_mut().chain(before) {
            let Some(other) = (*slot & NUMBER).checked_sub(1) else {
                *slot = tag | (number.wrapping_add(1) & NUMBER);
                self.taken = self.taken.saturating_add(1);
                return None;
            };
            if *slot & !NUMBER == tag && same(other) {
                return Some(other);
            }
        }
        None
    }

    /// The slots, no more of them than the numbers need.
    pub(super) fn fitted(self, hash_of: impl Fn(u32) -> Option<Hash>) -> Vec<u32> {
        let mut fitted = SlotsDraft::with_room(self.taken);
        if fitted.slots.len() == self.slots.len() {
            return self.slots;
        }
        for number in self
            .slots
            .iter()
            .filter_map(|s| (s & NUMBER).checked_sub(1))
        {
            if let Some(hash) = hash_of(number) {
                fitted.enter(hash, number, |_| false);
            }
        }
        fitted.slots
    }
}

/// The slot to look at first, and the slot's high byte.
fn place_and_tag(hash: Hash, slots: usize) -> (usize, u32) {
    let [tag, _, _, _, high @ ..] = hash.finish().to_le_bytes();
    let slots = u64::try_from(slots).unwrap_or(u64::MAX);
    let place = u64::from(u32::from_le_bytes(high)).wrapping_mul(slots);
    // Below the number of slots, which fits.
    let place = u32::try_from(place.wrapping_shr(32)).unwrap_or(0);
    (index(place), u32::from_be_bytes([tag, 0, 0, 0]))
}

/// How many numbers there can be.
pub(super) const NUMBERS_MAX: usize = 0x00ff_fffe;

/// The bits of the number.
const NUMBER: u32 = 0x00ff_ffff;
