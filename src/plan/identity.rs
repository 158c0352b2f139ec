//! What the gateway proves to upstreams, as a blueprint has it.

use serde::{Deserialize, Serialize};

use super::{Fault, Text};

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
    Aws(Box<AwsIdentity>),
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

/// A signature that AWS and its kin take (Signature Version 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsIdentity {
    pub service: Text,
    pub region: Text,
    pub credentials: AwsCredentials,
    /// `None`: what the service takes.
    pub payload: Option<AwsPayload>,
    /// Bytes of a body that is signed; a larger one is refused.
    pub max_body: usize,
}

/// Whose keys sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwsCredentials {
    Static(AwsKeys),
    AssumeRole {
        /// Who assumes the role.
        keys: AwsKeys,
        role: AwsRole,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsKeys {
    pub access_key_id: Text,
    pub secret_access_key: Text,
    /// Of temporary ones.
    pub session_token: Option<Text>,
}

/// A role that lends its keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsRole {
    pub role_arn: Text,
    pub session_name: String,
    pub external_id: Option<Text>,
    pub duration_seconds: u32,
    /// Where it is asked for; `None` is the region's own.
    pub endpoint: Option<Text>,
}

/// What a signature says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AwsPayload {
    /// Its SHA-256.
    Signed,
    /// Nothing.
    Unsigned,
}

impl AwsIdentity {
    fn texts(&self) -> Vec<&Text> {
        let mut texts = vec![&self.service, &self.region];
        let (keys, role) = match &self.credentials {
            AwsCredentials::Static(keys) => (keys, None),
            AwsCredentials::AssumeRole { keys, role } => (keys, Some(role)),
        };
        texts.extend([&keys.access_key_id, &keys.secret_access_key]);
        texts.extend(&keys.session_token);
        if let Some(role) = role {
            texts.push(&role.role_arn);
            texts.extend(role.external_id.iter().chain(&role.endpoint));
        }
        texts
    }

    fn texts_mut(&mut self) -> Vec<&mut Text> {
        let mut texts = vec![&mut self.service, &mut self.region];
        let (keys, role) = match &mut self.credentials {
            AwsCredentials::Static(keys) => (keys, None),
            AwsCredentials::AssumeRole { keys, role } => (keys, Some(role)),
        };
        texts.extend([&mut keys.access_key_id, &mut keys.secret_access_key]);
        texts.extend(&mut keys.session_token);
        if let Some(role) = role {
            texts.push(&mut role.role_arn);
            texts.extend(role.external_id.iter_mut().chain(&mut role.endpoint));
        }
        texts
    }
}

impl IdentityKind {
    /// As the config writes its type.
    pub fn name(&self) -> &'static str {
        match self {
            IdentityKind::Fault(_) => "faulty",
            IdentityKind::Header(_) => "header",
            IdentityKind::Basic(_) => "basic",
            IdentityKind::Aws(_) => "aws",
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
            IdentityKind::Aws(spec) => spec.texts(),
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
            IdentityKind::Aws(spec) => spec.texts_mut(),
        }
    }
}
