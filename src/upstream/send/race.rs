//! A try and its hedges, of which the first good answer wins.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::{Order, Outcomes, Story, ask, pick};
use crate::host::Host;
use crate::plan::HedgeSpec;
use crate::upstream::pool::{Event, Flight, Outcome, Pool, Want, bit};
use crate::upstream::retry::Tried;

/// What those that run have in common.
#[derive(Default)]
pub(super) struct Race {
    pub events: RefCell<Vec<Event>>,
    /// The number of the one that has won. Those that began before it have lost; those that were asked later are cancelled.
    won_by: Cell<Option<usize>>,
}

/// Asks an endpoint, and others while it does not answer. Marks in `want` who was asked.
#[expect(clippy::too_many_arguments, reason = "it is a part of `attempt`")]
pub(super) async fn race<H: Host>(
    host: &H,
    order: &Order<'_>,
    spec: &HedgeSpec,
    endpoint: usize,
    deadline: u64,
    runs: &Race,
    want: &mut Want<'_>,
    story: &mut Story,
) -> Outcomes<H::Reply> {
    let start = |endpoint, number| {
        let asked = ask(host, order, endpoint, deadline, runs, number);
        Box::pin(asked) as Pin<Box<dyn Future<Output = Outcomes<H::Reply>> + '_>>
    };
    let least = spec.delay_ms / 10;
    let known = order.pool.percentile(spec.percentile);
    let delay = known.map_or(spec.delay_ms, |ms| ms.max(least).max(1));
    let mut asked = vec![endpoint];
    let mut running = vec![start(endpoint, 0)];
    let mut hedges = 0;
    let outcome = loop {
        let timer = (hedges < spec.max_hedges).then(|| host.sleep(delay));
        match first(&mut running, timer).await {
            Some(outcome) => {
                let (endpoint, tried, _) = &outcome;
                if tried.outcome() == Outcome::Success {
                    runs.won_by.set(asked.iter().position(|e| e == endpoint));
                    break outcome;
                }
                if running.is_empty() || *tried == Tried::Client {
                    break outcome;
                }
                // The other one may still be good.
                let (endpoint, tried, result) = outcome;
                story.failures.push((endpoint, tried));
                if let Ok(reply) = result {
                    host.discard(reply);
                }
                if tried == Tried::Unsent && asked.first() != Some(&endpoint) {
                    order.pool.put_back();
                    hedges = hedges.saturating_sub(1);
                } else {
                    hedges = spec.max_hedges;
                }
            }
            None => {
                hedges = hedges.saturating_add(1);
                let next = pick(host, order, want).ok();
                // Nobody is asked twice, nor where the answer would be as late.
                let next = next.filter(|next| want.tried & bit(*next) == 0);
                if let Some(next) = next
                    && order.pool.withdraw(host.now_ms())
                {
                    want.tried |= bit(next);
                    story.hedges = story.hedges.saturating_add(1);
                    running.push(start(next, asked.len()));
                    asked.push(next);
                }
            }
        }
    };
    drop(running);
    outcome
}

/// The first outcome among those that run, or nothing when the timer is over first.
async fn first<T>(
    running: &mut Vec<Pin<Box<dyn Future<Output = T> + '_>>>,
    timer: Option<impl Future<Output = ()>>,
) -> Option<T> {
    let mut timer = pin!(async {
        match timer {
            Some(timer) => timer.await,
            None => std::future::pending().await,
        }
    });
    poll_fn(|cx| {
        for (index, one) in running.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = one.as_mut().poll(cx) {
                drop(running.swap_remove(index));
                return Poll::Ready(Some(outcome));
            }
        }
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}

/// A request under way, which ends even when nobody waits for it any more.
pub(super) struct InFlight<'a, H: Host> {
    host: &'a H,
    pool: &'a Pool,
    flight: Option<Flight>,
    runs: &'a Race,
    number: usize,
}

impl<'a, H: Host> InFlight<'a, H> {
    pub fn new(
        host: &'a H,
        pool: &'a Pool,
        endpoint: usize,
        runs: &'a Race,
        number: usize,
    ) -> InFlight<'a, H> {
        InFlight {
            host,
            pool,
            flight: Some(pool.began(endpoint, host.now_ms())),
            runs,
            number,
        }
    }

    pub fn land(&mut self, outcome: Outcome) {
        if let Some(mut flight) = self.flight.take() {
            if let Some(ms) = self.host.uploaded_ms() {
                flight.begins_at(ms);
            }
            let events = self.pool.ended(&flight, self.host.now_ms(), outcome);
            self.tell(events);
        }
    }

    fn tell(&self, events: [Option<Event>; 2]) {
        self.runs
            .events
            .borrow_mut()
            .extend(events.into_iter().flatten());
    }
}

impl<H: Host> Drop for InFlight<'_, H> {
    fn drop(&mut self) {
        if self
            .runs
            .won_by
            .get()
            .is_some_and(|winner| self.number < winner)
            && let Some(flight) = self.flight.take()
        {
            let events = self.pool.lost(&flight, self.host.now_ms());
            self.tell(events);
        }
        self.land(Outcome::Cancelled);
    }
}
