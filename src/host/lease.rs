//! Work that one request does for many: who is at it, so that the others wait for what comes of it.
//!
//! Requests never wait for each other's promises, which would die with the request that made them: whoever works holds
//! a [`Lease`], and the others look again, every [`LOOK_MS`], until it is given back or over.
//!
//! - The platform is asked to let the work come to its end although its client leaves, so that clients that come and
//!   go cannot keep the others waiting, and nothing is spent in vain that is good once, such as a refresh token.
//! - However the work ends, by an outcome or because its task is dropped, the lease is given back at once.
//! - Where nobody gives it back, because the platform has ended the task without a word, it is over by itself.

use std::cell::Cell;
use std::rc::Rc;

use super::Host;

/// How often whoever waits looks again.
pub const LOOK_MS: u32 = 25;

/// Whether somebody is at it. Its copies are one and the same.
#[derive(Clone, Default)]
pub struct Lease(Rc<Cell<Term>>);

#[derive(Clone, Copy, Default)]
struct Term {
    /// In milliseconds, as the host has the time.
    until: u64,
    /// Whoever has lost it to another must not give that one's back.
    turn: u64,
}

impl Lease {
    pub fn is_held(&self, now_ms: u64) -> bool {
        now_ms < self.0.get().until
    }

    /// Does the work, for which a lease of so many milliseconds is longer than it can take. Its outcome must be written
    /// down within `work`: whoever looks next finds the lease free.
    pub async fn during<H: Host, T>(
        &self,
        host: &H,
        lasts_ms: u64,
        work: impl AsyncFnOnce() -> T,
    ) -> T {
        let turn = self.0.get().turn.wrapping_add(1);
        let until = host.now_ms().saturating_add(lasts_ms);
        self.0.set(Term { until, turn });
        let _held = Held { lease: self, turn };
        host.to_the_end(work()).await
    }

    /// Lasts so many milliseconds from now on: another part of the work begins.
    pub fn extend<H: Host>(&self, host: &H, lasts_ms: u64) {
        let until = host.now_ms().saturating_add(lasts_ms);
        self.0.set(Term {
            until,
            ..self.0.get()
        });
    }
}

struct Held<'l> {
    lease: &'l Lease,
    turn: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let term = self.lease.0.get();
        if term.turn == self.turn {
            self.lease.0.set(Term { until: 0, ..term });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::host::memory::MemoryHost;

    #[test]
    fn a_lease_ends_with_the_work_or_with_who_did_it_or_by_itself() {
        let (lease, host) = (Lease::default(), MemoryHost::new(0, &[]));
        let cx = &mut Context::from_waker(Waker::noop());
        let never = || std::future::pending::<()>();
        {
            let mut work = pin!(lease.during(&host, 100, async || 7));
            assert_eq!(work.as_mut().poll(cx), Poll::Ready(7));
        }
        assert!(!lease.is_held(0), "the work is done");
        {
            let mut work = pin!(lease.during(&host, 100, async || never().await));
            assert!(work.as_mut().poll(cx).is_pending());
            assert!(lease.clone().is_held(99));
            assert!(!lease.is_held(100), "it is over");
        }
        assert!(!lease.is_held(0), "whoever did it is gone");
        let mut late = Box::pin(lease.during(&host, 100, async || never().await));
        assert!(late.as_mut().poll(cx).is_pending());
        host.pass(100);
        let mut next = Box::pin(lease.during(&host, 100, async || never().await));
        assert!(next.as_mut().poll(cx).is_pending());
        drop(late);
        assert!(lease.is_held(199), "it is another's by now");
        drop(next);
        assert!(!lease.is_held(100));
    }
}
