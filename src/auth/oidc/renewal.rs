//! Sessions whose access token ends are renewed while they are used: by one request, for all that come with the same
//! refresh token.
//!
//! Providers give a new refresh token with each use and take the second use of an old one for a theft (RFC 9700
//! section 4.14.2). A browser sends several requests with the old cookie before it has the new one. So what came of a
//! refresh token is remembered here, and sealed in the platform's cache for isolates nearby.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::client::{Client, Failure, Tokens};
use super::seal::Sealer;
use super::session::{Expiry, Session};
use crate::auth::recent::Recent;
use crate::host::{Host, LOOK_MS, Lease};

/// A little longer than the provider may take.
const LEASE_MS: u64 = 12_000;
const PATIENCE_MS: u64 = 15_000;
/// After the provider had trouble.
const RETRY_MS: u64 = 5_000;
/// Seconds for which isolates nearby may find what came of a refresh token.
const SHARED_SECONDS: u32 = 60;
/// Refresh tokens remembered, twice over at most.
const REMEMBERED: usize = 500;

/// What is known of refresh tokens, by their digests.
pub struct Renewals {
    known: Rc<RefCell<Recent<[u8; 32], Renewal>>>,
}

#[derive(Clone, Default)]
struct Renewal {
    /// Another request is asking.
    lease: Lease,
    /// Milliseconds.
    retry_at: u64,
    /// The provider does not take it any more.
    refused: bool,
    /// What the provider said last, for the operator.
    failure: String,
    renewed: Option<Box<Session>>,
}

/// A session that is over before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody must log in again.
    Expired(String),
    /// The provider does not answer.
    Unavailable(String),
}

enum Step {
    Use(Box<Session>),
    Keep,
    Wait,
    Renew,
    End(Ended),
}

impl Default for Renewals {
    fn default() -> Renewals {
        Renewals {
            known: Rc::new(RefCell::new(Recent::new(REMEMBERED))),
        }
    }
}

impl Renewals {
    /// The session as it is now, and whether it was renewed. One that cannot be renewed serves until its access token
    /// ends; without a refresh token it is left alone.
    ///
    /// # Errors
    /// Its access token has ended, and there is no other.
    pub async fn current<H: Host>(
        &self,
        host: &H,
        client: &Client,
        sealer: &Sealer,
        mut session: Session,
        keeps_access_token: bool,
    ) -> Result<(Session, bool), Ended> {
        let patience_ends = host.now_ms().saturating_add(PATIENCE_MS);
        let (mut renewed, mut asked) = (false, false);
        loop {
            let now_ms = host.now_ms();
            let (Some(expiry), Some(token)) = (session.expires, session.refresh_token.clone())
            else {
                return Ok((session, renewed));
            };
            if asked || now_ms / 1000 < expiry.renew_at {
                return Ok((session, renewed));
            }
            let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
            match self.step(&digest, &session, expiry, now_ms) {
                Step::Keep => return Ok((session, renewed)),
                Step::End(ended) => return Err(ended),
                Step::Wait if now_ms >= patience_ends => {
                    return Err(Ended::Unavailable("the renewal did not end in time".into()));
                }
                Step::Wait => host.sleep(LOOK_MS).await,
                Step::Use(newer) => {
                    session = *newer;
                    renewed = true;
                }
                Step::Renew => {
                    let renewal = Renewal::default();
                    let lease = renewal.lease.clone();
                    self.put(digest, renewal);
                    let ask = async || {
                        let place = Shared::new(sealer, &digest);
                        let shared = place.recall(host).await;
                        let shared = shared.filter(|other| newer(other, &session));
                        let (outcome, asked) = match shared {
                            Some(session) => (Ok(session), false),
                            None => {
                                let keeps = keeps_access_token;
                                (renew(host, client, &session, &token, keeps).await, true)
                            }
                        };
                        let renewal = Renewal::of(&outcome, host.now_ms());
                        self.put(digest, renewal);
                        let newer = outcome.ok();
                        if let Some(newer) = newer.as_ref().filter(|_| asked) {
                            place.remember(host, newer).await;
                        }
                        (newer, asked)
                    };
                    if let (Some(newer), anew) = lease.during(host, LEASE_MS, ask).await {
                        session = newer;
                        renewed = true;
                        asked = anew;
                    }
                }
            }
        }
    }

