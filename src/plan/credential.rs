//! Credentials in a blueprint: where they stand in a request.

use serde::{Deserialize, Serialize};

use super::TokenSource;

/// A place of a request from which an authorizer takes a credential that stays with the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// `Authorization` with this scheme, in lower case (RFC 9110 section 11.4).
    Scheme(String),
    /// A whole header, by its lower-case name.
    Header(String),
    /// A cookie by its name; the others are not touched.
    Cookie(String),
    /// A query key by its name, decoded; the others are not touched.
    Query(String),
}

impl From<&TokenSource> for Place {
    fn from(source: &TokenSource) -> Place {
        match source {
            TokenSource::Bearer => Place::Scheme("bearer".to_owned()),
            TokenSource::Header(name) => Place::Header(name.clone()),
            TokenSource::Cookie(name) => Place::Cookie(name.clone()),
            TokenSource::Query(name) => Place::Query(name.clone()),
        }
    }
}
