//! The blueprint: a checked config as plain data, small and quick to read back.
//!
//! Names have become indices, patterns are known to be sound, every value is of its type. What is left open are
//! [`Reference`]s, which only the running worker can resolve.

use serde::{Deserialize, Serialize};

use super::require::Requirement;
use super::when::When;
use super::{
    Authorizer, FederationDocument, FederationSpec, HostTemplate, LoginStep, MirrorSpec, Server,
    ServerIdentity, SupabaseCall, Zone,
};
use crate::http::Method;

/// The artifact's format. One that differs is refused, never guessed at.
pub const BLUEPRINT_VERSION: u32 = 6;

/// A whole config, checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    pub zones: Vec<Zone>,
    pub hosts: Option<HostTemplate>,
    pub servers: Vec<Server>,
    pub bindings: Vec<Binding>,
    pub services: Vec<Service>,
    pub cors: Option<Cors>,
    pub authorizers: Vec<Authorizer>,
    pub identities: Vec<ServerIdentity>,
    pub federation: Option<FederationSpec>,
    pub paths: Vec<PathEntry>,
}

/// A string that is known, or one that the worker's environment gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Text {
    Literal(String),
    Reference(Reference),
}

/// `$env.NAME`, `$secret.NAME` or `$secrets.NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    pub kind: ReferenceKind,
    pub name: String,
}

/// Whether a reference's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReferenceKind {
    Env,
    Secret,
}

impl From<&str> for Text {
    /// A literal, whatever it starts with.
    fn from(value: &str) -> Text {
        Text::Literal(value.to_owned())
    }
}

impl Text {
    /// The value, once references have been looked up; a fault where one has not.
    pub fn literal(self) -> Result<String, Fault> {
        match self {
            Text::Literal(value) => Ok(value),
            Text::Reference(reference) => Err(Fault {
                code: "missing_reference".into(),
                message: format!("{} has not been looked up", reference.name),
            }),
        }
    }

    /// The value as written, references by their prefix.
    pub fn read(value: &str) -> Text {
        let reference = |kind, name: &str| {
            Text::Reference(Reference {
                kind,
                name: name.to_owned(),
            })
        };
        if let Some(name) = value.strip_prefix("$env.") {
            reference(ReferenceKind::Env, name)
        } else if let Some(name) = value
            .strip_prefix("$secret.")
            .or_else(|| value.strip_prefix("$secrets."))
        {
            reference(ReferenceKind::Secret, name)
        } else {
            Text::Literal(value.to_owned())
        }
    }
}

/// A Workers service binding by the name it has in `wrangler.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    pub alias: String,
    pub binding: String,
    /// Index into [`Blueprint::zones`].
    pub zone: Option<u16>,
}

/// A JavaScript module of the worker's own bundle, `services/ENTRYPOINT.js`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub alias: String,
    pub entrypoint: String,
}

/// The gateway's CORS policy (Fetch standard, section 3.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cors {
    pub allow_origins: Vec<OriginPattern>,
    /// `None` if nothing is said.
    pub allow_methods: Option<Vec<String>>,
    /// Lower case; `None` if nothing is said. `*` stands for any header but `authorization`.
    pub allow_headers: Option<Vec<String>>,
    pub expose_headers: Vec<String>,
    pub allow_credentials: bool,
    /// Seconds.
    pub max_age: Option<u32>,
}

/// Which origins one member of `allow_origins` names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OriginPattern {
    /// `*`
    Any,
    /// `https://app.example.com`, or a reference.
    Exact(Text),
    /// `https://*.example.com`: at least one whole label in the star's place; `suffix` starts with a dot and
    /// ends with the port, if one is written.
    Subdomains { scheme: String, suffix: String },
}

/// Whom a path serves. Indices are into [`Blueprint::authorizers`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Everyone.
    #[default]
    Public,
    /// Whom one of these knows; they are asked in order. Never empty.
    Any(Vec<u16>),
    /// Whom all of these know; they are asked in order, and the first says who it is. Never empty.
    All(Vec<u16>),
}

