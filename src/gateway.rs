//! The pipeline: the phases of an exchange, in their one order.

mod act;
mod call;
mod caller;
mod choice;
mod login;
mod mirror;
mod passwordless;
mod permit;
mod proxy;

use crate::auth::{Effects, Presented};
use crate::edits::Edits;
use crate::exchange::{Answer, Body, Kind, Request, request_id};
use crate::host::{Host, SendError};
use crate::plan::{Plan, Tolerance};
use crate::policy::cors::Verdict;
use crate::problem::Problem;
use crate::route::{self, Found, PathError};

use act::{Aside, Exchange};
use caller::Caller;
use choice::{find, pinned, pinned_zone};

pub use login::Errand;

/// Takes one request through all phases. Whatever answers, the answer passes the outbound phases.
pub async fn serve<H: Host>(plan: &Plan, host: &H, request: Request<'_>) -> Answer<H::Reply> {
    let request_id = request_id(host);
    let origin = host.header("origin").filter(|o| !o.is_empty());
    let mut edits = Edits::with_capacity(256);
    let aside = Aside::default();
    let outcome = inbound(
        plan,
        host,
        request,
        &request_id,
        origin.as_deref(),
        &mut edits,
        &aside,
    )
    .await;
    let path = aside.path.get().map_or("", |path| plan.table.pattern(path));
    let mut answer = outbound(plan, origin.as_deref(), outcome, edits, request_id, path);
    answer.shadow = aside.shadow.into_inner();
    answer.whereabouts = aside.whereabouts.into_inner();
    answer.errand = aside.errand.into_inner();
    let mut lines = aside.notes.into_inner();
    if !lines.is_empty() {
        lines.extend(answer.log);
        answer.log = Some(lines.join("\n"));
    }
    answer
}

/// The answer where a [`Kind::Forward`] came to nothing; its fields are those of the answer it replaces.
pub fn unanswered(error: SendError) -> Problem {
    match error {
        SendError::TimedOut => Problem::timed_out(),
        SendError::Unreachable(reason) => Problem::unreachable(reason),
        SendError::ClientBody {
            timed_out: true,
            reason,
        } => Problem::body_late().with_reason(reason),
        SendError::ClientBody { reason, .. } => Problem::body_unreadable(reason),
    }
}

