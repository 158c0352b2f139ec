//! Virtual time for many exchanges at once: one clock, one queue of what is due, scripted peers, seeded randomness.
//!
//! All that a future of this host ever waits for is a [`Timer`]: that a peer answers, or that a sleep is over. So no
//! waker is needed: the queue knows which task asked for a timer, and that task is polled when it is due. Of two timers
//! of one moment the one that was asked for first goes first. The same seed gives the same run, event for event.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::memory::Reply;
use super::{
    Ask, BodyError, Call, CallError, Called, Forward, Host, SendError, Signed, Signing, Told,
};
use crate::upstream::Geography;

/// When the first event happens: 2026-01-01. A clock of the Unix epoch would hide what takes its first milliseconds for
/// long ago.
const BEGINNING_US: u64 = 1_767_225_600_000_000;

/// The time that all exchanges of a run share, in microseconds.
pub struct Clock {
    now_us: Cell<u64>,
    due: RefCell<BinaryHeap<Reverse<Due>>>,
    timers: Cell<u64>,
    /// The task that is being polled.
    task: Cell<u64>,
}

/// A timer: when, the how manieth, and whose.
type Due = (u64, u64, u64);

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            now_us: Cell::new(BEGINNING_US),
            due: RefCell::default(),
            timers: Cell::new(0),
            task: Cell::new(0),
        }
    }
}

impl Clock {
    /// Microseconds since the Unix epoch.
    pub fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    /// Microseconds since the run began.
    pub fn elapsed_us(&self) -> u64 {
        self.now_us().saturating_sub(BEGINNING_US)
    }

    /// Waits so many microseconds.
    pub fn sleep_us(&self, us: u64) -> Timer<'_> {
        Timer {
            clock: self,
            at: self.now_us().saturating_add(us),
            asked: false,
        }
    }

    /// Moves on to what is due next and not later than `until`: the task whose turn it is.
    fn next(&self, until: u64) -> Option<u64> {
        let mut due = self.due.borrow_mut();
        let Reverse((at, _, task)) = *due.peek().filter(|Reverse((at, ..))| *at <= until)?;
        due.pop();
        self.now_us.set(self.now_us().max(at));
        self.task.set(task);
        Some(task)
    }
}

/// A wait on a [`Clock`].
pub struct Timer<'c> {
    clock: &'c Clock,
    at: u64,
    asked: bool,
}

impl Future for Timer<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.clock.now_us() >= self.at {
            return Poll::Ready(());
        }
        if !self.asked {
            let (clock, number) = (self.clock, self.clock.timers.get());
            clock.timers.set(number.saturating_add(1));
            let due = (self.at, number, clock.task.get());
            clock.due.borrow_mut().push(Reverse(due));
            self.asked = true;
        }
        Poll::Pending
    }
}

/// Runs many exchanges on one clock.
pub struct Executor<'a> {
    clock: &'a Clock,
    tasks: HashMap<u64, Pin<Box<dyn Future<Output = ()> + 'a>>>,
    spawned: u64,
}

impl<'a> Executor<'a> {
    pub fn new(clock: &'a Clock) -> Executor<'a> {
        Executor {
            clock,
            tasks: HashMap::new(),
            spawned: 0,
        }
    }

    /// Starts a task now and runs it up to its first wait.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + 'a) {
        self.spawned = self.spawned.saturating_add(1);
        self.clock.task.set(self.spawned);
        let mut task: Pin<Box<dyn Future<Output = ()> + 'a>> = Box::pin(task);
        if poll(task.as_mut()).is_pending() {
            self.tasks.insert(self.spawned, task);
        }
    }

    /// Lets all happen that is due within so many microseconds since the beginning of the run.
    pub fn run_until(&mut self, elapsed_us: u64) {
        let until = BEGINNING_US.saturating_add(elapsed_us);
        while let Some(task) = self.clock.next(until) {
            self.turn(task);
        }
        self.clock.now_us.set(self.clock.now_us().max(until));
    }

    /// Runs until every task is done. How many never will be: they wait for nothing that is to come.
    pub fn run(mut self) -> usize {
        while !self.tasks.is_empty()
            && let Some(task) = self.clock.next(u64::MAX)
        {
            self.turn(task);
        }
        self.tasks.len()
    }

