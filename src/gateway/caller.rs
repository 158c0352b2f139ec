//! Who calls: the path's authorizers, asked before anything else may see the request.

use crate::auth::{Authorizer, Cause, Claims, Denied, Oidc, Presented};
use crate::edits::Edits;
use crate::host::Host;
use crate::plan::{Access, Plan};
use crate::problem::Problem;

/// What is known of the caller.
pub enum Caller {
    /// May come in, with these claims; `None` on a public path.
    Admitted(Option<Claims>),
    /// Is a browser that is sent elsewhere to log in.
    Sent(String),
}

/// Asks the path's authorizers.
pub async fn authenticate<H: Host>(
    plan: &Plan,
    access: &Access,
    presented: &Presented<'_, H>,
) -> Result<Caller, Problem> {
    let mut known = None;
    let mut refusals = Refusals::default();
    for index in access.authorizers() {
        let authorizer = match plan.authorizers.get(usize::from(*index)) {
            Some(Ok(authorizer)) => authorizer,
            Some(Err(fault)) => {
                refusals.fault(fault.message.clone());
                continue;
            }
            None => {
                refusals.fault("the path names an authorizer that is not there".into());
                continue;
            }
        };
        match (authorizer.authenticate(presented).await, access) {
            (Ok(claims), Access::Any(_)) => return Ok(Caller::Admitted(Some(claims))),
            (Ok(claims), _) => {
                known = Some(match known {
                    Some(first) => Claims::and_fields_of(first, &claims),
                    None => claims,
                });
            }
            (Err(denied), _) => match authorizer {
                Authorizer::Oidc(oidc) => refusals.no_session(oidc, denied),
                _ => refusals.denied(denied),
            },
        }
        if !refusals.is_empty() && matches!(access, Access::All(_)) {
            break;
        }
    }
    if refusals.is_empty() {
        return Ok(Caller::Admitted(known));
    }
    if let Some(oidc) = refusals.login() {
        let mut edits = Edits::default();
        let sent = Box::pin(oidc.invite(presented, &mut edits)).await;
        presented.effects.on_answer(|answer| answer.extend(&edits));
        if let Some(location) = sent {
            return location.map(Caller::Sent);
        }
    }
    Err(refusals.told())
}

/// Why nobody knew the caller.
#[derive(Default)]
struct Refusals<'p> {
    denied: Vec<Denied>,
    /// Whose session is missing.
    oidc: Option<&'p Oidc>,
    /// Another credential was there, and was refused.
    others: bool,
    fault: Option<String>,
}

impl<'p> Refusals<'p> {
    fn denied(&mut self, denied: Denied) {
        self.others |= !denied.is_absence();
        self.denied.push(denied);
    }

    fn no_session(&mut self, oidc: &'p Oidc, denied: Denied) {
        // What a login would not change.
        self.others |= denied.status() != 401;
        self.oidc.get_or_insert(oidc);
        self.denied.push(denied);
    }

    /// Where the caller could log in, if a session is all that is missing.
    fn login(&self) -> Option<&'p Oidc> {
        self.oidc.filter(|_| !self.others && self.fault.is_none())
    }

    fn fault(&mut self, message: String) {
        self.fault.get_or_insert(message);
    }

    fn is_empty(&self) -> bool {
        self.denied.is_empty() && self.fault.is_none()
    }

    /// A fault of the config comes first: it may be all that stands between the caller and the path. Then somebody who
    /// could not be asked, for the same reason. Then the credential that came furthest, then the absence of any; with the
    /// challenges of all (RFC 9110 section 11.6.1).
    fn told(self) -> Problem {
        if let Some(message) = self.fault {
            return Problem::config(message);
        }
        let unavailable = self.denied.iter().find(|d| d.cause == Cause::Unavailable);
        if let Some(unavailable) = unavailable {
            return Problem::unavailable(unavailable.reason.clone());
        }
        let no_room = Problem::no_room();
        if self.denied.iter().any(|d| d.code() == no_room.code) {
            return no_room;
        }
        let mut told: Option<&Denied> = None;
        for denied in &self.denied {
            // The first of those that came furthest.
            if told.is_none_or(|told| progress(told) < progress(denied)) {
                told = Some(denied);
            }
        }
        let Some(told) = told else {
            return Problem::config("the path asks no authorizer");
        };
        let problem = Problem::client(told.status(), told.code(), told.text());
        let problem = problem.with_reason(told.reason.clone());
        let problem = match &told.passed {
            Some(passed) => problem.with_passed(passed.clone()),
            None => problem,
        };
        if told.status() != 401 {
            return match told.www_authenticate() {
                Some(challenge) => problem.with_header("www-authenticate", challenge.to_owned()),
                None => problem,
            };
        }
        // The one of what is told goes first: some clients read no other.
        let mut challenges = Vec::from_iter(told.www_authenticate());
        for challenge in self.denied.iter().filter_map(Denied::www_authenticate) {
            // Neither one twice nor a bare one beside the same with an error.
            if !challenges.iter().any(|other| other.starts_with(challenge)) {
                challenges.push(challenge);
            }
        }
        if challenges.is_empty() {
            return problem;
        }
        problem.with_header("www-authenticate", challenges.join(", "))
    }
}

/// How far a credential came: an expired one whose signature holds says more than that another key did not sign it.
fn progress(denied: &Denied) -> u8 {
    match denied.cause {
        _ if denied.is_absence() => 0,
        Cause::NotJws => 1,
        Cause::Signature => 2,
        _ => 3,
    }
}
