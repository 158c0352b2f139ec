//! Where the config comes from, and when it is looked for again.
//!
//! The variable `SAG_API_CONFIG_JSON` comes first, then key `api-config.json` of the KV namespace bound as `CONFIG`, then
//! the bundled file. A source that is there and bad is never passed over for the next one: what it would have closed
//! must not stand open. KV holds the text, or what `causeway compile` made of it. With KV, the key is read again every 30 s; a good config replaces the plan, a bad one
//! is logged and the last good one keeps serving.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use js_sys::{Date, Uint8Array};
use wasm_bindgen::JsValue;
use worker::Env;

use crate::config::{SOURCE_KEY, SOURCE_NAMESPACE, SOURCE_VARIABLE};
use crate::plan::{ARTIFACT_START, Fault, Plan};
use crate::problem::Problem;

use super::host::{message, variable_of};
use super::{PLAN, console_error, service};

/// Milliseconds between two looks at KV, where [`INTERVAL`] does not say otherwise.
const REFRESH_MS: u64 = 30_000;

/// The variable that sets the interval, in milliseconds; at least 100.
const INTERVAL: &str = "CAUSEWAY_CONFIG_REFRESH_MS";

/// Milliseconds after which a config that could not be had is asked for again.
const RETRY_MS: u64 = 1_000;

thread_local! {
    /// The digest of the text of KV that was last looked at, so that an unchanged one is not compiled again.
    static SEEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What is answered while there is no plan.
pub fn no_config() -> Problem {
    Problem::config("no configuration could be loaded")
}

/// Sets the plan from the first source that is there; the time in ms at which to look again, if ever.
pub async fn prepare(env: &Env, bundled: &Uint8Array) -> Option<u64> {
    if let Some(text) = variable_of(env, SOURCE_VARIABLE) {
        from_text(env, SOURCE_VARIABLE, &js::bytes(&text));
        return None;
    }
    refresh(env, bundled).await
}

/// Looks at KV, again or for the first time; the time in ms at which to look again, if ever.
pub async fn refresh(env: &Env, bundled: &Uint8Array) -> Option<u64> {
    if !js::bound(env, SOURCE_NAMESPACE) {
        from_bundle(env, bundled);
        return None;
    }
    match js::stored(env, SOURCE_NAMESPACE, SOURCE_KEY).await {
        Ok(Some(stored)) => {
            let digest = stored.digest();
            if SEEN.with_borrow(|seen| *seen != digest) || !is_ready() {
                SEEN.set(digest);
                from_bytes(env, SOURCE_KEY, &stored.bytes());
            }
        }
        Ok(None) if !is_ready() => from_bundle(env, bundled),
        // The key was deleted: the last good config keeps serving.
        Ok(None) => {}
        Err(error) => report("KV", &message(&error)),
    }
    Some(next_look(env))
}

/// Milliseconds between two looks at KV.
pub fn interval(env: &Env) -> u64 {
    variable_of(env, INTERVAL)
        .and_then(|text| text.parse().ok())
        .map_or(REFRESH_MS, |ms: u64| ms.max(100))
}

/// Whether the environment binds an object to this name.
pub fn bound(env: &Env, name: &str) -> bool {
    js::bound(env, name)
}

/// A text of the KV namespace that the config is looked for in.
pub async fn stored_text(env: &Env, key: &str) -> Result<Option<String>, JsValue> {
    let text = js::stored_text(env, SOURCE_NAMESPACE, key).await?;
    Ok(text.as_string())
}

fn next_look(env: &Env) -> u64 {
    let interval = interval(env);
    let wait = if is_ready() {
        interval
    } else {
        RETRY_MS.min(interval)
    };
    // The platform's clock is a whole number of milliseconds far below 2^53.
    (Date::now() as u64).saturating_add(wait)
}

/// Takes what stands in KV: a text, or what a text was compiled to.
fn from_bytes(env: &Env, source: &str, bytes: &Uint8Array) {
    let start = bytes.subarray(0, ARTIFACT_START.len() as u32).to_vec();
    if start == ARTIFACT_START {
        open(env, source, bytes);
    } else {
        from_text(env, source, bytes);
    }
}

/// Paths with a fault are closed and the rest serve, unless there is a plan already: then that one keeps serving.
fn from_text(env: &Env, source: &str, text: &Uint8Array) {
    if let Some(artifact) = js::compile(source, text, !is_ready()) {
        open(env, source, &artifact);
    }
}

fn from_bundle(env: &Env, bundled: &Uint8Array) {
    open(env, "bundled config", bundled);
}

fn open(env: &Env, source: &str, artifact: &Uint8Array) {
    // The bytes stay outside; each part is copied in once.
    let read = |range: Range<usize>| {
        let [start, end] = [range.start, range.end].map(|at| at as u32);
        artifact.subarray(start, end).to_vec()
    };
    let variable = |name: &str| variable_of(env, name);
    match Plan::open(artifact.length() as usize, &read, &variable) {
        Ok((plan, faults)) => install(plan, faults),
        Err(why) => report(source, &why.to_string()),
    }
}

fn install(mut plan: Plan, faults: Vec<Fault>) {
    for fault in faults {
        report(&fault.code, &fault.message);
    }
    if let Some(before) = PLAN.with_borrow(Clone::clone) {
        plan.take_over(&before);
    }
    service::welcome(&plan);
    PLAN.set(Some(Rc::new(plan)));
}

fn is_ready() -> bool {
    PLAN.with_borrow(Option::is_some)
}

fn report(source: &str, why: &str) {
    console_error(&format!("config: {source}: {why}"));
}

mod js {
    use js_sys::Uint8Array;
    use wasm_bindgen::prelude::*;
    use worker::Env;

    #[wasm_bindgen(raw_module = "./source.mjs")]
    extern "C" {
        pub type Stored;
        #[wasm_bindgen(method, getter)]
        pub fn bytes(this: &Stored) -> Uint8Array;
        #[wasm_bindgen(method, getter)]
        pub fn digest(this: &Stored) -> String;

        pub fn bound(env: &Env, name: &str) -> bool;
        pub fn bytes(text: &str) -> Uint8Array;
        #[wasm_bindgen(catch)]
        pub async fn stored(
            env: &Env,
            namespace: &str,
            key: &str,
        ) -> Result<Option<Stored>, JsValue>;
        #[wasm_bindgen(catch)]
        pub async fn stored_text(env: &Env, namespace: &str, key: &str)
        -> Result<JsValue, JsValue>;
    }

    #[wasm_bindgen(raw_module = "./compile.mjs")]
    extern "C" {
        pub fn compile(source: &str, text: &Uint8Array, faulty: bool) -> Option<Uint8Array>;
    }
}
