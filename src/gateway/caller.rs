//! Who calls: the path's authorizers, asked before anything else may see the request.

use crate::auth::{Cause, Claims, Denied, Presented};
use crate::host::Host;
use crate::plan::{Access, Plan};
use crate::problem::Problem;

/// The caller's claims; `None` on a public path.
pub async fn authenticate<H: Host>(
    plan: &Plan,
    access: &Access,
    presented: &Presented<'_, H>,
) -> Result<Option<Claims>, Problem> {
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
            (Ok(claims), Access::Any(_)) => return Ok(Some(claims)),
            (Ok(claims), _) => known = known.or(Some(claims)),
            (Err(denied), _) => refusals.denied(denied),
        }
        if !refusals.is_empty() && matches!(access, Access::All(_)) {
            break;
        }
    }
    if refusals.is_empty() {
        Ok(known)
    } else {
        Err(refusals.told())
    }
}

/// Why nobody knew the caller.
#[derive(Default)]
struct Refusals {
    denied: Vec<Denied>,
    fault: Option<String>,
}

impl Refusals {
    fn denied(&mut self, denied: Denied) {
        self.denied.push(denied);
    }

    fn fault(&mut self, message: String) {
        self.fault.get_or_insert(message);
    }

    fn is_empty(&self) -> bool {
        self.denied.is_empty() && self.fault.is_none()
    }

    /// A fault of the config comes first: it may be all that stands between the caller and the path; so may an authorizer
    /// that cannot be asked. Then a credential
    /// that was there and refused, then the absence of any; with the challenges of all (RFC 9110 section 11.6.1).
    fn told(self) -> Problem {
        if let Some(message) = self.fault {
            return Problem::config(message);
        }
        let unavailable = |denied: &&Denied| denied.cause == Cause::Unavailable;
        if let Some(denied) = self.denied.iter().find(unavailable) {
            let reason = denied.reason.clone();
            return Problem::unavailable(denied.code(), denied.text(), reason);
        }
        let challenges: Vec<&str> = self.denied.iter().map(Denied::www_authenticate).collect();
        let challenges = challenges.join(", ");
        let mut denied = self.denied.into_iter();
        let first = denied.next();
        let told = match first {
            Some(first) if first.is_absence() => denied.find(|d| !d.is_absence()).or(Some(first)),
            other => other,
        };
        match told {
            Some(told) => Problem::client(told.status(), told.code(), told.text())
                .with_header("www-authenticate", challenges)
                .with_reason(told.reason),
            None => Problem::config("the path asks no authorizer"),
        }
    }
}
