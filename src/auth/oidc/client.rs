//! The gateway as a client of an OpenID provider (OpenID Connect Core 1.0, RFC 6749, RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ctutils::CtEq;
use form_urlencoded::Serializer;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::login::failed;
use super::provider::{Directory, Endpoints};
use super::session::Login;
use crate::auth::{Claims, Denied, Jwt};
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};
use crate::problem::Problem;
use crate::secret::Secret;

/// Milliseconds that the provider may take to answer, and the longest answer.
const TIMEOUT_MS: u32 = 10_000;
const MAX_BYTES: usize = 64 * 1024;
/// Seconds by which the provider's clock may differ.
const LEEWAY_S: u64 = 30;

const REFUSALS_OF_CLIENTS: [&str; 5] = [
    "invalid_client",
    "unauthorized_client",
    "invalid_request",
    "unsupported_grant_type",
    "invalid_scope",
];

/// One client at one provider.
pub struct Client {
    pub issuer: String,
    pub id: String,
    pub secret: Option<Secret>,
    pub scope: String,
    /// What the access token is for, where the provider wants to be told.
    pub audience: Option<String>,
    /// What else it is told where somebody is sent to log in.
    pub parameters: Vec<(String, String)>,
    /// The one of these that an ID token must keep to, in seconds.
    pub max_age: Option<u64>,
    pub directory: Directory,
    /// Checks ID tokens.
    pub id_tokens: Jwt,
}

/// What a provider gives for a code or a refresh token (RFC 6749 section 5.1).
#[derive(Clone, Debug, Deserialize)]
pub struct Tokens {
    pub access_token: String,
    token_type: Option<String>,
    pub id_token: Option<String>,
    pub refresh_token: Option<String>,
    expires_in: Option<Value>,
    /// The whole answer.
    #[serde(skip)]
    pub json: String,
}

/// Why a provider gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It did not answer; in words for the operator.
    Unavailable(String),
    /// It did not say yes, but answered this status.
    Refused(u16, String),
    /// What it answered cannot be understood.
    Broken(String),
}

impl Tokens {
    fn read(json: &str) -> Result<Tokens, &'static str> {
        let tokens: Option<Tokens> = serde_json::from_str(json).ok();
        let tokens = tokens.filter(|tokens| !tokens.access_token.is_empty());
        let tokens = tokens.ok_or("the token endpoint's answer has no access token")?;
        // RFC 6749 section 7.1: a token of another type is not to be used.
        let kind = tokens.token_type.as_deref().unwrap_or("Bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err("the token endpoint's answer has a token of another type than Bearer");
        }
        Ok(tokens)
    }

    /// When the access token expires, if something is said: Unix seconds.
    pub fn expires(&self, now: u64) -> Option<u64> {
        let seconds = match self.expires_in.as_ref()? {
            Value::Number(number) => number.as_u64()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        Some(now.saturating_add(seconds))
    }
}

impl Failure {
    /// It may help to ask again.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Failure::Unavailable(_) | Failure::Refused(429 | 500.., _)
        )
    }

    /// The code or the refresh token is good no more, or never was (RFC 6749 section 5.2). The code of the error says so
    /// and not the status: 400 is right, Auth0 has 403. All else says nothing of the grant.
    pub fn refuses_grant(&self) -> bool {
        matches!(self, Failure::Refused(400..=499, error) if error == "invalid_grant")
    }

    /// The gateway itself is refused as a client: its id, its secret or what it asks for (RFC 6749 section 5.2).
    pub fn refuses_client(&self) -> bool {
        matches!(self, Failure::Refused(400..=499, error) if REFUSALS_OF_CLIENTS.contains(&error.as_str()))
    }

    /// In words for the operator.
    pub fn reason(&self) -> String {
        match self {
            Failure::Unavailable(reason) | Failure::Broken(reason) => reason.clone(),
            Failure::Refused(status, error) => {
                format!("the provider refuses with status {status}: {error}")
            }
        }
    }
}

impl Login {
    /// One that begins now.
    pub fn begin<H: Host>(host: &H, return_to: String) -> Login {
        Login {
            state: random_text::<16, H>(host),
            nonce: random_text::<16, H>(host),
            verifier: random_text::<32, H>(host),
            return_to,
            begun: host.now_ms() / 1000,
        }
    }
}

