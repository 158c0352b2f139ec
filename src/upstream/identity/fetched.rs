//! Identities that are tokens: who is shown what, and what comes back.
//!
//! They differ in what they show alone. All of them go the same way: an assertion is signed where one is needed, a form
//! is posted, and its answer is a token, or takes on a service account that has one.

use std::rc::Rc;

use super::assertion::{Moment, Unsigned};
use super::azure::Azure;
use super::federation::Federation;
use super::google::Google;
use super::lent::{Got, Lent, Loan};
use super::oauth2::OAuth2;
use super::token::{ACCESS_TOKEN, Bearer, Post};
use crate::host::Host;
use crate::plan::{AzureSpec, Fault, GoogleSpec, OAuth2Spec};

/// An assertion and two answers, each of which may take five seconds, and what else takes time.
const LEASE_MS: u64 = 11_000;

/// A token that is fetched.
pub struct Fetched {
    source: Source,
    token: Lent<Bearer>,
}

enum Source {
    OAuth2(OAuth2),
    Google(Google),
    Azure(Azure),
}

impl Fetched {
    pub fn oauth2(spec: &OAuth2Spec) -> Result<Fetched, Fault> {
        OAuth2::new(spec).map(Source::OAuth2).map(Fetched::of)
    }

    pub fn google(
        spec: &GoogleSpec,
        federation: Option<&Rc<Federation>>,
    ) -> Result<Fetched, Fault> {
        let google = Google::new(spec, federation);
        google.map(Source::Google).map(Fetched::of)
    }

    pub fn azure(spec: &AzureSpec, federation: Option<&Rc<Federation>>) -> Result<Fetched, Fault> {
        let azure = Azure::new(spec, federation);
        azure.map(Source::Azure).map(Fetched::of)
    }

    fn of(source: Source) -> Fetched {
        Fetched {
            source,
            token: Lent::new(LEASE_MS),
        }
    }

    /// Other fields by which a client could show the cloud something in place of the token.
    pub fn removed(&self) -> &'static [&'static str] {
        match self.source {
            // Cloud Run takes it in place of `Authorization`, whoever sent it.
            Source::Google(_) => &["x-serverless-authorization"],
            Source::OAuth2(_) | Source::Azure(_) => &[],
        }
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// There is no token; why, in words for the operator.
    pub async fn bearer<H: Host>(&self, host: &H) -> Result<Got<Bearer>, String> {
        self.token.get(host, async || self.fetch(host).await).await
    }

    /// # Errors
    /// No token came; why, in words for the operator.
    pub async fn renew<H: Host>(&self, host: &H) -> Result<(), String> {
        self.token
            .renew(host, async || self.fetch(host).await)
            .await
    }

    pub fn rests(&self, now: u64) -> bool {
        self.token.rests(now)
    }

    pub fn came_late(&self, now: u64) {
        self.token.came_late(now);
    }

    async fn fetch<H: Host>(&self, host: &H) -> Result<Loan<Bearer>, String> {
        let moment = Moment::of(host);
        let assertion = match self.assertion(&moment) {
            Some(unsigned) => unsigned.signed(host).await?,
            None => String::new(),
        };
        let (post, wanted) = match &self.source {
            Source::OAuth2(client) => (client.post(), ACCESS_TOKEN),
            Source::Google(google) => google.post(&assertion),
            Source::Azure(azure) => (azure.post(&assertion), ACCESS_TOKEN),
        };
        let loan = post.send(host, wanted).await?;
        let Source::Google(google) = &self.source else {
            return Ok(loan);
        };
        match google.take_on(loan.value.expose()) {
            Some((post, wanted)) => post.send(host, wanted).await,
            None => Ok(loan),
        }
    }

    fn assertion<'a>(&'a self, moment: &'a Moment) -> Option<Unsigned<'a>> {
        match &self.source {
            Source::OAuth2(_) => None,
            Source::Google(google) => Some(google.assertion(moment)),
            Source::Azure(azure) => azure.assertion(moment),
        }
    }
}

/// A form of these members.
pub fn form(members: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        form.append_pair(name, value);
    }
    form.finish()
}

impl<'a> Post<'a> {
    /// A form that shows this and nothing else of a secret.
    pub fn form(
        who: &'static str,
        url: &'a str,
        members: &[(&str, &str)],
        secret: &'a str,
    ) -> Post<'a> {
        Post {
            who,
            url: url.into(),
            authorization: None,
            content_type: super::token::FORM,
            body: form(members).into(),
            secret,
        }
    }
}
