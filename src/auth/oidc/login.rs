//! Logging in and out.

use super::client::{Failure, random, same, word};
use super::provider::Endpoints;
use super::renewal::session_of;
use super::session::Login;
use super::{Oidc, browser, cookie};
use crate::auth::{Cause, Claims, Denied, Presented};
use crate::edits::Edits;
use crate::host::Host;
use crate::problem::{Blame, Problem};
use crate::secret::Secret;

/// The answer of a provider that came back with a browser.
pub struct Returned {
    pub state: String,
    pub code: Option<String>,
    pub error: Option<String>,
    pub iss: Option<String>,
}

impl Oidc {
    /// Where a browser goes to log in, if the request is one that could.
    pub async fn invite<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Option<Result<String, Problem>> {
        if !browser::is_navigation(presented) {
            return None;
        }
        let target = presented.request.target;
        let return_to = browser::own_path(target).or_else(|| browser::own_path(presented.path));
        let return_to = return_to.unwrap_or("/").to_owned();
        Some(self.begin(presented, return_to, answer).await)
    }

    /// Where a browser goes that asks to log in, and afterwards to `return_to` of its query.
    pub async fn login<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Result<String, Problem> {
        let wanted = parameter(presented.query, "return_to");
        let return_to = wanted.as_deref().and_then(browser::own_path);
        let return_to = return_to.unwrap_or("/").to_owned();
        self.begin(presented, return_to, answer).await
    }

    async fn begin<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        return_to: String,
        answer: &mut Edits,
    ) -> Result<String, Problem> {
        if !browser::keeps_cookies(presented) {
            // The browser would drop the cookie, and the login could never end.
            let request = presented.request;
            return Ok(["https://", request.authority, request.target].concat());
        }
        let endpoints = self.client.directory.endpoints(presented.host).await;
        let endpoints = endpoints.map_err(Problem::unavailable)?;
        let login = Login::begin(presented.host, return_to);
        self.logins
            .keep(presented, &login, answer)
            .ok_or_else(|| Problem::config("a login cannot be sealed"))?;
        let back = self.redirect_uri(presented);
        Ok(self.client.authorization_url(&endpoints, &login, &back))
    }

    /// Takes a browser that comes back from the provider. Where it goes on to.
    pub async fn finish<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Result<String, Problem> {
        let returned = Returned::read(presented.query).ok_or_else(stray)?;
        let login = self.logins.take(presented, &returned.state, answer);
        let login = login.ok_or_else(stray)?;
        let host = presented.host;
        let endpoints = self.client.directory.endpoints(host).await;
        let endpoints = endpoints.map_err(Problem::unavailable)?;
        let code = returned.code(&self.client.issuer, &endpoints)?;
        let back = self.redirect_uri(presented);
        let tokens = self.client.exchange(host, &code, &login, &back).await;
        let tokens = tokens.map_err(|failure| no_tokens(&failure))?;
        let Some(id_token) = tokens.id_token.clone() else {
            return Err(failed("the provider gave no ID token"));
        };
        let claims = self.client.identify(host, &id_token).await;
        let claims = claims.map_err(|denied| not_identified(&denied))?;
        check_nonce(&claims, &login)?;
        self.client.check_age(&claims, presented.now_s())?;
        let now = presented.now_s();
        let session = session_of(random(host), id_token, tokens, self.forwards, now);
        let cookies = presented.header("cookie").unwrap_or_default();
        if !self.keep(host, &session, &cookies, now, answer) {
            return Err(failed(format!(
                "the provider's tokens are too long for a session's cookies, which hold {} bytes",
                cookie::MAX_VALUE_BYTES
            )));
        }
        Ok(login.return_to)
    }

    /// Ends the session. Where the browser goes on to, and a refresh token that is then to be [revoked](Oidc::revoke).
    pub async fn logout<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Result<(String, Option<Secret>), Problem> {
        if !browser::is_own(presented) {
            return Err(Problem::client(
                403,
                browser::CROSS_SITE.code,
                browser::CROSS_SITE.text,
            ));
        }
        let cookies = presented.header("cookie").unwrap_or_default();
        let session = self.find(&cookies);
        cookie::clear_long(&self.cookie, &cookies, answer);
        let Some(session) = session else {
            return Ok((self.after_logout.clone(), None));
        };
        self.ended.borrow_mut().put(session.id, ());
        let token = session.refresh_token.map(Secret::new);
        // Whoever wants to leave is let go, whether or not the provider answers.
        let Ok(endpoints) = self.client.directory.endpoints(presented.host).await else {
            return Ok((self.after_logout.clone(), token));
        };
        let location = match &endpoints.end_session {
            None => self.after_logout.clone(),
            Some(url) => {
                let back = [&browser::own_origin(presented), self.after_logout.as_str()].concat();
                self.client.end_session_url(url, &session.id_token, &back)
            }
        };
        Ok((location, token))
    }

    /// Tells the provider that a refresh token is not needed any more, where it wants to know.
    pub async fn revoke<H: Host>(&self, host: &H, token: &Secret) {
        if let Ok(endpoints) = self.client.directory.endpoints(host).await {
            self.client.revoke(host, &endpoints, token.expose()).await;
        }
    }

    fn redirect_uri<H: Host>(&self, presented: &Presented<'_, H>) -> String {
        [&browser::own_origin(presented), self.redirect_path.as_str()].concat()
    }
}

