//! What waits: exchanges that cannot be answered in the call that brought them.
//!
//! A task is only ever polled inside a call that JavaScript makes, so that JavaScript sees a trap wherever it happens.
//! (A promise that drives itself from a microtask would trap there unseen and never settle.)

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use wasm_bindgen::prelude::*;

use super::wire;

/// What a task comes to: text for JavaScript, and the response that goes with it, if one does.
pub struct Output {
    pub script: String,
    pub reply: Option<JsValue>,
}

impl From<String> for Output {
    fn from(script: String) -> Self {
        Output {
            script,
            reply: None,
        }
    }
}

type Task = Pin<Box<dyn Future<Output = Output>>>;

thread_local! {
    static WAITING: RefCell<BTreeMap<u32, Task>> = const { RefCell::new(BTreeMap::new()) };
    static LAST: Cell<u32> = const { Cell::new(0) };
    static LEFT: Cell<u32> = const { Cell::new(0) };
    /// The task that is woken where [`woken_by`] waits to hear of it.
    static WOKEN: Cell<Option<u32>> = const { Cell::new(None) };
    static REPLY: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// Runs a task to its end, or as far as it goes. Most end at once, without a promise.
///
/// The length of what it comes to, or 0 where it waits.
pub fn run(task: impl Future<Output = Output> + 'static) -> usize {
    let mut task: Task = Box::pin(task);
    let id = next();
    match poll(id, &mut task) {
        Poll::Ready(output) => ended(output),
        Poll::Pending => {
            WAITING.with_borrow_mut(|waiting| waiting.insert(id, task));
            LEFT.set(id);
            0
        }
    }
}

fn poll(id: u32, task: &mut Task) -> Poll<Output> {
    let waker = Waker::from(Arc::new(Wakes(id)));
    task.as_mut().poll(&mut Context::from_waker(&waker))
}

/// Leaves a task to begin when the exchange at hand has been answered, beside the answer. What it comes to is dropped.
pub fn leave(task: impl Future<Output = ()> + 'static) {
    let id = next();
    let task: Task = Box::pin(async {
        task.await;
        Output::from("done".to_owned())
    });
    WAITING.with_borrow_mut(|waiting| waiting.insert(id, task));
    leave_task(id);
}

/// Numbers tasks from there on: what another instance has left may still be asked for.
pub fn begin_after(id: u32) {
    LAST.set(id);
}

/// Never 0.
fn next() -> u32 {
    let id = LAST.get().checked_add(1).unwrap_or(1);
    LAST.set(id);
    id
}

/// The task that [`run`] last left waiting.
pub fn waiting() -> u32 {
    LEFT.get()
}

/// Polls a task again, with the outcome of [`run`].
pub fn resume(id: u32) -> usize {
    // Taken out while it runs: it may start or wake others.
    let Some(mut task) = WAITING.with_borrow_mut(|waiting| waiting.remove(&id)) else {
        return 0;
    };
    match poll(id, &mut task) {
        Poll::Ready(output) => ended(output),
        Poll::Pending => {
            WAITING.with_borrow_mut(|waiting| waiting.insert(id, task));
            0
        }
    }
}

/// Drops a task that nobody waits for any more, and with it what it holds.
pub fn give_up(id: u32) {
    let task = WAITING.with_borrow_mut(|waiting| waiting.remove(&id));
    // Not within the borrow: what is dropped may look at the others.
    drop(task);
}

/// The response of the task that ended last.
pub fn reply() -> JsValue {
    REPLY.take().unwrap_or(JsValue::UNDEFINED)
}

fn ended(output: Output) -> usize {
    if output.reply.is_some() {
        REPLY.set(output.reply);
    }
    wire::give(output.script)
}

struct Wakes(u32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        match WOKEN.get() {
            Some(0) => WOKEN.set(Some(self.0)),
            _ => wake(self.0),
        }
    }
}

/// The task that something wakes, for the caller to [`resume`]: the first, if it is several. 0 where it wakes none.
pub fn woken_by(something: impl FnOnce()) -> u32 {
    WOKEN.set(Some(0));
    something();
    WOKEN.take().unwrap_or_default()
}

#[wasm_bindgen(raw_module = "./tasks.mjs")]
extern "C" {
    fn wake(task: u32);
    #[wasm_bindgen(js_name = leave)]
    fn leave_task(task: u32);
}
