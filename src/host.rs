//! What the platform gives: the one door between the gateway and where it runs.
//!
//! A host stands for one exchange. On Workers it is [`crate::edge`], natively [`memory`], whose time is
//! virtual and its own, or `virtual_time`, where many exchanges share one clock.

mod lease;
pub mod memory;
#[cfg(not(target_arch = "wasm32"))]
mod signature;
#[cfg(not(target_arch = "wasm32"))]
pub mod virtual_time;

use std::borrow::Cow;
use std::future::Future;

pub use lease::{LOOK_MS, Lease};

use crate::auth::PrivateKey;
use crate::edits::Edits;
use crate::plan::JwsAlgorithm;
use crate::upstream::Geography;

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

    /// Where the client is, as far as the platform knows.
    fn geography(&self) -> Geography;

    /// The status of a response.
    fn status(&self, reply: &Self::Reply) -> u16;

    /// A field of a response by its lower-case name.
    fn reply_field(&self, reply: &Self::Reply, name: &str) -> Option<String>;

    /// A response once more. What is read of the one is not missing to the other.
    fn copy(&self, reply: &Self::Reply) -> Self::Reply;

    /// How many milliseconds the client's body may take to come to its end.
    fn limit_body_ms(&self, _ms: u32) {}

    /// When the client's body was through, in milliseconds since the Unix epoch; `None` where it is not, or there is none.
    fn uploaded_ms(&self) -> Option<u64> {
        None
    }

    /// The body of a response, decoded, of at most so many bytes and milliseconds.
    fn read(
        &self,
        reply: Self::Reply,
        max_bytes: u32,
        timeout_ms: u32,
    ) -> impl Future<Output = Result<Vec<u8>, BodyError>>;

    /// Lets go of a response that nobody reads: its connection is free again.
    fn discard(&self, reply: Self::Reply);

    /// Keeps the client's body, of at most so many bytes, so that it can be sent more than once. Whether it is kept;
    /// if not, it can still be sent once.
    fn keep_body(&self, max_bytes: u32) -> impl Future<Output = Result<bool, BodyError>>;

    /// Sends the request on and waits for the head of the answer. Nobody waits any more once the future is dropped.
    fn send(&self, forward: &Forward) -> impl Future<Output = Result<Self::Reply, SendError>>;

    /// Asks somebody on the gateway's own account, and waits for the whole answer.
    fn ask(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Told, SendError>>;

    /// What the platform says of the client's certificate: the JSON of Cloudflare's `request.cf.tlsClientAuth`.
    fn client_certificate(&self) -> Option<String>;

    /// The client's whole body, of at most so many bytes, here within [`LONGEST_READ_MS`]. It is sent on all the same.
    fn body(&self, max_bytes: usize) -> impl Future<Output = Result<Vec<u8>, BodyError>>;

    /// What comes of work that others wait for: although its client leaves meanwhile, it goes on, where the platform can
    /// do so. Nothing of the exchange follows then.
    fn to_the_end<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        work
    }

    /// Waits.
    fn sleep(&self, ms: u32) -> impl Future<Output = ()>;

    /// A value of a KV namespace, by the name of its binding.
    ///
    /// # Errors
    /// There is no such namespace, or it does not answer; in words for the operator.
    fn stored(
        &self,
        namespace: &str,
        key: &str,
    ) -> impl Future<Output = Result<Option<String>, CallError>>;

    /// PBKDF2 with HMAC-SHA-256 (RFC 8018 section 5.2), 32 bytes of it.
    ///
    /// # Errors
    /// The platform refuses; in words for the operator.
    fn derive(
        &self,
        password: &str,
        salt: &[u8],
        iterations: u32,
    ) -> impl Future<Output = Result<[u8; 32], CallError>>;
    /// Whether a signature by a public key holds.
    ///
    /// # Errors
    /// The key cannot be used, in words for the operator.
    fn verifies(&self, signed: &Signed<'_>) -> impl Future<Output = Result<bool, CallError>>;

    /// Signs by a private key.
    ///
    /// # Errors
    /// The platform does not take the key, in words for the operator, of which none is the key's.
    fn sign(&self, signing: &Signing<'_>) -> impl Future<Output = Result<Vec<u8>, CallError>>;

    /// What was [remembered](Host::remember) under a name, perhaps by another isolate nearby. It may be gone at any time.
    fn recall(&self, name: &str) -> impl Future<Output = Option<String>>;

    /// Keeps a text for so many seconds where other isolates may find it, if there is such a place.
    fn remember(&self, name: &str, text: &str, seconds: u32) -> impl Future<Output = ()>;

    /// Calls a function of a bound worker or a module of the bundle. `reply` is handed to it where it is to process one.
    fn call(
        &self,
        call: Call<'_>,
        reply: Option<Self::Reply>,
    ) -> impl Future<Output = Result<Called<Self::Reply>, SendError>>;
}

/// A request as it goes to an upstream: the client's, but for what stands here. Method and body are the client's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Absolute; every byte of it is as the upstream shall see it.
    pub url: String,
    /// Changes to the client's fields, of which those [go on](crate::upstream::fields) that may.
    pub edits: Edits,
    /// Milliseconds to the head of the answer.
    pub timeout_ms: u32,
    /// The client asks for a WebSocket (RFC 6455 section 4.1).
    pub websocket: bool,
    /// The binding that is asked in place of the URL's host.
    pub binding: Option<String>,
    /// Others may be waited for once nobody waits for this one: it is to end then.
    pub cancellable: bool,
    /// What is shown in `Authorization` is the gateway's: whatever the client orders by fields beside it would be done in the
    /// gateway's name.
    pub as_gateway: bool,
}

