//! The host on Cloudflare Workers: thin, with the fewest crossings between JavaScript and WebAssembly.
//!
//! One call per request goes in with one string and comes out with one string, the script of what to do; the request,
//! its body and the response never enter WebAssembly. `worker.mjs` is the entry, `host.mjs` carries scripts out.

mod host;
mod script;
mod source;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Array, JsString, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::exchange::{Answer, Request};
use crate::gateway;
use crate::host::SendError;
use crate::plan::Plan;
use crate::upstream::{REQUEST_REMOVED, RESPONSE_REMOVED};

use host::{EdgeHost, Head};

thread_local! {
    /// What requests run through; `None` until a config has been found good.
    static PLAN: RefCell<Option<Rc<Plan>>> = const { RefCell::new(None) };
    /// The exchange that the last call of [`serve`] left waiting.
    static PENDING: Cell<Option<Promise>> = const { Cell::new(None) };
}

/// Names of the fields that are not passed on: of requests on the first line, of responses on the second.
#[wasm_bindgen]
pub fn removed_fields() -> String {
    console_error_panic_hook::set_once();
    format!(
        "{}\n{}",
        REQUEST_REMOVED.join(" "),
        RESPONSE_REMOVED.join(" ")
    )
}

/// Takes one request. `head` is lines: method, URL, `Origin`, `Authorization`, `Connection`, `CF-Connecting-IP`,
/// `Upgrade`, and for a request with a body its `Content-Length` or `chunked`; what is absent is an empty line.
///
/// The script of the answer, or `None` where the exchange waits for something: then [`pending`] is its promise.
#[wasm_bindgen]
pub fn serve(request: JsValue, env: JsValue, head: String) -> Option<String> {
    let Some(plan) = PLAN.with_borrow(Clone::clone) else {
        return Some(script::refused(&source::no_config()));
    };
    let mut exchange: Exchange = Box::pin(async move {
        let host = EdgeHost::new(request, env, Head::new(head));
        match Request::new(host.head().method(), host.head().url()) {
            Some(request) => {
                let request = request.with_body(host.head().body());
                gateway::serve(&plan, &host, request).await
            }
            None => script::malformed(),
        }
    });
    // Most exchanges wait for nothing: they end in this one poll, without a promise.
    match exchange
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => {
            log(&answer);
            Some(script::write(&answer))
        }
        Poll::Pending => {
            PENDING.set(Some(future_to_promise(finish(exchange))));
            None
        }
    }
}

/// The promise of the exchange that the last [`serve`] left waiting: `[script, response or undefined]`.
#[wasm_bindgen]
pub fn pending() -> Option<Promise> {
    PENDING.take()
}

/// The status and body, a line each, for a request that was sent on and got no answer.
#[wasm_bindgen]
pub fn unanswered(timed_out: bool, reason: String, request_id: &str) -> String {
    let problem = gateway::unanswered(if timed_out {
        SendError::TimedOut
    } else {
        SendError::Unreachable(reason)
    });
    console_error(&problem.log_line(request_id));
    format!("{}\n{}", problem.status, problem.body(request_id))
}

/// Finds a config and makes a plan of it; resolves to the time in ms at which to look again.
#[wasm_bindgen]
pub async fn prepare(env: worker::Env, bundled: Vec<u8>) -> f64 {
    source::prepare(&env, &bundled).await
}

/// Looks again for the config in KV; what is there replaces the plan if it is good.
#[wasm_bindgen]
pub async fn refresh(env: worker::Env) -> f64 {
    source::refresh(&env).await
}

type Exchange = Pin<Box<dyn Future<Output = Answer<JsValue>>>>;

async fn finish(exchange: Exchange) -> Result<JsValue, JsValue> {
    let answer = exchange.await;
    log(&answer);
    let script = JsString::from(script::write(&answer));
    let reply = match answer.kind {
        crate::exchange::Kind::Reply(reply) => reply,
        _ => JsValue::UNDEFINED,
    };
    Ok(Array::of2(&script, &reply).into())
}

fn log(answer: &Answer<JsValue>) {
    if let Some(line) = &answer.log {
        console_error(line);
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(line: &str);
}
