//! Logins of people with browsers (OpenID Connect): authorization code with PKCE, and a session in a sealed cookie.
//!
//! Nothing is stored by the gateway. Two kinds of cookies, both sealed and both of the `__Host-` kind:
//!
//! - a [`Login`](session::Login), from the redirect to the provider to its answer: `state`, `nonce`, PKCE's verifier and
//!   where to go afterwards. The answer counts only in the browser that has it, and once.
//! - a [`Session`](session::Session) from then on. It ends by its age, by idleness, by logging out, or where the provider
//!   does not renew it.
//!
//! The session's cookie comes along with requests that another site's page makes the browser send, as cookies do: what can
//! change anything is taken from the gateway's own pages alone.

mod auth0;
mod browser;
mod client;
mod cookie;
mod login;
mod logins;
mod provider;
mod renewal;
mod seal;
mod session;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;

use super::recent::Recent;
use super::{Cause, Claims, Denied, Jwt, Presented, Way};
use crate::host::Host;
use crate::plan::{Fault, JwsAlgorithm, JwtKeys, JwtSpec, OidcSpec, Text};
use crate::secret::Secret;

use client::Client;
use logins::Logins;
use provider::Directory;
use renewal::{Ended, Renewals};
use seal::Sealer;
use session::Session;

pub use auth0::{AUTH0_COOKIE, Auth0, Granted, tenant_url};
pub(super) use browser::guard;
pub use browser::own_path;
pub use seal::SESSION_KEY_BYTES;

/// Sessions that have been logged out of in this isolate, twice over at most.
const REMEMBERED: usize = 1000;

/// A provider's people, and their sessions.
pub struct Oidc {
    client: Client,
    sealer: Sealer,
    logins: Logins,
    cookie: String,
    /// Seconds.
    max_age: u64,
    idle: Option<u64>,
    redirect_path: String,
    after_logout: String,
    /// The access token goes on as a Bearer token.
    forwards: bool,
    renewals: Renewals,
    ended: Rc<RefCell<Recent<[u8; 16], ()>>>,
}

