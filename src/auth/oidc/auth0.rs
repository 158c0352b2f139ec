//! An Auth0 tenant: its tokens as a way in, and the predecessor's answers around its logins.

use std::rc::Rc;

use serde::Deserialize;

use super::client::{Client, Failure, Tokens, ask};
use super::login::{Returned, check_nonce, not_identified, stray};
use super::logins::Logins;
use super::provider::{Directory, Endpoints};
use super::seal::Sealer;
use super::session::Login;
use super::{browser, id_tokens, literals, max_age};
use crate::auth::find::{Found, find_in};
use crate::auth::{Claims, Denied, Jwt, Presented, check_key_url, keys};
use crate::edits::Edits;
use crate::host::{BodyError, Host};
use crate::plan::{Auth0Spec, Fault, JwsAlgorithm, JwtKeys, JwtSpec, Place, Text};
use crate::problem::{Blame, Problem};
use crate::secret::Secret;

/// What the names of the cookies of logins begin with.
pub const AUTH0_COOKIE: &str = "__Host-causeway-auth0";

/// Bytes of a body with a refresh token.
const MAX_BODY: usize = 16 * 1024;

/// A tenant.
pub struct Auth0 {
    bearer: Jwt,
    client: Client,
    /// Sealed by the client's secret; a fault where that is too short.
    logins: Result<Logins, Fault>,
    redirect_uri: Option<String>,
}

/// Tokens that have just come, and whose they are.
pub struct Granted {
    /// The tenant's answer.
    pub json: String,
    pub claims: Claims,
}

impl Auth0 {
    /// # Errors
    /// The domain is none, a value is empty, or the keys are none.
    pub fn new(spec: Auth0Spec) -> Result<Auth0, Fault> {
        let base = tenant_url(&spec.domain.literal()?)?;
        let issuer = format!("{base}/");
        let id = spec.client_id.literal()?;
        let secret = spec.client_secret.map(Text::literal).transpose()?;
        let secrets: Vec<String> = secret.iter().cloned().collect();
        let keys = match spec.keys {
            JwtKeys::Discovery => {
                JwtKeys::JwksUri(Text::Literal(format!("{base}/.well-known/jwks.json")))
            }
            keys => keys,
        };
        let parameters = literals(spec.parameters)?;
        let only = &[JwsAlgorithm::Rs256];
        let audiences = match spec.audiences.is_empty() {
            true => vec![Text::Literal(id.clone())],
            false => spec.audiences,
        };
        let audience = spec.audience_asked.map(Text::literal).transpose()?;
        let endpoints = Endpoints {
            authorization: format!("{base}/authorize"),
            token: format!("{base}/oauth/token"),
            userinfo: Some(format!("{base}/userinfo")),
            secret_in_body: true,
            ..Endpoints::default()
        };
        Ok(Auth0 {
            bearer: Jwt::new(JwtSpec {
                issuers: vec![Text::Literal(issuer.clone())],
                audiences,
                ..JwtSpec::of(keys.clone(), only.to_vec())
            })?,
            logins: Sealer::new(&secrets, &["auth0 login", &issuer, &id])
                .map(|sealer| Logins::new(sealer, AUTH0_COOKIE)),
            client: Client {
                id_tokens: id_tokens(keys, &issuer, &id, only)?,
                issuer,
                id,
                secret: secret.map(Secret::new),
                scope: spec.scope,
                audience,
                max_age: max_age(&parameters),
                parameters,
                directory: Directory::Fixed(Rc::new(endpoints)),
            },
            redirect_uri: spec.redirect_uri.map(Text::literal).transpose()?,
        })
    }

    /// Goes on with the logins that are over in the tenant of the same name.
    pub fn take_over(&mut self, before: &Auth0) {
        if let (Ok(mine), Ok(theirs)) = (&mut self.logins, &before.logins) {
            mine.take_over(theirs);
        }
    }

    /// Remembers so many bytes of tokens at most.
    pub fn limit(&self, bytes: usize) {
        self.bearer.limit(bytes);
    }

