//! One exchange's view of the platform.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ops::Range;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::exchange::Body;
use crate::host::{
    Ask, BodyError, Call, CallError, Called, Callee, Forward, Host, LONGEST_READ_MS, SendError,
    Signed, Signing, Told,
};

use crate::upstream::Geography;

use super::sending::Sending;
use super::{js, script, tasks, wire};

/// The exchange at hand, of which JavaScript knows the request and the environment.
pub struct EdgeHost {
    head: Head,
    body_ms: Cell<u32>,
}

impl EdgeHost {
    pub fn new(head: Head) -> Self {
        EdgeHost {
            head,
            body_ms: Cell::new(LONGEST_READ_MS),
        }
    }

    /// Milliseconds within which the client's body must be through.
    pub fn body_ms(&self) -> u32 {
        self.body_ms.get()
    }

    fn read_ms(&self) -> u32 {
        self.body_ms().min(LONGEST_READ_MS)
    }

    pub fn head(&self) -> &Head {
        &self.head
    }
}

/// Fields that are asked for by their number here, which is cheaper than by name.
pub const FIELDS: &[&str] = &[
    "connection",
    "upgrade",
    "cf-connecting-ip",
    "authorization",
    "x-api-key",
];

/// The lines that every request brings along, so that the common ones are not asked for one by one.
#[derive(Default)]
pub struct Head {
    text: String,
    lines: [Range<usize>; LINES],
}

const LINES: usize = 5;

impl Head {
    pub fn new(text: String) -> Head {
        let mut lines = [const { 0..0 }; LINES];
        let mut from = 0usize;
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let ends = ends.map(|(at, _)| at).chain([text.len()]);
        for (end, line) in ends.zip(&mut lines) {
            *line = from..end;
            from = end.saturating_add(1);
        }
        Head { text, lines }
    }

    pub fn method(&self) -> &str {
        self.line(0)
    }

    pub fn url(&self) -> &str {
        self.line(1)
    }

    pub fn body(&self) -> Body {
        match self.line(4) {
            "" => Body::None,
            "chunked" => Body::Chunked,
            _ => Body::Sized,
        }
    }

    fn line(&self, index: usize) -> &str {
        let range = self.lines.get(index).cloned().unwrap_or_default();
        self.text.get(range).unwrap_or_default()
    }
}

impl Host for EdgeHost {
    type Reply = JsValue;

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let line = match name {
            "origin" => self.head.line(2),
            "host" => self.head.line(3),
            _ => return asked(name).map(Cow::Owned),
        };
        (!line.is_empty()).then_some(Cow::Borrowed(line))
    }

    fn now_ms(&self) -> u64 {
        // The platform's clock is a whole number of milliseconds far below 2^53.
        js_sys::Date::now() as u64
    }

    fn random(&self) -> u64 {
        POOL.with_borrow_mut(Pool::next)
    }

    fn variable(&self, name: &str) -> Option<String> {
        js::variable(name)
    }

    fn client_certificate(&self) -> Option<String> {
        js::client_certificate()
    }

    fn limit_body_ms(&self, ms: u32) {
        self.body_ms.set(ms);
    }

    fn uploaded_ms(&self) -> Option<u64> {
        // As `now_ms`.
        Some(js::uploaded_ms())
            .filter(|ms| *ms > 0.0)
            .map(|ms| ms as u64)
    }

    async fn send(&self, forward: &Forward) -> Result<JsValue, SendError> {
        let script = script::forward_head(forward, self.body_ms(), "", "", 0);
        let sent = Sending::new(js::depart(&script), forward.cancellable).await;
        sent.map_err(|error| unsent(&error))
    }

    fn geography(&self) -> Geography {
        let told = js::geography();
        let mut lines = told.split('\n').map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        let (colo, country, continent) = (line(), line(), line());
        let (north, east) = (line().parse().ok(), line().parse().ok());
        Geography {
            colo,
            country,
            continent,
            location: north.zip(east),
        }
    }

    fn status(&self, reply: &JsValue) -> u16 {
        js::status(reply)
    }

    fn reply_field(&self, reply: &JsValue, name: &str) -> Option<String> {
        js::reply_field(reply, name)
    }

    fn copy(&self, reply: &JsValue) -> JsValue {
        js::copy(reply)
    }

    async fn read(
        &self,
        reply: JsValue,
        max_bytes: u32,
        timeout_ms: u32,
    ) -> Result<Vec<u8>, BodyError> {
        bytes_of(js::read(&reply, max_bytes, timeout_ms).await)
    }

    fn discard(&self, reply: JsValue) {
        js::discard(&reply);
    }

    async fn keep_body(&self, max_bytes: u32) -> Result<bool, BodyError> {
        let kept = js::keep_body(max_bytes, self.body_ms()).await;
        let kept = kept.map_err(|error| unread(&error))?;
        Ok(kept.is_truthy())
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Told, SendError> {
        let told = js::ask(
            ask.method,
            ask.url,
            ask.binding,
            ask.fields.as_str(),
            ask.body,
            ask.timeout_ms,
            ask.max_bytes,
        )
        .await
        .map_err(|error| unsent(&error))?;
        told_of(&told).ok_or_else(|| SendError::Unreachable("the answer is not readable".into()))
    }

    async fn body(&self, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
        bytes_of(js::body(max_bytes, self.read_ms()).await)
    }

    fn to_the_end<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = T> {
        tasks::to_the_end(work)
    }

    async fn sleep(&self, ms: u32) {
        // It never rejects.
        let _ = js::sleep(ms).await;
    }

    async fn stored(&self, namespace: &str, key: &str) -> Result<Option<String>, CallError> {
        let value = js::stored(namespace, key)
            .await
            .map_err(|error| CallError(message(&error)))?;
        Ok(value.as_string())
    }

    async fn derive(
        &self,
        password: &str,
        salt: &[u8],
        iterations: u32,
    ) -> Result<[u8; 32], CallError> {
        let derived = js::derive(password, salt, iterations)
            .await
            .map_err(|error| CallError(message(&error)))?;
        js_sys::Uint8Array::new(&derived)
            .to_vec()
            .try_into()
            .map_err(|_| CallError("it derived something else".into()))
    }

    async fn verifies(&self, signed: &Signed<'_>) -> Result<bool, CallError> {
        let holds = js::verifies(
            signed.algorithm.name(),
            signed.jwk,
            signed.message.as_bytes(),
            signed.signature,
        )
        .await
        .map_err(|error| CallError(message(&error)))?;
        Ok(holds.is_truthy())
    }

    async fn sign(&self, signing: &Signing<'_>) -> Result<Vec<u8>, CallError> {
        let signature = js::sign(
            signing.algorithm.name(),
            signing.key.thumbprint(),
            signing.key.pkcs8(),
            signing.message.as_bytes(),
        )
        .await
        // What the platform says of a key might be of its bytes.
        .map_err(|_| CallError("the platform does not take the private key".into()))?;
        Ok(Uint8Array::new(&signature).to_vec())
    }

    async fn recall(&self, name: &str) -> Option<String> {
        js::recall(name).await.ok()?.as_string()
    }

    async fn remember(&self, name: &str, text: &str, seconds: u32) {
        // Where nothing can be kept, the others ask for themselves.
        let _ = js::remember(name, text, seconds).await;
    }

    async fn call(
        &self,
        call: Call<'_>,
        reply: Option<JsValue>,
    ) -> Result<Called<JsValue>, SendError> {
        let (owner, function) = match call.callee {
            Callee::Binding { binding, function } => (binding, Some(function)),
            Callee::Service { alias } => (alias, None),
        };
        let answer = js::call(
            owner,
            function,
            call.edits.as_str(),
            call.url.as_deref(),
            &call.env,
            &call.context,
            reply.unwrap_or(JsValue::UNDEFINED),
        )
        .await
        .map_err(|error| unsent(&error))?;
        let answer = Array::from(&answer);
        let value = answer.get(1);
        Ok(match answer.get(0).as_string().as_deref() {
            Some("proceed") => Called::Proceed,
            Some("reply") => Called::Reply(value),
            Some("object") => Called::Object(value.as_string().unwrap_or_default()),
            Some("text") => Called::Text(value.as_string().unwrap_or_default()),
            Some("null") => Called::Null,
            _ => Called::Other(value.as_string().unwrap_or_default()),
        })
    }
}

