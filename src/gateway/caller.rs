//! Who calls: the path's authorizer, asked before anything else may see the request.

use crate::auth::{Claims, Denied};
use crate::host::Host;
use crate::plan::{PathEntry, Plan};
use crate::problem::Problem;

/// The caller's claims; `None` on a public path.
pub fn authenticate<H: Host>(
    plan: &Plan,
    host: &H,
    path: &PathEntry,
    query: Option<&str>,
) -> Result<Option<Claims>, Problem> {
    let Some(index) = path.authorizer else {
        return Ok(None);
    };
    let jwt = match plan.authorizers.get(usize::from(index)) {
        Some(Ok(jwt)) => jwt,
        Some(Err(fault)) => return Err(Problem::config(fault.message.clone())),
        None => {
            return Err(Problem::config(
                "the path names an authorizer that is not there",
            ));
        }
    };
    let now_s = host.now_ms() / 1000;
    jwt.authenticate(&|name| host.header(name), query, now_s)
        .map(Some)
        .map_err(refused)
}

fn refused(denied: Denied) -> Problem {
    Problem::client(Denied::STATUS, denied.code(), denied.text())
        .with_header("www-authenticate", denied.www_authenticate().into())
        .with_reason(denied.reason)
}