    /// Whose token the request has.
    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        self.bearer.authenticate(presented).await
    }

    /// Where a browser goes to log in.
    pub async fn redirect<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Result<String, Problem> {
        if !browser::keeps_cookies(presented) {
            let request = presented.request;
            return Ok(["https://", request.authority, request.target].concat());
        }
        let endpoints = self.endpoints(presented).await?;
        let login = Login::begin(presented.host, String::new());
        self.logins()?
            .keep(presented, &login, answer)
            .ok_or_else(|| Problem::config("a login cannot be sealed"))?;
        let back = self.redirect_uri()?;
        Ok(self.client.authorization_url(&endpoints, &login, back))
    }

    /// Takes a browser that comes back.
    pub async fn callback<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        answer: &mut Edits,
    ) -> Result<Granted, Problem> {
        let returned = Returned::read(presented.query).ok_or_else(stray)?;
        let login = self.logins()?.take(presented, &returned.state, answer);
        let login = login.ok_or_else(stray)?;
        let endpoints = self.endpoints(presented).await?;
        let code = returned.code(&self.client.issuer, &endpoints)?;
        let host = presented.host;
        let back = self.redirect_uri()?;
        let tokens = self.client.exchange(host, &code, &login, back).await;
        let tokens = tokens.map_err(told)?;
        let claims = self.identified(presented, &tokens).await?;
        let claims = claims.ok_or_else(|| broken("the tenant gave no ID token"))?;
        check_nonce(&claims, &login)?;
        self.client.check_age(&claims, presented.now_s())?;
        Ok(Granted {
            json: tokens.json,
            claims,
        })
    }

    /// What the tenant knows of the bearer of an access token: JSON.
    pub async fn userinfo<H: Host>(&self, presented: &Presented<'_, H>) -> Result<String, Problem> {
        let places = [
            Place::Header("x-access-token".into()),
            Place::Scheme("bearer".into()),
        ];
        let Found::Token(token) = find_in(&places, &|name| presented.header(name), None) else {
            let problem = Problem::client(401, "missing_access_token", "No access token was sent.");
            let challenge = r#"Bearer realm="causeway""#.to_owned();
            return Err(problem.with_header("www-authenticate", challenge));
        };
        let endpoints = self.endpoints(presented).await?;
        let url = endpoints.userinfo.as_deref().unwrap_or_default();
        let mut fields = Edits::with_capacity(64);
        fields.set("accept", "application/json");
        fields.set("authorization", &format!("Bearer {token}"));
        let answer = ask(presented.host, "GET", url, &fields, None).await;
        let answer = answer.map_err(told)?;
        if answer.status != 200 {
            return Err(told(Failure::Refused(answer.status, String::new())));
        }
        match serde_json::from_str::<serde::de::IgnoredAny>(&answer.body) {
            Ok(_) => Ok(answer.body),
            Err(_) => Err(broken("what the tenant tells of a person is not JSON")),
        }
    }

    /// New tokens for a refresh token: the tenant's JSON. `None` if the request has a token that is still good.
    pub async fn refresh<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Option<String>, Problem> {
        if self.bearer.authenticate(presented).await.is_ok() {
            return Ok(None);
        }
        let places = [Place::Header("x-refresh-token".into())];
        let token = match find_in(&places, &|name| presented.header(name), None) {
            Found::Token(token) => Some(token),
            _ => self.token_of_body(presented).await?,
        };
        let token = token.ok_or_else(|| {
            Problem::client(400, "missing_refresh_token", "No refresh token was sent.")
        })?;
        let tokens = self.client.refresh(presented.host, &token).await;
        let tokens = tokens.map_err(told)?;
        self.identified(presented, &tokens).await?;
        Ok(Some(tokens.json))
    }

    async fn token_of_body<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Option<String>, Problem> {
        #[derive(Deserialize)]
        struct Body {
            refresh_token: Option<String>,
        }
        let body = match presented.host.body(MAX_BODY).await {
            Ok(body) => body,
            Err(BodyError::TooLong) => return Ok(None),
            Err(error) => return Err(Problem::unread(error, "")),
        };
        let body: Option<Body> = serde_json::from_slice(&body).ok();
        let token = body.and_then(|body| body.refresh_token);
        Ok(token.filter(|token| !token.is_empty()))
    }

    async fn identified<H: Host>(
        &self,
        presented: &Presented<'_, H>,
        tokens: &Tokens,
    ) -> Result<Option<Claims>, Problem> {
        let Some(id_token) = &tokens.id_token else {
            return Ok(None);
        };
        let claims = self.client.identify(presented.host, id_token).await;
        claims.map(Some).map_err(|denied| not_identified(&denied))
    }

    async fn endpoints<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Rc<Endpoints>, Problem> {
        let endpoints = self.client.directory.endpoints(presented.host).await;
        endpoints.map_err(Problem::unavailable)
    }

    fn logins(&self) -> Result<&Logins, Problem> {
        self.logins.as_ref().map_err(|fault| {
            Problem::config(format!(
                "logins are sealed by client_secret: {}",
                fault.message
            ))
        })
    }

    fn redirect_uri(&self) -> Result<&str, Problem> {
        let uri = self.redirect_uri.as_deref();
        uri.ok_or_else(|| Problem::config("the authorizer has no redirect_uri"))
    }
}

/// `https://DOMAIN`. With a scheme it is an address of the machine itself, for tests.
///
/// # Errors
/// It is no domain.
pub fn tenant_url(domain: &str) -> Result<String, Fault> {
    let url = if domain.contains("://") {
        domain.strip_suffix('/').unwrap_or(domain).to_owned()
    } else {
        format!("https://{domain}")
    };
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let bare = !authority.contains(['/', '?', '#', '@']);
    let safe = check_key_url(&url).is_ok()
        && (url == format!("https://{domain}") || keys::is_loopback(&url));
    if bare && safe {
        return Ok(url);
    }
    Err(Fault {
        code: "bad_domain".into(),
        message: "the domain of an Auth0 tenant is a name such as `example.eu.auth0.com`".into(),
    })
}

/// The predecessor's codes.
fn told(failure: Failure) -> Problem {
    let reason = failure.reason();
    let (status, code) = match failure {
        Failure::Unavailable(_) => (502, "AUTH0_NETWORK_ERROR"),
        Failure::Refused(status @ 400..=599, _) => (status, "AUTH0_UPSTREAM_ERROR"),
        Failure::Refused(..) => (502, "AUTH0_UPSTREAM_ERROR"),
        Failure::Broken(_) => (500, "AUTH0_ERROR"),
    };
    Problem {
        status,
        code,
        detail: "The identity provider did not do what it was asked for.".into(),
        blame: Blame::Upstream,
        reason: Some(reason),
        header: None,
        passed: None,
        upstream: None,
    }
}

fn broken(reason: &str) -> Problem {
    told(Failure::Broken(reason.to_owned()))
}
