//! Which endpoints are in service, beside what requests teach: what an operator has drained, by a key of KV, and what
//! health checks have found, in this isolate or on the board that isolates share.
//!
//! All of it is read and done in the background. What cannot be read leaves things as they were.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Date;
use worker::Env;

use crate::config::{DRAIN_KEY, SOURCE_NAMESPACE};
use crate::host::Host;
use crate::plan::Plan;
use crate::upstream::{Board, Change, Drain};

use super::host::{EdgeHost, Head, message, variable_of};
use super::source::{bound, interval, stored_text};
use super::{PLAN, console_info, console_warn, renew_all};

/// The binding of the Durable Object namespace of the board.
const HEALTH: &str = "HEALTH";

/// Milliseconds between two looks at the board, where [`HEALTH_INTERVAL`] does not say otherwise.
const HEALTH_MS: u64 = 5_000;

/// The variable that sets the interval, in milliseconds; at least 100.
const HEALTH_INTERVAL: &str = "CAUSEWAY_HEALTH_REFRESH_MS";

thread_local! {
    static DRAIN: RefCell<Drain> = RefCell::default();
    /// The text that was last looked at, so that a mistake is told once.
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
    static BOARD: RefCell<Board> = RefCell::default();
    /// Whether the last look at the board came to nothing: that is told once.
    static BLIND: Cell<bool> = const { Cell::new(false) };
}

/// Tells a new plan what is known. What is drained is looked at again: it may name what is there only now.
pub fn welcome(plan: &Plan) {
    SEEN.set(None);
    apply(plan);
}

fn apply(plan: &Plan) {
    let now = Date::now() as u64;
    DRAIN.with_borrow(|drain| {
        BOARD.with_borrow(|board| plan.set_service(drain, board, now));
    });
}

/// Looks for what is drained; the time in ms at which to look again, if ever.
pub async fn look_for_drains(env: &Env) -> Option<u64> {
    if !bound(env, SOURCE_NAMESPACE) {
        return None;
    }
    if pooled().is_some() {
        match stored_text(env, DRAIN_KEY).await {
            Ok(text) => drain(text.unwrap_or_else(|| "{}".to_owned())),
            Err(error) => report("KV", &message(&error)),
        }
    }
    Some(later(interval(env)))
}

fn drain(text: String) {
    // There may be another plan now than before KV was asked.
    let Some(plan) = pooled() else { return };
    if SEEN.with_borrow(|seen| seen.as_ref() == Some(&text)) {
        return;
    }
    let read = Drain::read(&text).and_then(|drain| match plan.unknown(&drain) {
        Some(unknown) => Err(unknown),
        None => Ok(drain),
    });
    SEEN.set(Some(text));
    match read {
        Ok(drain) => {
            DRAIN.set(drain);
            apply(&plan);
        }
        Err(why) => report(DRAIN_KEY, &why),
    }
}

/// Looks at the board; the time in ms at which to look again, if ever.
pub async fn look_at_board(env: &Env) -> Option<u64> {
    read_board(env).await;
    match pooled() {
        Some(plan) if !plan.checks().is_empty() => apply(&plan),
        // Only a config of KV can change.
        _ if !bound(env, SOURCE_NAMESPACE) => return None,
        _ => {}
    }
    let wait = variable_of(env, HEALTH_INTERVAL)
        .and_then(|text| text.parse().ok())
        .map_or(HEALTH_MS, |ms: u64| ms.max(100));
    Some(later(wait))
}

/// What a cron trigger does: rounds of checks, until the next one can come.
pub async fn check(env: &Env) {
    let host = EdgeHost::new(Head::default());
    let began = host.now_ms();
    loop {
        read_board(env).await;
        let Some(plan) = pooled() else { return };
        let checks = plan.checks();
        if checks.is_empty() {
            return;
        }
        let mut board = BOARD.with_borrow(Clone::clone);
        for change in board.round(&host, &checks, &plan.identities).await {
            tell(&change);
        }
        renew_all(&plan).await;
        let text = board.write();
        let next = board.next_round(&checks, began, host.now_ms());
        BOARD.set(board);
        if let Some(plan) = pooled() {
            apply(&plan);
        }
        if bound(env, HEALTH)
            && let Err(error) = js::write(env, &text).await
        {
            report("HEALTH", &message(&error));
        }
        match next {
            Some(wait) => host.sleep(wait).await,
            None => return,
        }
    }
}

async fn read_board(env: &Env) {
    let checked = pooled().is_some_and(|plan| !plan.checks().is_empty());
    if !checked || !bound(env, HEALTH) {
        return;
    }
    let read = match js::read(env).await {
        Ok(text) => take_over(&text.as_string().unwrap_or_default()),
        Err(error) => Err(message(&error)),
    };
    let blind = read.is_err();
    if let Err(why) = read
        && !BLIND.get()
    {
        report("HEALTH", &why);
    }
    BLIND.set(blind);
}

fn take_over(text: &str) -> Result<(), String> {
    let Some(plan) = pooled() else { return Ok(()) };
    let read = BOARD.with_borrow_mut(|board| board.read(text, &plan.checks()));
    read.map_err(str::to_owned)
}

fn tell(change: &Change) {
    let Change { name, down, why } = change;
    let word = if *down { "down" } else { "up" };
    let line = format!("health: {name} is {word}: {why}");
    if *down {
        console_warn(&line);
    } else {
        console_info(&line);
    }
}

/// The plan, if there is anything in it to take out of service.
fn pooled() -> Option<Rc<Plan>> {
    let plan = PLAN.with_borrow(Clone::clone);
    plan.filter(|plan| plan.pools().next().is_some())
}

fn later(ms: u64) -> u64 {
    // The platform's clock is a whole number of milliseconds far below 2^53.
    (Date::now() as u64).saturating_add(ms)
}

fn report(source: &str, why: &str) {
    console_warn(&format!("service: {source}: {why}"));
}

mod js {
    use wasm_bindgen::prelude::*;
    use worker::Env;

    #[wasm_bindgen(raw_module = "./board.mjs")]
    extern "C" {
        #[wasm_bindgen(catch)]
        pub async fn read(env: &Env) -> Result<JsValue, JsValue>;
        #[wasm_bindgen(catch)]
        pub async fn write(env: &Env, text: &str) -> Result<JsValue, JsValue>;
    }
}
