//! Tokens that the gateway proves its identity to a server with, in a blueprint; and the gateway as an issuer of its own.

use serde::{Deserialize, Serialize};

use super::Text;

/// The client credentials grant (RFC 6749 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuth2Spec {
    pub token_url: Text,
    pub client_id: Text,
    pub client_secret: Text,
    /// They are members of the form (`client_secret_post`), not in `Authorization`.
    pub in_form: bool,
    /// What else the form has: `scope`, `audience`, `resource` and the like.
    pub form: Vec<(String, Text)>,
}

/// A service account of Google Cloud, or a workload identity pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoogleSpec {
    pub credential: GoogleCredential,
    pub wanted: GoogleToken,
    /// Where tokens are fetched, in place of Google's own.
    pub token_url: Option<Text>,
    /// Where a service account is taken on, in place of Google's own.
    pub iam_url: Option<Text>,
}

/// What Google is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GoogleCredential {
    /// A service account's key as Google hands it out: JSON.
    Json(Text),
    /// Its parts.
    Key {
        email: Text,
        key: Text,
        key_id: Option<Text>,
    },
    /// A token of the gateway's own, which the pool's provider `audience` knows.
    Federated {
        audience: Text,
        service_account: Option<Text>,
    },
}

/// What is wanted of Google.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GoogleToken {
    /// An access token for these scopes, with blanks between.
    Access(String),
    /// An ID token for this audience.
    Id(Text),
}

/// An application of Microsoft Entra ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzureSpec {
    /// Without a slash at its end.
    pub authority: Text,
    pub tenant: Text,
    pub client_id: Text,
    pub scope: Text,
    pub credential: AzureCredential,
}

/// What Entra is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AzureCredential {
    Secret(Text),
    Certificate {
        certificate: Text,
        key: Text,
    },
    /// A token of the gateway's own, for this audience.
    Federated {
        audience: Text,
    },
}

/// The gateway as an issuer of tokens about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FederationSpec {
    pub issuer: String,
    pub subject: String,
    /// How long a token is good.
    pub lifetime_seconds: u32,
    /// The first signs, all are published. Never empty.
    pub keys: Vec<Text>,
}

/// What the issuer publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FederationDocument {
    /// OpenID Connect Discovery 1.0 section 3.
    Discovery,
    /// RFC 7517 section 5.
    Keys,
}

impl FederationDocument {
    pub const ALL: [FederationDocument; 2] =
        [FederationDocument::Discovery, FederationDocument::Keys];

    /// Its path behind the issuer.
    pub fn path(self) -> &'static str {
        match self {
            FederationDocument::Discovery => "/.well-known/openid-configuration",
            FederationDocument::Keys => "/.well-known/jwks.json",
        }
    }
}

/// Every text that may be a reference, borrowed either way.
macro_rules! texts {
    ($name:ident: $self:ident => $texts:expr; $texts_mut:expr) => {
        impl $name {
            pub fn texts(&$self) -> Vec<&Text> {
                $texts
            }

            pub fn texts_mut(&mut $self) -> Vec<&mut Text> {
                $texts_mut
            }
        }
    };
}

texts!(OAuth2Spec: self =>
    [&self.token_url, &self.client_id, &self.client_secret].into_iter()
        .chain(self.form.iter().map(|(_, text)| text))
        .collect();
    [&mut self.token_url, &mut self.client_id, &mut self.client_secret].into_iter()
        .chain(self.form.iter_mut().map(|(_, text)| text))
        .collect()
);

texts!(GoogleCredential: self =>
    match self {
        GoogleCredential::Json(text) => vec![text],
        GoogleCredential::Key { email, key, key_id } => [email, key].into_iter().chain(key_id).collect(),
        GoogleCredential::Federated { audience, service_account } => {
            [audience].into_iter().chain(service_account).collect()
        }
    };
    match self {
        GoogleCredential::Json(text) => vec![text],
        GoogleCredential::Key { email, key, key_id } => [email, key].into_iter().chain(key_id).collect(),
        GoogleCredential::Federated { audience, service_account } => {
            [audience].into_iter().chain(service_account).collect()
        }
    }
);

texts!(GoogleToken: self =>
    match self {
        GoogleToken::Access(_) => vec![],
        GoogleToken::Id(audience) => vec![audience],
    };
    match self {
        GoogleToken::Access(_) => vec![],
        GoogleToken::Id(audience) => vec![audience],
    }
);

texts!(GoogleSpec: self =>
    self.credential.texts().into_iter()
        .chain(self.wanted.texts())
        .chain(&self.token_url)
        .chain(&self.iam_url)
        .collect();
    self.credential.texts_mut().into_iter()
        .chain(self.wanted.texts_mut())
        .chain(&mut self.token_url)
        .chain(&mut self.iam_url)
        .collect()
);

texts!(AzureCredential: self =>
    match self {
        AzureCredential::Secret(text) | AzureCredential::Federated { audience: text } => vec![text],
        AzureCredential::Certificate { certificate, key } => vec![certificate, key],
    };
    match self {
        AzureCredential::Secret(text) | AzureCredential::Federated { audience: text } => vec![text],
        AzureCredential::Certificate { certificate, key } => vec![certificate, key],
    }
);

texts!(AzureSpec: self =>
    [&self.authority, &self.tenant, &self.client_id, &self.scope].into_iter()
        .chain(self.credential.texts())
        .collect();
    [&mut self.authority, &mut self.tenant, &mut self.client_id, &mut self.scope].into_iter()
        .chain(self.credential.texts_mut())
        .collect()
);