impl Returned {
    /// `None` without a state, or where one of the parameters stands twice (RFC 6749 section 3.1).
    pub fn read(query: Option<&str>) -> Option<Returned> {
        let mut found: [Option<String>; 4] = Default::default();
        for (name, value) in form_urlencoded::parse(query?.as_bytes()) {
            let names = ["state", "code", "error", "iss"];
            let Some(index) = names.iter().position(|n| *n == name) else {
                continue;
            };
            if found.get_mut(index)?.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        let [state, code, error, iss] = found;
        Some(Returned {
            state: state?,
            code,
            error,
            iss,
        })
    }

    /// The code, if it comes from this issuer (RFC 9207) and is no refusal.
    pub fn code(self, issuer: &str, endpoints: &Endpoints) -> Result<String, Problem> {
        let from_another = match &self.iss {
            Some(iss) => !same(iss, issuer),
            None => endpoints.names_itself,
        };
        if from_another {
            return Err(stray().with_reason("the answer is of another issuer"));
        }
        if let Some(error) = self.error {
            let reason = format!("the provider answers with {}", word(&error));
            let problem = Problem::client(403, "login_denied", "The login was not completed.");
            return Err(problem.with_reason(reason));
        }
        self.code.filter(|code| !code.is_empty()).ok_or_else(stray)
    }
}

/// The value of a query parameter that stands once.
pub fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(query?.as_bytes());
    let mut values = pairs.filter(|(key, _)| key == name).map(|(_, v)| v);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.into_owned()),
        _ => None,
    }
}

/// Nobody in this browser waits for this answer.
pub fn stray() -> Problem {
    Problem::client(
        400,
        "login_state_invalid",
        "This login was not begun in this browser, has ended, or took too long. Begin again.",
    )
}

pub fn check_nonce(claims: &Claims, login: &Login) -> Result<(), Problem> {
    match claims.string("nonce") {
        Some(nonce) if same(&nonce, &login.nonce) => Ok(()),
        _ => Err(failed("the ID token's nonce is another")),
    }
}

pub fn not_identified(denied: &Denied) -> Problem {
    match denied.cause {
        Cause::Unavailable => Problem::unavailable(denied.reason.clone()),
        _ => failed(format!("the ID token is refused: {}", denied.reason)),
    }
}

/// Only a code that is refused is the browser's fault.
fn no_tokens(failure: &Failure) -> Problem {
    let reason = failure.reason();
    if failure.refuses_grant() {
        return stray().with_reason(reason);
    }
    if failure.is_passing() {
        return Problem::unavailable(reason);
    }
    let blame = match failure.refuses_client() {
        true => Blame::Gateway,
        false => Blame::Upstream,
    };
    Problem {
        blame,
        ..failed(reason)
    }
}

/// The provider's answer is not what it must be.
pub fn failed(reason: impl Into<String>) -> Problem {
    Problem {
        status: 502,
        code: "login_failed",
        detail: "The identity provider's answer is not accepted.".into(),
        blame: Blame::Upstream,
        reason: Some(reason.into()),
        header: None,
        passed: None,
        upstream: None,
    }
}
