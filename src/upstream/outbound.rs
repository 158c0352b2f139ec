//! A request on its way out, before it is known where to.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::Base;
use super::identity::{Identities, Outgoing};
use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::{Forward, Host};
use crate::problem::Problem;

/// The same for every address that it may be sent to.
#[derive(Clone)]
pub struct Outbound<'a> {
    pub method: &'a str,
    pub body: Body,
    /// Behind the address's prefix.
    pub path: &'a str,
    pub query: Option<&'a str>,
    /// Of the client's fields, without a proof.
    pub edits: Cow<'a, Edits>,
    pub websocket: bool,
    /// The plan's.
    pub identities: &'a Identities,
}

impl Outbound<'_> {
    /// What is sent to an address, with the proof of who the gateway is there. The time is for the proof and for the head
    /// of the answer together, in milliseconds.
    ///
    /// # Errors
    /// Nothing must be sent: there was no proof, or no time is left.
    pub async fn to<H: Host>(
        self,
        host: &H,
        base: &Base,
        identity: Option<u16>,
        timeout_ms: u32,
    ) -> Result<Forward, Problem> {
        let mut forward = Forward {
            url: base.join(self.path, self.query),
            edits: self.edits.into_owned(),
            timeout_ms,
            websocket: self.websocket,
            binding: None,
            cancellable: false,
            as_gateway: identity.is_some_and(|index| self.identities.speak_in_authorization(index)),
        };
        let Some(index) = identity else {
            return Ok(forward);
        };
        let until = host.now_ms().saturating_add(u64::from(timeout_ms));
        let outgoing = Outgoing {
            method: self.method,
            url: &mut forward.url,
            body: self.body,
        };
        let proving = self
            .identities
            .prove(host, index, outgoing, &mut forward.edits);
        let proven = by(host, until, proving).await;
        proven.unwrap_or_else(|| Err(Problem::identity("there was no proof in time")))?;
        forward.timeout_ms = left(host, until)?;
        Ok(forward)
    }

    /// Whether it is one of those that only read, and has nothing besides its head (RFC 9110 section 9.2.1).
    pub fn only_reads(&self) -> bool {
        self.body == Body::None && !self.websocket && matches!(self.method, "GET" | "HEAD")
    }
}

/// Milliseconds that are left until a time of the host.
///
/// # Errors
/// None are.
pub fn left<H: Host>(host: &H, until: u64) -> Result<u32, Problem> {
    let left = until.saturating_sub(host.now_ms());
    match u32::try_from(left) {
        Ok(0) => Err(Problem::timed_out()),
        left => Ok(left.unwrap_or(u32::MAX)),
    }
}

/// What a future comes to until a time of the host; nothing is timed of one that does not wait.
pub async fn by<H: Host, T>(host: &H, until: u64, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let at_once = poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    });
    if let Some(outcome) = at_once.await {
        return Some(outcome);
    }
    let left = u32::try_from(until.saturating_sub(host.now_ms())).unwrap_or(u32::MAX);
    let mut late = pin!(host.sleep(left));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => late.as_mut().poll(cx).map(|()| None),
    })
    .await
}
