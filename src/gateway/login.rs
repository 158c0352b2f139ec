//! Logging in and out, on the paths that authorizers have of their own.

use super::act::Exchange;
use crate::auth::{Authorizer, Effects, Oidc, Presented};
use crate::edits::Edits;
use crate::exchange::{Kind, Request};
use crate::host::Host;
use crate::plan::LoginStep;
use crate::problem::Problem;

impl<H: Host> Exchange<'_, H> {
    /// Takes a step of a login. `edits` are those of the answer.
    pub async fn log_in(
        &self,
        authorizer: u16,
        step: LoginStep,
        edits: &mut Edits,
    ) -> Result<Kind<H::Reply>, Problem> {
        let oidc = self.oidc(authorizer)?;
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
        let location = match step {
            LoginStep::Begin => oidc.login(&presented, edits).await?,
            LoginStep::Finish => oidc.finish(&presented, edits).await?,
            LoginStep::Logout => oidc.logout(&presented, edits).await?,
        };
        Ok(sent_to(&location, self.request, edits))
    }

    fn oidc(&self, authorizer: u16) -> Result<&Oidc, Problem> {
        match self.plan.authorizers.get(usize::from(authorizer)) {
            Some(Ok(Authorizer::Oidc(oidc))) => Ok(oidc),
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