    fn step(&self, digest: &[u8; 32], session: &Session, expiry: Expiry, now_ms: u64) -> Step {
        let known = self.known.borrow();
        let Some(renewal) = known.get(digest) else {
            return Step::Renew;
        };
        let expired = now_ms / 1000 >= expiry.at;
        if let Some(renewed) = renewal.renewed.as_ref().filter(|r| newer(r, session)) {
            return Step::Use(renewed.clone());
        }
        if renewal.lease.is_held(now_ms) {
            return if expired { Step::Wait } else { Step::Keep };
        }
        match (renewal.refused, now_ms < renewal.retry_at, expired) {
            (true, _, true) => Step::End(Ended::Expired(
                ["session_expired: ", &renewal.failure].concat(),
            )),
            (_, true, true) => Step::End(Ended::Unavailable(
                ["the session cannot be renewed: ", &renewal.failure].concat(),
            )),
            (true, _, false) | (_, true, false) => Step::Keep,
            (false, false, _) => Step::Renew,
        }
    }

    /// Goes on with what another one knows.
    pub fn take_over(&mut self, before: &Renewals) {
        self.known = Rc::clone(&before.known);
    }

    /// Remembers so many bytes of sessions at most.
    pub fn limit(&self, bytes: usize) {
        self.known.borrow_mut().limit(bytes);
    }

    fn put(&self, digest: [u8; 32], renewal: Renewal) {
        let bytes = renewal
            .renewed
            .as_ref()
            .map_or(0, |session| session.bytes());
        self.known.borrow_mut().put_sized(digest, renewal, bytes);
    }
}

impl Renewal {
    fn of(outcome: &Result<Session, Failure>, now_ms: u64) -> Renewal {
        match outcome {
            Ok(newer) => Renewal {
                renewed: Some(Box::new(newer.clone())),
                ..Renewal::default()
            },
            Err(failure) if failure.refuses_grant() => Renewal {
                refused: true,
                failure: failure.reason(),
                ..Renewal::default()
            },
            Err(failure) => Renewal {
                retry_at: now_ms.saturating_add(RETRY_MS),
                failure: failure.reason(),
                ..Renewal::default()
            },
        }
    }
}

/// A new session of these tokens, which have just come.
pub fn session_of(
    id: [u8; 16],
    id_token: String,
    tokens: Tokens,
    keeps_access_token: bool,
    now: u64,
) -> Session {
    Session {
        id,
        id_token,
        expires: tokens.expires(now).map(|at| Expiry::new(at, now)),
        refresh_token: tokens.refresh_token,
        access_token: keeps_access_token.then_some(tokens.access_token),
        begun: now,
        seen: now,
    }
}

async fn renew<H: Host>(
    host: &H,
    client: &Client,
    session: &Session,
    token: &str,
    keeps_access_token: bool,
) -> Result<Session, Failure> {
    let tokens = client.refresh(host, token).await?;
    let id_token = match &tokens.id_token {
        None => session.id_token.clone(),
        // It must be of the same person (OpenID Connect Core 1.0 section 12.2).
        Some(id_token) => {
            let claims = client.identify(host, id_token).await;
            let claims = claims.map_err(|denied| Failure::Broken(denied.reason.into_owned()))?;
            let before = session.claims();
            let before = before.as_ref().and_then(|claims| claims.string("sub"));
            if before.is_none() || claims.string("sub") != before {
                return Err(Failure::Broken(
                    "the new ID token is of somebody else".into(),
                ));
            }
            id_token.clone()
        }
    };
    let now = host.now_ms() / 1000;
    let mut renewed = session_of(session.id, id_token, tokens, keeps_access_token, now);
    renewed.begun = session.begun;
    // One that did not come with another is good again.
    renewed.refresh_token = renewed.refresh_token.or_else(|| Some(token.to_owned()));
    Ok(renewed)
}

fn newer(one: &Session, other: &Session) -> bool {
    one.id == other.id && one.expires.map(|e| e.at) > other.expires.map(|e| e.at)
}

/// Where isolates nearby find what came of a refresh token.
struct Shared<'s> {
    sealer: &'s Sealer,
    name: String,
}

impl<'s> Shared<'s> {
    fn new(sealer: &'s Sealer, digest: &[u8; 32]) -> Shared<'s> {
        Shared {
            sealer,
            name: format!("session {}", URL_SAFE_NO_PAD.encode(digest)),
        }
    }

    async fn recall<H: Host>(&self, host: &H) -> Option<Session> {
        let sealed = host.recall(&self.name).await?;
        Session::read(&self.sealer.open(&self.name, &sealed)?)
    }

    async fn remember<H: Host>(&self, host: &H, session: &Session) {
        let sealed = session
            .write()
            .and_then(|bytes| self.sealer.seal(host, &self.name, &bytes));
        if let Some(sealed) = sealed {
            host.remember(&self.name, &sealed, SHARED_SECONDS).await;
        }
    }
}