/// A field that the head does not bring along.
fn asked(name: &str) -> Option<String> {
    match FIELDS.iter().position(|known| *known == name) {
        Some(number) => {
            let length = js::field(number);
            usize::try_from(length).ok().map(wire::received)
        }
        None => js::header(name),
    }
}

/// A text variable or secret of a given environment.
pub fn variable_of(env: &JsValue, name: &str) -> Option<String> {
    js::variable_of(env, name)
}

fn unsent(error: &JsValue) -> SendError {
    send_error(js::trouble(error), || message(error))
}

/// By the number that `trouble.mjs` has for it.
pub fn send_error(trouble: u8, reason: impl FnOnce() -> String) -> SendError {
    match trouble {
        1 => SendError::TimedOut,
        2 | 3 => SendError::ClientBody {
            timed_out: trouble == 3,
            reason: reason(),
        },
        _ => SendError::Unreachable(reason()),
    }
}

fn unread(error: &JsValue) -> BodyError {
    match js::trouble(error) {
        3 => BodyError::Late,
        4 => BodyError::NoRoom,
        _ => BodyError::Broken(message(error)),
    }
}

/// A body. Nothing comes back for one that is too long.
fn bytes_of(read: Result<JsValue, JsValue>) -> Result<Vec<u8>, BodyError> {
    let bytes = read.map_err(|error| unread(&error))?;
    let bytes = bytes.dyn_ref::<Uint8Array>();
    bytes.map(Uint8Array::to_vec).ok_or(BodyError::TooLong)
}

/// Reads `[status, "name\nvalue\n...", body]`.
fn told_of(told: &JsValue) -> Option<Told> {
    let told = told.dyn_ref::<Array>()?;
    let fields = told.get(1).as_string()?;
    let mut lines = fields.split_terminator('\n').map(str::to_owned);
    Some(Told {
        // A status is a small whole number.
        status: told.get(0).as_f64()? as u16,
        fields: std::iter::from_fn(|| Some((lines.next()?, lines.next()?))).collect(),
        body: told.get(2).as_string()?,
    })
}

/// What JavaScript says of an error.
pub fn message(error: &JsValue) -> String {
    error
        .dyn_ref::<js_sys::Error>()
        .map(|e| String::from(e.message()))
        .or_else(|| error.as_string())
        .unwrap_or_else(|| "unknown".into())
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 512], at: 512 }) };
}

/// Random bytes, asked for many at a time: each request takes sixteen.
struct Pool {
    bytes: [u8; 512],
    at: usize,
}

impl Pool {
    fn next(&mut self) -> u64 {
        if self.at >= self.bytes.len() {
            js::fill(&mut self.bytes);
            self.at = 0;
        }
        let end = self.at.saturating_add(8);
        let word = self.bytes.get(self.at..end).and_then(|b| b.try_into().ok());
        self.at = end;
        word.map_or(0, u64::from_le_bytes)
    }
}