static MISSING: Way = Way {
    status: 401,
    code: "session_missing",
    text: "Nobody is logged in.",
    challenge: Some(r#"Session realm="causeway""#),
    absent: true,
};

static INVALID: Way = Way {
    code: "session_invalid",
    text: "The session is not accepted.",
    absent: false,
    ..MISSING
};

static EXPIRED: Way = Way {
    code: "session_expired",
    text: "The session has ended.",
    absent: false,
    ..MISSING
};

impl Oidc {
    /// # Errors
    /// The issuer is no safe URL, a value is empty, or a session key is missing or short.
    pub fn new(spec: OidcSpec) -> Result<Oidc, Fault> {
        let issuer = spec.issuer.literal()?;
        let id = spec.client_id.literal()?;
        let secret = spec.client_secret.map(Text::literal).transpose()?;
        let secrets = spec.keys.into_iter().map(Text::literal);
        let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
        let parameters = literals(spec.parameters)?;
        let sealer = |what| Sealer::new(&secrets, &[what, &issuer, &id]);
        Ok(Oidc {
            sealer: sealer("session")?,
            logins: Logins::new(sealer("login")?, &spec.cookie),
            client: Client {
                id_tokens: id_tokens(
                    JwtKeys::Discovery,
                    &issuer,
                    &id,
                    // The provider has chosen it, and its keys are used for nothing else here.
                    &JwsAlgorithm::PUBLIC,
                )?,
                directory: Directory::discovered(&issuer),
                issuer,
                id,
                secret: secret.map(Secret::new),
                scope: spec.scope,
                audience: spec.audience,
                max_age: max_age(&parameters),
                parameters,
            },
            cookie: spec.cookie,
            max_age: spec.max_age.into(),
            idle: spec.idle.map(u64::from),
            redirect_path: spec.redirect_path,
            after_logout: spec.after_logout,
            forwards: spec.forwards,
            renewals: Renewals::default(),
            ended: Rc::new(RefCell::new(Recent::new(REMEMBERED))),
        })
    }

    /// Goes on with what the authorizer of the same name knows: who has logged out, which logins are over and, where it is
    /// of the same client, what came of refresh tokens.
    pub fn take_over(&mut self, before: &Oidc) {
        self.ended = Rc::clone(&before.ended);
        self.logins.take_over(&before.logins);
        let client = |it: &Oidc| (it.client.issuer.clone(), it.client.id.clone(), it.forwards);
        if client(self) == client(before) {
            self.renewals.take_over(&before.renewals);
        }
    }

    /// Remembers so many bytes of sessions at most.
    pub fn limit(&self, bytes: usize) {
        self.renewals.limit(bytes);
    }

    /// Whose session the request has.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let cookies = presented.header("cookie").unwrap_or_default();
        if !cookie::names(&cookies, &self.cookie).any(|name| name == self.cookie) {
            return Err(Denied::of(&MISSING, "session_missing: no cookie"));
        }
        let session = self.find(&cookies).ok_or_else(|| {
            Denied::of(&INVALID, "session_invalid: not of these keys, or not whole")
        })?;
        let now = presented.now_s();
        if !session.lives(now, self.max_age, self.idle) {
            return Err(Denied::of(&EXPIRED, "session_expired: too old"));
        }
        if self.ended.borrow().get(&session.id).is_some() {
            return Err(Denied::of(&EXPIRED, "session_expired: logged out"));
        }
        browser::guard(presented, || true)?;
        let (mut session, renewed) = self
            .renewals
            .current(
                presented.host,
                &self.client,
                &self.sealer,
                session,
                self.forwards,
            )
            .await
            .map_err(|ended| match ended {
                Ended::Expired(reason) => Denied::of(&EXPIRED, reason),
                Ended::Unavailable(reason) => Denied::new(Cause::Unavailable, reason),
            })?;
        if self.forwards {
            let over = session.expires.is_some_and(|expiry| now >= expiry.at);
            match &session.access_token {
                Some(token) if renewed || !over => presented.effects.send_bearer(token.clone()),
                _ => return Err(Denied::of(&EXPIRED, "session_expired: no access token")),
            }
        }
        let claims = session
            .claims()
            .ok_or_else(|| Denied::of(&INVALID, "session_invalid: no claims"))?;
        if renewed || self.is_due(&session, now) {
            session.seen = now;
            presented.effects.on_answer(|answer| {
                // One that cannot be written stays as it is in the browser, and serves as long as it can.
                if self.keep(presented.host, &session, &cookies, now, answer) {
                    answer.set("cache-control", "no-store");
                }
            });
        }
        Ok(claims)
    }

    fn find(&self, cookies: &str) -> Option<Session> {
        let sealed = cookie::find_long(cookies, &self.cookie)?;
        Session::read(&self.sealer.open(&self.cookie, &sealed)?)
    }

    /// Leaves a session with the browser. `false` if it is too long.
    fn keep<H: Host>(
        &self,
        host: &H,
        session: &Session,
        presented: &str,
        now: u64,
        answer: &mut crate::edits::Edits,
    ) -> bool {
        let ends = session.begun.saturating_add(self.max_age);
        let sealed = session
            .write()
            .and_then(|bytes| self.sealer.seal(host, &self.cookie, &bytes));
        sealed.is_some_and(|sealed| {
            let left = ends.saturating_sub(now);
            cookie::set_long(&self.cookie, &sealed, left, presented, answer)
        })
    }

    /// Whether its use is worth writing down: a tenth of the idle time has passed.
    fn is_due(&self, session: &Session, now: u64) -> bool {
        self.idle
            .is_some_and(|idle| now >= session.seen.saturating_add(idle.div_ceil(10)))
    }
}

/// What a provider is told besides.
fn literals(parameters: Vec<(String, Text)>) -> Result<Vec<(String, String)>, Fault> {
    let parameters = parameters.into_iter();
    parameters
        .map(|(name, text)| Ok((name, text.literal()?)))
        .collect()
}

/// Seconds since somebody has shown the provider who they are, if a login may not be older.
fn max_age(parameters: &[(String, String)]) -> Option<u64> {
    let (_, seconds) = parameters.iter().find(|(name, _)| name == "max_age")?;
    seconds.parse().ok()
}

/// What checks ID tokens of an issuer for a client.
fn id_tokens(
    keys: JwtKeys,
    issuer: &str,
    client_id: &str,
    algorithms: &[JwsAlgorithm],
) -> Result<Jwt, Fault> {
    Jwt::new(JwtSpec {
        issuers: vec![issuer.into()],
        audiences: vec![client_id.into()],
        leeway: 30,
        required_claims: vec!["sub".into(), "iat".into()],
        sources: Vec::new(),
        ..JwtSpec::of(keys, algorithms.to_vec())
    })
}
