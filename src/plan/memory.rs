//! Growing the worker's memory once instead of a thousand times.
//!
//! The allocator of wasm32 asks for 64 KiB at a time, and V8 may collect its garbage at each such step: a config of
//! 60,000 paths spent most of its time so. What is about to be needed is therefore asked for in one piece; freed at
//! once, it stays with the allocator.

/// More than this is never asked for ahead of time, in bytes.
const AT_MOST: usize = 64 * 1024 * 1024;

/// Makes sure that about so many bytes can be allocated without growing the memory again. Elsewhere than on wasm32,
/// and where memory is short, nothing happens.
pub(crate) fn foresee(bytes: usize) {
    if cfg!(target_arch = "wasm32") {
        let mut room: Vec<u8> = Vec::new();
        // If there is not so much, what follows finds out for itself.
        let _ = room.try_reserve_exact(bytes.min(AT_MOST));
        std::hint::black_box(room.as_mut_ptr());
    }
}
