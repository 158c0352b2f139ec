//! Requests that somebody else decides about: forward authentication.
//!
//! The other is told of the request's method, host, path and query, and is shown only those headers that the config
//! names. A status of 200 to 299 lets the request in; 401 and 403 refuse it; a redirect does where the config passes
//! redirects on. Whatever else comes, or nothing in time, lets nobody in.

use std::cell::RefCell;

use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::asked::{Digest, unavailable};
use super::authorizer::Presented;
use super::claims::Claims;
use super::denied::{Denied, Passed, Way};
use super::introspection::safe;
use super::recent::Recent;
use super::rules::expires_ms;
use super::signature::refusal;
use crate::edits::Edits;
use crate::host::{Ask, BodyError, Host, SendError, Told};
use crate::http::is_field_value;
use crate::plan::{AnsweredClaims, Fault, ForwardAuthSpec, RequestPart, server_url};

/// A longer answer is none.
const MAX_BYTES: usize = 64 * 1024;
/// A longer body is no JSON object of claims.
const MAX_CLAIMS_BYTES: usize = 16 * 1024;
/// How many good answers are remembered, twice over at most (see [`Recent`]).
const REMEMBERED: usize = 500;

/// A forward authorizer, ready to ask.
pub struct ForwardAuth {
    url: String,
    spec: ForwardAuthSpec,
    known: RefCell<Recent<Digest, (Claims, u64)>>,
}

impl ForwardAuth {
    /// `spec` with its references looked up. A fault where the URL is none, or not safe to send credentials to.
    pub fn new(spec: ForwardAuthSpec) -> Result<ForwardAuth, Fault> {
        let url = spec.url.clone().literal()?;
        let url = match &spec.binding {
            // Nothing leaves the platform.
            Some(_) => server_url(&url).map(|_| url).map_err(|flaw| Fault {
                code: flaw.code.into(),
                message: flaw.message.into(),
            })?,
            None => safe(url)?,
        };
        Ok(ForwardAuth {
            url,
            spec,
            known: RefCell::new(Recent::new(REMEMBERED)),
        })
    }

    /// The headers that the other is shown.
    pub fn shown(&self) -> &[String] {
        &self.spec.request_headers
    }

    /// Remembers so many bytes of answers at most.
    pub fn limit(&self, bytes: usize) {
        self.known.borrow_mut().limit(bytes);
    }

