//! Mirroring, as a blueprint has it.

use serde::{Deserialize, Serialize};

use crate::http::Method;

/// A second server that is sent some of a path's requests too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorSpec {
    /// Index into [`Blueprint::servers`](super::Blueprint::servers); never the path's own.
    pub server: u16,
    /// The only zones that its endpoints may stand in: what `residency` of the path says.
    pub zones: Option<Vec<u16>>,
    pub percent: u32,
    pub max_per_minute: u32,
    /// `HEAD` goes with `GET`.
    pub methods: Vec<Method>,
    /// Milliseconds from sending to the end of the answer.
    pub timeout_ms: u32,
    /// Of a request to be mirrored, and of an answer to be compared.
    pub max_body_bytes: u32,
    pub compare: Option<CompareSpec>,
}

/// What of two answers is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompareSpec {
    pub status: bool,
    /// In lower case.
    pub headers: Vec<String>,
    pub body: Option<CompareBody>,
}

/// How bodies are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareBody {
    Bytes,
    /// By what the JSON means.
    Json {
        /// Parts that may differ: JSON pointers (RFC 6901) as their tokens, unescaped. None is empty.
        ignore: Vec<Vec<String>>,
    },
}
