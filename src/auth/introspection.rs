//! Tokens that an authorization server is asked about (RFC 7662).
//!
//! A token is sent to nobody but the endpoint of the config, or the one that the issuer's document names. What the server
//! says counts for as long as the config allows and never past the token's `exp`; that a token is not active, and that
//! no answer came, count for moments. Without an answer nobody comes in.

use std::cell::RefCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::Serializer;
use serde::Deserialize;
use sha2::Digest as _;

use super::asked::{Asked, Verdict, unavailable};
use super::authorizer::Presented;
use super::claims::Claims;
use super::denied::{Cause, Denied, Way};
use super::find::{Found, find, own_or_no_cookie};
use super::keys::{NotDiscovered, check_asked_url, discover};
use super::rules::{Rules, expires_ms};
use super::token::MAX_TOKEN_BYTES;
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError};
use crate::plan::{ClientAuth, Fault, IntrospectionEndpoint, IntrospectionSpec, Text, TokenSource};

/// A longer answer is none.
const MAX_BYTES: usize = 16 * 1024;
/// For so long a token that is not active is not asked about again, if answers are remembered at all.
const INACTIVE_MS: u64 = 10_000;
/// For so long a token, or the issuer's document, is not asked about again after no answer came.
const FAILED_MS: u64 = 1_000;
/// How long the issuer's document may take, with some room.
const DISCOVERY_MS: u64 = 6_000;
/// More than an answer may take, for what else takes time.
const MARGIN_MS: u64 = 1_000;
/// After a document that did not come, for how long what an earlier one said is not asked for again.
const OLD_DOCUMENT_MS: u64 = 30_000;

/// An introspection authorizer, ready to ask.
pub struct Introspection {
    endpoint: Endpoint,
    client: Client,
    hint: String,
    rules: Rules,
    sources: Vec<TokenSource>,
    timeout_ms: u32,
    remember_ms: u64,
    known: Asked<Claims>,
}

enum Endpoint {
    Url(String),
    Discovery {
        issuer: String,
        found: Box<Asked<String>>,
        last: RefCell<Option<String>>,
    },
}

enum Client {
    /// The value of `Authorization`.
    Header(String),
    /// Members of the form.
    Form { id: String, secret: String },
}

impl Introspection {
    /// `spec` with its references looked up. A fault where the endpoint is not safe to ask, the gateway has nothing to
    /// show, or an expected value is empty.
    pub fn new(spec: IntrospectionSpec) -> Result<Introspection, Fault> {
        let rules = Rules::of_introspection(&spec)?;
        let endpoint = match spec.endpoint {
            IntrospectionEndpoint::Url(url) => Endpoint::Url(safe(url.literal()?)?),
            IntrospectionEndpoint::Discovery => Endpoint::Discovery {
                issuer: safe(rules.only_issuer().unwrap_or_default().to_owned())?,
                found: Box::new(Asked::new(DISCOVERY_MS)),
                last: RefCell::default(),
            },
        };
        let client = match spec.client {
            ClientAuth::Basic { id, secret } => Client::Header(basic(&shown(id)?, &shown(secret)?)),
            ClientAuth::Post { id, secret } => Client::Form {
                id: shown(id)?,
                secret: shown(secret)?,
            },
            ClientAuth::Bearer(token) => Client::Header(format!("Bearer {}", shown(token)?)),
        };
        // A lease outlasts what it is for.
        let before_ms = match &endpoint {
            Endpoint::Url(_) => MARGIN_MS,
            Endpoint::Discovery { .. } => DISCOVERY_MS,
        };
        let lease_ms = u64::from(spec.timeout_ms).saturating_add(before_ms);
        Ok(Introspection {
            endpoint,
            client,
            hint: spec.token_type_hint,
            rules,
            sources: spec.sources,
            timeout_ms: spec.timeout_ms,
            remember_ms: u64::from(spec.cache_seconds).saturating_mul(1000),
            known: Asked::sized(lease_ms, Claims::bytes),
        })
    }

    /// Remembers so many bytes of answers at most.
    pub fn limit(&self, bytes: usize) {
        self.known.limit(bytes);
    }

