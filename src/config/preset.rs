//! Issuers that are known by name: what must be said of each to know its tokens.

use super::object::{object, words};
use super::value::Name;

object! {
    /// A known issuer, by exactly one member. It fills in what the authorizer itself does not say: `issuer`, `jwks_uri`,
    /// `algorithms`, for some also `audience`, `token_from` and claims.
    pub struct PresetObject {
        /// Auth0.
        optional auth0: DomainPreset<'a>,
        /// Supabase, with asymmetric keys.
        optional supabase: ProjectPreset<'a>,
        /// Clerk: session tokens.
        optional clerk: ClerkPreset<'a>,
        /// Amazon Cognito: a user pool.
        optional cognito: CognitoPreset<'a>,
        /// Firebase Authentication: ID tokens.
        optional firebase: ProjectPreset<'a>,
        /// Okta: a custom authorization server.
        optional okta: OktaPreset<'a>,
        /// Keycloak: a realm.
        optional keycloak: KeycloakPreset<'a>,
        /// Microsoft Entra ID: a tenant, tokens of version 2.0.
        optional entra: EntraPreset<'a>,
        /// Cloudflare Access: an application behind it.
        optional cloudflare_access: AccessPreset<'a>,
    }

    /// An issuer that is known by its domain.
    pub struct DomainPreset {
        /// The tenant's domain, such as `example.eu.auth0.com`, or its custom one.
        required domain: Name<'a>,
    }

    /// An issuer that is known by a project.
    pub struct ProjectPreset {
        /// The project's id.
        required project: Name<'a>,
    }

    /// Clerk.
    pub struct ClerkPreset {
        /// The domain of the instance's Frontend API, such as `clerk.example.com`.
        required domain: Name<'a>,
        /// Origins whose tokens are accepted: `azp` must be one. With them, the cookie `__session` is looked at too.
        optional origins: Vec<Name<'a>>,
    }

    /// Amazon Cognito.
    pub struct CognitoPreset {
        /// The user pool's id, such as `eu-west-1_Ab12Cd34E`.
        required user_pool: Name<'a>,
        /// The app clients whose tokens are accepted.
        required clients: Vec<Name<'a>>,
        /// Which of the pool's tokens are accepted. `access` if nothing is said.
        optional tokens: CognitoTokens,
    }

    /// Okta.
    pub struct OktaPreset {
        /// The organisation's domain, such as `example.okta.com`, or its custom one.
        required domain: Name<'a>,
        /// The id of the authorization server. `default` if nothing is said.
        optional server: Name<'a>,
    }

    /// Keycloak.
    pub struct KeycloakPreset {
        /// Where Keycloak is, such as `https://login.example.com`.
        required url: Name<'a>,
        /// The realm's name.
        required realm: Name<'a>,
        /// Clients whose tokens are accepted: `azp` must be one.
        optional clients: Vec<Name<'a>>,
    }

    /// Microsoft Entra ID.
    pub struct EntraPreset {
        /// The tenant's id, 32 hexadecimal digits with hyphens.
        required tenant: Name<'a>,
    }

    /// Cloudflare Access.
    pub struct AccessPreset {
        /// The team's name: that of `https://NAME.cloudflareaccess.com`.
        required team: Name<'a>,
    }
}

words! {
    /// Tokens of a user pool, by their `token_use`.
    #[code = "unknown_value"]
    pub enum CognitoTokens {
        Access = "access",
        Id = "id",
    }
}
