//! The pipeline: the phases of an exchange, in their one order.

mod act;
mod caller;

use crate::edits::Edits;
use crate::exchange::{Answer, Kind, Request, request_id};
use crate::host::{Host, SendError};
use crate::plan::{Plan, Tolerance};
use crate::policy::cors::Verdict;
use crate::problem::Problem;
use crate::route::{self, Found, Risks};

use act::Exchange;

/// Takes one request through all phases. Whatever answers, the answer passes the outbound phases.
pub async fn serve<H: Host>(plan: &Plan, host: &H, request: Request<'_>) -> Answer<H::Reply> {
    let request_id = request_id(host);
    let origin = host.header("origin").filter(|o| !o.is_empty());
    let mut edits = Edits::with_capacity(256);
    let outcome = inbound(plan, host, request, &request_id, origin.as_deref(), &mut edits).await;
    outbound(plan, origin.as_deref(), outcome, edits, request_id)
}

/// The answer where a [`Kind::Forward`] came to nothing; its fields are those of the answer it replaces.
pub fn unanswered(error: SendError) -> Problem {
    match error {
        SendError::TimedOut => Problem::timed_out(),
        SendError::Unreachable(reason) => Problem::unreachable(reason),
    }
}

/// Canonicalise, match, preflight, guards, authenticate, act.
async fn inbound<H: Host>(
    plan: &Plan,
    host: &H,
    request: Request<'_>,
    request_id: &str,
    origin: Option<&str>,
    edits: &mut Edits,
) -> Result<Outcome<H::Reply>, Problem> {
    let target = if request.target.is_empty() { "/" } else { request.target };
    let canonical = route::canonicalise(target)
        .map_err(|error| Problem::client(error.status(), error.code(), error.message()))?;
    if preflight(plan, host, request, origin, edits)? {
        return Ok(Outcome::Preflight);
    }
    let found = plan.table.find(request.authority, request.method, &canonical.path);
    let (matched, path) = match found {
        Found::Route(matched) => match plan.paths.get(matched.index) {
            Some(path) => (matched, path),
            None => return Err(Problem::config("the route table and the paths disagree")),
        },
        Found::MethodNotAllowed(allow) => return Err(Problem::method_not_allowed(allow.to_string())),
        Found::NotFound => return Err(Problem::not_found()),
    };
    tolerate(&canonical.risks, path.tolerate)?;
    let claims = caller::authenticate(plan, host, path, canonical.query)?;
    let exchange = Exchange {
        plan,
        host,
        request,
        path,
        canonical: &canonical,
        params: &matched.params,
        claims: claims.as_ref(),
        request_id,
    };
    if let Some(hook) = &path.pre_process
        && let Some(reply) = exchange.guard(hook).await?
    {
        return Ok(Outcome::Answer(Kind::Reply(reply)));
    }
    exchange.act(edits).await.map(Outcome::Answer)
}

/// Whether the request is a preflight that the policy allows (Fetch standard, section 4.8). It is answered before
/// anybody is asked for credentials, and for every path: the policy is the gateway's.
fn preflight<H: Host>(
    plan: &Plan,
    host: &H,
    request: Request<'_>,
    origin: Option<&str>,
    edits: &mut Edits,
) -> Result<bool, Problem> {
    let (Some(policy), "OPTIONS", Some(origin)) = (&plan.cors, request.method, origin) else {
        return Ok(false);
    };
    if host
        .header("access-control-request-method")
        .is_none_or(|m| m.is_empty())
    {
        return Ok(false);
    }
    if policy.verdict(Some(origin)) != Verdict::Allowed {
        return Err(Problem::client(
            403,
            "cors_origin_denied",
            "This origin may not call this API.",
        ));
    }
    let asked = host.header("access-control-request-headers");
    policy.preflight(origin, asked.as_deref(), edits);
    Ok(true)
}

/// Refuses a spelling that the matched path does not take upon itself.
fn tolerate(risks: &Risks, tolerate: Tolerance) -> Result<(), Problem> {
    match risks.first_beyond(tolerate) {
        None => Ok(()),
        Some(error) => Err(Problem::client(error.status(), error.code(), error.message())),
    }
}

/// CORS, problem document, request id, log: what every answer passes.
fn outbound<R>(
    plan: &Plan,
    origin: Option<&str>,
    outcome: Result<Outcome<R>, Problem>,
    mut edits: Edits,
    request_id: String,
) -> Answer<R> {
    edits.set("x-request-id", &request_id);
    if let Some(policy) = &plan.cors
        && !matches!(outcome, Ok(Outcome::Preflight))
    {
        policy.actual(origin, &mut edits);
    }
    let mut log = None;
    let kind = match outcome {
        Ok(Outcome::Answer(kind)) => kind,
        Ok(Outcome::Preflight) => Kind::Own {
            status: 204,
            body: String::new(),
        },
        Err(problem) => {
            log = problem
                .reason
                .is_some()
                .then(|| problem.log_line(&request_id));
            edits.set("content-type", "application/problem+json");
            if let Some((name, value)) = &problem.header {
                edits.set(name, value);
            }
            Kind::Own {
                status: problem.status,
                body: problem.body(&request_id),
            }
        }
    };
    Answer {
        kind,
        edits,
        request_id,
        log,
    }
}

/// What the inbound phases came to.
enum Outcome<R> {
    /// A preflight whose fields are written already.
    Preflight,
    Answer(Kind<R>),
}
