//! What a path does with a request that may use it.

use std::borrow::Cow;
use std::cell::RefCell;

use super::passwordless;
use super::proxy::Way;
use crate::auth::{Claims, Withheld};
use crate::edits::Edits;
use crate::exchange::{Kind, Request};
use crate::host::{Call, Called, Callee, Host};
use crate::http::one_cookie_line;
use crate::plan::{Action, FederationDocument, Hook, PathEntry, Piece, Plan, Template, Text};
use crate::policy::mapping::{Lookup, percent_decode};
use crate::problem::{Problem, json_string};
use crate::route::{Canonical, Match};
use crate::upstream::mirror::Shadow;
use crate::upstream::{Inbound, forwarding, hop_by_hop};

/// A request that has been matched and whose caller is known.
pub struct Exchange<'a, H: Host> {
    pub plan: &'a Plan,
    pub host: &'a H,
    pub request: Request<'a>,
    pub path: &'a PathEntry,
    pub canonical: &'a Canonical<'a>,
    pub matched: &'a Match<'a, 'a>,
    pub claims: Option<&'a Claims>,
    /// Nobody behind the gateway sees these.
    pub withheld: Withheld<'a>,
    pub request_id: &'a str,
    pub websocket: bool,
    /// Goes on in place of the client's `Authorization`.
    pub bearer: Option<&'a str>,
    pub aside: &'a Aside<H::Reply>,
    /// The only zone whose endpoints it may use, as its hostname says.
    pub pinned: Option<u16>,
    /// The host for which paths are looked up: that of the request, unless its hostname pins it.
    pub authority: &'a str,
}

/// What an exchange leaves beside its answer, whatever that is.
pub struct Aside<R> {
    /// Lines for the operator's log.
    pub notes: RefCell<Vec<String>>,
    pub shadow: RefCell<Option<Box<Shadow<R>>>>,
}

// Derived, it would ask the same of R.
impl<R> Default for Aside<R> {
    fn default() -> Self {
        Aside {
            notes: RefCell::default(),
            shadow: RefCell::default(),
        }
    }
}