    /// How many tasks are under way.
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    fn turn(&mut self, number: u64) {
        // A task may be done before one of its timers is: what it raced against lost.
        let done = self
            .tasks
            .get_mut(&number)
            .is_some_and(|task| poll(task.as_mut()).is_ready());
        if done {
            self.tasks.remove(&number);
        }
    }
}

/// Runs one future on a clock. `None` if it waits for nothing that is to come.
pub fn run<T>(clock: &Clock, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = poll(future.as_mut()) {
            return Some(value);
        }
        clock.next(u64::MAX)?;
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// SplitMix64: repeatable randomness.
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(Cell::new(seed))
    }

    pub fn bits(&self) -> u64 {
        let seed = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, without 0 itself: its logarithm is finite.
    pub fn share(&self) -> f64 {
        ((self.bits() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
    }

    /// Whether so many percent of all cases are met.
    pub fn falls(&self, percent: f64) -> bool {
        percent > 0.0 && self.share() * 100.0 <= percent
    }
}

/// What becomes of a request to a peer.
#[derive(Debug)]
pub struct Scripted {
    /// Microseconds to the head of the answer, or to the failure; `None` if nothing ever comes.
    pub after_us: Option<u64>,
    pub outcome: Result<Reply, SendError>,
}

/// One exchange's host. `peer` is asked when a request is sent, and what it says happens later.
pub struct VirtualHost<'a, P> {
    clock: &'a Clock,
    random: &'a Random,
    peer: P,
    headers: &'a [(&'a str, &'a str)],
    refuses_after_ms: u32,
    cancelled: Cell<u32>,
}

impl<'a, P: Fn(&Forward) -> Scripted> VirtualHost<'a, P> {
    pub fn new(clock: &'a Clock, random: &'a Random, peer: P) -> Self {
        VirtualHost {
            clock,
            random,
            peer,
            headers: &[],
            refuses_after_ms: 0,
            cancelled: Cell::new(0),
        }
    }

    /// The fields of the client's request, by lower-case names.
    #[must_use]
    pub fn with_headers(self, headers: &'a [(&'a str, &'a str)]) -> Self {
        VirtualHost { headers, ..self }
    }

    /// How long it takes until what is [asked](Host::ask) is refused.
    #[must_use]
    pub fn with_refusals_after(self, ms: u32) -> Self {
        VirtualHost {
            refuses_after_ms: ms,
            ..self
        }
    }

    /// How many requests nobody waited for to the end.
    pub fn cancelled(&self) -> u32 {
        self.cancelled.get()
    }
}

/// Counts a request whose future is dropped before its end.
struct Waiting<'a> {
    cancelled: &'a Cell<u32>,
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.cancelled.set(self.cancelled.get().saturating_add(1));
        }
    }
}

