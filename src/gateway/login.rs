//! Logging in and out: on the paths that authorizers have of their own, and by the integrations of Auth0.

use super::act::Exchange;
use super::call::enveloped;
use crate::auth::{Auth0, Authorizer, Effects, Granted, Oidc, Presented};
use crate::edits::Edits;
use crate::exchange::{Kind, Request};
use crate::host::{Called, Host};
use crate::plan::{Hook, LoginStep, Plan};
use crate::problem::Problem;
use crate::secret::Secret;

/// What is done for somebody who has logged out, once the answer is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Index into [`Plan::authorizers`].
    authorizer: u16,
    /// Is to be revoked.
    token: Secret,
}

impl Errand {
    pub async fn run<H: Host>(&self, plan: &Plan, host: &H) {
        let authorizer = plan.authorizers.get(usize::from(self.authorizer));
        if let Some(Ok(Authorizer::Oidc(oidc))) = authorizer {
            oidc.revoke(host, &self.token).await;
        }
    }
}

impl<H: Host> Exchange<'_, H> {
    /// Takes a step of a login. `edits` are those of the answer.
    pub async fn log_in(
        &self,
        authorizer: u16,
        step: LoginStep,
        post_process: Option<&Hook>,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        let effects = Effects::default();
        let presented = Presented {
            host: self.host,
            request: self.request,
            path: &self.canonical.path,
            query: self.canonical.query,
            effects: &effects,
        };
        // The callback's URL holds a code, which is nobody's business (RFC 9700 section 4.2.4).
        edits.set("referrer-policy", "no-referrer");
        edits.set("cache-control", "no-store");
        let location = match (step, self.logs_in(authorizer)?) {
            (LoginStep::Begin, LogsIn::Oidc(oidc)) => oidc.login(&presented, edits).await?,
            (LoginStep::Finish, LogsIn::Oidc(oidc)) => oidc.finish(&presented, edits).await?,
            (LoginStep::Logout, LogsIn::Oidc(oidc)) => {
                let (location, token) = oidc.logout(&presented, edits).await?;
                let errand = token.map(|token| Errand { authorizer, token });
                *self.aside.errand.borrow_mut() = errand;
                location
            }
            (LoginStep::Auth0CallbackRedirect, LogsIn::Auth0(tenant)) => {
                tenant.redirect(&presented, edits).await?
            }
            (LoginStep::Auth0Callback, LogsIn::Auth0(tenant)) => {
                let granted = tenant.callback(&presented, edits).await?;
                return self.granted(granted, post_process, edits).await;
            }
            (LoginStep::Auth0Userinfo, LogsIn::Auth0(tenant)) => {
                return Ok(json(tenant.userinfo(&presented).await?, edits));
            }
            (LoginStep::Auth0Refresh, LogsIn::Auth0(tenant)) => {
                let tokens = tenant.refresh(&presented).await?;
                let tokens = tokens.unwrap_or_else(|| STILL_VALID.to_owned());
                return Ok(json(tokens, edits));
            }
            _ => return Err(Problem::config("the path names another kind of authorizer")),
        };
        Ok(sent_to(&location, self.request, edits))
    }

    /// Answers tokens, unless a function that was asked about their bearer answers in their place.
    async fn granted(
        &self,
        granted: Granted,
        post_process: Option<&Hook>,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        let Some(hook) = post_process else {
            return Ok(json(granted.json, edits));
        };
        let known = Exchange {
            claims: Some(&granted.claims),
            withheld: self.withheld.clone(),
            ..*self
        };
        match known.call_hook(hook, None).await? {
            Called::Proceed => Ok(json(granted.json, edits)),
            Called::Reply(reply) => Ok(Kind::Reply(reply)),
            Called::Object(object) => enveloped(&object, edits),
            called => Err(Problem::hook(format!(
                "post_process answered {}, neither true nor a response nor an object",
                called.kind()
            ))),
        }
    }

    fn logs_in(&self, authorizer: u16) -> Result<LogsIn<'_>, Problem> {
        match self.plan.authorizers.get(usize::from(authorizer)) {
            Some(Ok(Authorizer::Oidc(oidc))) => Ok(LogsIn::Oidc(oidc)),
            Some(Ok(Authorizer::Auth0(tenant))) => Ok(LogsIn::Auth0(tenant)),
            Some(Err(fault)) => Err(Problem::config(fault.message.clone())),
            _ => Err(Problem::config(
                "the path names an authorizer that is not there",
            )),
        }
    }
}

/// Sends a browser elsewhere, by GET whatever it came with (RFC 9110 section 15.4.4).
pub fn sent_to<R>(location: &str, request: Request<'_>, edits: &mut Edits) -> Kind<R> {
    edits.set("cache-control", "no-store");
    edits.set("location", location);
    Kind::Own {
        status: if request.method == "GET" { 302 } else { 303 },
        body: String::new(),
    }
}

/// Who logs people in.
enum LogsIn<'p> {
    Oidc(&'p Oidc),
    Auth0(&'p Auth0),
}

/// The predecessor's answer to who asks for new tokens too early.
const STILL_VALID: &str =
    r#"{"code":"token_still_valid","message":"The access token is still valid."}"#;

fn json<R>(body: String, edits: &mut Edits) -> Kind<R> {
    edits.set("content-type", "application/json");
    Kind::Own { status: 200, body }
}
