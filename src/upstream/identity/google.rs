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

use serde_json::Value;

use super::assertion::{Moment, Unsigned};
use super::federation::{Federation, needed, private_key};
use super::token::{ACCESS_TOKEN, Ends, Post, Wanted, fault, literal, safe};
use crate::auth::PrivateKey;
use crate::plan::{Fault, GoogleCredential, GoogleSpec, GoogleToken, JwsAlgorithm, Text};
use crate::problem::json_string;

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
}

/// What its token is for.
enum Purpose {
    /// Scopes, with blanks between.
    Access(String),
    /// The audience of an ID token.
    Id(String),
}

enum Credential {
    Key(Key),
    Federated {
        federation: Rc<Federation>,
        audience: String,
        account: Option<Account>,
    },
}

/// A service account's.
struct Key {
    email: String,
    key: PrivateKey,
    id: Option<String>,
}

/// A service account that is taken on.
struct Account {
    email: String,
    iam_url: String,
}

impl Google {
    /// `spec` with its references looked up. A fault where the key is none, an endpoint is not safe to ask, or there is no
    /// federation to speak of.
    pub fn new(spec: &GoogleSpec, federation: Option<&Rc<Federation>>) -> Result<Google, Fault> {
        let mut usual = TOKEN_URL.to_owned();
        let credential = match &spec.credential {
            GoogleCredential::Json(text) => {
                let (key, token_uri) = account_key(&literal(text)?)?;
                usual = token_uri.unwrap_or(usual);
                Credential::Key(key)
            }
            GoogleCredential::Key { email, key, key_id } => Credential::Key(Key {
                email: literal(email)?,
                key: private_key(&literal(key)?)?,
                id: optional(key_id.as_ref())?,
            }),
            GoogleCredential::Federated {
                audience,
                service_account,
            } => {
                usual = STS_URL.to_owned();
                let account = match optional(service_account.as_ref())? {
                    Some(email) => Some(Account::new(email, spec.iam_url.as_ref())?),
                    None => None,
                };
                Credential::Federated {
                    federation: needed(federation)?,
                    audience: literal(audience)?,
                    account,
                }
            }
        };
        let token_url = optional(spec.token_url.as_ref())?.unwrap_or(usual);
        Ok(Google {
            credential,
            wanted: match &spec.wanted {
                GoogleToken::Access(scopes) => Purpose::Access(scopes.clone()),
                GoogleToken::Id(audience) => Purpose::Id(literal(audience)?),
            },
            token_url: safe(&token_url)?,
        })
    }

    /// What is to be signed.
    pub fn assertion<'a>(&'a self, moment: &'a Moment) -> Unsigned<'a> {
        let Key { email, key, id } = match &self.credential {
            Credential::Key(key) => key,
            Credential::Federated {
                federation,
                audience,
                ..
            } => return federation.token(moment, audience),
        };
        let mut claims = vec![("iss", email.as_str()), ("aud", &self.token_url)];
        match &self.wanted {
            Purpose::Access(scopes) => claims.push(("scope", scopes)),
            Purpose::Id(audience) => {
                claims.extend([("sub", email.as_str()), ("target_audience", audience)]);
            }
        }
        Unsigned {
            whose: "the service account's key",
            key,
            algorithm: JwsAlgorithm::Rs256,
            header: id.as_deref().map(|id| ("kid", id)),
            claims,
            issued_at: moment.now,
            says_since: false,
            lifetime_seconds: ASSERTION_SECONDS,
        }
    }

    /// What Google is asked.
    pub fn post<'a>(&'a self, assertion: &'a str) -> (Post<'a>, Wanted) {
        let (members, wanted) = match &self.credential {
            Credential::Key(_) => (
                vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion),
                ],
                match self.wanted {
                    Purpose::Access(_) => ACCESS_TOKEN,
                    Purpose::Id(_) => inside("id_token"),
                },
            ),
            Credential::Federated {
                audience, account, ..
            } => {
                let scope = match (&self.wanted, account) {
                    (Purpose::Access(scopes), None) => scopes,
                    _ => ALL_OF_CLOUD,
                };
                let members = vec![
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
                    ("subject_token", assertion),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ];
                (members, ACCESS_TOKEN)
            }
        };
        let post = Post::form("Google", &self.token_url, &members, assertion);
        (post, wanted)
    }

    /// What is asked in the name of a service account, if there is one: `generateAccessToken` or `generateIdToken` of IAM
    /// Credentials.
    pub fn take_on<'a>(&self, authorization: &'a str) -> Option<(Post<'a>, Wanted)> {
        let Credential::Federated {
            account: Some(Account { email, iam_url }),
            ..
        } = &self.credential
        else {
            return None;
        };
        let (function, body, wanted) = match &self.wanted {
            Purpose::Access(scopes) => {
                let scopes: Vec<String> = scopes.split(' ').map(json_string).collect();
                let body = ["{\"scope\":[", &scopes.join(","), "]}"].concat();
                let wanted = Wanted {
                    token: "accessToken",
                    ends: Ends::At,
                };
                ("generateAccessToken", body, wanted)
            }
            Purpose::Id(audience) => {
                let audience = json_string(audience);
                let body = ["{\"audience\":", &audience, ",\"includeEmail\":true}"].concat();
                ("generateIdToken", body, inside("token"))
            }
        };
        let url = [
            iam_url,
            "/v1/projects/-/serviceAccounts/",
            email,
            ":",
            function,
        ]
        .concat();
        let post = Post {
            who: "Google IAM Credentials",
            url: url.into(),
            authorization: Some(authorization),
            content_type: "application/json",
            body: body.into(),
            secret: authorization,
        };
        Some((post, wanted))
    }
}

impl Account {
    fn new(email: String, iam_url: Option<&Text>) -> Result<Account, Fault> {
        if !is_service_account(&email) {
            return Err(bad_account("the service account is no e-mail address"));
        }
        let iam_url = optional(iam_url)?;
        let iam_url = safe(iam_url.as_deref().unwrap_or(IAM_URL))?;
        Ok(Account {
            email,
            iam_url: iam_url.trim_end_matches('/').to_owned(),
        })
    }
}

/// A service account's key as Google hands it out, and where it is to be shown.
fn account_key(json: &str) -> Result<(Key, Option<String>), Fault> {
    let unsound =
        "the service account's key is no JSON object with `type`, `client_email` and `private_key`";
    let unsound = || bad_account(unsound);
    let written: Value = serde_json::from_str(json).map_err(|_| unsound())?;
    let text = |name: &str| written.get(name).and_then(Value::as_str);
    if text("type").ok_or_else(unsound)? != "service_account" {
        let message = "the `type` of the service account's key is another than `service_account`";
        return Err(bad_account(message));
    }
    let key = Key {
        email: text("client_email").ok_or_else(unsound)?.to_owned(),
        key: private_key(text("private_key").ok_or_else(unsound)?)?,
        id: text("private_key_id").map(str::to_owned),
    };
    Ok((key, text("token_uri").map(str::to_owned)))
}

fn bad_account(message: &str) -> Fault {
    fault("bad_service_account", message)
}

fn optional(text: Option<&Text>) -> Result<Option<String>, Fault> {
    text.map(literal).transpose()
}

fn inside(token: &'static str) -> Wanted {
    Wanted {
        token,
        ends: Ends::Inside,
    }
}

/// Whether this is the address of a service account, which stands in a URL.
pub fn is_service_account(email: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    email.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && name.bytes().chain(domain.bytes()).all(plain)
    })
}
