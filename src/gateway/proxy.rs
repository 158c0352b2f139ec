//! Sends a request on to a server.

use std::borrow::Cow;

use super::act::Exchange;
use super::choice::holds;
use crate::edits::{Edit, Edits};
use crate::exchange::{Body, Kind};
use crate::host::{BodyError, Host};
use crate::http::cookie;
use crate::plan::{Balance, CanarySpec, HashKey, Hook, Mapping, MirrorSpec, RetrySpec};
use crate::policy::mapping::{self, Lookup};
use crate::problem::{Problem, json_string};
use crate::route::Match;
use crate::upstream::identity::unread;
use crate::upstream::mirror::FIELD;
use crate::upstream::pool::{Event, Pool, Want, hash_number, said};
use crate::upstream::{Order, Outbound, Server, Story, Tried, is_idempotent, nearest, send};

/// Where a path's requests go; the members of [`Action::Proxy`](crate::plan::Action::Proxy).
pub(super) struct Way<'a> {
    pub server: u16,
    pub zones: Option<&'a [u16]>,
    pub mapping: Option<&'a Mapping>,
    pub mirror: Option<&'a MirrorSpec>,
    pub post: Option<&'a Hook>,
}

impl<H: Host> Exchange<'_, H> {
    /// `edits` are those of the answer.
    pub(super) async fn proxy(
        &self,
        way: &Way<'_>,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        let Way {
            server,
            zones,
            mapping,
            mirror,
            post,
        } = *way;
        let server = match self.plan.servers.get(usize::from(server)) {
            Some(Ok(server)) => server,
            Some(Err(fault)) => return Err(Problem::config(fault.message.clone())),
            None => return Err(Problem::config("the path names a server that is not there")),
        };
        let mut fields = self.request_edits();
        if let Some(answer) = self.count_hops(&mut fields, edits) {
            return Ok(answer);
        }
        let (cut, path) = self.matched.cut();
        if !cut.is_empty() {
            fields.set("x-forwarded-prefix", cut);
        }
        let mirror = match mirror.filter(|_| self.pinned.is_none()) {
            Some(spec) => {
                // Only the gateway says which request is a mirror's.
                fields.remove(FIELD);
                self.is_mirrored(spec).await?.then_some(spec)
            }
            None => None,
        };
        let mut query = self.query();
        if let Some(mapping) = mapping {
            mapping::headers(mapping, query.as_deref(), self, &mut fields)?;
            if !mapping.query.is_empty() {
                query = mapping::query(mapping, query.as_deref(), self).map(Cow::Owned);
            }
        }
        let query = query.as_deref();
        let pinned = self.pinned.map(|zone| [zone]);
        let zones = match (&pinned, zones) {
            (Some([zone]), Some(zones)) if !zones.contains(zone) => Some(&[][..]),
            (Some(pinned), _) => Some(&pinned[..]),
            (None, zones) => zones,
        };
        let shadow = mirror.map(|spec| self.shadow(spec, path, query, &fields));
        let outbound = Outbound {
            method: self.request.method,
            body: self.request.body,
            path,
            query,
            edits: Cow::Owned(fields),
            websocket: self.websocket,
            identities: &self.plan.identities,
        };
        self.read_for_proof(server).await?;
        let (alias, base, identity) = match server {
            Server::Single {
                alias,
                base,
                identity,
                zone,
            } => {
                if zones.is_some_and(|zones| !zone.is_some_and(|zone| zones.contains(&zone))) {
                    return Err(Problem::not_found());
                }
                (alias, base, *identity)
            }
            Server::Pool(pool) => {
                let sent = self.pooled(pool, zones, outbound, edits).await;
                let reply = self.shadowed(sent, shadow)?;
                return self.finish(reply, post).await;
            }
        };
        let timeout_ms = self.path.timeout_ms;
        let forward = outbound.to(self.host, base, identity, timeout_ms).await;
        let forward = forward.map_err(|problem| problem.at(alias, base.origin()))?;
        if post.is_none() && shadow.is_none() {
            // Nothing that follows looks at the answer: the host hands it on by itself.
            let parts = [&self.path.pattern, " ", base.origin(), " ", alias];
            *self.aside.whereabouts.borrow_mut() = parts.concat().replace('\n', " ");
            return Ok(Kind::Forward(forward));
        }
        let sent = self.host.send(&forward).await;
        let sent = sent.map_err(|error| super::unanswered(error).at(alias, base.origin()));
        let reply = self.shadowed(sent, shadow)?;
        self.finish(reply, post).await
    }

    /// Counts `Max-Forwards` of an `OPTIONS` request down; at 0 it is answered here (RFC 9110 section 7.6.2).
    fn count_hops(&self, fields: &mut Edits, edits: &mut Edits) -> Option<Kind<H::Reply>> {
        if self.request.method != "OPTIONS" {
            return None;
        }
        let hops = self.host.header(MAX_FORWARDS)?;
        if hops.is_empty() || !hops.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // More than there are numbers is the most that there is.
        let hops: u32 = hops.parse().unwrap_or(u32::MAX);
        if let Some(left) = hops.checked_sub(1) {
            fields.set(MAX_FORWARDS, &left.to_string());
            return None;
        }
        let (plan, path) = (self.plan, &*self.canonical.path);
        let holds = |found: &Match<'_, '_>| {
            holds(plan, self.host, self.canonical.query, found, &mut |_| {})
        };
        let allow = plan.table.allowed(self.authority, path, &holds);
        edits.set("allow", &allow.to_string());
        Some(Kind::Own {
            status: 204,
            body: String::new(),
        })
    }

    /// Reads the client's body where what the gateway proves to the server is about it: how long that takes is not held
    /// against the upstream.
    async fn read_for_proof(&self, server: &Server) -> Result<(), Problem> {
        if self.request.body == Body::None {
            return Ok(());
        }
        let reads = |identity: Option<u16>| self.plan.identities.reads_body(identity?);
        let most = match server {
            Server::Single { identity, .. } => reads(*identity),
            Server::Pool(pool) => {
                let all = pool.endpoints.iter().map(|endpoint| endpoint.identity);
                all.filter_map(reads).max()
            }
        };
        match most {
            Some(most) => self.host.body(most).await.map(drop).map_err(unread),
            None => Ok(()),
        }
    }

    async fn pooled(
        &self,
        pool: &Pool,
        zones: Option<&[u16]>,
        outbound: Outbound<'_>,
        edits: &mut Edits,
    ) -> Result<H::Reply, Problem> {
        let host = self.host;
        let spec = &pool.spec;
        let sticky = spec.sticky.as_ref();
        // It is long in many requests, and needed in few.
        let asked = sticky.is_some() || spec.canary.is_some();
        let cookies = asked.then(|| host.header("cookie")).flatten();
        let named = sticky.and_then(|sticky| cookie(cookies.as_deref()?, &sticky.cookie));
        let sticky_endpoint = named.and_then(|id| pool.named(id));
        let hash = match &spec.balance {
            Balance::ConsistentHash { on, .. } => self.key(on),
            _ => None,
        };
        let canary = spec.canary.as_ref().is_some_and(|canary| {
            let key = canary.hash_on.as_ref().and_then(|on| self.key(on));
            let said = self.said_of_canary(canary, cookies.as_deref());
            pool.is_canary(said, key.as_deref(), host.random(), host.now_ms())
        });
        let retry = spec.retry.as_ref();
        let order = Order {
            pool,
            // That takes the client's time; the upstream's begins then.
            repeatable: self.repeatable(retry, &outbound.edits).await?,
            timeout_ms: self.path.timeout_ms,
            hedgeable: outbound.only_reads(),
            outbound,
            want: Want {
                home: pool.home(zones, || nearest(&self.plan.zones, &host.geography())),
                zones,
                hash: hash.as_deref().map(hash_number),
                sticky: sticky_endpoint,
                canary,
                ..Want::default()
            },
        };
        let mut story = Story::default();
        let sent = send(host, &order, &mut story).await;
        self.tell(pool, &story, sent.as_ref().ok().map(|sent| sent.endpoint));
        let sent = sent.map_err(|problem| {
            let last = story.failures.last();
            let last = last.and_then(|(endpoint, _)| pool.endpoints.get(*endpoint));
            problem.at(&pool.alias, last.map_or("", |endpoint| &endpoint.name))
        })?;
        if let Some(sticky) = sticky
            && sticky_endpoint != Some(sent.endpoint)
        {
            let secure = if self.request.scheme == "https" {
                "; Secure"
            } else {
                ""
            };
            let age = sticky.max_age_seconds;
            let age = age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
            let id = pool.id(sent.endpoint);
            let cookie = format!(
                "{}={id}; Path=/{age}{secure}; HttpOnly; SameSite=Lax",
                sticky.cookie
            );
            edits.append("set-cookie", &cookie);
        }
        Ok(sent.reply)
    }

    /// Whether the request may be sent again: to do it twice is to do it once, and its body is kept for that. `fields`
    /// are those that it is sent with.
    async fn repeatable(&self, retry: Option<&RetrySpec>, fields: &Edits) -> Result<bool, Problem> {
        let Some(retry) = retry else {
            return Ok(false);
        };
        if !is_idempotent(self.request.method) && !self.goes_with(IDEMPOTENCY_KEY, fields) {
            return Ok(false);
        }
        self.is_kept(retry.max_body_bytes).await
    }

    /// Whether the upstream sees a field that is not empty.
    fn goes_with(&self, name: &str, fields: &Edits) -> bool {
        let edits = fields.iter().filter_map(|edit| match edit {
            Edit::Set(n, value) | Edit::Append(n, value) if n == name => Some(!value.is_empty()),
            Edit::Remove(n) if n == name => Some(false),
            _ => None,
        });
        edits.last().unwrap_or_else(|| {
            let field = self.host.header(name);
            field.is_some_and(|value| !value.is_empty())
        })
    }

    /// Whether the request's body is at hand to be sent more than once, or there is none.
    pub(super) async fn is_kept(&self, max_bytes: u32) -> Result<bool, Problem> {
        match self.request.body {
            Body::None => Ok(true),
            // What comes in pieces goes on in pieces: it may be endless.
            Body::Chunked => Ok(false),
            Body::Sized => match self.host.keep_body(max_bytes).await {
                Ok(kept) => Ok(kept),
                Err(BodyError::TooLong) => Ok(false),
                Err(error) => Err(Problem::unread(error, "")),
            },
        }
    }

    pub(super) fn key(&self, on: &HashKey) -> Option<Cow<'_, str>> {
        match on {
            HashKey::Header(name) => self.header(name),
            HashKey::Claim(name) => self.claim(name),
            HashKey::ClientIp => self.host.header("cf-connecting-ip"),
            HashKey::Query(name) => mapping::first(self.canonical.query?, name),
            HashKey::Cookie(name) => {
                let cookies = self.host.header("cookie")?;
                cookie(&cookies, name).map(|value| Cow::Owned(value.to_owned()))
            }
        }
    }

    fn said_of_canary(&self, spec: &CanarySpec, cookies: Option<&str>) -> Option<bool> {
        let header = spec.header.as_ref().and_then(|name| self.host.header(name));
        let by_header = header.and_then(|word| said(&word));
        by_header.or_else(|| said(cookie(cookies?, spec.cookie.as_ref()?)?))
    }

    /// Tells the operator of tries that failed, and of what they led to.
    fn tell(&self, pool: &Pool, story: &Story, answered: Option<usize>) {
        if story.failures.is_empty() && story.events.is_empty() {
            return;
        }
        let name = |endpoint: usize| {
            let endpoint = pool.endpoints.get(endpoint);
            json_string(endpoint.map_or("", |endpoint| &endpoint.name))
        };
        let start = format!(
            "{{\"level\":\"warn\",\"request_id\":\"{}\",\"path\":{},\"server\":{}",
            self.request_id,
            json_string(&self.path.pattern),
            json_string(&pool.alias)
        );
        let mut notes = self.aside.notes.borrow_mut();
        if !story.failures.is_empty() {
            let tries = story.failures.iter().map(|(endpoint, tried)| {
                let outcome = match tried {
                    Tried::Status(status) => status.to_string(),
                    Tried::Broken => "reset".into(),
                    Tried::TimedOut => "timeout".into(),
                    Tried::Unsent | Tried::Refused | Tried::Client => "unsent".into(),
                };
                let endpoint = name(*endpoint);
                format!("{{\"endpoint\":{endpoint},\"outcome\":\"{outcome}\"}}")
            });
            let tries: Vec<String> = tries.collect();
            let by = answered.map_or_else(|| "null".to_owned(), name);
            notes.push(format!(
                "{start},\"event\":\"upstream_failed\",\"tries\":[{}],\"answered_by\":{by}}}",
                tries.join(",")
            ));
        }
        for event in &story.events {
            notes.push(match event {
                Event::Ejected(endpoint) => format!(
                    "{start},\"event\":\"endpoint_ejected\",\"endpoint\":{}}}",
                    name(*endpoint)
                ),
                Event::CanaryHeld => format!("{start},\"event\":\"canary_held\"}}"),
            });
        }
    }
}

const MAX_FORWARDS: &str = "max-forwards";

/// By which a client says that to do a request twice is to do it once (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";
