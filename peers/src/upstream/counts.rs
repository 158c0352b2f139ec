//! What is known of requests without keeping them.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(super) struct Counts {
    /// By the places in [`METHODS`]; all others come last.
    seen: [AtomicU64; METHODS.len() + 1],
    in_flight: AtomicU64,
    most: AtomicU64,
}

/// A request that is being answered.
pub(super) struct Entered<'a>(&'a Counts);

impl Counts {
    /// Counts a request by the bytes of its head.
    pub(super) fn enter(&self, raw: &[u8]) -> Entered<'_> {
        let method = raw.split(|b| *b == b' ').next().unwrap_or_default();
        self.of(method).fetch_add(1, Ordering::SeqCst);
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Entered(self)
    }

    pub(super) fn seen(&self) -> u64 {
        let counts = self.seen.iter();
        counts.map(|count| count.load(Ordering::SeqCst)).sum()
    }

    pub(super) fn by(&self, method: &str) -> u64 {
        self.of(method.as_bytes()).load(Ordering::SeqCst)
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    pub(super) fn most_in_flight(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }

    fn of(&self, method: &[u8]) -> &AtomicU64 {
        let place = METHODS.iter().position(|m| m.as_bytes() == method);
        &self.seen[place.unwrap_or(METHODS.len())]
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
