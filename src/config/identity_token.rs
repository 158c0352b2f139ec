//! The objects of identities that are tokens, and of the gateway as an issuer of its own.

use super::Spanned;
use super::asked::ClientAuthName;
use super::object::{object, words};
use super::read::{Entries, Lazy};
use super::value::{Name, OneOrMany, TextValue, Whole};

object! {
    /// What the gateway proves to an upstream: a token that it gets for its own credentials (RFC 6749 section 4.4).
    pub struct OAuth2IdentityObject {
        /// `oauth2`
        required kind = "type": OAuth2IdentityType,
        /// The authorization server's token endpoint. `https` but for addresses of the machine itself.
        required token_url: TextValue,
        /// Who the gateway is to the server.
        required client_id: TextValue,
        /// Its secret, best `$secret.NAME`.
        required client_secret: TextValue,
        /// How it shows these. `basic` if nothing is said.
        optional client_auth: ClientAuthName,
        /// The scopes of the token, with blanks between.
        optional scope: TextValue,
        /// Whom the token is for, as some servers call it.
        optional audience: TextValue,
        /// Whom the token is for (RFC 8707), one or several.
        optional resource: OneOrMany<TextValue>,
        /// What else the server is sent, by name.
        optional params: Entries<'a, TextValue>,
    }

    /// What the gateway proves to an upstream: a token of Google Cloud. It shows `credentials`, or `client_email` and
    /// `private_key`, or is `federated`.
    pub struct GoogleIdentityObject {
        /// `google`
        required kind = "type": GoogleIdentityType,
        /// A service account's key as Google hands it out, best `$secret.NAME`: JSON.
        optional credentials: TextValue,
        /// The service account's address, in place of `credentials`.
        optional client_email: TextValue,
        /// Its private key in PEM, best `$secret.NAME`.
        optional private_key: TextValue,
        /// What Google calls this key.
        optional private_key_id: TextValue,
        /// `true`: the gateway shows a token of its own, see `federation`.
        optional federated: Spanned<bool>,
        /// With `federated`, the provider of the workload identity pool:
        /// `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
        optional audience: TextValue,
        /// With `federated`, the address of a service account that the gateway takes on.
        optional service_account: TextValue,
        /// The scopes of an access token.
        optional scopes: Vec<Name<'a>>,
        /// The audience of an ID token, in place of `scopes`: the URL of a service of Cloud Run, a client of IAP.
        optional target_audience: TextValue,
        /// Where tokens are asked for, in place of Google's endpoint. `https` but for addresses of the machine itself.
        optional token_url: TextValue,
        /// Where a service account is taken on, in place of Google's endpoint.
        optional iam_url: TextValue,
    }

    /// What the gateway proves to an upstream: a token of Microsoft Entra ID. It shows a `client_secret`, or a `certificate`
    /// and its `private_key`, or is `federated`.
    pub struct AzureIdentityObject {
        /// `azure`
        required kind = "type": AzureIdentityType,
        /// The tenant's id or domain.
        required tenant: Lazy<'a, TextValue>,
        /// The application's id.
        required client_id: TextValue,
        /// What the token is for, such as `https://storage.azure.com/.default`.
        required scope: TextValue,
        /// The application's secret, best `$secret.NAME`.
        optional client_secret: TextValue,
        /// The application's certificate in PEM.
        optional certificate: TextValue,
        /// The certificate's private key in PEM, best `$secret.NAME`.
        optional private_key: TextValue,
        /// `true`: the gateway shows a token of its own, see `federation`.
        optional federated: Spanned<bool>,
        /// With `federated`, whom that token is for. `api://AzureADTokenExchange` if nothing is said.
        optional audience: TextValue,
        /// Where tokens are asked for, in place of `https://login.microsoftonline.com`.
        optional authority: TextValue,
    }

    /// The gateway as an issuer of tokens about itself, so that clouds know it without a key of theirs.
    pub struct FederationObject {
        /// The URL by which clouds know the gateway, whose host is the gateway's own: it serves its document and its keys
        /// there. `https`.
        required issuer: Name<'a>,
        /// Private keys of RSA in PEM, each best `$secret.NAME`: the first signs, all are published.
        required keys: OneOrMany<TextValue>,
        /// Who the gateway is: `sub` of its tokens. `causeway` if nothing is said.
        optional subject: Name<'a>,
        /// How long its tokens are good. 300 if nothing is said.
        optional lifetime_seconds: Whole<60, 3600>,
    }
}

words! {
    /// The type of an identity by client credentials.
    #[code = "unknown_type"]
    pub enum OAuth2IdentityType {
        OAuth2 = "oauth2",
    }

    /// The type of an identity at Google Cloud.
    #[code = "unknown_type"]
    pub enum GoogleIdentityType {
        Google = "google",
    }

    /// The type of an identity at Microsoft Entra ID.
    #[code = "unknown_type"]
    pub enum AzureIdentityType {
        Azure = "azure",
    }
}