impl<P: Fn(&Forward) -> Scripted> Host for VirtualHost<'_, P> {
    type Reply = Reply;

    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.headers.iter().find(|(n, _)| *n == name)?;
        Some(Cow::Borrowed(value))
    }

    fn now_ms(&self) -> u64 {
        self.clock.now_us() / 1000
    }

    fn random(&self) -> u64 {
        self.random.bits()
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn geography(&self) -> Geography {
        Geography::default()
    }

    fn status(&self, reply: &Reply) -> u16 {
        reply.status
    }

    fn reply_field(&self, reply: &Reply, name: &str) -> Option<String> {
        let (_, value) = reply.fields.iter().find(|(n, _)| n == name)?;
        Some(value.clone())
    }

    fn copy(&self, reply: &Reply) -> Reply {
        reply.clone()
    }

    async fn read(&self, reply: Reply, _: u32, _: u32) -> Result<Vec<u8>, BodyError> {
        Ok(reply.body.into_bytes())
    }

    fn discard(&self, _: Reply) {}

    async fn keep_body(&self, _: u32) -> Result<bool, BodyError> {
        Ok(true)
    }

    async fn send(&self, forward: &Forward) -> Result<Reply, SendError> {
        let limit = u64::from(forward.timeout_ms).saturating_mul(1000);
        let Scripted { after_us, outcome } = (self.peer)(forward);
        let mut waiting = Waiting {
            cancelled: &self.cancelled,
            over: false,
        };
        let after = after_us.filter(|after| *after <= limit);
        self.clock.sleep_us(after.unwrap_or(limit)).await;
        waiting.over = true;
        match after {
            Some(_) => outcome,
            None => Err(SendError::TimedOut),
        }
    }

    async fn sleep(&self, ms: u32) {
        self.clock
            .sleep_us(u64::from(ms).saturating_mul(1000))
            .await;
    }

    async fn body(&self, _: usize) -> Result<Vec<u8>, BodyError> {
        Ok(Vec::new())
    }

    fn client_certificate(&self) -> Option<String> {
        None
    }

    async fn ask(&self, _: &Ask<'_>) -> Result<Told, SendError> {
        if self.refuses_after_ms > 0 {
            self.sleep(self.refuses_after_ms).await;
        }
        Err(SendError::Unreachable(NOBODY.to_owned()))
    }

    async fn stored(&self, _: &str, _: &str) -> Result<Option<String>, CallError> {
        Err(CallError(NOBODY.to_owned()))
    }

    async fn derive(
        &self,
        password: &str,
        salt: &[u8],
        iterations: u32,
    ) -> Result<[u8; 32], CallError> {
        Ok(crate::auth::pbkdf2(password, salt, iterations))
    }

    async fn verifies(&self, signed: &Signed<'_>) -> Result<bool, CallError> {
        super::signature::verifies(signed)
    }

    async fn sign(&self, signing: &Signing<'_>) -> Result<Vec<u8>, CallError> {
        super::signature::sign(signing)
    }

    async fn recall(&self, _: &str) -> Option<String> {
        None
    }

    async fn remember(&self, _: &str, _: &str, _: u32) {}

    async fn call(&self, _: Call<'_>, _: Option<Reply>) -> Result<Called<Reply>, SendError> {
        Err(SendError::Unreachable(NOBODY.to_owned()))
    }
}

const NOBODY: &str = "there is nobody but the endpoints here";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_share_one_clock_and_run_in_the_order_of_what_is_due() {
        let (clock, told) = (Clock::default(), RefCell::new(Vec::new()));
        let mut executor = Executor::new(&clock);
        for (name, us) in [("c", 30), ("a", 10), ("b", 10)] {
            let (clock, told) = (&clock, &told);
            executor.spawn(async move {
                for _ in 0..2 {
                    clock.sleep_us(us).await;
                    told.borrow_mut().push((name, clock.elapsed_us()));
                }
            });
        }
        executor.run_until(15);
        assert_eq!((clock.elapsed_us(), executor.running()), (15, 3));
        assert_eq!(executor.run(), 0);
        let expected = [
            ("a", 10),
            ("b", 10),
            ("a", 20),
            ("b", 20),
            ("c", 30),
            ("c", 60),
        ];
        assert_eq!(*told.borrow(), expected);
    }

    #[test]
    fn a_task_that_waits_for_nothing_is_counted_and_does_not_stop_the_others() {
        let clock = Clock::default();
        let mut executor = Executor::new(&clock);
        executor.spawn(std::future::pending());
        executor.spawn(async { clock.sleep_us(5).await });
        assert_eq!(executor.run(), 1);
        assert_eq!(clock.elapsed_us(), 5);
        assert_eq!(run(&clock, std::future::pending::<()>()), None);
    }

    #[test]
    fn a_request_that_is_dropped_is_cancelled_and_one_that_is_late_is_not() {
        let (clock, random) = (Clock::default(), Random::new(1));
        let host = VirtualHost::new(&clock, &random, |_| Scripted {
            after_us: Some(2_000_000),
            outcome: Ok(Reply::default()),
        });
        let forward = Forward {
            url: "http://a.test/".into(),
            edits: crate::edits::Edits::default(),
            timeout_ms: 50,
            websocket: false,
            binding: None,
            cancellable: true,
            as_gateway: false,
        };
        assert_eq!(
            run(&clock, host.send(&forward)),
            Some(Err(SendError::TimedOut))
        );
        assert_eq!((clock.elapsed_us(), host.cancelled()), (50_000, 0));
        let mut sent = Box::pin(host.send(&forward));
        assert!(poll(sent.as_mut()).is_pending());
        drop(sent);
        assert_eq!(host.cancelled(), 1);
    }
}
