//! Requests that are under way: what JavaScript tells of them, and who waits for it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::prelude::*;

use super::{js, tasks};

thread_local! {
    static UNDER_WAY: RefCell<BTreeMap<u32, State>> = const { RefCell::new(BTreeMap::new()) };
}

enum State {
    Waiting(Option<Waker>),
    Landed(Result<JsValue, JsValue>),
}

/// A request that was sent, until the head of its answer is there. Dropped before, it is forgotten, and ended if it can
/// be.
pub struct Sending {
    number: u32,
    cancellable: bool,
}

impl Sending {
    /// `number` is what `depart` of `sending.mjs` has answered.
    pub fn new(number: u32, cancellable: bool) -> Sending {
        UNDER_WAY.with_borrow_mut(|all| all.insert(number, State::Waiting(None)));
        Sending {
            number,
            cancellable,
        }
    }
}

impl Future for Sending {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        UNDER_WAY.with_borrow_mut(|all| match all.remove(&self.number) {
            Some(State::Landed(outcome)) => Poll::Ready(outcome),
            _ => {
                let waiting = State::Waiting(Some(cx.waker().clone()));
                all.insert(self.number, waiting);
                Poll::Pending
            }
        })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        match UNDER_WAY.with_borrow_mut(|all| all.remove(&self.number)) {
            Some(State::Waiting(_)) if self.cancellable => js::cancel(self.number),
            Some(State::Landed(Ok(reply))) => js::discard(&reply),
            _ => {}
        }
    }
}

/// What came of a request: a response, or an error. The task to [`resume`](super::resume) then, 0 if none has waited yet,
/// and nothing if none ever will.
#[wasm_bindgen]
pub fn landed(number: u32, outcome: JsValue, failed: bool) -> Option<u32> {
    let outcome = if failed { Err(outcome) } else { Ok(outcome) };
    let waiting = UNDER_WAY.with_borrow_mut(|all| {
        let state = all.get_mut(&number)?;
        Some(std::mem::replace(state, State::Landed(outcome)))
    });
    match waiting {
        Some(State::Waiting(Some(waker))) => Some(tasks::woken_by(|| waker.wake())),
        Some(State::Waiting(None)) => Some(0),
        Some(State::Landed(_)) | None => None,
    }
}
