//! Active health checks: what is asked of an endpoint every so often, and what follows from the answers.
//!
//! ```text
//!           unhealthy_after bad checks, one after another
//!     up --------------------------------------------------> down
//!      ^                                                       |
//!      +-------------------------------------------------------+
//!           healthy_after good checks, one after another
//! ```
//!
//! - An endpoint that was never checked is up, as is one whose last check is older than three intervals and a minute:
//!   where nobody checks any more, what was found once is no reason to leave it out for ever.
//! - A check is good if an answer comes in time and has an expected status. A redirect is not followed.
//! - At most [`AT_ONCE`] checks run at once: the platform lets no more connections wait for an answer, and one that
//!   has not even begun must not be taken for one that is late.
//!
//! What is found stands on a [`Board`], which isolates can share. Pure code: time comes from the host.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use crate::edits::Edits;
use crate::exchange::Body;
use crate::host::{Ask, Host, SendError};
use crate::plan::{HealthSpec, Text};

use super::{Identities, Outgoing};

/// How many checks run at once.
const AT_ONCE: usize = 6;

/// How long one run of the scheduled handler goes on with rounds, in milliseconds: until shortly before the next run
/// can come, for cron triggers come once a minute at most.
const RUN_MS: u64 = 55_000;

/// How long beyond three intervals what was found counts, in milliseconds.
const SLACK_MS: u64 = 60_000;

/// An endpoint that is checked.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// `server/endpoint`
    pub name: String,
    /// Absolute.
    pub url: String,
    /// The binding of a worker that is asked in place of the URL's host.
    pub binding: Option<&'a str>,
    /// What the gateway proves to the endpoint: an index into the plan's identities.
    pub identity: Option<u16>,
    pub spec: &'a HealthSpec,
}

/// How endpoints stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    standings: Vec<Standing>,
}

/// How one endpoint stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    /// Of its check.
    name: String,
    down: bool,
    /// How many checks, the last ones, speak against that.
    against: u32,
    /// When it was last checked, in milliseconds since 1970.
    at: u64,
}

/// An endpoint that went down or came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    pub down: bool,
    /// What the check came to that decided.
    pub why: String,
}