    /// What the other says of the request.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let host = presented.host;
        if self.spec.cache_seconds == 0 {
            return self.ask(presented).await;
        }
        let digest = self.digest(presented);
        if let Some((claims, until)) = self.known.borrow().get(&digest)
            && host.now_ms() < *until
        {
            return Ok(claims.clone());
        }
        let claims = self.ask(presented).await?;
        let now = host.now_ms();
        let left_ms = expires_ms(&claims).map_or(u64::MAX, |ends| ends.saturating_sub(now));
        let good_for_ms = u64::from(self.spec.cache_seconds).saturating_mul(1000);
        let until = now.saturating_add(good_for_ms.min(left_ms));
        let mut known = self.known.borrow_mut();
        let bytes = claims.bytes();
        known.put_sized(digest, (claims.clone(), until), bytes);
        Ok(claims)
    }

    async fn ask<H: Host>(&self, presented: &Presented<'_, H>) -> Result<Claims, Denied> {
        let host = presented.host;
        let mut fields = self.fields(presented);
        let body = match self.spec.max_body {
            Some(max_bytes) => {
                let body = host.body(max_bytes).await.map_err(refusal::body)?;
                let body = String::from_utf8(body)
                    .map_err(|_| refusal::body(BodyError::Broken("it is not UTF-8".into())))?;
                if let Some(content_type) = host.header("content-type") {
                    fields.set("content-type", &content_type);
                }
                Some(body)
            }
            None => None,
        };
        let ask = Ask {
            method: if body.is_some() { "POST" } else { "GET" },
            url: &self.url,
            binding: self.spec.binding.as_deref(),
            fields: &fields,
            body: body.as_deref(),
            timeout_ms: self.spec.timeout_ms,
            max_bytes: MAX_BYTES,
        };
        match host.ask(&ask).await {
            Ok(told) => self.decided(told),
            Err(SendError::TimedOut) => Err(unavailable("forward_auth: the answer took too long")),
            Err(SendError::Unreachable(reason) | SendError::ClientBody { reason, .. }) => {
                Err(unavailable(format!("forward_auth: no answer: {reason}")))
            }
        }
    }

    /// What the other is told and shown of a request.
    fn fields<H: Host>(&self, presented: &Presented<'_, H>) -> Edits {
        let request = presented.request;
        let mut fields = Edits::with_capacity(512);
        for name in &self.spec.request_headers {
            if let Some(value) = presented.header(name) {
                fields.set(name, &value);
            }
        }
        fields.set("x-forwarded-method", request.method);
        fields.set("x-forwarded-proto", request.scheme);
        fields.set("x-forwarded-host", request.authority);
        // The path that is matched and sent on, so that nobody decides about another one.
        let (mark, query) = presented.query.map_or(("", ""), |query| ("?", query));
        let uri = [presented.path, mark, query].concat();
        fields.set("x-forwarded-uri", &uri);
        if let Some(ip) = presented.header("cf-connecting-ip") {
            fields.set("x-forwarded-for", &ip);
        }
        fields
    }

    fn decided(&self, told: Told) -> Result<Claims, Denied> {
        match told.status {
            200..=299 => self.allowed(&told),
            401 | 403 => Err(self.refused(told)),
            301 | 302 | 303 | 307 | 308 if self.spec.redirects => self.redirected(&told),
            status => Err(unavailable(format!(
                "forward_auth was answered with status {status}"
            ))),
        }
    }

    fn allowed(&self, told: &Told) -> Result<Claims, Denied> {
        let claims = match &self.spec.claims {
            AnsweredClaims::None => Claims::of(Map::new()),
            AnsweredClaims::Body if told.body.len() > MAX_CLAIMS_BYTES => None,
            AnsweredClaims::Body => serde_json::from_str(&told.body).ok(),
            AnsweredClaims::Headers(named) => {
                let values = named.iter().filter_map(|(claim, header)| {
                    let value = told.field(header).filter(|value| !value.is_empty())?;
                    Some((claim.clone(), value.into()))
                });
                Claims::of(values.collect())
            }
        };
        let claims = claims.ok_or_else(|| {
            unavailable("forward_auth was answered with claims that are not one sound JSON object")
        })?;
        let mut fields = Edits::default();
        for name in &self.spec.copy_headers {
            if let Some(value) = told.field(name) {
                fields.set(name, value);
            }
        }
        Ok(claims.with_fields(fields))
    }

    fn refused(&self, told: Told) -> Denied {
        let challenge = self.listed(CHALLENGE).then(|| told.field(CHALLENGE));
        let challenge = challenge.flatten().map(str::to_owned);
        let fields = self.passed_fields(&told);
        let content_type = told.field("content-type").map(str::to_owned);
        let reason = format!("forward_auth was answered with status {}", told.status);
        Denied {
            passed: Some(Box::new(Passed {
                status: told.status,
                challenge,
                fields,
                body: self.spec.refusal_body.then_some((content_type, told.body)),
            })),
            ..Denied::of(&REFUSED, reason)
        }
    }

    fn redirected(&self, told: &Told) -> Result<Claims, Denied> {
        let Some(location) = told.field(LOCATION).filter(|to| is_field_value(to)) else {
            return Err(unavailable(
                "forward_auth was answered with a redirect to nowhere",
            ));
        };
        let mut fields = self.passed_fields(told);
        fields.retain(|(name, _)| name != LOCATION);
        fields.push((LOCATION.to_owned(), location.to_owned()));
        let reason = format!("forward_auth was answered with status {}", told.status);
        Err(Denied {
            passed: Some(Box::new(Passed {
                status: told.status,
                challenge: None,
                fields,
                body: Some((None, String::new())),
            })),
            ..Denied::of(&REFUSED, reason)
        })
    }

    /// The listed fields of a refusal, but for the challenge, which may be one of several.
    fn passed_fields(&self, told: &Told) -> Vec<(String, String)> {
        let listed = told.fields.iter();
        let listed = listed.filter(|(name, _)| name != CHALLENGE && self.listed(name));
        listed.cloned().collect()
    }

    fn listed(&self, name: &str) -> bool {
        self.spec
            .refusal_headers
            .iter()
            .any(|listed| listed == name)
    }

    /// All that an answer depends on, as far as the config says so. Each part has its length in front, so that no two
    /// requests are one.
    fn digest<H: Host>(&self, presented: &Presented<'_, H>) -> Digest {
        let mut sha = Sha256::new();
        let mut add = |part: Option<&str>| {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            sha.update(length.to_le_bytes());
            sha.update(part.unwrap_or_default());
        };
        for name in &self.spec.request_headers {
            add(presented.header(name).as_deref());
        }
        let request = presented.request;
        add(Some(request.scheme));
        for part in &self.spec.cache_by {
            match part {
                RequestPart::Method => add(Some(request.method)),
                RequestPart::Host => add(Some(request.authority)),
                RequestPart::Path => add(Some(presented.path)),
                RequestPart::Query => add(presented.query),
                RequestPart::Ip => add(presented.header("cf-connecting-ip").as_deref()),
            }
        }
        sha.finalize().into()
    }
}

const CHALLENGE: &str = "www-authenticate";
const LOCATION: &str = "location";

static REFUSED: Way = Way {
    status: 403,
    code: "refused",
    text: "This request is refused.",
    challenge: None,
    absent: false,
};