impl<H: Host> Exchange<'_, H> {
    /// Asks a `pre_process` hook; `Some` is its answer in place of the path's.
    pub async fn guard(&self, hook: &Hook) -> Result<Option<H::Reply>, Problem> {
        match self.call_hook(hook, None).await? {
            Called::Proceed => Ok(None),
            Called::Reply(reply) => Ok(Some(reply)),
            Called::Object(_) => Err(Problem::hook(
                "pre_process answered an object, neither true nor a response",
            )),
            Called::Other(kind) => Err(Problem::hook(format!(
                "pre_process answered {kind}, neither true nor a response"
            ))),
        }
    }

    /// Does what the path says. `edits` are those of the answer.
    pub async fn act(&self, edits: &mut Edits) -> Result<Kind<H::Reply>, Problem> {
        match &self.path.action {
            Action::Proxy {
                server,
                zones,
                mapping,
                mirror,
                post_process,
            } => {
                let way = Way {
                    server: *server,
                    zones: zones.as_deref(),
                    mapping: mapping.as_deref(),
                    mirror: mirror.as_deref(),
                    post: post_process.as_ref(),
                };
                self.proxy(&way, edits).await
            }
            Action::Call { hook, post_process } => {
                let called = self.call_hook(hook, None).await?;
                self.answer_of(called, post_process.as_ref(), edits).await
            }
            Action::Service {
                service,
                env,
                post_process,
            } => {
                let service = self.plan.services.get(usize::from(*service));
                let service = service
                    .ok_or_else(|| Problem::config("the path names a service that is not there"))?;
                let callee = Callee::Service {
                    alias: &service.alias,
                };
                match self.call(callee, env, None).await? {
                    Called::Reply(reply) => self.finish(reply, post_process.as_ref()).await,
                    _ => Err(Problem::hook(format!(
                        "service {} did not answer a response",
                        service.alias
                    ))),
                }
            }
            Action::Supabase(call) => {
                passwordless::serve(call, self.host, self.path.timeout_ms, edits).await
            }
            Action::Respond {
                status,
                headers,
                body,
            } => Ok(respond(*status, headers, body, edits)),
            Action::Login {
                authorizer,
                step,
                post_process,
            } => {
                let post = post_process.as_ref();
                Box::pin(self.log_in(*authorizer, *step, post, edits)).await
            }
            Action::Federation(document) => self.publish(*document, edits),
            Action::Fault(fault) => Err(Problem::config(fault.message.clone())),
        }
    }

    /// What clouds know the gateway by.
    fn publish(
        &self,
        document: FederationDocument,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        let federation = match &self.plan.federation {
            Some(Ok(federation)) => federation,
            Some(Err(fault)) => return Err(Problem::config(fault.message.clone())),
            None => return Err(Problem::config("the config has no federation")),
        };
        edits.set("content-type", "application/json");
        edits.set("cache-control", "public, max-age=300");
        Ok(Kind::Own {
            status: 200,
            body: federation.document(document).to_owned(),
        })
    }

    /// What every callee sees changed in the client's fields.
    pub(super) fn request_edits(&self) -> Edits {
        let mut edits = Edits::with_capacity(512);
        if let Some(connection) = self.host.header("connection") {
            hop_by_hop(&connection, &mut edits);
        }
        let ip = self.host.header("cf-connecting-ip");
        let inbound = Inbound {
            scheme: self.request.scheme,
            authority: self.request.authority,
            client_ip: ip.as_deref(),
            request_id: self.request_id,
        };
        forwarding(&inbound, &mut edits);
        self.withheld
            .edit(&|name| self.host.header(name), &mut edits);
        if let Some(fields) = self.claims.and_then(Claims::fields) {
            edits.extend(fields);
        }
        if let Some(token) = self.bearer {
            edits.set("authorization", &format!("Bearer {token}"));
        }
        edits
    }

    /// The query as it goes on.
    pub(super) fn query(&self) -> Option<Cow<'_, str>> {
        self.withheld.query(self.canonical.query?)
    }

    /// The client's URL, where a credential is taken out of it.
    fn request_url(&self) -> Option<String> {
        let Request {
            scheme,
            authority,
            target,
            ..
        } = self.request;
        let (path, query) = target.split_once('?')?;
        let seen = self.withheld.query(query);
        if seen.as_deref() == Some(query) {
            return None;
        }
        let (mark, query) = seen.as_deref().map_or(("", ""), |query| ("?", query));
        Some([scheme, "://", authority, path, mark, query].concat())
    }

    pub(super) async fn finish(
        &self,
        reply: H::Reply,
        post: Option<&Hook>,
    ) -> Result<Kind<H::Reply>, Problem> {
        match post {
            None => Ok(Kind::Reply(reply)),
            Some(hook) => self.post_process(hook, reply).await,
        }
    }

    async fn post_process(&self, hook: &Hook, reply: H::Reply) -> Result<Kind<H::Reply>, Problem> {
        match self.call_hook(hook, Some(reply)).await? {
            Called::Reply(reply) => Ok(Kind::Reply(reply)),
            _ => Err(Problem::hook("post_process did not answer a response")),
        }
    }

    async fn answer_of(
        &self,
        called: Called<H::Reply>,
        post: Option<&Hook>,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        match called {
            Called::Reply(reply) => self.finish(reply, post).await,
            Called::Object(_) if post.is_some() => Err(Problem::hook(
                "a function whose answer is post-processed must answer a response",
            )),
            Called::Object(json) => enveloped(&json, edits),
            Called::Proceed => Err(Problem::hook(
                "the function answered true, neither a response nor an object",
            )),
            Called::Other(kind) => Err(Problem::hook(format!(
                "the function answered {kind}, neither a response nor an object"
            ))),
        }
    }

    pub(super) async fn call_hook(
        &self,
        hook: &Hook,
        reply: Option<H::Reply>,
    ) -> Result<Called<H::Reply>, Problem> {
        let binding = self.plan.bindings.get(usize::from(hook.binding));
        let binding =
            binding.ok_or_else(|| Problem::config("the path names a binding that is not there"))?;
        let callee = Callee::Binding {
            binding: &binding.binding,
            function: &hook.function,
        };
        self.call(callee, &hook.env, reply).await
    }

    async fn call(
        &self,
        callee: Callee<'_>,
        env: &[String],
        reply: Option<H::Reply>,
    ) -> Result<Called<H::Reply>, Problem> {
        let edits = self.request_edits();
        let call = Call {
            callee,
            edits: &edits,
            url: self.request_url(),
            env: self.named_variables(env)?,
            context: self.context(),
        };
        self.host
            .call(call, reply)
            .await
            .map_err(|error| Problem::hook(error.0))
    }

    fn named_variables(&self, names: &[String]) -> Result<String, Problem> {
        let mut env = serde_json::Map::new();
        for name in names {
            let value = self
                .host
                .variable(name)
                .ok_or_else(|| Problem::config(format!("the variable {name} is not set")))?;
            env.insert(name.clone(), value.into());
        }
        Ok(serde_json::Value::Object(env).to_string())
    }

    fn context(&self) -> String {
        let params: serde_json::Map<_, _> = self
            .matched
            .params()
            .map(|(name, value)| (name.to_owned(), percent_decode(value).into()))
            .collect();
        format!(
            "{{\"request_id\":{},\"path\":{},\"params\":{},\"jwt\":{}}}",
            json_string(self.request_id),
            json_string(&self.path.pattern),
            serde_json::Value::Object(params),
            self.claims
                .map_or_else(|| "null".to_owned(), Claims::to_json),
        )
    }
}