impl Board {
    /// Takes over what another isolate has found later than this one, about endpoints that are checked.
    ///
    /// # Errors
    /// The text is no board; what stood above the line that is none has been taken over.
    pub fn read(&mut self, text: &str, checks: &[Check<'_>]) -> Result<(), &'static str> {
        for line in text.lines() {
            let found = Standing::read(line).ok_or("a line of the board is none")?;
            if checks.iter().any(|check| check.name == found.name) {
                let own = self.take(&found.name);
                let later = if own.at < found.at { found } else { own };
                self.standings.push(later);
            }
        }
        Ok(())
    }

    /// The board as [`Board::read`] takes it: a line for each endpoint.
    pub fn write(&self) -> String {
        self.standings.iter().map(Standing::line).collect()
    }

    /// Whether an endpoint is to be left out.
    pub fn is_down(&self, name: &str, spec: &HealthSpec, now: u64) -> bool {
        let counts = spec.interval_ms.saturating_mul(3).saturating_add(SLACK_MS);
        let standing = self.standings.iter().find(|standing| standing.name == name);
        standing.is_some_and(|s| s.down && now < s.at.saturating_add(counts))
    }

    /// Makes the checks that are due, of a plan with these identities. Endpoints that are checked no more are forgotten.
    pub async fn round<H: Host>(
        &mut self,
        host: &H,
        checks: &[Check<'_>],
        identities: &Identities,
    ) -> Vec<Change> {
        let now = host.now_ms();
        let known = |name: &String| checks.iter().any(|check| check.name == *name);
        self.standings.retain(|standing| known(&standing.name));
        let due: Vec<&Check<'_>> = checks.iter().filter(|c| self.is_due(c, now)).collect();
        let found = few_at_once(
            due.iter().map(|check| ask(host, check, identities)),
            AT_ONCE,
        )
        .await;
        let found = due.into_iter().zip(found);
        found
            .filter_map(|(check, outcome)| {
                let mut standing = self.take(&check.name);
                let decided = standing.checked(check.spec, now, outcome.is_ok());
                let down = standing.down;
                self.standings.push(standing);
                decided.then(|| Change {
                    name: check.name.clone(),
                    down,
                    why: outcome.unwrap_or_else(|why| why),
                })
            })
            .collect()
    }

    /// How many milliseconds after a round the run that began then waits for its next one, if there is one.
    pub fn next_round(&self, checks: &[Check<'_>], began: u64, now: u64) -> Option<u32> {
        let next = checks.iter().map(|check| {
            self.at(check)
                .map_or(0, |at| at.saturating_add(check.spec.interval_ms))
        });
        let next = next.min()?.max(now);
        let wait = next.saturating_sub(now);
        (next < began.saturating_add(RUN_MS)).then(|| u32::try_from(wait).unwrap_or(u32::MAX))
    }

    /// A quarter of an interval early is in time: runs do not come to the second.
    fn is_due(&self, check: &Check<'_>, now: u64) -> bool {
        let interval = check.spec.interval_ms;
        let wait = interval.saturating_sub(interval / 4);
        self.at(check)
            .is_none_or(|at| now >= at.saturating_add(wait))
    }

    /// When a check was last made.
    fn at(&self, check: &Check<'_>) -> Option<u64> {
        let standing = self.standings.iter().find(|s| s.name == check.name)?;
        Some(standing.at)
    }

    /// Takes a standing out, to be put back changed.
    fn take(&mut self, name: &str) -> Standing {
        let known = self.standings.iter().position(|s| s.name == name);
        known.map_or_else(
            || Standing {
                name: name.to_owned(),
                ..Standing::default()
            },
            |index| self.standings.swap_remove(index),
        )
    }
}

impl Standing {
    /// `down against at name`
    fn line(&self) -> String {
        let Standing {
            name,
            down,
            against,
            at,
        } = self;
        format!("{} {against} {at} {name}\n", u8::from(*down))
    }

    fn read(line: &str) -> Option<Standing> {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next();
        Some(Standing {
            down: match word()? {
                "0" => false,
                "1" => true,
                _ => return None,
            },
            against: word()?.parse().ok()?,
            at: word()?.parse().ok()?,
            name: word()?.to_owned(),
        })
    }

    /// Whether this check made it go down or come up.
    fn checked(&mut self, spec: &HealthSpec, now: u64, good: bool) -> bool {
        self.at = now;
        if good != self.down {
            self.against = 0;
            return false;
        }
        self.against = self.against.saturating_add(1);
        let needed = if self.down {
            spec.healthy_after
        } else {
            spec.unhealthy_after
        };
        let decided = self.against >= needed;
        if decided {
            self.down = !self.down;
            self.against = 0;
        }
        decided
    }
}

/// Makes one check.
///
/// # Errors
/// It is bad. Either way, what it came to, in words for the operator.
async fn ask<H: Host>(
    host: &H,
    check: &Check<'_>,
    identities: &Identities,
) -> Result<String, String> {
    let spec = check.spec;
    let mut url = check.url.clone();
    let mut fields = Edits::default();
    fields.set("user-agent", "causeway-health-check");
    for (name, value) in &spec.headers {
        if let Text::Literal(value) = value {
            fields.set(name, value);
        }
    }
    if let Some(identity) = check.identity {
        let outgoing = Outgoing {
            method: "GET",
            url: &mut url,
            body: Body::None,
        };
        let proven = identities
            .prove(host, identity, outgoing, &mut fields)
            .await;
        proven.map_err(|problem| problem.reason.unwrap_or_default())?;
    }
    let told = host
        .ask(&Ask {
            method: "GET",
            url: &url,
            binding: check.binding,
            fields: &fields,
            body: None,
            timeout_ms: spec.timeout_ms,
            max_bytes: 0,
        })
        .await;
    match told {
        Ok(told) if spec.expects(told.status) => Ok(format!("status {}", told.status)),
        Ok(told) => Err(format!("status {}", told.status)),
        Err(SendError::TimedOut) => Err(format!("no answer within {} ms", spec.timeout_ms)),
        Err(SendError::Unreachable(why) | SendError::ClientBody { reason: why, .. }) => {
            Err(format!("no answer: {why}"))
        }
    }
}

/// What futures come to, in their order, of which at most so many run at once.
async fn few_at_once<F: Future>(futures: impl Iterator<Item = F>, most: usize) -> Vec<F::Output> {
    let mut all: Vec<Running<F>> = futures.map(|f| Running::Begun(Box::pin(f))).collect();
    poll_fn(|cx| {
        let mut running = 0_usize;
        for one in &mut all {
            if running == most {
                break;
            }
            if let Running::Begun(future) = one {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => *one = Running::Ended(output),
                    Poll::Pending => running = running.saturating_add(1),
                }
            }
        }
        match running {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    let ended = all.into_iter().filter_map(|one| match one {
        Running::Ended(output) => Some(output),
        Running::Begun(_) => None,
    });
    ended.collect()
}

enum Running<F: Future> {
    /// Or not yet: it begins when it is first polled.
    Begun(Pin<Box<F>>),
    Ended(F::Output),
}

#[cfg(test)]
mod tests;
