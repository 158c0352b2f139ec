//! Mirroring: a request that a primary has answered is sent to a second server too, and the answers are compared.
//!
//! - It is sent once the head of the primary's answer is here, beside the exchange: nobody waits for it.
//! - It is the primary's request, but for the address, the proof of who the gateway is, and [`FIELD`].
//! - A body is compared if its length is known and within the limit before any of it is read, after it has been decoded.
//!   Where the heads differ, bodies are not looked at.
//! - At most [`MOST_IN_FLIGHT`] are under way in an isolate; what is beyond a limit is skipped, never kept for later.

pub mod compare;
mod count;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::outbound::Outbound;
use super::pool::Want;
use super::send::{Order, Story, send};
use super::{Server, nearest};
use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::{BodyError, Forward, Host};
use crate::plan::{MirrorSpec, Plan};
use crate::problem::{Problem, json_string};

use compare::{BodyDifference, Differences, Head};

pub use count::{Counts, MOST_IN_FLIGHT, Mirrors};

/// The field that tells a mirror that it is one. Its value is 1.
pub const FIELD: &str = "x-causeway-mirror";

/// A request to be sent once more, and what is known of the primary's answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow<R> {
    /// Whose it is: an index, and what the log calls it.
    pub index: usize,
    pub pattern: String,
    pub request_id: String,
    pub spec: MirrorSpec,
    pub method: String,
    pub body: Body,
    /// Behind the server's prefix.
    pub path: String,
    pub query: Option<String>,
    /// The primary's, without a proof.
    pub edits: Edits,
    /// The only zones that its endpoints may stand in.
    pub zones: Option<Vec<u16>>,
    /// For a mirror that balances by a hash.
    pub hash: Option<u64>,
    pub primary: Head,
    /// The primary's answer once more, where its body is to be compared and can be.
    pub copy: Option<R>,
}

/// What of an answer's head is compared.
pub fn head<H: Host>(host: &H, spec: &MirrorSpec, reply: &H::Reply) -> Head {
    let names = spec.compare.iter().flat_map(|compare| &compare.headers);
    Head {
        status: host.status(reply),
        fields: names.map(|name| host.reply_field(reply, name)).collect(),
    }
}

/// Whether an answer's body can be read beside the client without holding it up: there is none (RFC 9110 section 6.4.1),
/// or its length is known and small.
pub fn is_bounded<H: Host>(host: &H, spec: &MirrorSpec, reply: &H::Reply) -> bool {
    if matches!(host.status(reply), 204 | 304) {
        return true;
    }
    let length = host.reply_field(reply, "content-length");
    let length = length.and_then(|length| length.parse::<u32>().ok());
    let kind = host.reply_field(reply, "content-type");
    let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
    length.is_some_and(|length| length <= spec.max_body_bytes) && !is_stream
}

/// Sends a request to the mirror and compares. A line for the log, if there is something to tell.
pub async fn run<H: Host>(plan: &Plan, host: &H, mut shadow: Shadow<H::Reply>) -> Option<String> {
    let now = host.now_ms();
    let copy = shadow.copy.take();
    let slot = plan.mirrors.begin(shadow.index, &shadow.spec, now);
    let outcome = match &slot {
        Some(_) => {
            let deadline = now.saturating_add(u64::from(shadow.spec.timeout_ms));
            mirrored(plan, host, &shadow, copy, deadline).await
        }
        None => {
            discard(host, copy);
            Outcome::Skipped
        }
    };
    let counts = plan.mirrors.count(shadow.index, |counts| {
        let counter = match &outcome {
            Outcome::Skipped => &mut counts.skipped,
            Outcome::Uncompared => &mut counts.uncompared,
            Outcome::Failed(..) => &mut counts.failed,
            Outcome::Compared(differences) if differences.is_none() => &mut counts.same,
            Outcome::Compared(_) => &mut counts.different,
        };
        *counter = counter.saturating_add(1);
    });
    let (event, what) = match &outcome {
        Outcome::Failed(reason, words) => {
            let words = words.as_deref().map(json_string);
            let words = words.map_or_else(String::new, |words| format!(",\"words\":{words}"));
            ("mirror_failed", format!(",\"reason\":\"{reason}\"{words}"))
        }
        Outcome::Compared(differences) if !differences.is_none() => {
            ("mirror_differs", differences.log_members())
        }
        _ => return None,
    };
    Some(format!(
        "{{\"level\":\"warn\",\"event\":\"{event}\",\"request_id\":\"{}\",\"method\":{},\"path\":{}{what}{}}}",
        shadow.request_id,
        json_string(&shadow.method),
        json_string(&shadow.pattern),
        counts.log_members(),
    ))
}

