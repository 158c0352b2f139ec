//! What the platform gives: the one door between the gateway and where it runs.
//!
//! A host stands for one exchange. On Workers it is [`crate::edge`], natively [`memory`], whose time is virtual.

pub mod memory;

use std::borrow::Cow;
use std::future::Future;

use crate::edits::Edits;

/// The platform, as one exchange sees it.
pub trait Host {
    /// A response in hand whose body stays with the platform.
    type Reply;

    /// A field of the client's request by its lower-case name; several are joined by `, ` (RFC 9110 section 5.3).
    fn header(&self, name: &str) -> Option<Cow<'_, str>>;

    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> u64;

    /// Random bits that nobody outside can predict.
    fn random(&self) -> u64;

    /// A text variable or secret of the worker.
    fn variable(&self, name: &str) -> Option<String>;

    /// Sends the request on and waits for the head of the answer.
    fn send(&self, forward: &Forward) -> impl Future<Output = Result<Self::Reply, SendError>>;

    /// Calls a function of a bound worker or a module of the bundle. `reply` is handed to it where it is to process one.
    fn call(
        &self,
        call: Call<'_>,
        reply: Option<Self::Reply>,
    ) -> impl Future<Output = Result<Called<Self::Reply>, CallError>>;
}

/// A request as it goes to an upstream: the client's, but for what stands here. Method and body are the client's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Absolute; every byte of it is as the upstream shall see it.
    pub url: String,
    /// Changes to the client's fields, after [`crate::upstream::REQUEST_REMOVED`] are gone.
    pub edits: Edits,
    /// Milliseconds to the head of the answer.
    pub timeout_ms: u32,
    /// The client asks for a WebSocket (RFC 6455 section 4.1).
    pub websocket: bool,
}

/// Why an upstream gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The head of the answer did not come in time.
    TimedOut,
    /// Refused, reset, unknown name, broken TLS; the platform's words.
    Unreachable(String),
}

/// A call of code that stands beside the gateway.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub callee: Callee<'a>,
    /// Changes to the client's fields before the callee sees them.
    pub edits: &'a Edits,
    /// A JSON object of the variables that the config names for it.
    pub env: String,
    /// A JSON object: request id, path, parameters, claims.
    pub context: String,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee<'a> {
    /// `function` of a service binding, by remote procedure call.
    Binding { binding: &'a str, function: &'a str },
    /// `fetch` of a class that the bundle exports.
    Service { alias: &'a str },
}

/// What a call came back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called<R> {
    /// `true`: go on.
    Proceed,
    /// A response.
    Reply(R),
    /// A JSON object.
    Object(String),
    /// Anything else, by its JavaScript type.
    Other(String),
}

/// Why a call came to nothing, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError(pub String);
