//! Keys that an issuer publishes (RFC 7517, OpenID Connect Discovery 1.0): fetched once for many requests.
//!
//! A set is fresh for as long as its answer says, within bounds. One that is not is fetched anew by the first request
//! that needs it, while all others use the old one; where that fails, the old one serves on for a day, and the next
//! try waits longer each time. A `kid` that no key has fetches early, once per [`COOL_DOWN_MS`]. Where there is no set
//! at all, one request fetches and the others wait for it.
//!
//! Requests never wait for each other's promises, which would die with the request that made them: whoever fetches
//! leaves a lease, and the others look again until it is done or over.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Deserialize;

use super::freshness::{LONGEST, fresh_ms};
use super::origin::{check_key_url, is_loopback};
use super::set::KeySet;
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};

/// How long an answer may take. So long, and a little, a lease lasts.
const TIMEOUT_MS: u32 = 5_000;
const LEASE_MS: u64 = 6_000;
/// How long a request waits for keys altogether, and how often it looks.
const PATIENCE_MS: u64 = 12_000;
const LOOK_MS: u32 = 25;
/// A longer answer is none: a hundred keys of RSA with certificates fit.
const MAX_BYTES: usize = 256 * 1024;
/// How long an old set serves through an outage, after it was fresh.
const STALE_MS: u64 = 24 * 60 * 60 * 1000;
/// At most one fetch in this time because of a `kid` that no key has.
const COOL_DOWN_MS: u64 = 30_000;
/// After the first failure, the next try waits so long; each further one doubles it, up to the second.
const RETRY_MS: u64 = 1_000;
const LONGEST_RETRY_MS: u64 = 30_000;

/// Where a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The URL of the set itself.
    Jwks(String),
    /// The issuer's document tells.
    Discovery { issuer: String },
}

/// A set of keys that is somewhere else.
pub struct Remote {
    place: Place,
    state: RefCell<State>,
}

/// What is known of it. All times are of the host, in milliseconds.
#[derive(Default)]
struct State {
    keys: Option<Rc<KeySet>>,
    /// How often the keys became others.
    changes: u64,
    fresh_until: u64,
    stale_until: u64,
    /// Until then, somebody else is fetching.
    lease_until: u64,
    retry_at: u64,
    failures: u32,
    /// Why there is no set.
    failure: String,
    /// From then on, an unknown `kid` may fetch.
    refetch_at: u64,
    /// Where the issuer's document says that the set is, and until when that counts.
    discovered: Option<(String, u64)>,
}

/// What a request does next.
enum Step {
    Use(Rc<KeySet>),
    Give(String),
    Wait,
    Fetch {
        /// What other isolates keep is no help.
        anew: bool,
    },
}

impl Remote {
    pub fn new(place: Place) -> Remote {
        Remote {
            place,
            state: RefCell::default(),
        }
    }

    /// The keys; if none of them is `wanted`, then not before the issuer has been asked again, unless it was just now.
    ///
    /// # Errors
    /// There is no set; why, in words for the operator.
    pub async fn keys<H: Host>(
        &self,
        host: &H,
        wanted: impl Fn(&KeySet) -> bool,
    ) -> Result<Rc<KeySet>, String> {
        let patience_ends = host.now_ms().saturating_add(PATIENCE_MS);
        let mut looked = false;
        loop {
            let now = host.now_ms();
            let step = self.state.borrow_mut().step(now, looked, &wanted);
            looked = true;
            match step {
                Step::Use(keys) => return Ok(keys),
                Step::Give(reason) => return Err(reason),
                Step::Wait if now >= patience_ends => {
                    return Err("the keys did not come in time".into());
                }
                Step::Wait => host.sleep(LOOK_MS).await,
                Step::Fetch { anew } => self.fetch(host, anew).await,
            }
        }
    }

    /// How often the keys became others.
    pub fn changes(&self) -> u64 {
        self.state.borrow().changes
    }

    async fn fetch<H: Host>(&self, host: &H, anew: bool) {
        let name = match &self.place {
            Place::Jwks(url) => format!("jwks {url}"),
            Place::Discovery { issuer } => format!("discovery {issuer}"),
        };
        self.lease(host);
        if !anew && let Some((keys, fresh_until)) = shared(host, &name).await {
            self.state.borrow_mut().take(keys, fresh_until);
            return;
        }
        let outcome = self.ask(host).await;
        let now = host.now_ms();
        match outcome {
            Ok((keys, told)) => {
                let fresh_ms = fresh_ms(&told);
                let fresh_until = now.saturating_add(fresh_ms);
                self.state.borrow_mut().take(keys, fresh_until);
                let seconds = u32::try_from(fresh_ms / 1000).unwrap_or(0);
                let value = format!("{fresh_until}\n{}", told.body);
                host.remember(&name, &value, seconds).await;
            }
            Err(reason) => self.state.borrow_mut().fail(reason, now),
        }
    }

