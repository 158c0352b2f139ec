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

/// The texts of an object that may be references, borrowed either way.
macro_rules! texts {
    ($name:ident, $self:ident, $list:ident => $each:tt) => {
        impl $name {
            pub fn texts(&$self) -> Vec<&Text> {
                let mut $list = Vec::new();
                $each
                $list
            }

            pub fn texts_mut(&mut $self) -> Vec<&mut Text> {
                let mut $list = Vec::new();
                $each
                $list
            }
        }
    };
}

texts!(OAuth2Spec, self, list => {
    let OAuth2Spec { token_url, client_id, client_secret, in_form: _, form } = self;
    list.extend([token_url, client_id, client_secret]);
    for (_, text) in form {
        list.push(text);
    }
});

texts!(GoogleSpec, self, list => {
    let GoogleSpec { credential, wanted, token_url, iam_url } = self;
    match credential {
        GoogleCredential::Json(text) => list.push(text),
        GoogleCredential::Key { email, key, key_id } => {
            list.extend([email, key]);
            list.extend(key_id);
        }
        GoogleCredential::Federated { audience, service_account } => {
            list.push(audience);
            list.extend(service_account);
        }
    }
    if let GoogleToken::Id(audience) = wanted {
        list.push(audience);
    }
    list.extend(token_url);
    list.extend(iam_url);
});

texts!(AzureSpec, self, list => {
    let AzureSpec { authority, tenant, client_id, scope, credential } = self;
    list.extend([authority, tenant, client_id, scope]);
    match credential {
        AzureCredential::Secret(text) | AzureCredential::Federated { audience: text } => list.push(text),
        AzureCredential::Certificate { certificate, key } => list.extend([certificate, key]),
    }
});
