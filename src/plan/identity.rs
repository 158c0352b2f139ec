//! What the gateway proves to upstreams, as a blueprint has it.

use serde::{Deserialize, Serialize};

use super::{AzureSpec, Fault, GoogleSpec, OAuth2Spec, Text};

/// What the gateway proves to a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// The server's alias, for the log.
    pub server: String,
    pub kind: IdentityKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum IdentityKind {
    /// It could not be understood: paths to the server answer `config_error`.
    Fault(Fault),
    Header(HeaderIdentity),
    Basic(BasicIdentity),
    OAuth2(OAuth2Spec),
    Google(GoogleSpec),
    Azure(AzureSpec),
}

/// A secret in a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderIdentity {
    /// In lower case.
    pub name: String,
    /// What stands in front of the secret.
    pub prefix: String,
    pub secret: Text,
}

/// A user name and a password (RFC 7617).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicIdentity {
    pub username: Text,
    /// `None` is the empty one.
    pub password: Option<Text>,
}

impl IdentityKind {
    /// As the config writes its type.
    pub fn name(&self) -> &'static str {
        match self {
            IdentityKind::Fault(_) => "faulty",
            IdentityKind::Header(_) => "header",
            IdentityKind::Basic(_) => "basic",
            IdentityKind::OAuth2(_) => "oauth2",
            IdentityKind::Google(_) => "google",
            IdentityKind::Azure(_) => "azure",
        }
    }

    /// Every text in it that may be a reference.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            IdentityKind::Fault(_) => Vec::new(),
            IdentityKind::Header(spec) => vec![&spec.secret],
            IdentityKind::Basic(spec) => {
                let name = std::iter::once(&spec.username);
                name.chain(&spec.password).collect()
            }
            IdentityKind::OAuth2(spec) => spec.texts(),
            IdentityKind::Google(spec) => spec.texts(),
            IdentityKind::Azure(spec) => spec.texts(),
        }
    }

    /// The same texts, to be resolved in their place.
    pub fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            IdentityKind::Fault(_) => Vec::new(),
            IdentityKind::Header(spec) => vec![&mut spec.secret],
            IdentityKind::Basic(spec) => {
                let name = std::iter::once(&mut spec.username);
                name.chain(&mut spec.password).collect()
            }
            IdentityKind::OAuth2(spec) => spec.texts_mut(),
            IdentityKind::Google(spec) => spec.texts_mut(),
            IdentityKind::Azure(spec) => spec.texts_mut(),
        }
    }
}