/// What became of it.
enum Outcome {
    /// Not sent.
    Skipped,
    /// Answered, and not or not wholly compared.
    Uncompared,
    /// A code, and the platform's words.
    Failed(&'static str, Option<String>),
    Compared(Differences),
}

async fn mirrored<H: Host>(
    plan: &Plan,
    host: &H,
    shadow: &Shadow<H::Reply>,
    copy: Option<H::Reply>,
    deadline: u64,
) -> Outcome {
    let spec = &shadow.spec;
    let reply = match ask(plan, host, shadow).await {
        Ok(reply) => reply,
        Err(problem) => {
            discard(host, copy);
            return Outcome::Failed(problem.code, problem.reason);
        }
    };
    let Some(compare) = &spec.compare else {
        host.discard(reply);
        return Outcome::Uncompared;
    };
    let mut differences = compare::heads(compare, &shadow.primary, &head(host, spec, &reply));
    let (how, copy) = match (&compare.body, copy) {
        (Some(how), Some(copy)) if differences.is_none() => (how, copy),
        (body, copy) => {
            let lacking = body.is_some() && copy.is_none() && shadow.method != "HEAD";
            discard(host, copy);
            host.discard(reply);
            return match lacking && differences.is_none() {
                true => Outcome::Uncompared,
                false => Outcome::Compared(differences),
            };
        }
    };
    let left = || {
        let left = deadline.saturating_sub(host.now_ms());
        u32::try_from(left).unwrap_or(u32::MAX).max(1)
    };
    let Ok(primary) = host.read(copy, spec.max_body_bytes, left()).await else {
        host.discard(reply);
        return Outcome::Uncompared;
    };
    differences.body = match host.read(reply, spec.max_body_bytes, left()).await {
        Ok(mirror) => compare::bodies(how, &primary, &mirror),
        Err(BodyError::TooLong) => Some(BodyDifference::Longer),
        Err(BodyError::Broken(words)) => return Outcome::Failed("body_broken", Some(words)),
        Err(BodyError::Late | BodyError::NoRoom) => return Outcome::Failed("body_broken", None),
    };
    Outcome::Compared(differences)
}

/// Waits for the head of the mirror's answer.
async fn ask<H: Host>(
    plan: &Plan,
    host: &H,
    shadow: &Shadow<H::Reply>,
) -> Result<H::Reply, Problem> {
    let spec = &shadow.spec;
    let server = match plan.servers.get(usize::from(spec.server)) {
        Some(Ok(server)) => server,
        Some(Err(fault)) => return Err(Problem::config(fault.message.clone())),
        None => return Err(Problem::config("the path names a mirror that is not there")),
    };
    let mut edits = shadow.edits.clone();
    edits.set(FIELD, "1");
    let outbound = Outbound {
        method: &shadow.method,
        body: shadow.body,
        path: &shadow.path,
        query: shadow.query.as_deref(),
        edits: Cow::Owned(edits),
        websocket: false,
        identities: &plan.identities,
    };
    let zones = shadow.zones.as_deref();
    let pool = match server {
        Server::Single {
            base,
            identity,
            zone,
            ..
        } => {
            if zones.is_some_and(|zones| zone.is_none_or(|zone| !zones.contains(&zone))) {
                return Err(Problem::config("the mirror stands in no zone that it may"));
            }
            let forward = outbound.to(host, base, *identity, spec.timeout_ms).await?;
            let forward = Forward {
                cancellable: true,
                ..forward
            };
            return host
                .send(&forward)
                .await
                .map_err(crate::gateway::unanswered);
        }
        Server::Pool(pool) => pool,
    };
    let order = Order {
        pool,
        outbound,
        timeout_ms: spec.timeout_ms,
        // One that fails is a result, too.
        repeatable: false,
        hedgeable: false,
        want: Want {
            home: pool.home(zones, || nearest(&plan.zones, &host.geography())),
            zones,
            hash: shadow.hash,
            ..Want::default()
        },
    };
    let sent = send(host, &order, &mut Story::default()).await?;
    Ok(sent.reply)
}

fn discard<H: Host>(host: &H, copy: Option<H::Reply>) {
    if let Some(copy) = copy {
        host.discard(copy);
    }
}
