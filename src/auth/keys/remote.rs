//! Keys that an issuer publishes (RFC 7517, OpenID Connect Discovery 1.0): fetched once for many requests.
//!
//! A set is fresh for as long as its answer says, within bounds. One that is not is fetched anew by the first request
//! that needs it, while all others use the old one; where that fails, the old one serves on for a day, and the next
//! try waits longer each time. A `kid` that no key has fetches early, once per [`COOL_DOWN_MS`]. Where there is no set
//! at all, one request fetches and the others wait for it.
//!
//! Whoever fetches holds a [`Lease`].

use std::cell::RefCell;
use std::rc::Rc;

use super::discovery::{NotDiscovered, ask_json, discover};
use super::freshness::{LONGEST, fresh_ms};
use super::set::KeySet;
use crate::host::{Host, LOOK_MS, Lease, Told};

/// A lease lasts a little longer than an answer may take.
const LEASE_MS: u64 = 6_000;
/// How long a request waits for keys altogether.
const PATIENCE_MS: u64 = 12_000;
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
    lease: Lease,
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
    retry_at: u64,
    failures: u32,
    /// Why there is no set.
    failure: String,
    /// How often the issuer has been asked, with whatever outcome.
    asked: u64,
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
            lease: Lease::default(),
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
        let asked_before = self.state.borrow().asked;
        loop {
            let now = host.now_ms();
            let leased = self.lease.is_held(now);
            let step = self.state.borrow().step(now, leased, asked_before, &wanted);
            match step {
                Step::Use(keys) => return Ok(keys),
                Step::Give(reason) => return Err(reason),
                Step::Wait if now >= patience_ends => {
                    return Err("the keys did not come in time".into());
                }
                Step::Wait => host.sleep(LOOK_MS).await,
                Step::Fetch { anew } => {
                    let fetch = async || self.fetch(host, anew).await;
                    self.lease.during(host, LEASE_MS, fetch).await;
                }
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
        if !anew && let Some((keys, fresh_until)) = shared(host, &name).await {
            self.state.borrow_mut().take(keys, fresh_until);
            return;
        }
        let outcome = self.ask(host).await;
        let now = host.now_ms();
        self.state.borrow_mut().has_asked(anew, now);
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
        self.lease.extend(host, LEASE_MS);
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
        let known = self.state.borrow().discovered.clone();
        if let Some((url, until)) = &known
            && host.now_ms() < *until
        {
            return Ok(url.clone());
        }
        match discover(host, issuer, "jwks_uri").await {
            Ok((url, fresh_ms)) => {
                let until = host.now_ms().saturating_add(fresh_ms);
                self.state.borrow_mut().discovered = Some((url.clone(), until));
                Ok(url)
            }
            // The keys themselves may still be where they were.
            Err(NotDiscovered::Silent(reason)) => known.map(|(url, _)| url).ok_or(reason),
            Err(NotDiscovered::Wrong(reason)) => Err(reason),
        }
    }
}

impl State {
    /// `leased`: somebody is fetching. `asked_before`: how often the issuer had been asked when the request came.
    fn step(
        &self,
        now: u64,
        leased: bool,
        asked_before: u64,
        wanted: impl Fn(&KeySet) -> bool,
    ) -> Step {
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
        if may_fetch && self.asked == asked_before && now >= self.refetch_at {
            return Step::Fetch { anew: true };
        }
        Step::Use(keys)
    }

    /// Only an answer, or that none came, is worth a pause: a fetch that was cut off has told nothing.
    fn has_asked(&mut self, anew: bool, now: u64) {
        self.asked = self.asked.wrapping_add(1);
        if anew {
            self.refetch_at = now.saturating_add(COOL_DOWN_MS);
        }
    }

    fn take(&mut self, keys: KeySet, fresh_until: u64) {
        if self.keys.as_deref() != Some(&keys) {
            self.changes = self.changes.wrapping_add(1);
            self.keys = Some(Rc::new(keys));
        }
        self.fresh_until = fresh_until;
        self.stale_until = fresh_until.saturating_add(STALE_MS);
        self.retry_at = 0;
        self.failures = 0;
    }

    fn fail(&mut self, reason: String, now: u64) {
        let factor = 1_u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        let wait = RETRY_MS.saturating_mul(factor).min(LONGEST_RETRY_MS);
        self.retry_at = now.saturating_add(wait);
        self.failures = self.failures.saturating_add(1);
        self.failure = reason;
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