/// The problem and the line for the log where a [`Kind::Forward`] came to nothing. `whereabouts` are its
/// [`Answer::whereabouts`].
pub fn came_to_nothing(error: SendError, request_id: &str, whereabouts: &str) -> (Problem, String) {
    let mut parts = whereabouts.splitn(3, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (path, endpoint, server) = (part(), part(), part());
    let problem = unanswered(error).at(server, endpoint);
    let line = problem.log_line(request_id, path);
    (problem, line)
}

/// Canonicalise, match, preflight, guards, authenticate, authorise, act.
async fn inbound<H: Host>(
    plan: &Plan,
    host: &H,
    request: Request<'_>,
    request_id: &str,
    origin: Option<&str>,
    edits: &mut Edits,
    aside: &Aside<H::Reply>,
) -> Result<Outcome<H::Reply>, Problem> {
    let target = if request.target.is_empty() {
        "/"
    } else {
        request.target
    };
    if request.method == "TRACE" {
        // An upstream would say back what no page may read: cookies and credentials (RFC 9110 section 9.3.8).
        return Err(Problem::client(
            501,
            "method_not_implemented",
            "This method is not served.",
        ));
    }
    if request.method == "OPTIONS" && asks_of_all(request) {
        return Ok(Outcome::Answer(Kind::Own {
            status: 204,
            body: String::new(),
        }));
    }
    // The platform puts the Host header into the URL unchecked: one with a slash would move the path.
    let host_header = host.header("host");
    let moved = host_header.is_some_and(|h| *h != *request.authority && !is_authority(&h));
    if moved || !is_authority(request.authority) {
        return Err(Problem::client(
            400,
            "invalid_host",
            "The Host header is malformed.",
        ));
    }
    let canonical = route::canonicalise(target).map_err(bad_path)?;
    if preflight(plan, host, request, origin, edits)? {
        return Ok(Outcome::Preflight);
    }
    let (authority, pin) = pinned(plan, request.authority);
    let request_host = Request {
        authority,
        ..request
    };
    let found = find(plan, host, request_host, &canonical, edits, aside);
    let (matched, path) = match found {
        Found::Match(matched) => match plan.paths.get(&matched) {
            Some(path) => (matched, path),
            None => return Err(Problem::config("the route table and the paths disagree")),
        },
        Found::MethodNotAllowed(allow) => {
            return Err(Problem::method_not_allowed(allow.to_string()));
        }
        Found::NotFound => {
            canonical
                .risks
                .check(Tolerance::default())
                .map_err(bad_path)?;
            return Err(Problem::not_found());
        }
    };
    aside.path.set(Some(matched.index));
    let pinned = pin.map(|pin| pinned_zone(plan, path, &pin)).transpose()?;
    canonical.risks.check(path.tolerate).map_err(bad_path)?;
    host.limit_body_ms(path.body_timeout_ms);
    let websocket = guards(request, host)?;
    let effects = Effects::default();
    let presented = Presented {
        host,
        request,
        path: &canonical.path,
        query: canonical.query,
        effects: &effects,
    };
    let caller = caller::authenticate(plan, &path.access, &presented).await;
    let (effects, bearer) = effects.into_parts();
    edits.extend(&effects);
    let claims = match caller? {
        Caller::Admitted(claims) => claims,
        Caller::Sent(location) => {
            return Ok(Outcome::Answer(login::sent_to(&location, request, edits)));
        }
    };
    let exchange = Exchange {
        plan,
        host,
        request,
        path,
        canonical: &canonical,
        matched: &matched,
        claims: claims.as_ref(),
        withheld: plan.withheld(&path.access),
        request_id,
        websocket,
        bearer: bearer.as_deref(),
        aside,
        pinned,
        authority,
    };
    exchange.authorise()?;
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

/// Refuses what no upstream could be sent as it came. Whether the client asks for a WebSocket.
fn guards<H: Host>(request: Request<'_>, host: &H) -> Result<bool, Problem> {
    let bodiless = matches!(request.method, "GET" | "HEAD");
    if bodiless && request.body == Body::Chunked {
        // The platform drops such a body without a word (RFC 9110 section 15.5.12).
        return Err(Problem::client(
            411,
            "length_required",
            "A GET or HEAD request with a body needs a Content-Length.",
        ));
    }
    if bodiless && request.body == Body::Sized {
        // It must be read to its end before it goes on.
        let length = host.header("content-length");
        let is_long = |length: &str| length.trim().parse().map_or(true, |l: u64| l > MOST_OF_GET);
        if length.is_some_and(|length| is_long(&length)) {
            return Err(Problem::client(
                413,
                "body_too_large",
                "The body of a GET or HEAD request is too large.",
            ));
        }
    }
    let websocket = websocket(request, host);
    if websocket {
        if host.header("sec-websocket-version").as_deref() != Some("13") {
            // RFC 6455 section 4.4.
            let problem = Problem::client(
                426,
                "websocket_version",
                "Only version 13 of the WebSocket protocol is served.",
            );
            return Err(problem.with_header("sec-websocket-version", "13".into()));
        }
        if host
            .header("sec-websocket-key")
            .is_none_or(|k| k.is_empty())
        {
            return Err(Problem::client(
                400,
                "websocket_key",
                "The WebSocket handshake has no key.",
            ));
        }
    }
    Ok(websocket)
}

/// Whether the client asks for a WebSocket (RFC 6455 section 4.1). Any other upgrade is not taken up (RFC 9110
/// section 7.8).
fn websocket<H: Host>(request: Request<'_>, host: &H) -> bool {
    request.method == "GET"
        && host
            .header("upgrade")
            .is_some_and(|u| u.eq_ignore_ascii_case("websocket"))
}

/// Whether the target is the asterisk, which is the server itself (RFC 9110 section 9.3.7). The platform writes it
/// behind the host.
fn asks_of_all(request: Request<'_>) -> bool {
    let host = request.authority.strip_suffix('*');
    request.target.is_empty() && host.is_some_and(is_authority)
}

/// A host and an optional port, in the characters that either can have.
fn is_authority(authority: &str) -> bool {
    !authority.is_empty()
        && authority.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        })
}

fn bad_path(error: PathError) -> Problem {
    Problem::client(error.status(), error.code(), error.message())
}

/// CORS, problem document, request id, log: what every answer passes.
fn outbound<R>(
    plan: &Plan,
    origin: Option<&str>,
    outcome: Result<Outcome<R>, Problem>,
    mut edits: Edits,
    request_id: String,
    path: &str,
) -> Answer<R> {
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
                .is_told()
                .then(|| problem.log_line(&request_id, path));
            edits.set("content-type", "application/problem+json");
            if let Some((name, value)) = problem.header.as_deref() {
                edits.set(name, value);
            }
            let passed = problem.passed.as_deref();
            for (name, value) in passed.map_or(&[][..], |passed| &passed.fields) {
                edits.append(name, value);
            }
            let body = match passed.and_then(|passed| passed.body.as_ref()) {
                Some((content_type, body)) => {
                    match content_type {
                        Some(content_type) => edits.set("content-type", content_type),
                        None => edits.remove("content-type"),
                    }
                    body.clone()
                }
                None => problem.body(&request_id),
            };
            Kind::Own {
                status: problem.status,
                body,
            }
        }
    };
    Answer {
        kind,
        edits,
        request_id,
        log,
        whereabouts: String::new(),
        shadow: None,
        errand: None,
    }
}

/// What the inbound phases came to.
enum Outcome<R> {
    /// A preflight whose fields are written already.
    Preflight,
    Answer(Kind<R>),
}

/// Bytes.
const MOST_OF_GET: u64 = 1 << 20;
