//! Tokens of a Supabase project: JSON Web Tokens whose keys, issuer and audience follow from the project.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::authorizer::Presented;
use super::claims::Claims;
use super::denied::{Cause, Denied, Way};
use super::jwt::Jwt;
use super::keys::check_key_url;
use crate::host::Host;
use crate::plan::{Fault, JwsAlgorithm, JwtKeys, JwtSpec, SupabaseSpec, Text, UrlFlaw};

const EXPIRED: Way = refused("JWT_EXPIRED", "The token has expired.");
const NOT_ACTIVE: Way = refused("JWT_NOT_ACTIVE", "The token is not active yet.");
const INVALID: Way = refused("JWT_INVALID", "The token is not accepted.");

/// The path of Supabase's auth API, and with the project's URL in front the issuer of its tokens.
pub const AUTH_PATH: &str = "/auth/v1";

/// Below it, the keys that the project publishes.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// An authorizer by tokens of a Supabase project, ready to check them. Each way of signing has its own keys, and only
/// the algorithms of those.
pub struct Supabase {
    secret: Option<Jwt>,
    public: Option<Jwt>,
}

impl Supabase {
    /// `spec` with its references looked up.
    ///
    /// # Errors
    /// Where nothing could be checked safely: no keys, a secret that is too short, a URL that is unsafe.
    pub fn new(spec: SupabaseSpec) -> Result<Supabase, Fault> {
        let SupabaseSpec {
            url,
            secret,
            mut issuers,
            audiences,
            sources,
        } = spec;
        let url = match url {
            Some(url) => Some(project_url(&url.literal()?).map_err(|flaw| Fault {
                code: flaw.code.into(),
                message: flaw.message.into(),
            })?),
            None => None,
        };
        if let (Some(url), true) = (&url, issuers.is_empty()) {
            issuers.push(Text::Literal([url, AUTH_PATH].concat()));
        }
        let jwt = |keys, algorithms| {
            Jwt::new(JwtSpec {
                issuers: issuers.clone(),
                audiences: audiences.clone(),
                sources: sources.clone(),
                ..JwtSpec::of(keys, algorithms)
            })
        };
        let published = |url: String| {
            let jwks = [&url, AUTH_PATH, JWKS_PATH].concat();
            jwt(
                JwtKeys::JwksUri(Text::Literal(jwks)),
                vec![JwsAlgorithm::Rs256, JwsAlgorithm::Es256],
            )
        };
        let shared = |secret| jwt(JwtKeys::Secrets(vec![secret]), vec![JwsAlgorithm::Hs256]);
        let supabase = Supabase {
            secret: secret.map(shared).transpose()?,
            public: url.map(published).transpose()?,
        };
        if supabase.secret.is_none() && supabase.public.is_none() {
            return Err(Fault {
                code: "jwt_no_algorithm".into(),
                message: "there are no keys to check tokens with".into(),
            });
        }
        Ok(supabase)
    }

    /// Remembers so many bytes of tokens at most.
    pub fn limit(&self, bytes: usize) {
        self.public.iter().for_each(|jwt| jwt.limit(bytes));
    }

    pub async fn authenticate<H: Host>(
        &self,
        presented: &Presented<'_, H>,
    ) -> Result<Claims, Denied> {
        let first = match (&self.secret, &self.public) {
            (Some(one), _) | (None, Some(one)) => one.authenticate(presented).await,
            (None, None) => Err(Denied::new(Cause::NotJws, "there are no keys")),
        };
        let known = match (first, &self.secret, &self.public) {
            // It has another algorithm than the secret's, if it is a token at all.
            (Err(denied), Some(_), Some(public)) if denied.cause == Cause::NotJws => {
                public.authenticate(presented).await
            }
            (known, ..) => known,
        };
        known.map_err(in_its_words)
    }
}

/// The URL of a Supabase project, without a slash at its end.
///
/// # Errors
/// It is no URL, has a query, or is not `https` and not of the machine itself.
pub fn project_url(written: &str) -> Result<String, UrlFlaw> {
    check_key_url(written).map_err(|flaw| match flaw.code {
        "insecure_url" => UrlFlaw {
            message: "Supabase is asked by `https`: codes and tokens go there and come from there",
            ..flaw
        },
        _ => flaw,
    })?;
    if written.contains('?') {
        return Err(UrlFlaw {
            code: "bad_url",
            message: "the URL of a Supabase project has no query",
            help: "write it as `https://PROJECT.supabase.co`",
        });
    }
    let spelled = crate::plan::server_url(written)?;
    Ok(spelled.trim_end_matches('/').to_owned())
}

/// Whether a key of a project has all rights: a secret key, or a token of the role `service_role`.
pub fn has_all_rights(key: &str) -> bool {
    #[derive(Deserialize)]
    struct Role {
        role: String,
    }
    let role = || {
        let claims = key.split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        Some(serde_json::from_slice::<Role>(&claims).ok()?.role)
    };
    key.starts_with("sb_secret_") || role().is_some_and(|role| role != "anon")
}

/// What Supabase's clients know the refusals by.
fn in_its_words(denied: Denied) -> Denied {
    let way = match denied.cause {
        Cause::NoToken | Cause::Unavailable | Cause::Way(_) => return denied,
        Cause::Expired => &EXPIRED,
        Cause::NotActive => &NOT_ACTIVE,
        _ => &INVALID,
    };
    Denied::of(way, denied.reason)
}

const fn refused(code: &'static str, text: &'static str) -> Way {
    Way {
        status: 401,
        code,
        text,
        challenge: Some(r#"Bearer realm="causeway", error="invalid_token""#),
        absent: false,
    }
}
