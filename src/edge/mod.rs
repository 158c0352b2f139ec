//! The host on Cloudflare Workers: thin, with the fewest crossings between JavaScript and WebAssembly.
//!
//! One call per request goes in with one string and comes out with one string, the script of what to do; the request,
//! its body and the response never enter WebAssembly. `worker.mjs` is the entry, `answer.mjs` carries scripts out.

mod host;
mod js;
mod script;
mod sending;
mod service;
mod source;
mod tasks;
mod wire;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::exchange::{Answer, Kind, Request, request_id};
use crate::gateway;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::upstream::{RESPONSE_REMOVED, fields, mirror};

use host::{EdgeHost, FIELDS, Head, send_error};
use tasks::Output;

thread_local! {
    /// What requests run through; `None` until a config has been found good.
    static PLAN: RefCell<Option<Rc<Plan>>> = const { RefCell::new(None) };
}

/// Makes a new instance ready; its tasks have higher numbers than `newest_task`. Lists of names, a line
/// each: the four of [`fields`] in their order there, those of a response that do not go on, and those that are asked for by
/// number.
#[wasm_bindgen]
pub fn start(newest_task: u32) -> String {
    console_error_panic_hook::set_once();
    tasks::begin_after(newest_task);
    [
        fields::REMOVED,
        fields::OF_THE_PLATFORM,
        fields::ORDERS,
        fields::HARMLESS,
        RESPONSE_REMOVED,
        FIELDS,
    ]
    .map(|names| names.join(" "))
    .join("\n")
}

/// Takes one request, whose head is the text of `length` bytes that was written last. Its lines: method, URL, `Origin`,
/// `Host`, and for a request with a body its `Content-Length` or `chunked`; what is absent is an empty line.
///
/// The length of the answer's script, or 0 where the exchange waits for something: then [`waiting`] is its task.
#[wasm_bindgen]
pub fn serve(length: usize) -> usize {
    let plan = PLAN.with_borrow(Clone::clone);
    let host = EdgeHost::new(Head::new(wire::received(length)));
    tasks::run(async move {
        #[cfg(feature = "deliberate-panic")]
        panic_on_request(&host).await;
        let request = Request::new(host.head().method(), host.head().url());
        let mut answer = match (&plan, request) {
            (Some(plan), Some(request)) => {
                let request = request.with_body(host.head().body());
                gateway::serve(plan, &host, request).await
            }
            (None, _) => script::refused(&source::no_config(), request_id(&host)),
            (_, None) => script::refused(&malformed_url(), request_id(&host)),
        };
        let body_ms = host.body_ms();
        if let Some(plan) = plan {
            for index in plan.identities.due() {
                let plan = Rc::clone(&plan);
                tasks::leave(async move { renew(&plan, index).await });
            }
            if let Some(errand) = answer.errand.take() {
                let plan = Rc::clone(&plan);
                tasks::leave(async move {
                    errand.run(&plan, &EdgeHost::new(Head::default())).await;
                });
            }
            if let Some(shadow) = answer.shadow.take() {
                tasks::leave(async move {
                    if let Some(line) = mirror::run(&plan, &host, *shadow).await {
                        tell(&line);
                    }
                    renew_all(&plan).await;
                });
            }
        }
        finish(answer, body_ms)
    })
}

/// Fetches anew what a cloud has lent the gateway and wants back soon.
async fn renew(plan: &Plan, index: u16) {
    let host = EdgeHost::new(Head::default());
    if let Err(line) = plan.identities.renew(&host, index).await {
        tell(&line);
    }
}

/// The same for all that is due.
async fn renew_all(plan: &Plan) {
    for index in plan.identities.due() {
        renew(plan, index).await;
    }
}

/// The task that the last call of [`serve`], [`prepare`], [`look`] or [`check`] left waiting. `tasks.mjs` is told through `wake`
/// when to [`resume`] it.
#[wasm_bindgen]
pub fn waiting() -> u32 {
    tasks::waiting()
}

