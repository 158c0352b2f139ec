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
    /// The task that is polled.
    static POLLED: Cell<u32> = const { Cell::new(0) };
    /// By task: what of it must come to its end.
    static SHELTERED: RefCell<BTreeMap<u32, Sheltered>> = const { RefCell::new(BTreeMap::new()) };
    /// The task that is woken where [`woken_by`] waits to hear of it.
    static WOKEN: Cell<Option<u32>> = const { Cell::new(None) };
    static REPLY: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// Work that goes on although the client leaves.
#[derive(Default)]
struct Sheltered {
    /// How much of it is under way at once.
    works: u32,
    /// The client has left: the task ends with the work.
    left: bool,
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
    POLLED.set(id);
    task.as_mut().poll(&mut Context::from_waker(&waker))
}

/// What comes of work that others wait for: it goes on although the client leaves, and nothing of the task follows then.
pub async fn to_the_end<T>(work: impl Future<Output = T>) -> T {
    let task = POLLED.get();
    let outcome = {
        let _work = Work::begin(task);
        work.await
    };
    if is_over(task) {
        // Whoever polls this drops it.
        std::future::pending::<()>().await;
    }
    outcome
}

/// A part of a task that comes to its end.
struct Work(u32);

impl Work {
    fn begin(task: u32) -> Work {
        let works = SHELTERED.with_borrow_mut(|all| {
            let sheltered = all.entry(task).or_default();
            sheltered.works = sheltered.works.saturating_add(1);
            sheltered.works
        });
        if works == 1 {
            hold(task);
        }
        Work(task)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let ended = SHELTERED.with_borrow_mut(|all| {
            let sheltered = all.entry(self.0).or_default();
            sheltered.works = sheltered.works.saturating_sub(1);
            let ended = sheltered.works == 0;
            if ended && !sheltered.left {
                all.remove(&self.0);
            }
            ended
        });
        if ended {
            release(self.0);
        }
    }
}

/// Whether nobody waits for the task any more, neither its client nor others for a part of it.
fn is_over(task: u32) -> bool {
    SHELTERED.with_borrow(|all| all.get(&task).is_some_and(|it| it.left && it.works == 0))
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
        Poll::Pending if is_over(id) => {
            drop(task);
            SHELTERED.with_borrow_mut(|all| all.remove(&id));
            ended(Output::from("over".to_owned()))
        }
        Poll::Pending => {
            WAITING.with_borrow_mut(|waiting| waiting.insert(id, task));
            0
        }
    }
}

/// Drops a task whose client has left, and with it what it holds: at once, or when what others wait for is done.
pub fn give_up(id: u32) {
    let goes_on = SHELTERED.with_borrow_mut(|all| {
        let sheltered = all.get_mut(&id);
        sheltered.is_some_and(|sheltered| !std::mem::replace(&mut sheltered.left, true))
    });
    if goes_on && adopt(id) {
        return;
    }
    let task = WAITING.with_borrow_mut(|waiting| waiting.remove(&id));
    // Not within the borrow: what is dropped may look at the others.
    drop(task);
    SHELTERED.with_borrow_mut(|all| all.remove(&id));
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

#[wasm_bindgen(raw_module = "./shelter.mjs")]
extern "C" {
    fn hold(task: u32);
    fn release(task: u32);
    fn adopt(task: u32) -> bool;
}
