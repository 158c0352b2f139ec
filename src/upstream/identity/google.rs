//! Google Cloud: tokens of a service account by its key (RFC 7523 section 2.1), or without one by workload identity
//! federation (RFC 8693).
//!
//! | shown | wanted | asked |
//! |---|---|---|
//! | a key | access token | the token endpoint, by an assertion with `scope` |
//! | a key | ID token | the token endpoint, by an assertion with `target_audience` |
//! | the gateway's own token | access token | the Security Token Service |
//! | the same, with a service account | either | the Security Token Service, then IAM Credentials in its name |

use std::rc::Rc;

use form_urlencoded::Serializer;
use serde::Deserialize;
use serde_json::json;

use super::assertion::signed;
use super::federation::{Federation, needed, private_key};
use super::lent::{Lent, Loan};
use super::token::{Bearer, FORM, Post, Wanted, bearer, id_token, lease_ms, read_answer, safe};
use crate::auth::{PrivateKey, unix_seconds};
use crate::host::Host;
use crate::plan::{Fault, GoogleCredential, GoogleSpec, GoogleToken, JwsAlgorithm, Text};

const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
const STS_URL: &str = "https://sts.googleapis.com/v1/token";
const IAM_URL: &str = "https://iamcredentials.googleapis.com";
/// What a service account can be taken on with.
const ALL_OF_CLOUD: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The longest that Google takes.
const ASSERTION_SECONDS: u64 = 3600;

/// Who the gateway is at Google.
pub struct Google {
    credential: Credential,
    wanted: Purpose,
    token_url: String,
    token: Lent<Bearer>,
}

/// What its token is for.
enum Purpose {
    /// Scopes, with blanks between.
    Access(String),
    /// The audience of an ID token.
    Id(String),
}

enum Credential {
    Key {
        email: String,
        key: PrivateKey,
        key_id: Option<String>,
    },
    Federated {
        federation: Rc<Federation>,
        audience: String,
        account: Option<Account>,
    },
}

/// A service account that is taken on.
struct Account {
    email: String,
    iam_url: String,
}

impl Google {
    /// `spec` with its references looked up. A fault where the key is none, an endpoint is not safe to ask, or there is no
    /// federation to speak of.
    pub fn new(spec: GoogleSpec, federation: Option<&Rc<Federation>>) -> Result<Google, Fault> {
        let GoogleSpec {
            credential,
            wanted,
            token_url,
            iam_url,
        } = spec;
        let mut usual = TOKEN_URL.to_owned();
        let credential = match credential {
            GoogleCredential::Json(text) => {
                let key = AccountKey::read(&text.literal()?)?;
                usual = key.token_uri.unwrap_or(usual);
                Credential::Key {
                    email: key.client_email,
                    key: private_key(&key.private_key)?,
                    key_id: key.private_key_id,
                }
            }
            GoogleCredential::Key { email, key, key_id } => Credential::Key {
                email: email.literal()?,
                key: private_key(&key.literal()?)?,
                key_id: key_id.map(Text::literal).transpose()?,
            },
            GoogleCredential::Federated {
                audience,
                service_account,
            } => {
                usual = STS_URL.to_owned();
                let iam_url = safe(iam_url.unwrap_or_else(|| IAM_URL.into()))?;
                let account = |email: Text| {
                    let email = email.literal()?;
                    if !is_service_account(&email) {
                        return Err(Fault {
                            code: "bad_service_account".into(),
                            message: "the service account is no e-mail address".into(),
                        });
                    }
                    Ok(Account {
                        email,
                        iam_url: iam_url.trim_end_matches('/').to_owned(),
                    })
                };
                Credential::Federated {
                    federation: needed(federation)?,
                    audience: audience.literal()?,
                    account: service_account.map(account).transpose()?,
                }
            }
        };
        Ok(Google {
            credential,
            wanted: match wanted {
                GoogleToken::Access(scopes) => Purpose::Access(scopes),
                GoogleToken::Id(audience) => Purpose::Id(audience.literal()?),
            },
            token_url: safe(token_url.unwrap_or_else(|| usual.as_str().into()))?,
            token: Lent::new(lease_ms(2)),
        })
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// There is no token; why, in words for the operator.
    pub async fn bearer<H: Host>(&self, host: &H) -> Result<Bearer, String> {
        self.token.get(host, async || self.fetch(host).await).await
    }

    async fn fetch<H: Host>(&self, host: &H) -> Result<Loan<Bearer>, String> {
        match &self.credential {
            Credential::Key { email, key, key_id } => {
                let assertion = self.assertion(host, email, key, key_id.as_deref()).await?;
                let mut form = Serializer::new(String::new());
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &assertion);
                let wanted = match self.wanted {
                    Purpose::Access(_) => Wanted::Access,
                    Purpose::Id(_) => Wanted::Id,
                };
                self.ask(host, &form.finish(), &assertion, wanted).await
            }
            Credential::Federated {
                federation,
                audience,
                account,
            } => {
                let own = federation.token(host, audience).await?;
                let scope = match (&self.wanted, account) {
                    (Purpose::Access(scopes), None) => scopes,
                    _ => ALL_OF_CLOUD,
                };
                let mut form = Serializer::new(String::new());
                for (name, value) in [
                    (
                        "grant_type",
                        "urn:ietf:params:oauth:grant-type:token-exchange",
                    ),
                    ("audience", audience),
                    ("scope", scope),
                    (
                        "requested_token_type",
                        "urn:ietf:params:oauth:token-type:access_token",
                    ),
                    ("subject_token", &own),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ] {
                    form.append_pair(name, value);
                }
                let exchanged = self.ask(host, &form.finish(), &own, Wanted::Access).await?;
                match account {
                    None => Ok(exchanged),
                    Some(account) => {
                        let value = exchanged.value.expose();
                        account.take_on(host, value, &self.wanted).await
                    }
                }
            }
        }
    }