impl Client {
    /// Where a browser is sent to log in.
    pub fn authorization_url(
        &self,
        endpoints: &Endpoints,
        login: &Login,
        redirect_uri: &str,
    ) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(login.verifier.as_bytes()));
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.scope)
            .append_pair("state", &login.state)
            .append_pair("nonce", &login.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(audience) = &self.audience {
            query.append_pair("audience", audience);
        }
        query.extend_pairs(&self.parameters);
        with_query(&endpoints.authorization, &query.finish())
    }

    /// Where a browser is sent to be logged out at the provider too (OpenID Connect RP-Initiated Logout 1.0).
    pub fn end_session_url(&self, endpoint: &str, id_token: &str, back_to: &str) -> String {
        let mut query = Serializer::new(String::new());
        query
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.id)
            .append_pair("post_logout_redirect_uri", back_to);
        with_query(endpoint, &query.finish())
    }

    /// Tokens for a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    pub async fn exchange<H: Host>(
        &self,
        host: &H,
        code: &str,
        login: &Login,
        redirect_uri: &str,
    ) -> Result<Tokens, Failure> {
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", &login.verifier),
        ];
        self.tokens(host, &grant).await
    }

    /// Tokens for a refresh token (RFC 6749 section 6).
    pub async fn refresh<H: Host>(&self, host: &H, token: &str) -> Result<Tokens, Failure> {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.tokens(host, &grant).await
    }

    /// Tells the provider that a refresh token is not needed any more (RFC 7009). It is a favour: nothing comes of a
    /// failure.
    pub async fn revoke<H: Host>(&self, host: &H, endpoints: &Endpoints, token: &str) {
        if let Some(url) = &endpoints.revocation {
            let form = [("token", token), ("token_type_hint", "refresh_token")];
            let _ = self.post(host, url, endpoints, &form).await;
        }
    }

    /// Whether somebody has shown the provider who they are as lately as it was asked for (OpenID Connect Core 1.0
    /// sections 3.1.2.1 and 3.1.3.7).
    pub fn check_age(&self, claims: &Claims, now_s: u64) -> Result<(), Problem> {
        let Some(max_age) = self.max_age else {
            return Ok(());
        };
        let at = claims.json_of("auth_time");
        let at = at.and_then(|json| serde_json::from_str::<u64>(json).ok());
        let latest = |at: u64| at.saturating_add(max_age).saturating_add(LEEWAY_S);
        match at {
            Some(at) if now_s <= latest(at) => Ok(()),
            _ => Err(failed(
                "the ID token's auth_time is missing or older than max_age",
            )),
        }
    }

    /// Who an ID token is of (OpenID Connect Core 1.0 section 3.1.3.7).
    pub async fn identify<H: Host>(&self, host: &H, id_token: &str) -> Result<Claims, Denied> {
        let claims = self.id_tokens.verify(id_token, host).await?;
        // OpenID Connect Core 1.0 section 2.
        if claims.string("sub").is_none_or(|sub| sub.is_empty()) {
            return Err(Denied::new(crate::auth::Cause::Claims, "sub is no text"));
        }
        let azp = claims.string("azp");
        let several = claims.strings("aud").is_some_and(|aud| aud.len() > 1);
        let others = match &azp {
            Some(azp) => *azp != self.id,
            None => several,
        };
        if others {
            return Err(Denied::new(
                crate::auth::Cause::Claims,
                "azp is not this client",
            ));
        }
        Ok(claims)
    }

    async fn tokens<H: Host>(&self, host: &H, grant: &[(&str, &str)]) -> Result<Tokens, Failure> {
        let endpoints = self.directory.endpoints(host).await;
        let endpoints = endpoints.map_err(Failure::Unavailable)?;
        let told = self.post(host, &endpoints.token, &endpoints, grant).await?;
        match told.status {
            200 => {
                let mut tokens =
                    Tokens::read(&told.body).map_err(|flaw| Failure::Broken(flaw.to_owned()))?;
                tokens.json = told.body;
                Ok(tokens)
            }
            status => Err(Failure::Refused(status, error_code(&told.body))),
        }
    }

    async fn post<H: Host>(
        &self,
        host: &H,
        url: &str,
        endpoints: &Endpoints,
        form: &[(&str, &str)],
    ) -> Result<Told, Failure> {
        let mut fields = Edits::with_capacity(128);
        fields.set("accept", "application/json");
        fields.set("content-type", "application/x-www-form-urlencoded");
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form);
        match &self.secret {
            Some(secret) if !endpoints.secret_in_body => {
                // Both halves are encoded before they are joined (RFC 6749 section 2.3.1).
                let half = |text: &str| {
                    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                };
                let joined = [half(&self.id), half(secret.expose())].join(":");
                fields.set(
                    "authorization",
                    &format!("Basic {}", STANDARD.encode(joined)),
                );
            }
            secret => {
                body.append_pair("client_id", &self.id);
                if let Some(secret) = secret {
                    body.append_pair("client_secret", secret.expose());
                }
            }
        }
        let body = body.finish();
        ask(host, "POST", url, &fields, Some(&body)).await
    }
}

/// Asks the provider.
pub async fn ask<H: Host>(
    host: &H,
    method: &str,
    url: &str,
    fields: &Edits,
    body: Option<&str>,
) -> Result<Told, Failure> {
    let ask = Ask {
        method,
        url,
        binding: None,
        fields,
        body,
        timeout_ms: TIMEOUT_MS,
        max_bytes: MAX_BYTES,
    };
    host.ask(&ask).await.map_err(|error| {
        Failure::Unavailable(match error {
            SendError::TimedOut => "the provider did not answer in time".into(),
            SendError::Unreachable(reason) | SendError::ClientBody { reason, .. } => {
                format!("the provider does not answer: {reason}")
            }
        })
    })
}

/// Whether two secrets are the same, in a time that tells nothing of how much of them is.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).to_bool()
}

/// Random bytes in base64url.
pub fn random_text<const BYTES: usize, H: Host>(host: &H) -> String {
    URL_SAFE_NO_PAD.encode(random::<BYTES, H>(host))
}

pub fn random<const BYTES: usize, H: Host>(host: &H) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for part in bytes.chunks_mut(8) {
        let word = host.random().to_le_bytes();
        for (byte, random) in part.iter_mut().zip(word) {
            *byte = random;
        }
    }
    bytes
}

/// The `error` of a refusal (RFC 6749 section 5.2), if it is a word that may stand in a log.
fn error_code(body: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal: Option<Refusal> = serde_json::from_str(body).ok();
    let error = refusal.map(|r| r.error).unwrap_or_default();
    word(&error).to_owned()
}

/// A code of an error, or nothing if it is more than a code.
pub fn word(text: &str) -> &str {
    let is = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if text.len() <= 64 && text.bytes().all(is) {
        text
    } else {
        ""
    }
}

fn with_query(url: &str, query: &str) -> String {
    let mark = if url.contains('?') { "&" } else { "?" };
    [url, mark, query].concat()
}