/// A request that the gateway makes for itself: for keys, for what another knows of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub method: &'a str,
    /// Absolute.
    pub url: &'a str,
    /// The binding of a worker that is asked in place of the URL's host.
    pub binding: Option<&'a str>,
    /// Fields of the request; removals mean nothing here.
    pub fields: &'a Edits,
    pub body: Option<&'a str>,
    /// Milliseconds to the end of the answer.
    pub timeout_ms: u32,
    /// A longer answer is none. 0: the answer's head is enough, and its body is not read.
    pub max_bytes: usize,
}

/// The answer to an [`Ask`], whatever its status; a redirect is not followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub status: u16,
    /// Lower-case names; `Set-Cookie` once for each.
    pub fields: Vec<(String, String)>,
    /// An answer that is not UTF-8 is none.
    pub body: String,
}

impl Told {
    /// The first field of a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(n, _)| n == name)?;
        Some(value)
    }
}

/// Why a body could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    TooLong,
    /// It broke off; the platform's words.
    Broken(String),
    /// It did not come in time.
    Late,
    /// The isolate holds too many bodies at once.
    NoRoom,
}

/// Milliseconds within which a body that the gateway reads itself must be here, or less where its path says so: it is
/// held in memory meanwhile.
pub const LONGEST_READ_MS: u32 = 30_000;

/// A message and what is said to be its signature (RFC 7515 section 5.2).
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// None of HMAC.
    pub algorithm: JwsAlgorithm,
    /// The public key, of the algorithm's type.
    pub jwk: &'a str,
    pub message: &'a str,
    pub signature: &'a [u8],
}

/// A message that is to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Of RSA.
    pub algorithm: JwsAlgorithm,
    pub key: &'a PrivateKey,
    pub message: &'a str,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The head of the answer did not come in time.
    TimedOut,
    /// Refused, reset, unknown name, broken TLS; the platform's words.
    Unreachable(String),
    /// The client's upload broke off, or did not come in time; the platform's words. The upstream is not to blame. Never
    /// of an [`Ask`], which has no client.
    ClientBody { timed_out: bool, reason: String },
}

/// A call of code that stands beside the gateway.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub callee: Callee<'a>,
    /// Changes to the client's fields before the callee sees them.
    pub edits: &'a Edits,
    /// Absolute, where the callee is not to see the client's own.
    pub url: Option<String>,
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
    /// A JSON object; of an array's elements by their indices.
    Object(String),
    Text(String),
    Null,
    /// Anything else, by its JavaScript type.
    Other(String),
}

impl<R> Called<R> {
    /// What it is, in a word.
    pub fn kind(&self) -> &str {
        match self {
            Called::Proceed => "true",
            Called::Reply(_) => "a response",
            Called::Object(_) => "an object",
            Called::Text(_) => "a text",
            Called::Null => "null",
            Called::Other(kind) => kind,
        }
    }
}

/// Why a call came to nothing, in words for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError(pub String);
