//! Sends a request to one of a server's endpoints, and to others where that fails.
//!
//! - A request that may be repeated is tried again on what `retry_on` names, as often as `num_retries` and the budget
//!   allow, as long as the path's time is not over. One that may not be repeated is tried again only where nothing had
//!   been sent. The last answer is handed on, whatever it is.
//! - Where hedging is on, a second endpoint is asked when the first takes longer than most answers do. The first good
//!   answer wins, the other try is cancelled.
//! - What the client does wrong, such as an upload that breaks off, says nothing of an endpoint: nothing is counted or
//!   tried again for it.
//! - Once the head of an answer is here, nothing is timed, retried or cancelled any more.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers")]
mod tests;

mod race;

use super::outbound::{Outbound, left};
use super::pool::{Event, Nobody, Outcome, Pool, Want, bit};
use super::retry::{Tried, backoff_ms, retry_after_ms};
use crate::host::{Host, SendError};
use crate::problem::{Blame, Problem};
use race::{InFlight, Race, race};

/// A request for a pool.
pub struct Order<'a> {
    pub pool: &'a Pool,
    pub outbound: Outbound<'a>,
    /// Milliseconds to the head of the answer, all tries together.
    pub timeout_ms: u32,
    /// To do it twice is to do it once, and its body is at hand for that.
    pub repeatable: bool,
    /// It only [reads](Outbound::only_reads), and nobody minds if it is read twice.
    pub hedgeable: bool,
    pub want: Want<'a>,
}

/// An answer, and whose.
pub struct Sent<R> {
    pub endpoint: usize,
    pub reply: R,
}

/// What the operator is told of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Endpoint and what the try came to, failures alone.
    pub failures: Vec<(usize, Tried)>,
    pub events: Vec<Event>,
    pub hedges: u32,
}

/// What a try came to, and the answer if there is one.
type Outcomes<R> = (usize, Tried, Result<R, Problem>);

/// Sends a request until there is an answer to hand on.
///
/// # Errors
/// 502 and 504 where the last try got no answer, 503 where no endpoint can take it.
pub async fn send<H: Host>(
    host: &H,
    order: &Order<'_>,
    story: &mut Story,
) -> Result<Sent<H::Reply>, Problem> {
    let pool = order.pool;
    let retry = pool.spec.retry.as_ref();
    let deadline = host.now_ms().saturating_add(u64::from(order.timeout_ms));
    let mut want = order.want.clone();
    want.robust = order.repeatable && retry.is_some();
    let deposit = pool.deposit();
    let mut endpoint = pick(host, order, &mut want).map_err(nobody)?;
    let mut retries = 0;
    // Those to which nothing could be sent.
    let mut unsent = 0;
    loop {
        let (last, tried, result) =
            attempt(host, order, endpoint, deadline, &mut want, story).await;
        if tried == Tried::Client {
            pool.refund(deposit);
            return handed_on(last, result);
        }
        if tried.outcome() != Outcome::Success {
            story.failures.push((last, tried));
        }
        let now = host.now_ms();
        if tried == Tried::Unsent {
            unsent |= bit(last);
            // To choose another one, before anything was sent, is no retry.
            match pick(host, order, &mut want) {
                Ok(next) if want.tried & bit(next) == 0 => {
                    endpoint = next;
                    continue;
                }
                _ => {}
            }
        }
        let wanted = retry.filter(|spec| {
            tried.is_retried(&spec.on) && retries < spec.num_retries && order.repeatable
        });
        let Some(spec) = wanted else {
            return handed_on(last, result);
        };
        let mut wait = u64::from(backoff_ms(spec, retries, host.random()));
        // Another endpoint need not be waited for.
        if pool.endpoints.len() == 1
            && let Ok(reply) = &result
            && let Some(rest) = rest(host, reply)
        {
            wait = wait.max(rest);
        }
        let over = now.saturating_add(wait) >= deadline;
        let next = pick(host, order, &mut want).ok();
        let Some(next) = next.filter(|next| unsent & bit(*next) == 0) else {
            return handed_on(last, result);
        };
        if over || !pool.withdraw(now) {
            return handed_on(last, result);
        }
        if let Ok(reply) = result {
            host.discard(reply);
        }
        if wait > 0 {
            host.sleep(u32::try_from(wait).unwrap_or(u32::MAX)).await;
        }
        retries = retries.saturating_add(1);
        endpoint = next;
    }
}