/// Goes on with a task: the length of its outcome, or 0 where it waits again or is no more.
#[wasm_bindgen]
pub fn resume(task: u32) -> usize {
    tasks::resume(task)
}

/// Drops a task whose client has left.
#[wasm_bindgen]
pub fn give_up(task: u32) {
    tasks::give_up(task);
}

/// The response that belongs to the script that came last.
#[wasm_bindgen]
pub fn reply() -> JsValue {
    tasks::reply()
}

/// The status and body, a line each, for a request that was sent on and got no answer. `trouble` is a number of
/// `trouble.mjs`, `whereabouts` are those of its script.
#[wasm_bindgen]
pub fn unanswered(trouble: u8, reason: String, request_id: &str, whereabouts: &str) -> String {
    let error = send_error(trouble, || reason);
    let (problem, line) = gateway::came_to_nothing(error, request_id, whereabouts);
    tell(&line);
    format!("{}\n{}", problem.status, problem.body(request_id))
}

/// Finds a config and makes a plan of it. The outcome, as of [`serve`], are the times in ms at which each chore is due, or
/// `never`, by the numbers that [`look`] takes.
#[wasm_bindgen]
pub fn prepare(env: worker::Env, bundled: js_sys::Uint8Array) -> usize {
    tasks::run(async move {
        let config = source::prepare(&env, &bundled).await;
        let times = [config, Some(0), Some(0)].map(time);
        times.join(" ").into()
    })
}

/// Does a chore, beside requests. 0: looks again for the config in KV; what is there replaces the plan if it is good.
/// 1: looks for what an operator has drained. 2: looks at what health checks have found. The outcome, as of [`serve`],
/// is the time in ms at which it is due again, or `never`.
#[wasm_bindgen]
pub fn look(chore: u32, env: worker::Env, bundled: js_sys::Uint8Array) -> usize {
    tasks::run(async move {
        let due = match chore {
            0 => source::refresh(&env, &bundled).await,
            1 => service::look_for_drains(&env).await,
            _ => service::look_at_board(&env).await,
        };
        time(due).into()
    })
}

/// Checks the health of endpoints, as a cron trigger asks for. The outcome, as of [`serve`], says nothing.
#[wasm_bindgen]
pub fn check(env: worker::Env) -> usize {
    tasks::run(async move {
        service::check(&env).await;
        "checked".to_owned().into()
    })
}

fn time(ms: Option<u64>) -> String {
    ms.map_or("never".to_owned(), |ms| ms.to_string())
}

fn malformed_url() -> Problem {
    Problem::client(400, "invalid_path", "The request's URL is malformed.")
}

fn finish(answer: Answer<JsValue>, body_ms: u32) -> Output {
    if let Some(lines) = &answer.log {
        tell(lines);
    }
    let script = script::write(&answer, body_ms);
    match answer.kind {
        Kind::Reply(reply) => Output {
            script,
            reply: Some(reply),
        },
        Kind::Forward(_) | Kind::Own { .. } => script.into(),
    }
}

#[cfg(feature = "deliberate-panic")]
async fn panic_on_request(host: &EdgeHost) {
    use crate::host::Host;
    let when = host.header("x-panic").map(String::from);
    if when.as_deref() == Some("later") {
        // The platform's promise: the exchange goes on in another turn of the event loop.
        let _ =
            wasm_bindgen_futures::JsFuture::from(js_sys::Promise::resolve(&JsValue::NULL)).await;
    }
    assert!(when.is_none(), "a panic was asked for");
}

/// Writes lines of JSON for the operator, each by the console's method of the level that it begins with.
fn tell(lines: &str) {
    for line in lines.lines() {
        let level = line.strip_prefix(r#"{"level":""#).unwrap_or_default();
        match level.as_bytes().first() {
            Some(b'i') => console_info(line),
            Some(b'w') => console_warn(line),
            _ => console_error(line),
        }
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = info)]
    fn console_info(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = warn)]
    fn console_warn(line: &str);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(line: &str);
}
