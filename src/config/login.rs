//! The objects of authorizers that log people in.

use super::authorizer::Jwks;
use super::object::{object, words};
use super::read::{Entries, Spanned};
use super::value::{Name, OneOrMany, Scalar, TextValue, Whole};

object! {
    /// How the gateway knows people with browsers: it sends them to an OpenID provider to log in, and keeps a session.
    pub struct OidcObject {
        /// `oidc`
        required kind = "type": OidcType,
        /// The provider, as its tokens have it in `iss`. `https` but for addresses of the machine itself.
        required issuer: TextValue,
        /// The gateway's name at the provider.
        required client_id: TextValue,
        /// The gateway's secret there, best `$secret.NAME`. Without one it is a public client.
        optional client_secret: TextValue,
        /// What is asked for, with blanks between. `openid` if nothing is said.
        optional scope: Name<'a>,
        /// What the access token is to be for, where the provider takes an `audience`.
        optional audience: Name<'a>,
        /// What else the provider is told where somebody is sent to log in, by name, such as `prompt` or `acr_values`. With
        /// `max_age`, an older login is refused.
        optional authorization_parameters: Entries<'a, Scalar>,
        /// The path that the provider sends browsers back to. `/auth/callback` if nothing is said.
        optional redirect_path: Name<'a>,
        /// A path that logs in, and goes on to `return_to` of its query.
        optional login_path: Name<'a>,
        /// A path that logs out.
        optional logout_path: Name<'a>,
        /// Where browsers go after that. `/` if nothing is said.
        optional after_logout: Name<'a>,
        /// The session that follows a login.
        required session: SessionObject<'a>,
        /// `access_token`: the provider's access token goes on as a Bearer token. Nothing does if nothing is said.
        optional forward: ForwardedToken,
    }

    /// How the gateway knows the caller: a token of an Auth0 tenant. The integrations `auth0_...` log people in there.
    pub struct Auth0Object {
        /// `auth0`
        required kind = "type": Auth0Type,
        /// The tenant, such as `example.eu.auth0.com`.
        required domain: TextValue,
        /// The application's id.
        required client_id: TextValue,
        /// The application's secret, best `$secret.NAME`. Logins are sealed by it and need at least 32 bytes, as Auth0 makes them.
        optional client_secret: TextValue,
        /// The URL that the tenant sends browsers back to: that of a path with `auth0_callback`.
        optional redirect_uri: TextValue,
        /// In place of `redirect_uri`, where both are there.
        optional callback_uri: TextValue,
        /// The tenant's keys: as an object, as a string, or as a reference.
        optional jwks: Jwks<'a>,
        /// Where the tenant publishes its keys. `https://DOMAIN/.well-known/jwks.json` if nothing is said.
        optional jwks_uri: TextValue,
        /// What is asked for, with blanks between. `openid` if nothing is said.
        optional scope: Name<'a>,
        /// What `aud` must hold, or one of which it must hold; the first is asked for. The `client_id` if nothing is said.
        optional audience: OneOrMany<TextValue>,
        /// What else the tenant is told where somebody is sent to log in, by name, such as `prompt` or `connection`.
        optional authorization_parameters: Entries<'a, Scalar>,
        /// Whether the token goes on to whoever serves the request. `true` if nothing is said.
        optional forward_credential: Spanned<bool>,
    }

    /// A session, which lives in a sealed cookie.
    pub struct SessionObject {
        /// Secrets of at least 32 bytes, best `$secret.NAME`: the first seals, all open.
        required keys: OneOrMany<TextValue>,
        /// Seconds after which somebody must log in again. 86400 if nothing is said.
        optional max_age: Whole<60, 31_536_000>,
        /// Seconds without a request after which the session ends. It does not if nothing is said.
        optional idle: Whole<60, 31_536_000>,
        /// The cookie's name, which begins with `__Host-`. `__Host-causeway` if nothing is said.
        optional cookie: Name<'a>,
    }
}

words! {
    /// The type of an authorizer that logs people in.
    #[code = "unknown_type"]
    pub enum OidcType {
        Oidc = "oidc",
    }

    /// The type of an authorizer of an Auth0 tenant.
    #[code = "unknown_type"]
    pub enum Auth0Type {
        Auth0 = "auth0",
    }

    /// A token that goes on.
    #[code = "unknown_value"]
    pub enum ForwardedToken {
        AccessToken = "access_token",
    }
}

/// Whether a name may be the one of a session's cookie: browsers take cookies with this prefix from their own host
/// alone, and over a secure connection (RFC 6265bis section 4.1.3.2).
pub fn is_session_cookie(name: &Spanned<&str>) -> bool {
    let rest = name.value.strip_prefix("__Host-").unwrap_or_default();
    !rest.is_empty()
        && name.value.len() <= 64
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