    async fn assertion<H: Host>(
        &self,
        host: &H,
        email: &str,
        key: &PrivateKey,
        key_id: Option<&str>,
    ) -> Result<String, String> {
        let now = host.now_ms() / 1000;
        let mut claims = json!({
            "iss": email,
            "aud": self.token_url,
            "iat": now,
            "exp": now.saturating_add(ASSERTION_SECONDS),
        });
        if let Some(claims) = claims.as_object_mut() {
            match &self.wanted {
                Purpose::Access(scopes) => claims.insert("scope".into(), scopes.as_str().into()),
                Purpose::Id(audience) => {
                    claims.insert("sub".into(), email.into());
                    claims.insert("target_audience".into(), audience.as_str().into())
                }
            };
        }
        let kid = key_id.map(|id| ("kid", id));
        let assertion = signed(host, key, JwsAlgorithm::Rs256, kid, &claims).await;
        assertion.map_err(|reason| format!("the key of {email}: {reason}"))
    }

    async fn ask<H: Host>(
        &self,
        host: &H,
        form: &str,
        shown: &str,
        wanted: Wanted,
    ) -> Result<Loan<Bearer>, String> {
        let post = Post {
            who: "Google",
            url: &self.token_url,
            authorization: None,
            content_type: FORM,
            body: form,
            secrets: &[shown],
        };
        let answer = post.send(host).await?;
        read_answer(&answer, wanted, host.now_ms()).map_err(|flaw| post.failed(flaw))
    }
}

impl Account {
    /// A token in the service account's name, by IAM Credentials' `generateAccessToken` and `generateIdToken`.
    async fn take_on<H: Host>(
        &self,
        host: &H,
        authorization: &str,
        wanted: &Purpose,
    ) -> Result<Loan<Bearer>, String> {
        let (function, body) = match wanted {
            Purpose::Access(scopes) => {
                let scopes: Vec<&str> = scopes.split(' ').collect();
                ("generateAccessToken", json!({ "scope": scopes }))
            }
            Purpose::Id(audience) => {
                let body = json!({ "audience": audience, "includeEmail": true });
                ("generateIdToken", body)
            }
        };
        let Account { email, iam_url } = self;
        let post = Post {
            who: "Google IAM Credentials",
            url: &format!("{iam_url}/v1/projects/-/serviceAccounts/{email}:{function}"),
            authorization: Some(authorization),
            content_type: "application/json",
            body: &body.to_string(),
            secrets: &[authorization],
        };
        let answer = post.send(host).await?;
        let now_ms = host.now_ms();
        let read = match wanted {
            Purpose::Access(_) => generated(&answer, now_ms),
            Purpose::Id(_) => generated_id(&answer, now_ms),
        };
        read.map_err(|flaw| post.failed(flaw))
    }
}

fn generated(answer: &str, now_ms: u64) -> Result<Loan<Bearer>, &'static str> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Generated {
        access_token: String,
        expire_time: String,
    }
    let Generated {
        access_token,
        expire_time,
    } = serde_json::from_str(answer).map_err(|_| "its answer has no accessToken with its end")?;
    let ends = unix_seconds(&expire_time).ok_or("its token's end cannot be read")?;
    Ok(Loan {
        value: bearer(&access_token)?,
        good_for_ms: ends.saturating_mul(1000).saturating_sub(now_ms),
    })
}

fn generated_id(answer: &str, now_ms: u64) -> Result<Loan<Bearer>, &'static str> {
    #[derive(Deserialize)]
    struct Generated {
        token: String,
    }
    let Generated { token } =
        serde_json::from_str(answer).map_err(|_| "its answer has no token")?;
    id_token(&token, now_ms)
}

/// A service account's key as Google hands it out.
#[derive(Deserialize)]
struct AccountKey {
    #[serde(rename = "type")]
    kind: String,
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl AccountKey {
    fn read(json: &str) -> Result<AccountKey, Fault> {
        let fault = |message: &str| Fault {
            code: "bad_service_account".into(),
            message: message.into(),
        };
        let key: AccountKey = serde_json::from_str(json).map_err(|_| {
            fault("the service account's key is no JSON object with `type`, `client_email` and `private_key`")
        })?;
        if key.kind != "service_account" {
            return Err(fault(
                "the `type` of the service account's key is another than `service_account`",
            ));
        }
        Ok(key)
    }
}

/// Whether this is the address of a service account, which stands in a URL.
pub fn is_service_account(email: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    email.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && name.bytes().chain(domain.bytes()).all(plain)
    })
}