impl<H: Host> Lookup for Exchange<'_, H> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.host.header(name)?;
        let value = match (name, value) {
            ("cookie", value) => Cow::Owned(one_cookie_line(&value).into_owned()),
            (_, value) => value,
        };
        match value {
            Cow::Borrowed(value) => self.withheld.field(name, value),
            Cow::Owned(value) => {
                let left = self.withheld.field(name, &value)?;
                Some(Cow::Owned(left.into_owned()))
            }
        }
    }

    fn claim(&self, name: &str) -> Option<Cow<'_, str>> {
        self.claims?.claim(name)
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.matched.param(name).map(percent_decode)
    }
}

fn respond<R>(
    status: u16,
    headers: &[(String, Text)],
    body: &Template,
    edits: &mut Edits,
) -> Kind<R> {
    let body = match body.0.as_slice() {
        [Piece::Json(json)] => json.clone(),
        // Loading a plan leaves one piece, or none for a status without a body.
        _ => String::new(),
    };
    if !body.is_empty() {
        edits.set("content-type", "application/json");
    }
    for (name, value) in headers {
        if let Text::Literal(value) = value {
            edits.set(name, value);
        }
    }
    Kind::Own { status, body }
}

/// The predecessor's envelope around an object that a bound function answers.
pub(super) fn enveloped<R>(json: &str, edits: &mut Edits) -> Result<Kind<R>, Problem> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json)
        .map_err(|_| Problem::hook("the function's answer is not JSON"))?;
    let status = object.get("statusCode").and_then(serde_json::Value::as_u64);
    let failed = object.contains_key("error")
        || object.get("status").is_some_and(|s| s == "error")
        || status.is_some_and(|s| s >= 400);
    let status = match status {
        None if failed => 500,
        None => 200,
        Some(status) => u16::try_from(status)
            .ok()
            .filter(|s| (200..=599).contains(s))
            .ok_or_else(|| Problem::hook("the function's statusCode is not a status"))?,
    };
    let (word, key) = if failed {
        ("error", "error")
    } else {
        ("success", "data")
    };
    let mut envelope = serde_json::Map::new();
    envelope.insert("status".into(), word.into());
    for key in ["message", key] {
        if let Some(value) = object.get(key) {
            envelope.insert(key.into(), value.clone());
        }
    }
    edits.set("content-type", "application/json");
    Ok(Kind::Own {
        status,
        body: serde_json::Value::Object(envelope).to_string(),
    })
}
