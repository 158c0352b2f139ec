//! What a path does with a request that may use it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use super::login::Errand;
use super::passwordless;
use super::proxy::Way;
use crate::auth::{Authorizer, Claims, Withheld};
use crate::edits::Edits;
use crate::exchange::{Kind, Request};
use crate::host::{Called, Callee, Host};
use crate::http::one_cookie_line;
use crate::plan::{Action, FederationDocument, PathEntry, Piece, Plan, Template, Text};
use crate::policy::mapping::{Lookup, percent_decode};
use crate::problem::Problem;
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
    /// The path of the config that was matched, by its place.
    pub path: Cell<Option<usize>>,
    /// The header fields on which the choice of the path hung.
    pub conditions: RefCell<Vec<String>>,
    /// Where a [`Kind::Forward`] goes.
    pub whereabouts: RefCell<String>,
    pub shadow: RefCell<Option<Box<Shadow<R>>>>,
    pub errand: RefCell<Option<Errand>>,
}

// Derived, it would ask the same of R.
impl<R> Default for Aside<R> {
    fn default() -> Self {
        Aside {
            notes: RefCell::default(),
            path: Cell::default(),
            conditions: RefCell::default(),
            whereabouts: RefCell::default(),
            shadow: RefCell::default(),
            errand: RefCell::default(),
        }
    }
}

impl<H: Host> Exchange<'_, H> {
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
        self.decided_by(&mut edits);
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

    /// The fields by which the path was chosen or the caller was let in go on as they were read. Set to what they are, they
    /// have no [other spelling](crate::upstream::fields) beside them that an upstream could read in their place.
    fn decided_by(&self, edits: &mut Edits) {
        let asked = self.path.access.authorizers().iter();
        let asked = asked.filter_map(|index| self.plan.authorizers.get(usize::from(*index)));
        let read = asked.filter_map(|authorizer| authorizer.as_ref().ok());
        let conditions = self.aside.conditions.borrow();
        let names = read.flat_map(Authorizer::fields).chain(conditions.iter());
        // A name of letters alone has one spelling.
        for name in names.filter(|name| !name.bytes().all(|b| b.is_ascii_alphanumeric())) {
            match self.host.header(name) {
                Some(value) => edits.set(name, &value),
                // A part of the request that is no field.
                None if name.starts_with('@') => {}
                None => edits.remove(name),
            }
        }
    }

    /// The query as it goes on.
    pub(super) fn query(&self) -> Option<Cow<'_, str>> {
        self.withheld.query(self.canonical.query?)
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