    async fn ask<H: Host>(&self, host: &H) -> Result<(KeySet, Told), String> {
        let url = match &self.place {
            Place::Jwks(url) => url.clone(),
            Place::Discovery { issuer } => self.discover(host, issuer).await?,
        };
        self.lease(host);
        let asked = ask_json(host, &url, "the key set").await.and_then(|told| {
            let keys = KeySet::usable(&told.body)
                .map_err(|_| "the key set has no key that can be used".to_owned())?;
            Ok((keys, told))
        });
        if asked.is_err() {
            // It may have moved.
            self.state.borrow_mut().discovered = None;
        }
        asked
    }

    /// Where the issuer's document says that the keys are (OpenID Connect Discovery 1.0 sections 4 and 7.2).
    async fn discover<H: Host>(&self, host: &H, issuer: &str) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let known = self.state.borrow().discovered.clone();
        if let Some((url, until)) = &known
            && host.now_ms() < *until
        {
            return Ok(url.clone());
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        let told = match (ask_json(host, &url, "the discovery document").await, known) {
            (Ok(told), _) => told,
            // The keys themselves may still be where they were.
            (Err(_), Some((url, _))) => return Ok(url),
            (Err(reason), None) => return Err(reason),
        };
        let document: Document = serde_json::from_str(&told.body)
            .map_err(|_| "the discovery document has no sound issuer and jwks_uri".to_owned())?;
        if document.issuer != issuer {
            return Err("the discovery document is of another issuer".into());
        }
        if check_key_url(&document.jwks_uri).is_err()
            || (is_loopback(&document.jwks_uri) && !is_loopback(issuer))
        {
            return Err("the discovery document's jwks_uri is not safe to ask".into());
        }
        let until = host.now_ms().saturating_add(fresh_ms(&told));
        self.state.borrow_mut().discovered = Some((document.jwks_uri.clone(), until));
        Ok(document.jwks_uri)
    }

    fn lease<H: Host>(&self, host: &H) {
        self.state.borrow_mut().lease_until = host.now_ms().saturating_add(LEASE_MS);
    }
}

impl State {
    /// `looked`: the request has fetched already, or waited for one that did.
    fn step(&mut self, now: u64, looked: bool, wanted: impl Fn(&KeySet) -> bool) -> Step {
        let leased = now < self.lease_until;
        let may_fetch = now >= self.retry_at;
        let keys = self.keys.as_ref().filter(|_| now < self.stale_until);
        let Some(keys) = keys else {
            return match (leased, may_fetch) {
                (true, _) => Step::Wait,
                (false, true) => Step::Fetch { anew: false },
                (false, false) => Step::Give(self.failure.clone()),
            };
        };
        let keys = Rc::clone(keys);
        let fresh = now < self.fresh_until;
        let known = wanted(&keys);
        if known && (fresh || leased || !may_fetch) {
            return Step::Use(keys);
        }
        if leased {
            return Step::Wait;
        }
        if may_fetch && !fresh {
            return Step::Fetch { anew: false };
        }
        if may_fetch && !looked && now >= self.refetch_at {
            self.refetch_at = now.saturating_add(COOL_DOWN_MS);
            return Step::Fetch { anew: true };
        }
        Step::Use(keys)
    }

    fn take(&mut self, keys: KeySet, fresh_until: u64) {
        if self.keys.as_deref() != Some(&keys) {
            self.changes = self.changes.wrapping_add(1);
            self.keys = Some(Rc::new(keys));
        }
        self.fresh_until = fresh_until;
        self.stale_until = fresh_until.saturating_add(STALE_MS);
        self.lease_until = 0;
        self.retry_at = 0;
        self.failures = 0;
    }

    fn fail(&mut self, reason: String, now: u64) {
        let factor = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let wait = RETRY_MS.saturating_mul(factor).min(LONGEST_RETRY_MS);
        self.retry_at = now.saturating_add(wait);
        self.failures = self.failures.saturating_add(1);
        self.failure = reason;
        self.lease_until = 0;
    }
}

/// What another isolate has fetched, if it is still fresh.
async fn shared<H: Host>(host: &H, name: &str) -> Option<(KeySet, u64)> {
    let value = host.recall(name).await?;
    let (fresh_until, json) = value.split_once('\n')?;
    let fresh_until: u64 = fresh_until.parse().ok()?;
    let now = host.now_ms();
    let latest = now.saturating_add(LONGEST.saturating_mul(1000));
    if !(now..=latest).contains(&fresh_until) {
        return None;
    }
    Some((KeySet::usable(json).ok()?, fresh_until))
}

/// Asks for a JSON document; `what` it is for messages.
pub(in crate::auth) async fn ask_json<H: Host>(
    host: &H,
    url: &str,
    what: &str,
) -> Result<Told, String> {
    let mut fields = Edits::with_capacity(32);
    fields.set("accept", "application/json");
    let ask = Ask {
        method: "GET",
        url,
        binding: None,
        fields: &fields,
        body: None,
        timeout_ms: TIMEOUT_MS,
        max_bytes: MAX_BYTES,
    };
    match host.ask(&ask).await {
        Ok(told) if told.status == 200 => Ok(told),
        Ok(told) => Err(format!("{what} came with status {}", told.status)),
        Err(SendError::TimedOut) => Err(format!("{what} did not come in time")),
        Err(SendError::Unreachable(reason)) => Err(format!("{what} did not come: {reason}")),
    }
}
