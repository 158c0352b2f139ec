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
use crate::plan::{Fault, HealthSpec, Text};

use super::{Identity, Outgoing, prove};

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
        identities: &[Result<Identity, Fault>],
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
    identities: &[Result<Identity, Fault>],
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
        let proven = prove(host, identities, identity, outgoing, &mut fields).await;
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
        Err(SendError::Unreachable(why)) => Err(format!("no answer: {why}")),
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
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use super::*;
    use crate::host::Told;
    use crate::host::memory::{MemoryHost, run};

    const MINUTE: u64 = 60_000;

    fn spec() -> HealthSpec {
        HealthSpec {
            path: "/healthz".into(),
            interval_ms: MINUTE,
            timeout_ms: 2_000,
            statuses: Vec::new(),
            unhealthy_after: 2,
            healthy_after: 3,
            headers: vec![("x-probe".into(), Text::Literal("1".into()))],
        }
    }

    fn check<'a>(name: &str, spec: &'a HealthSpec) -> Check<'a> {
        Check {
            name: name.to_owned(),
            url: format!("http://{name}/healthz"),
            binding: None,
            identity: None,
            spec,
        }
    }

    /// A host whose endpoints answer as a cell says, at a time.
    fn host(now: u64, answer: &Rc<RefCell<Result<u16, SendError>>>) -> MemoryHost {
        let answer = Rc::clone(answer);
        MemoryHost::new(now, &[]).with_teller(move |ask| {
            assert_eq!(ask.fields.as_str().matches("=x-probe\n1\n").count(), 1);
            let told = answer.borrow().clone();
            let told = told.map(|status| Told {
                status,
                ..Told::default()
            });
            (5, told)
        })
    }

    #[test]
    fn an_endpoint_goes_down_and_comes_up_after_as_many_checks_as_said() {
        let spec = spec();
        let checks = [check("up/a", &spec)];
        let answer = Rc::new(RefCell::new(Ok(200)));
        let mut board = Board::default();
        let steps: &[(Result<u16, SendError>, Option<bool>)] = &[
            (Ok(200), None),
            (Ok(503), None),
            // One good check in between: it begins anew.
            (Ok(204), None),
            (Ok(302), None),
            (Err(SendError::TimedOut), Some(true)),
            (Ok(200), None),
            (Ok(200), None),
            (Ok(404), None),
            (Ok(200), None),
            (Ok(200), None),
            (Ok(299), Some(false)),
        ];
        for (step, (told, expected)) in (1_u64..).zip(steps) {
            *answer.borrow_mut() = told.clone();
            let host = host(step * MINUTE, &answer);
            let changes = run(board.round(&host, &checks, &[]));
            let change = changes.first().map(|change| change.down);
            assert_eq!(change, *expected, "step {step}");
        }
        assert!(!board.is_down("up/a", &spec, 12 * MINUTE));
    }

    #[test]
    fn a_change_tells_what_decided() {
        let spec = HealthSpec {
            unhealthy_after: 1,
            statuses: vec![401],
            ..spec()
        };
        let checks = [check("up/a", &spec)];
        for (told, why) in [
            (Ok(200), "status 200"),
            (Err(SendError::TimedOut), "no answer within 2000 ms"),
            (
                Err(SendError::Unreachable("refused".into())),
                "no answer: refused",
            ),
        ] {
            let host = host(MINUTE, &Rc::new(RefCell::new(told)));
            let changes = run(Board::default().round(&host, &checks, &[]));
            let expected = Change {
                name: "up/a".into(),
                down: true,
                why: why.into(),
            };
            assert_eq!(changes, [expected]);
        }
        let host = host(MINUTE, &Rc::new(RefCell::new(Ok(401))));
        assert_eq!(run(Board::default().round(&host, &checks, &[])), []);
    }

    fn down(at: u64) -> Board {
        let standing = Standing {
            name: "up/a".into(),
            down: true,
            against: 0,
            at,
        };
        Board {
            standings: vec![standing],
        }
    }

    #[test]
    fn what_was_found_counts_for_three_intervals_and_a_minute() {
        let spec = spec();
        let board = down(MINUTE);
        assert!(board.is_down("up/a", &spec, 5 * MINUTE - 1));
        assert!(!board.is_down("up/a", &spec, 5 * MINUTE));
        assert!(!board.is_down("up/b", &spec, MINUTE), "never checked");
    }

    #[test]
    fn a_board_is_shared_and_the_later_check_counts() {
        let spec = spec();
        let checks = [check("up/a", &spec)];
        let mut own = Board::default();
        own.read(&down(5).write(), &checks).unwrap();
        assert_eq!(own, down(5));
        assert_eq!(own.write(), "1 0 5 up/a\n");
        let text = "0 1 4 up/a\n1 0 9 up/gone\n";
        own.read(text, &checks).unwrap();
        assert_eq!(own, down(5), "older, and of an endpoint that is no more");
        for bad in [
            "\n",
            "{}",
            "1 0 9\n",
            "1 0 x up/a",
            "2 0 9 up/a",
            "1  0 9 up/a",
        ] {
            assert!(own.read(bad, &checks).is_err(), "{bad}");
        }
        assert_eq!(own, down(5));
    }

    #[test]
    fn endpoints_that_are_checked_no_more_are_forgotten() {
        let mut board = down(5);
        run(board.round(&MemoryHost::new(10, &[]), &[], &[]));
        assert_eq!(board, Board::default());
    }

    #[test]
    fn a_run_goes_on_with_rounds_until_the_next_run_can_come() {
        let every = |seconds: u64| HealthSpec {
            interval_ms: seconds * 1000,
            ..spec()
        };
        let answer = Rc::new(RefCell::new(Ok(200)));
        for (interval, rounds) in [(10, 6), (15, 4), (20, 3), (30, 2), (60, 1), (300, 1)] {
            let spec = every(interval);
            let checks = [check("up/a", &spec)];
            let host = host(MINUTE, &answer);
            let mut board = Board::default();
            let mut made = 0;
            loop {
                run(board.round(&host, &checks, &[]));
                made += 1;
                match board.next_round(&checks, MINUTE, host.now_ms()) {
                    Some(wait) => host.pass(u64::from(wait)),
                    None => break,
                }
            }
            assert_eq!(made, rounds, "every {interval} s");
        }
        assert_eq!(Board::default().next_round(&[], 0, 0), None);
    }

    #[test]
    fn a_check_that_is_not_due_is_not_made() {
        let spec = HealthSpec {
            interval_ms: 2 * MINUTE,
            unhealthy_after: 1,
            ..spec()
        };
        let checks = [check("up/a", &spec)];
        let answer = Rc::new(RefCell::new(Ok(200)));
        let mut board = Board::default();
        run(board.round(&host(MINUTE, &answer), &checks, &[]));
        *answer.borrow_mut() = Ok(500);
        assert_eq!(
            run(board.round(&host(2 * MINUTE, &answer), &checks, &[])),
            []
        );
        let late = run(board.round(&host(3 * MINUTE - 2_000, &answer), &checks, &[]));
        assert_eq!(late.len(), 1, "runs do not come to the second");
    }

    #[test]
    fn few_run_at_once_and_what_they_come_to_is_in_order() {
        let running = Cell::new(0_usize);
        let most = Cell::new(0_usize);
        let futures = (0..20).map(|number| {
            let mut polls = number % 3 + 1;
            let (running, most) = (&running, &most);
            let mut begun = false;
            poll_fn(move |_| {
                if !begun {
                    begun = true;
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                }
                if polls > 0 {
                    polls -= 1;
                    return Poll::Pending;
                }
                running.set(running.get() - 1);
                Poll::Ready(number)
            })
        });
        let ended = run(few_at_once(futures, AT_ONCE));
        assert_eq!(ended, (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), AT_ONCE);
        assert_eq!(
            run(few_at_once(std::iter::empty::<std::future::Ready<()>>(), 1)),
            []
        );
    }
}
