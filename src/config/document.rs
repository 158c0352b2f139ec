//! The objects of `api-config.json`, each defined once.

use super::authorizer::AuthorizerObject;
use super::identity_token::FederationObject;
use super::method::PathMethod;
use super::mirror::MirrorObject;
use super::object::{object, words};
use super::read::{Entries, Items, Lazy, OneByOne};
use super::require::{NameList, RequireChoice};
use super::server::{Residency, ServerObject, ZoneObject};
use super::value::{AuthChoice, JsonBody, Name, Scalar, TextValue, Whole};
use super::when::WhenObject;
use super::{JsonBody as Ignored, Spanned};

object! {
    /// A whole config of the gateway.
    pub struct Document {
        /// Where editors find the schema; not read.
        optional schema = "$schema": Ignored<'a>,
        /// For people; not read.
        optional title: Ignored<'a>,
        /// For people; not read.
        optional description: Ignored<'a>,
        /// Where endpoints of servers stand, by the names that these use.
        optional zones: Entries<'a, ZoneObject<'a>>,
        /// The backends, on any cloud, that paths proxy to.
        optional servers: Items<'a, ServerObject<'a>>,
        /// JavaScript modules of the worker's own bundle.
        optional services: Items<'a, ServiceObject<'a>>,
        /// Other workers, bound in wrangler.toml.
        optional service_bindings = "serviceBindings": Items<'a, BindingObject<'a>>,
        /// An older spelling of `serviceBindings`.
        optional services_bindings = "servicesBindings": Items<'a, BindingObject<'a>>,
        /// The gateway as an issuer of tokens about itself, which clouds take without a key of theirs.
        optional federation: Lazy<'a, FederationObject<'a>>,
        /// Which other origins' pages may call the gateway.
        optional cors: Lazy<'a, CorsObject<'a>>,
        /// The authorizer that `"auth": true` means.
        optional authorizer: Lazy<'a, AuthorizerObject<'a>>,
        /// Authorizers by the names that paths use in `auth`.
        optional authorizers: Entries<'a, AuthorizerObject<'a>>,
        /// Hostnames that pin a request to one zone of one server.
        optional hosts: HostsObject<'a>,
        /// What holds for every path that does not say otherwise.
        optional defaults: DefaultsObject<'a>,
        /// Values for `$config.NAME` in mappings.
        optional variables: Entries<'a, Scalar>,
        /// What the gateway serves.
        required paths: OneByOne<'a, PathObject<'a>>,
    }

    /// A JavaScript module of the worker's own bundle.
    pub struct ServiceObject {
        /// The name that `integration.binding` uses.
        required alias: Name<'a>,
        /// The module below `services/`, without `.js`.
        required entrypoint: Name<'a>,
    }

    /// A service binding.
    pub struct BindingObject {
        /// The name that hooks and integrations use.
        required alias: Name<'a>,
        /// The name of the binding in wrangler.toml.
        required binding: Name<'a>,
        /// Where the other worker runs, or what it leads to: a name of `zones`. What `residency` of a path asks for.
        optional zone: Name<'a>,
    }

    /// The rules for calls from other origins' pages (CORS).
    pub struct CorsObject {
        /// `*`, origins such as `https://app.example.com`, or all subdomains: `https://*.example.com`.
        optional allow_origins: Vec<TextValue>,
        /// Methods that a page may use.
        optional allow_methods: Vec<Name<'a>>,
        /// Request headers that a page may set.
        optional allow_headers: Vec<Name<'a>>,
        /// Response headers that a page may read.
        optional expose_headers: Vec<Name<'a>>,
        /// Whether a page's calls may carry cookies and other credentials.
        optional allow_credentials: Spanned<bool>,
        /// Seconds for which a browser may remember the answer to a preflight.
        optional max_age: Whole<0, { u32::MAX }>,
    }

    /// What holds for every path that does not say otherwise.
    pub struct DefaultsObject {
        /// `true`, `false`, the name of an authorizer, or several, of which any or all must know the caller.
        optional auth: AuthChoice<'a>,
        /// What a known caller must be allowed, on every path that is not public.
        optional require: RequireChoice<'a>,
        /// Milliseconds to the upstream's response headers. 30000 if nothing is said.
        optional timeout_ms: Timeout,
        /// Milliseconds to the end of the client's body. 300000 if nothing is said.
        optional body_timeout_ms: Timeout,
        /// Ambiguous spellings of a path that are accepted.
        optional allow_in_path: Vec<Ambiguity>,
        /// The jurisdiction that requests must not leave.
        optional residency: Residency<'a>,
    }

    /// Hostnames that pin a request to one zone of one server.
    pub struct HostsObject {
        /// Such as `{server}.{zone}.api.example.com`: both in a label of their own.
        required template: Name<'a>,
    }

