//! What a preset fills in. Whatever the authorizer itself says stays as it is.
//!
//! | issuer | where its settings are written down |
//! |---|---|
//! | Auth0 | <https://auth0.com/docs/secure/tokens/access-tokens/validate-access-tokens> |
//! | Supabase | <https://supabase.com/docs/guides/auth/signing-keys> |
//! | Clerk | <https://clerk.com/docs/backend-requests/handling/manual-jwt> |
//! | Cognito | <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html> |
//! | Firebase | <https://firebase.google.com/docs/auth/admin/verify-id-tokens> |
//! | Okta | <https://developer.okta.com/docs/guides/validate-access-tokens/> |
//! | Keycloak | <https://www.keycloak.org/securing-apps/oidc-layers> |
//! | Entra ID | <https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens> |
//! | Cloudflare Access | <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/> |

use super::url::is_host;
use crate::config::{
    Algorithm, CognitoTokens, Context, Field, JwtObject, Name, OneOrMany, PresetObject, Span,
    Spanned, TextValue, TokenPlace,
};
use crate::plan::Text;

/// Claims that must be one of some texts.
pub(super) type Expected = Vec<(String, Vec<String>)>;

/// What is known of an issuer.
struct Known {
    /// Where it was named.
    span: Span,
    issuer: String,
    jwks_uri: String,
    algorithms: &'static [Algorithm],
    audience: Vec<String>,
    token_from: Vec<TokenPlace<'static>>,
    required_claims: &'static [&'static str],
    expected_claims: Expected,
    /// Whether its tokens can be of another API.
    for_many: bool,
}

/// Fills in what the authorizer leaves open, and gives the claims that it must have besides.
pub(super) fn fill(object: &mut JwtObject<'_>, cx: &mut Context) -> Expected {
    if object.preset.is_absent() {
        return Expected::new();
    }
    let Some(known) = object.preset.value().and_then(|preset| known(preset, cx)) else {
        // What is wrong has been told: that keys are missing need not be.
        object.jwks_uri = Field::Bad;
        return Expected::new();
    };
    let span = known.span;
    let text = |text: String| TextValue {
        text: Text::Literal(text),
        span,
    };
    let texts = |texts: Vec<String>| OneOrMany {
        values: texts.into_iter().map(text).collect(),
        span,
    };
    let own_keys =
        object.secret.is_absent() && object.public_key.is_absent() && object.jwks.is_absent();
    if own_keys && object.jwks_uri.is_absent() && object.discovery.is_absent() {
        object.jwks_uri = Field::Value(text(known.jwks_uri));
    }
    if own_keys && object.algorithm.is_absent() && object.algorithms.is_absent() {
        let algorithms = known.algorithms.iter();
        let algorithms = algorithms.map(|value| Spanned {
            value: *value,
            span,
        });
        object.algorithms = Field::Value(algorithms.collect());
    }
    if object.issuer.is_absent() {
        object.issuer = Field::Value(texts(vec![known.issuer]));
    }
    if object.audience.is_absent() {
        if !known.audience.is_empty() {
            object.audience = Field::Value(texts(known.audience));
        } else if known.for_many {
            cx.error(
                object.span.first(),
                "missing_field",
                "`audience` is missing: this issuer signs tokens for others with the same keys",
            )
            .help("say which tokens are for this API");
        }
    }
    if object.token_from.is_absent() && !known.token_from.is_empty() {
        object.token_from = Field::Value(known.token_from);
    }
    if !known.required_claims.is_empty() && !object.required_claims.is_bad() {
        let written = object.required_claims.value().cloned();
        let mut required = written.unwrap_or_default();
        required.extend(
            known
                .required_claims
                .iter()
                .map(|name| Name { value: *name, span }),
        );
        object.required_claims = Field::Value(required);
    }
    known.expected_claims
}

