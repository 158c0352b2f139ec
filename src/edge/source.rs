//! Where the config comes from, and when it is looked for again.
//!
//! The variable `SAG_API_CONFIG_JSON` comes first, then key `api-config.json` of the KV namespace bound as `CONFIG`, then
//! the bundled file. A source that is there and bad is never passed over for the next one: what it would have closed
//! must not stand open. With KV, the key is read again every 30 s; a good config replaces the plan, a bad one
//! is logged and the last good one keeps serving.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use js_sys::{Date, Uint8Array};
use worker::Env;

use crate::plan::{Fault, Plan, compile};
use crate::problem::Problem;

use super::{PLAN, console_error, host};

const VARIABLE: &str = "SAG_API_CONFIG_JSON";
const NAMESPACE: &str = "CONFIG";
const KEY: &str = "api-config.json";

/// Milliseconds between two looks at KV, where [`INTERVAL`] does not say otherwise.
const REFRESH_MS: u64 = 30_000;

/// The variable that sets the interval, in milliseconds; at least 100.
const INTERVAL: &str = "CAUSEWAY_CONFIG_REFRESH_MS";

/// Milliseconds after which a config that could not be had is asked for again.
const RETRY_MS: u64 = 1_000;

thread_local! {
    /// A digest of the text of KV that was last looked at, so that an unchanged one is not compiled again.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// What is answered while there is no plan.
pub fn no_config() -> Problem {
    Problem::config("no configuration could be loaded")
}

/// Sets the plan from the first source that is there; the time in ms at which to look again, if ever.
pub async fn prepare(env: &Env, bundled: &Uint8Array) -> Option<u64> {
    if let Some(text) = variable(env, VARIABLE) {
        from_text(env, VARIABLE, &text);
        return None;
    }
    match stored(env).await {
        Ok(Some(text)) => {
            SEEN.set(digest(&text));
            from_text(env, KEY, &text);
            next_look(env)
        }
        Ok(None) => {
            from_bundle(env, bundled);
            next_look(env)
        }
        Err(why) => {
            report("KV", &why);
            next_look(env)
        }
    }
}

/// Looks at KV again.
pub async fn refresh(env: &Env, bundled: &Uint8Array) -> Option<u64> {
    match stored(env).await {
        Ok(Some(text)) => {
            if SEEN.replace(digest(&text)) != digest(&text) || !is_ready() {
                from_text(env, KEY, &text);
            }
        }
        Ok(None) if !is_ready() => from_bundle(env, bundled),
        // The key was deleted: the last good config keeps serving.
        Ok(None) => {}
        Err(why) => report("KV", &why),
    }
    next_look(env)
}

/// `None` where there is no KV to look at.
fn next_look(env: &Env) -> Option<u64> {
    if env.kv(NAMESPACE).is_err() {
        return None;
    }
    let interval = variable(env, INTERVAL)
        .and_then(|text| text.parse().ok())
        .map_or(REFRESH_MS, |ms: u64| ms.max(100));
    let wait = if is_ready() {
        interval
    } else {
        RETRY_MS.min(interval)
    };
    // The platform's clock is a whole number of milliseconds far below 2^53.
    Some((Date::now() as u64).saturating_add(wait))
}

async fn stored(env: &Env) -> Result<Option<String>, String> {
    let Ok(namespace) = env.kv(NAMESPACE) else {
        return Ok(None);
    };
    namespace
        .get(KEY)
        .text()
        .await
        .map_err(|error| error.to_string())
}

fn from_bundle(env: &Env, bundled: &Uint8Array) {
    // The bundle's bytes stay outside; each part is copied in once.
    let read = |range: Range<usize>| {
        let [start, end] = [range.start, range.end].map(|at| at as u32);
        bundled.subarray(start, end).to_vec()
    };
    match Plan::open(bundled.length() as usize, &read, &|name: &str| {
        variable(env, name)
    }) {
        Ok((plan, faults)) => install(plan, faults),
        Err(why) => report("bundled config", &why.to_string()),
    }
}

/// Paths with a fault are closed and the rest serve, unless there is a plan already: then that one keeps serving.
fn from_text(env: &Env, source: &str, text: &str) {
    let compiled = compile(text);
    for line in compiled.diagnostics.lines(source) {
        console_error(&line);
    }
    let good = !compiled.diagnostics.has_errors();
    match compiled.blueprint {
        Some(blueprint) if good || !is_ready() => {
            match Plan::load(blueprint, &|name: &str| variable(env, name)) {
                Ok((plan, faults)) => install(plan, faults),
                Err(fault) => report(&fault.code, &fault.message),
            }
        }
        _ => report(source, "it has errors and is not used"),
    }
}

fn install(plan: Plan, faults: Vec<Fault>) {
    for fault in faults {
        report(&fault.code, &fault.message);
    }
    PLAN.set(Some(Rc::new(plan)));
}

fn is_ready() -> bool {
    PLAN.with_borrow(Option::is_some)
}

fn variable(env: &Env, name: &str) -> Option<String> {
    host::variable_of(env, name)
}

fn report(source: &str, why: &str) {
    console_error(&format!("config: {source}: {why}"));
}

/// FNV-1a, 64 bits: it tells an unchanged text, nothing more.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