    /// One entry of `paths`. It has either an `integration` or a `response`.
    pub struct PathObject {
        /// A host such as `api.example.com`, or all below one: `*.example.com`.
        optional host: Name<'a>,
        /// The request's method, or `ANY`.
        required method: PathMethod,
        /// Such as `/users/{id}` or `/files/{.+}`.
        required path: Name<'a>,
        /// Which requests it is for, by header fields and query; all if nothing is said.
        optional when: WhenObject<'a>,
        /// Where the request goes.
        optional integration: IntegrationObject<'a>,
        /// A constant answer.
        optional response: JsonBody<'a>,
        /// The status of the constant answer. 200 if nothing is said.
        optional response_status: Whole<200, 599>,
        /// Headers of the constant answer.
        optional response_headers: Entries<'a, Scalar>,
        /// Whether the caller must be known: `true`, `false`, the name of an authorizer, or several, of which any or all
        /// must know the caller.
        optional auth: AuthChoice<'a>,
        /// What the caller must be allowed, in place of what `defaults` says; `false` for nothing more.
        optional require: RequireChoice<'a>,
        /// What is carried to the upstream in headers and query.
        optional mapping: MappingObject<'a>,
        /// Values for `$config.NAME`, before the global ones.
        optional variables: Entries<'a, Scalar>,
        /// A function of a bound worker that is asked first and may answer itself.
        optional pre_process: HookObject<'a>,
        /// Milliseconds to the upstream's response headers, from the end of the request's body.
        optional timeout_ms: Timeout,
        /// Milliseconds to the end of the client's body.
        optional body_timeout_ms: Timeout,
        /// Ambiguous spellings of a path that are accepted.
        optional allow_in_path: Vec<Ambiguity>,
        /// The jurisdiction that its requests must not leave, in place of what `defaults` says; `false` for any.
        optional residency: Residency<'a>,
    }

    /// Where a request goes.
    pub struct IntegrationObject {
        /// The kind of integration.
        required kind = "type": IntegrationType,
        /// The alias of a server, for `http` and `http_proxy`.
        optional server: Name<'a>,
        /// The only zones whose endpoints it may use. All that the server reaches if nothing is said.
        optional zones: NameList<'a>,
        /// The alias of a service or of a service binding.
        optional binding: Name<'a>,
        /// The function that is called, for `service_binding`.
        optional function: Name<'a>,
        /// Names of the variables that the called code is given; no others.
        optional env: Vec<Name<'a>>,
        /// The name of the `auth0` or `supabase` authorizer whose tenant or project is asked, where there are several.
        optional authorizer: Name<'a>,
        /// Whether an address that Supabase does not know becomes a user. `true` if nothing is said.
        optional create_user: Spanned<bool>,
        /// A second server that is sent some of the requests too, for `http` and `http_proxy`.
        optional mirror: MirrorObject<'a>,
        /// A function of a bound worker that is given the answer.
        optional post_process: HookObject<'a>,
    }

    /// What is carried from the request to the upstream. Each named header and query key is removed from what the client sent.
    pub struct MappingObject {
        /// Header names with where their values come from, such as `$request.jwt.sub`.
        optional headers: Entries<'a, Name<'a>>,
        /// Query keys with where their values come from.
        optional query: Entries<'a, Name<'a>>,
    }

    /// A function of a bound worker.
    pub struct HookObject {
        /// The alias of a service binding.
        required binding: Name<'a>,
        /// The function that is called.
        required function: Name<'a>,
        /// Names of the variables that it is given; no others.
        optional env: Vec<Name<'a>>,
    }
}

/// Milliseconds, up to ten minutes.
pub type Timeout = Whole<1, 600_000>;

words! {
    /// The method of a path.
    #[code = "unknown_value"]
    pub enum MethodName {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Delete = "DELETE",
        Options = "OPTIONS",
        Patch = "PATCH",
        /// Every method.
        Any = "ANY",
    }

    /// The kind of an integration.
    #[code = "unknown_type"]
    pub enum IntegrationType {
        Http = "http",
        /// The same as `http`.
        HttpProxy = "http_proxy",
        Service = "service",
        ServiceBinding = "service_binding",
        /// Sends a one-time code to an e-mail address or a phone.
        SupabaseSend = "supabase_passwordless_auth",
        /// Takes a one-time code for a session.
        SupabaseVerify = "supabase_passwordless_verify",
        /// Sends a one-time code to an e-mail address.
        SupabaseSendEmail = "supabase_passwordless_auth_alt",
        /// Takes a browser that comes back from an Auth0 tenant, and answers its tokens.
        Auth0Callback = "auth0_callback",
        /// Answers what the tenant knows of a token's bearer.
        Auth0Userinfo = "auth0_userinfo",
        /// Sends a browser to the tenant to log in.
        Auth0CallbackRedirect = "auth0_callback_redirect",
        /// Answers new tokens for a refresh token.
        Auth0Refresh = "auth0_refresh",
    }

    /// A spelling of a path that is refused unless the path accepts it.
    #[code = "unknown_value"]
    pub enum Ambiguity {
        /// `%2F`
        EncodedSlash = "encoded_slash",
        /// `%5C`
        EncodedBackslash = "encoded_backslash",
        /// `;`
        Semicolon = "semicolon",
        /// `//`
        EmptySegment = "empty_segment",
    }
}