impl Access {
    /// The authorizers that are asked.
    pub fn authorizers(&self) -> &[u16] {
        match self {
            Access::Public => &[],
            Access::Any(list) | Access::All(list) => list,
        }
    }

    pub fn is_public(&self) -> bool {
        matches!(self, Access::Public)
    }
}

/// One entry of `paths`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathEntry {
    /// `None` is `ANY`.
    pub method: Option<Method>,
    /// Lower case; `*.` in front stands for one or more labels.
    pub host: Option<String>,
    /// Canonical: literals percent-encoded as the matcher sees them.
    pub pattern: String,
    /// Which of the requests for its host, method and pattern it serves; `None` is all.
    pub when: Option<Box<When>>,
    pub action: Action,
    pub access: Access,
    /// What the caller must be allowed; never on a public path.
    pub require: Option<Box<Requirement>>,
    pub pre_process: Option<Hook>,
    /// Milliseconds to the upstream's response headers, from the end of the request's body.
    pub timeout_ms: u32,
    /// Milliseconds to the end of the client's body.
    pub body_timeout_ms: u32,
    pub tolerate: Tolerance,
}

/// What a path does with a request that may use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Pass it on to a server.
    Proxy {
        /// Index into [`Blueprint::servers`].
        server: u16,
        /// The only zones that its endpoints may stand in: indices into [`Blueprint::zones`].
        zones: Option<Vec<u16>>,
        mapping: Option<Box<Mapping>>,
        /// A second server that is sent some of the requests too.
        mirror: Option<Box<MirrorSpec>>,
        post_process: Option<Hook>,
    },
    /// Ask a function of a bound worker.
    Call {
        hook: Hook,
        post_process: Option<Hook>,
    },
    /// Ask a module of the worker's own bundle.
    Service {
        /// Index into [`Blueprint::services`].
        service: u16,
        /// Names of the variables it is given.
        env: Vec<String>,
        post_process: Option<Hook>,
    },
    /// Ask Supabase for the client.
    Supabase(Box<SupabaseCall>),
    /// Answer at once.
    Respond {
        status: u16,
        /// Lower-case names.
        headers: Vec<(String, Text)>,
        body: Template,
    },
    /// It could not be understood: the path is there and closed, 500 `config_error`.
    Fault(Fault),
    /// Log somebody in or out.
    Login {
        /// Index into [`Blueprint::authorizers`].
        authorizer: u16,
        step: LoginStep,
        post_process: Option<Hook>,
    },
    /// Publish what clouds know the gateway by.
    Federation(FederationDocument),
}

/// What is wrong with a part of the config, as its diagnostic says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The diagnostic's code.
    pub code: String,
    /// For the operator; never for the client.
    pub message: String,
}

/// A function of a bound worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// Index into [`Blueprint::bindings`].
    pub binding: u16,
    pub function: String,
    /// Names of the variables it is given; no others.
    pub env: Vec<String>,
}

/// What is carried from the request to the upstream. Each named header and query key is first removed from what
/// the client sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    /// Lower-case names.
    pub headers: Vec<(String, Source)>,
    pub query: Vec<(String, Source)>,
}

/// Where a mapped value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// `$request.header.N`, lower case.
    Header(String),
    /// `$request.jwt.N`: a flat claim name.
    Claim(String),
    /// `$request.query.N`
    Query(String),
    /// `$request.path.N`: a parameter of the pattern.
    Path(String),
    /// `$config.N`, looked up already: the path's variables, then the global ones.
    Config(Text),
    /// `$config.N` that nobody defines: nothing is set.
    Absent,
}

/// A constant body with the places where references go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template(pub Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Piece {
    /// JSON text as it is sent.
    Json(String),
    /// Replaced by its value as a JSON string.
    Reference(Reference),
}

/// Ambiguous spellings that a path takes on itself to accept (`allow_in_path`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// `%2F`
    pub encoded_slash: bool,
    /// `%5C`
    pub encoded_backslash: bool,
    /// `;` and `%3B`: path parameters, which some upstreams cut off.
    pub semicolon: bool,
    /// `//`
    pub empty_segment: bool,
}