fn pick<H: Host>(host: &H, order: &Order<'_>, want: &mut Want<'_>) -> Result<usize, Nobody> {
    let now = host.now_ms();
    let endpoints = order.pool.endpoints.iter().enumerate();
    want.unproven = endpoints
        .filter(|(_, endpoint)| {
            let identity = endpoint.identity;
            identity.is_some_and(|index| order.outbound.identities.rests(index, now))
        })
        .fold(0, |set, (index, _)| set | bit(index));
    order.pool.pick(want, now, host.random())
}

fn handed_on<R>(endpoint: usize, result: Result<R, Problem>) -> Result<Sent<R>, Problem> {
    result.map(|reply| Sent { endpoint, reply })
}

fn nobody(nobody: Nobody) -> Problem {
    Problem::no_endpoint(nobody.retry_after_ms)
}

/// One try, and its hedges. Marks in `want` who was asked.
async fn attempt<H: Host>(
    host: &H,
    order: &Order<'_>,
    endpoint: usize,
    deadline: u64,
    want: &mut Want<'_>,
    story: &mut Story,
) -> Outcomes<H::Reply> {
    want.tried |= bit(endpoint);
    let runs = Race::default();
    let hedge = order.pool.spec.hedge.as_ref();
    let hedge = hedge.filter(|_| order.hedgeable && order.pool.endpoints.len() > 1);
    let outcome = match hedge {
        None => ask(host, order, endpoint, deadline, &runs, 0).await,
        Some(spec) => race(host, order, spec, endpoint, deadline, &runs, want, story).await,
    };
    story.events.extend(runs.events.take());
    outcome
}

/// Sends to one endpoint and waits for the head of its answer. `number` is when it began among those of the race.
async fn ask<H: Host>(
    host: &H,
    order: &Order<'_>,
    endpoint: usize,
    deadline: u64,
    runs: &Race,
    number: usize,
) -> Outcomes<H::Reply> {
    let pool = order.pool;
    let Some(to) = pool.endpoints.get(endpoint) else {
        let problem = Problem::config("the server has no such endpoint");
        return (endpoint, Tried::Unsent, Err(problem));
    };
    let left = match left(host, deadline) {
        Ok(left) => left,
        Err(problem) => return (endpoint, Tried::Refused, Err(problem)),
    };
    let outbound = order.outbound.clone();
    let identities = outbound.identities;
    let forward = outbound.to(host, &to.base, to.identity, left).await;
    let mut forward = match forward {
        Ok(forward) => forward,
        Err(problem) => {
            // What is wrong with the request, or with the config, is wrong at every endpoint, and so is the time.
            let now = host.now_ms();
            let tried = match problem.blame {
                Blame::Client => Tried::Client,
                Blame::Upstream if now < deadline => Tried::Unsent,
                _ => Tried::Refused,
            };
            if let (Blame::Upstream, Some(identity)) = (problem.blame, to.identity) {
                identities.came_late(identity, now);
            }
            return (endpoint, tried, Err(problem));
        }
    };
    if let Some(try_ms) = pool.spec.try_ms {
        forward.timeout_ms = forward.timeout_ms.min(try_ms);
    }
    forward.binding.clone_from(&to.binding);
    forward.cancellable = order.hedgeable && pool.spec.hedge.is_some() || many(pool);
    let mut flight = InFlight::new(host, pool, endpoint, runs, number);
    let sent = host.send(&forward).await;
    let (tried, result) = match sent {
        Ok(reply) => {
            let tried = Tried::Status(host.status(&reply));
            let retried = pool.spec.retry.as_ref();
            let busy = tried == Tried::Status(503)
                || retried.is_some_and(|retry| tried.is_retried(&retry.on));
            if busy && let Some(rest) = rest(host, &reply) {
                pool.rest(endpoint, host.now_ms().saturating_add(rest));
            }
            (tried, Ok(reply))
        }
        Err(error) => {
            let tried = match error {
                SendError::TimedOut => Tried::TimedOut,
                SendError::Unreachable(_) => Tried::Broken,
                SendError::ClientBody { .. } => Tried::Client,
            };
            (tried, Err(crate::gateway::unanswered(error)))
        }
    };
    flight.land(tried.outcome());
    (endpoint, tried, result)
}

/// Whether tries that are late could come to fill the connections that the platform lets wait for a head, which are six.
/// Fewer end by themselves with the request, and what makes one end before costs each request something.
fn many(pool: &Pool) -> bool {
    let tries = pool
        .spec
        .retry
        .as_ref()
        .map_or(0, |retry| retry.num_retries);
    pool.spec.try_ms.is_some() && tries > 4
}

/// Milliseconds for which an answer asks to be left in peace.
fn rest<H: Host>(host: &H, reply: &H::Reply) -> Option<u64> {
    retry_after_ms(&host.reply_field(reply, "retry-after")?)
}