/// `None`, and an error told, where it is not exactly one issuer, or something of it is malformed.
fn known(preset: &PresetObject<'_>, cx: &mut Context) -> Option<Known> {
    let named = [
        ("auth0", !preset.auth0.is_absent()),
        ("supabase", !preset.supabase.is_absent()),
        ("clerk", !preset.clerk.is_absent()),
        ("cognito", !preset.cognito.is_absent()),
        ("firebase", !preset.firebase.is_absent()),
        ("okta", !preset.okta.is_absent()),
        ("keycloak", !preset.keycloak.is_absent()),
        ("entra", !preset.entra.is_absent()),
        ("cloudflare_access", !preset.cloudflare_access.is_absent()),
    ];
    let mut named = named.iter().filter(|(_, there)| *there);
    match (named.next(), named.next()) {
        (Some(_), None) => {}
        (Some((first, _)), Some((second, _))) => {
            let message = format!("this preset names both `{first}` and `{second}`");
            cx.error(preset.span.first(), "contradiction", message)
                .help(
                    "keep one of them; two issuers are two authorizers, and a path may name both",
                );
            return None;
        }
        (None, _) => {
            cx.error(
                preset.span.first(),
                "empty_value",
                "this preset names no issuer",
            )
            .help("write it as a member, such as `\"okta\": { \"domain\": \"example.okta.com\" }`");
            return None;
        }
    }
    if let Some(auth0) = preset.auth0.value() {
        let domain = host(&auth0.domain, cx)?;
        return Some(Known {
            issuer: format!("https://{domain}/"),
            jwks_uri: format!("https://{domain}/.well-known/jwks.json"),
            for_many: true,
            ..of(auth0.span)
        });
    }
    if let Some(supabase) = preset.supabase.value() {
        let project = label(&supabase.project, cx)?;
        let issuer = format!("https://{project}.supabase.co/auth/v1");
        return Some(Known {
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            issuer,
            algorithms: &[Algorithm::Es256, Algorithm::Rs256],
            audience: vec!["authenticated".to_owned()],
            ..of(supabase.span)
        });
    }
    if let Some(clerk) = preset.clerk.value() {
        let domain = host(&clerk.domain, cx)?;
        let origins = one_of("azp", &clerk.origins, clerk.span, cx)?;
        let session = TokenPlace::Cookie(Name {
            value: "__session",
            span: clerk.span.first(),
        });
        return Some(Known {
            issuer: format!("https://{domain}"),
            jwks_uri: format!("https://{domain}/.well-known/jwks.json"),
            // A cookie comes from pages of other origins too: only where `azp` tells them apart.
            token_from: match origins.is_empty() {
                true => Vec::new(),
                false => vec![TokenPlace::Bearer, session],
            },
            expected_claims: origins,
            ..of(clerk.span)
        });
    }
    if let Some(cognito) = preset.cognito.value() {
        let pool = cognito.user_pool.value()?;
        let Some(region) = region(pool.value) else {
            cx.error(pool.span, "bad_name", "this is no id of a user pool")
                .help("it has its region in front, such as `eu-west-1_Ab12Cd34E`");
            return None;
        };
        let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{}", pool.value);
        let clients = one_of("client_id", &cognito.clients, cognito.span, cx)?;
        let token_use = |word: &str| ("token_use".to_owned(), vec![word.to_owned()]);
        // Access tokens have no `aud`, ID tokens no `client_id`.
        let (audience, expected_claims) = match cognito.tokens.value() {
            Some(CognitoTokens::Id) => {
                let clients = clients.into_iter().flat_map(|(_, clients)| clients);
                (clients.collect(), vec![token_use("id")])
            }
            Some(CognitoTokens::Access) | None => {
                let expected = [token_use("access")].into_iter().chain(clients);
                (Vec::new(), expected.collect())
            }
        };
        return Some(Known {
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            issuer,
            audience,
            expected_claims,
            ..of(cognito.span)
        });
    }
    if let Some(firebase) = preset.firebase.value() {
        let project = label(&firebase.project, cx)?;
        return Some(Known {
            issuer: format!("https://securetoken.google.com/{project}"),
            jwks_uri: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com".to_owned(),
            audience: vec![project.to_owned()],
            required_claims: &["sub", "iat", "auth_time"],
            ..of(firebase.span)
        });
    }
    if let Some(okta) = preset.okta.value() {
        let domain = host(&okta.domain, cx)?;
        let server = match okta.server.is_absent() {
            true => "default",
            false => label(&okta.server, cx)?,
        };
        let issuer = format!("https://{domain}/oauth2/{server}");
        return Some(Known {
            jwks_uri: format!("{issuer}/v1/keys"),
            issuer,
            for_many: true,
            ..of(okta.span)
        });
    }
    if let Some(keycloak) = preset.keycloak.value() {
        let url = keycloak.url.value()?;
        let realm = label(&keycloak.realm, cx)?;
        let base = url.value.strip_suffix('/').unwrap_or(url.value);
        let issuer = format!("{base}/realms/{realm}");
        let clients = one_of("azp", &keycloak.clients, keycloak.span, cx)?;
        return Some(Known {
            jwks_uri: format!("{issuer}/protocol/openid-connect/certs"),
            issuer,
            for_many: clients.is_empty(),
            expected_claims: clients,
            span: url.span,
            ..of(keycloak.span)
        });
    }
    if let Some(entra) = preset.entra.value() {
        let tenant = entra.tenant.value()?;
        if !is_guid(tenant.value) {
            cx.error(tenant.span, "bad_name", "this is no id of a tenant")
                .help("write the id, not a name: tokens have it in `iss`");
            return None;
        }
        let tenant = tenant.value.to_ascii_lowercase();
        let base = format!("https://login.microsoftonline.com/{tenant}");
        return Some(Known {
            issuer: format!("{base}/v2.0"),
            jwks_uri: format!("{base}/discovery/v2.0/keys"),
            for_many: true,
            ..of(entra.span)
        });
    }
    let access = preset.cloudflare_access.value()?;
    let team = label(&access.team, cx)?;
    let issuer = format!("https://{team}.cloudflareaccess.com");
    let header = TokenPlace::Header(Name {
        value: "cf-access-jwt-assertion",
        span: access.span.first(),
    });
    Some(Known {
        jwks_uri: format!("{issuer}/cdn-cgi/access/certs"),
        issuer,
        token_from: vec![header],
        for_many: true,
        ..of(access.span)
    })
}

