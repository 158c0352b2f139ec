//! The hash of all keys. It is the same on every target, because indexes are laid out on one and read on another; and
//! of a fixed seed, because the keys are the config's own: no client can choose them to collide.

/// A hash in the making.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new(seed: u32) -> Hash {
        Hash(u64::from(seed) ^ MULTIPLIER)
    }

    /// Takes in bytes and where they end.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Hash {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self = self.word(u64::from_le_bytes(*word));
        }
        // The last eight bytes, some of them once more, take one step; a byte each would take up to seven.
        let last = match bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest.iter().fold(0, |word, byte| {
                u64::wrapping_shl(word, 8) | u64::from(*byte)
            }),
        };
        self.word(last).word(bytes.len() as u64)
    }

    pub(crate) fn word(self, word: u64) -> Hash {
        Hash((self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER))
    }

    pub(crate) fn finish(self) -> u64 {
        let folded = (self.0 ^ self.0.wrapping_shr(32)).wrapping_mul(MULTIPLIER);
        folded ^ folded.wrapping_shr(29)
    }
}

/// The golden ratio's fraction: odd, its bits evenly mixed.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