    /// What the server says of the request's token.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let host = presented.host;
        let token = match find(
            &self.sources,
            &|name| presented.header(name),
            presented.query,
        ) {
            Found::Token(token) => own_or_no_cookie(presented, &self.sources, token)?,
            Found::Missing => return Err(Denied::new(Cause::NoToken, "no token")),
            Found::NotBearer => {
                return Err(Denied::new(Cause::NoToken, "not one Bearer token"));
            }
        };
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Denied::of(&INVALID, "the token is too long"));
        }
        let claims = if self.remember_ms == 0 {
            self.ask(host, &token).await.outcome?
        } else {
            let digest = sha2::Sha256::digest(token.as_bytes()).into();
            let asked = self
                .known
                .get(host, digest, async || self.ask(host, &token).await);
            asked.await?
        };
        self.rules.check_claims(&claims)?;
        self.rules.check_times(&claims, presented.now_s())?;
        Ok(claims)
    }

    async fn ask<H: Host>(&self, host: &H, token: &str) -> Verdict<Claims> {
        match self.answer(host, token).await {
            Ok(Some(claims)) => {
                let now = host.now_ms();
                let left = expires_ms(&claims).map(|ends| ends.saturating_sub(now));
                Verdict {
                    outcome: Ok(claims),
                    good_for_ms: self.remember_ms.min(left.unwrap_or(u64::MAX)),
                }
            }
            Ok(None) => Verdict {
                outcome: Err(Denied::of(&INVALID, "the token is not active")),
                good_for_ms: self.remember_ms.min(INACTIVE_MS),
            },
            Err(reason) => Verdict {
                outcome: Err(unavailable(reason)),
                good_for_ms: FAILED_MS,
            },
        }
    }

    /// What the server says of a token, if that is active (RFC 7662 section 2.2).
    async fn answer<H: Host>(&self, host: &H, token: &str) -> Result<Option<Claims>, String> {
        #[derive(Deserialize)]
        struct State {
            active: bool,
        }
        let url = self.endpoint.url(host).await?;
        let mut fields = Edits::with_capacity(256);
        fields.set("accept", "application/json");
        fields.set("content-type", "application/x-www-form-urlencoded");
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token);
        form.append_pair("token_type_hint", &self.hint);
        match &self.client {
            Client::Header(value) => fields.set("authorization", value),
            Client::Form { id, secret } => {
                form.append_pair("client_id", id);
                form.append_pair("client_secret", secret);
            }
        }
        let form = form.finish();
        let ask = Ask {
            method: "POST",
            url: &url,
            binding: None,
            fields: &fields,
            body: Some(&form),
            timeout_ms: self.timeout_ms,
            max_bytes: MAX_BYTES,
        };
        let told = match host.ask(&ask).await {
            Ok(told) if told.status == 200 => told,
            Ok(told) if told.status == 401 => {
                return Err(
                    "introspection: the gateway's own credentials are refused (401)".into(),
                );
            }
            Ok(told) => {
                return Err(format!(
                    "introspection was answered with status {}",
                    told.status
                ));
            }
            Err(SendError::TimedOut) => return Err("introspection took too long".into()),
            Err(SendError::Unreachable(reason) | SendError::ClientBody { reason, .. }) => {
                return Err(format!("introspection failed: {reason}"));
            }
        };
        let state = serde_json::from_str::<State>(&told.body)
            .map_err(|_| "introspection was answered without a sound `active`".to_owned())?;
        if !state.active {
            return Ok(None);
        }
        serde_json::from_str(&told.body)
            .map(Some)
            .map_err(|_| "introspection was answered with claims that are not sound".to_owned())
    }
}

impl Endpoint {
    async fn url<H: Host>(&self, host: &H) -> Result<String, String> {
        let (issuer, found, last) = match self {
            Endpoint::Url(url) => return Ok(url.clone()),
            Endpoint::Discovery {
                issuer,
                found,
                last,
            } => (issuer, found, last),
        };
        let ask = async || match discover(host, issuer, "introspection_endpoint").await {
            Ok((url, fresh_ms)) => {
                *last.borrow_mut() = Some(url.clone());
                Verdict {
                    outcome: Ok(url),
                    good_for_ms: fresh_ms,
                }
            }
            Err(NotDiscovered::Silent(reason)) => match last.borrow().clone() {
                // It may still be where it was.
                Some(url) => Verdict {
                    outcome: Ok(url),
                    good_for_ms: OLD_DOCUMENT_MS,
                },
                None => failed(reason),
            },
            Err(NotDiscovered::Wrong(reason)) => failed(reason),
        };
        // There is one document.
        let found = found.get(host, [0; 32], ask).await;
        found.map_err(|denied| denied.reason.into_owned())
    }
}

fn failed(reason: String) -> Verdict<String> {
    Verdict {
        outcome: Err(unavailable(reason)),
        good_for_ms: FAILED_MS,
    }
}

/// Both are form-encoded first (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", STANDARD.encode(credentials))
}

fn shown(text: Text) -> Result<String, Fault> {
    let text = text.literal()?;
    let sound = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    sound.then_some(text).ok_or_else(|| Fault {
        code: "bad_credentials".into(),
        message: "what the gateway shows the authorization server is empty or not printable ASCII"
            .into(),
    })
}

pub(super) fn safe(url: String) -> Result<String, Fault> {
    match check_asked_url(&url) {
        Ok(()) => Ok(url),
        Err(flaw) => Err(Fault {
            code: flaw.code.into(),
            message: flaw.message.into(),
        }),
    }
}

static INVALID: Way = Way {
    status: 401,
    code: "invalid_token",
    text: "The token is not accepted.",
    challenge: Some(
        r#"Bearer realm="causeway", error="invalid_token", error_description="The token is not accepted.""#,
    ),
    absent: false,
};
