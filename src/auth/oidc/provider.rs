//! Where a provider is asked for what: OpenID Connect Discovery 1.0, remembered like its keys.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Deserialize;

use crate::auth::keys::{ask_issuer, fresh_ms, is_safe_of};
use crate::host::{Host, LOOK_MS, Lease};

/// So long, and a little, an answer may take.
const LEASE_MS: u64 = 6_000;
const PATIENCE_MS: u64 = 12_000;
/// How long an old document serves through an outage.
const STALE_MS: u64 = 24 * 60 * 60 * 1000;
/// Between two tries after one has failed.
const RETRY_MS: u64 = 2_000;

/// The URLs of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    pub authorization: String,
    pub token: String,
    pub userinfo: Option<String>,
    pub end_session: Option<String>,
    pub revocation: Option<String>,
    /// It names itself in its answers (RFC 9207).
    pub names_itself: bool,
    /// The client's secret stands in the body and not in `Authorization` (RFC 6749 section 2.3.1).
    pub secret_in_body: bool,
}

/// How the URLs of a provider are known.
pub enum Directory {
    Fixed(Rc<Endpoints>),
    Discovered {
        issuer: String,
        known: RefCell<Known>,
        lease: Lease,
    },
}

/// All times are of the host, in milliseconds.
#[derive(Default)]
pub struct Known {
    endpoints: Option<Rc<Endpoints>>,
    fresh_until: u64,
    retry_at: u64,
    failure: String,
}

/// What a request does next.
enum Step {
    Use(Rc<Endpoints>),
    Give(String),
    Wait,
    Ask,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Directory {
    pub fn discovered(issuer: &str) -> Directory {
        Directory::Discovered {
            issuer: issuer.to_owned(),
            known: RefCell::default(),
            lease: Lease::default(),
        }
    }

    /// The URLs; asked for once for many requests.
    ///
    /// # Errors
    /// They cannot be had, in words for the operator.
    pub async fn endpoints<H: Host>(&self, host: &H) -> Result<Rc<Endpoints>, String> {
        let (issuer, known, lease) = match self {
            Directory::Fixed(endpoints) => return Ok(Rc::clone(endpoints)),
            Directory::Discovered {
                issuer,
                known,
                lease,
            } => (issuer, known, lease),
        };
        let patience_ends = host.now_ms().saturating_add(PATIENCE_MS);
        loop {
            let now = host.now_ms();
            let step = known.borrow().step(now, lease.is_held(now));
            match step {
                Step::Use(endpoints) => return Ok(endpoints),
                Step::Give(reason) => return Err(reason),
                Step::Wait if now >= patience_ends => {
                    return Err("the discovery document did not come in time".into());
                }
                Step::Wait => host.sleep(LOOK_MS).await,
                Step::Ask => {
                    let ask = async || {
                        let asked = discover(host, issuer).await;
                        known.borrow_mut().learn(asked, host.now_ms());
                    };
                    lease.during(host, LEASE_MS, ask).await;
                }
            }
        }
    }
}

impl Known {
    /// `leased`: somebody is asking.
    fn step(&self, now: u64, leased: bool) -> Step {
        let stale_until = self.fresh_until.saturating_add(STALE_MS);
        let endpoints = self.endpoints.clone().filter(|_| now < stale_until);
        let rests = now < self.retry_at;
        match endpoints {
            Some(endpoints) if leased || rests || now < self.fresh_until => Step::Use(endpoints),
            None if leased => Step::Wait,
            None if rests => Step::Give(self.failure.clone()),
            _ => Step::Ask,
        }
    }

    fn learn(&mut self, asked: Result<(Endpoints, u64), String>, now: u64) {
        match asked {
            Ok((endpoints, fresh_ms)) => {
                self.endpoints = Some(Rc::new(endpoints));
                self.fresh_until = now.saturating_add(fresh_ms);
                self.retry_at = 0;
            }
            Err(reason) => {
                self.failure = reason;
                self.retry_at = now.saturating_add(RETRY_MS);
            }
        }
    }
}

async fn discover<H: Host>(host: &H, issuer: &str) -> Result<(Endpoints, u64), String> {
    let told = ask_issuer(host, issuer).await?;
    let document: Document = serde_json::from_str(&told.body)
        .map_err(|_| "the discovery document lacks an endpoint".to_owned())?;
    // OpenID Connect Discovery 1.0 section 4.3.
    if document.issuer != issuer {
        return Err("the discovery document is of another issuer".into());
    }
    let safe = |url: &str| is_safe_of(issuer, url);
    let needed = [&document.authorization_endpoint, &document.token_endpoint];
    if !needed.into_iter().all(|url| safe(url)) {
        return Err("an endpoint of the discovery document is not safe to use".into());
    }
    let methods = document.token_endpoint_auth_methods_supported;
    let takes = |method: &str| {
        let mut methods = methods.iter().flatten();
        methods.any(|m| m == method)
    };
    let endpoints = Endpoints {
        secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
        authorization: document.authorization_endpoint,
        token: document.token_endpoint,
        userinfo: document.userinfo_endpoint.filter(|url| safe(url)),
        end_session: document.end_session_endpoint.filter(|url| safe(url)),
        revocation: document.revocation_endpoint.filter(|url| safe(url)),
        names_itself: document.authorization_response_iss_parameter_supported,
    };
    Ok((endpoints, fresh_ms(&told)))
}
