//! One exchange's view of the platform.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::exchange::Body;
use crate::host::{Call, CallError, Called, Callee, Forward, Host, SendError};

use super::script;

/// A request and the environment it came with.
pub struct EdgeHost {
    request: JsValue,
    env: JsValue,
    head: Head,
}

impl EdgeHost {
    pub fn new(request: JsValue, env: JsValue, head: Head) -> Self {
        EdgeHost { request, env, head }
    }

    pub fn head(&self) -> &Head {
        &self.head
    }
}

/// The lines that every request brings along, so that the common ones are not asked for one by one.
pub struct Head {
    text: String,
    lines: [Range<usize>; LINES],
}

const LINES: usize = 8;

impl Head {
    pub fn new(text: String) -> Head {
        let mut lines = [const { 0..0 }; LINES];
        let mut at = 0usize;
        for (line, slot) in text.split('\n').zip(&mut lines) {
            let end = at.saturating_add(line.len());
            *slot = at..end;
            at = end.saturating_add(1);
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
        match self.line(7) {
            "" => Body::None,
            "chunked" => Body::Chunked,
            _ => Body::Sized,
        }
    }

    /// `None` where the field is not among those that are brought along.
    fn field(&self, name: &str) -> Option<&str> {
        let line = match name {
            "origin" => 2,
            "connection" => 3,
            "cf-connecting-ip" => 4,
            "upgrade" => 5,
            "host" => 6,
            _ => return None,
        };
        Some(self.line(line))
    }

    fn line(&self, index: usize) -> &str {
        let range = self.lines.get(index).cloned().unwrap_or_default();
        self.text.get(range).unwrap_or_default()
    }
}

impl Host for EdgeHost {
    type Reply = JsValue;

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.head.field(name) {
            Some("") => None,
            Some(value) => Some(Cow::Borrowed(value)),
            None => js::header(&self.request, name).map(Cow::Owned),
        }
    }

    fn now_ms(&self) -> u64 {
        // The platform's clock is a whole number of milliseconds far below 2^53.
        js_sys::Date::now() as u64
    }

    fn random(&self) -> u64 {
        POOL.with_borrow_mut(Pool::next)
    }

    fn variable(&self, name: &str) -> Option<String> {
        variable(&self.env, name)
    }

    async fn send(&self, forward: &Forward) -> Result<JsValue, SendError> {
        let script = script::forward_head(forward, "", 0);
        js::send(&self.request, &script).await.map_err(|error| {
            if js::is_time_out(&error) {
                SendError::TimedOut
            } else {
                SendError::Unreachable(message(&error))
            }
        })
    }

    async fn call(
        &self,
        call: Call<'_>,
        reply: Option<JsValue>,
    ) -> Result<Called<JsValue>, CallError> {
        let (owner, function) = match call.callee {
            Callee::Binding { binding, function } => (binding, Some(function)),
            Callee::Service { alias } => (alias, None),
        };
        let answer = js::call(
            &self.request,
            &self.env,
            owner,
            function,
            call.edits.as_str(),
            &call.env,
            &call.context,
            reply.unwrap_or(JsValue::UNDEFINED),
        )
        .await
        .map_err(|error| CallError(message(&error)))?;
        let answer = Array::from(&answer);
        let value = answer.get(1);
        Ok(match answer.get(0).as_string().as_deref() {
            Some("proceed") => Called::Proceed,
            Some("reply") => Called::Reply(value),
            Some("object") => Called::Object(value.as_string().unwrap_or_default()),
            _ => Called::Other(value.as_string().unwrap_or_default()),
        })
    }
}

/// A text variable or secret.
pub fn variable(env: &JsValue, name: &str) -> Option<String> {
    js::variable(env, name)
}

fn message(error: &JsValue) -> String {
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

mod js {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen(raw_module = "./host.mjs")]
    extern "C" {
        pub fn header(request: &JsValue, name: &str) -> Option<String>;
        pub fn variable(env: &JsValue, name: &str) -> Option<String>;
        pub fn fill(bytes: &mut [u8]);
        pub fn is_time_out(error: &JsValue) -> bool;
        #[wasm_bindgen(catch)]
        pub async fn send(request: &JsValue, script: &str) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch)]
        pub async fn call(
            request: &JsValue,
            env: &JsValue,
            owner: &str,
            function: Option<&str>,
            edits: &str,
            variables: &str,
            context: &str,
            reply: JsValue,
        ) -> Result<JsValue, JsValue>;
    }
}