/// What most issuers have in common.
fn of(preset: Span) -> Known {
    Known {
        span: preset.first(),
        issuer: String::new(),
        jwks_uri: String::new(),
        algorithms: &[Algorithm::Rs256],
        audience: Vec::new(),
        token_from: Vec::new(),
        required_claims: &[],
        expected_claims: Vec::new(),
        for_many: false,
    }
}

fn host<'a>(field: &Field<Name<'a>>, cx: &mut Context) -> Option<&'a str> {
    let name = field.value()?;
    if is_host(name.value) {
        return Some(name.value);
    }
    cx.error(
        name.span,
        "bad_host",
        format!("`{}` is no domain", name.value),
    )
    .help("write a name such as `login.example.com`, without scheme, port and path");
    None
}

/// A part of a URL: nothing in it can lead elsewhere.
fn label<'a>(field: &Field<Name<'a>>, cx: &mut Context) -> Option<&'a str> {
    let name = field.value()?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.value.bytes().all(sound) {
        return Some(name.value);
    }
    let message = format!("`{}` cannot stand in the issuer's address", name.value);
    cx.error(name.span, "bad_name", message)
        .help("write letters, digits, `-` and `_`; give `issuer` and `jwks_uri` for any other");
    None
}

/// The claim that must be one of a list; nothing where no list is written.
fn one_of(
    claim: &str,
    field: &Field<Vec<Name<'_>>>,
    preset: Span,
    cx: &mut Context,
) -> Option<Expected> {
    if field.is_absent() {
        return Some(Expected::new());
    }
    let names = field.value()?;
    if names.is_empty() {
        let message = format!("this list names nobody, but `{claim}` must be one of it");
        cx.error(preset.first(), "empty_value", message)
            .help("name those whose tokens are accepted");
        return None;
    }
    let names = names.iter().map(|name| name.value.to_owned()).collect();
    Some(vec![(claim.to_owned(), names)])
}

/// The region in front of a user pool's id.
fn region(pool: &str) -> Option<&str> {
    let (region, id) = pool.split_once('_')?;
    let words = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let sound = !region.is_empty() && region.bytes().all(words);
    let known = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (sound && known).then_some(region)
}

fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let hexadecimal = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq(lengths) && parts.iter().all(hexadecimal)
}

#[cfg(test)]
mod tests;
