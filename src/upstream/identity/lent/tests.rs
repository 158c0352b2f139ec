use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::host::memory::{MemoryHost, run};

const HOUR: u64 = 60 * 60 * 1000;

/// Gets a value from a source that counts how often it is asked, and fails while it is told to. One that is due is
/// then renewed.
fn get(lent: &Lent<u32>, host: &MemoryHost, asked: &Cell<u32>, fails: bool) -> Result<u32, String> {
    let fetch = async || {
        asked.set(asked.get() + 1);
        if fails {
            return Err(format!("failure {}", asked.get()));
        }
        Ok(Loan {
            value: asked.get(),
            good_for_ms: HOUR,
        })
    };
    let got = run(lent.get(host, fetch))?;
    if got.is_due {
        assert_eq!(run(lent.renew(host, fetch)).is_err(), fails);
    }
    Ok(got.value)
}

fn lasting<V>(value: V) -> Result<Got<V>, String> {
    Ok(Got::new(value, false))
}

#[test]
fn a_value_is_kept_until_shortly_before_its_end_and_renewed_ahead_of_it() {
    let (lent, host, asked) = (Lent::new(6_000), MemoryHost::new(0, &[]), Cell::new(0));
    for (at_s, fails, expected) in [
        (0, false, Ok(1)),
        (1, true, Ok(1)),
        (55 * 60 - 1, false, Ok(1)),
        // Where it cannot be renewed, the next try waits.
        (55 * 60, true, Ok(1)),
        (55 * 60, false, Ok(1)),
        (55 * 60 + 1, false, Ok(1)),
        (55 * 60 + 1, true, Ok(3)),
        (60 * 60, false, Ok(3)),
        // Nobody renewed it in time.
        (
            55 * 60 + 1 + 60 * 60 - 15,
            true,
            Err("failure 4".to_owned()),
        ),
        (
            55 * 60 + 1 + 60 * 60 - 15,
            false,
            Err("failure 4".to_owned()),
        ),
        (55 * 60 + 1 + 60 * 60 - 14, false, Ok(5)),
    ] {
        host.pass((at_s * 1000) - host.now_ms());
        assert_eq!(get(&lent, &host, &asked, fails), expected, "at {at_s} s");
    }
}

#[test]
fn a_short_life_has_shorter_margins() {
    let (lent, host) = (Lent::new(1_000), MemoryHost::new(0, &[]));
    let loan = |value| Loan {
        value,
        good_for_ms: 8_000,
    };
    for (at_ms, expected, is_due) in [
        (0, 0, false),
        (5_999, 0, false),
        // Whoever is told so does nothing about it, for the time of its lease.
        (6_000, 0, true),
        (6_999, 0, false),
        (7_000, 7_000, false),
    ] {
        host.pass(at_ms - host.now_ms());
        let got = run(lent.get(&host, async || Ok(loan(at_ms))));
        assert_eq!(got, Ok(Got::new(expected, is_due)), "at {at_ms} ms");
    }
}

#[test]
fn what_is_said_to_last_for_ever_is_fetched_again_after_a_day() {
    let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
    let loan = |value| Loan {
        value,
        good_for_ms: u64::MAX,
    };
    assert_eq!(run(lent.get(&host, async || Ok(loan(1)))), lasting(1));
    host.pass(LONGEST_MS);
    assert_eq!(run(lent.get(&host, async || Ok(loan(2)))), lasting(2));
}

#[test]
fn the_next_try_after_a_failure_waits_longer_each_time() {
    let (lent, host, asked) = (
        Lent::<u32>::new(6_000),
        MemoryHost::new(0, &[]),
        Cell::new(0),
    );
    let mut tries = Vec::new();
    for second in 0..100 {
        let before = asked.get();
        get(&lent, &host, &asked, true).unwrap_err();
        if asked.get() > before {
            tries.push(second);
        }
        host.pass(1000);
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 61, 91]);
}

#[test]
fn one_fetches_for_many_that_come_at_once() {
    let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
    let asked = Cell::new(0);
    let done = Cell::new(false);
    let fetch = async || {
        asked.set(asked.get() + 1);
        until(&done).await;
        Ok(Loan {
            value: 7,
            good_for_ms: HOUR,
        })
    };
    let mut first = pin!(lent.get(&host, fetch));
    assert_eq!(poll(first.as_mut()), None);
    // Its time is virtual: another one waits for the lease's end, and would fetch then.
    host.pass(1_000);
    assert!(lent.lease.is_held(host.now_ms()));
    done.set(true);
    assert_eq!(poll(first.as_mut()), Some(lasting(7)));
    for _ in 0..200 {
        assert_eq!(
            run(lent.get(&host, async || Err("asked twice".into()))),
            lasting(7)
        );
    }
    assert_eq!(asked.get(), 1);
}

#[test]
fn what_nobody_renews_in_time_is_fetched_by_whoever_comes_next() {
    let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
    let loan = |value| Loan {
        value,
        good_for_ms: 8_000,
    };
    assert_eq!(run(lent.get(&host, async || Ok(loan(1)))), lasting(1));
    host.pass(6_000);
    let got = run(lent.get(&host, async || Ok(loan(2))));
    assert_eq!(got, Ok(Got::new(1, true)));
    // Who was told so has not come to it yet, and waits for this one perhaps.
    host.pass(1_000);
    assert_eq!(run(lent.get(&host, async || Ok(loan(3)))), lasting(3));
    // It comes too late.
    run(lent.renew(&host, async || Err("asked twice".into()))).unwrap();
    assert_eq!(run(lent.get(&host, async || Ok(loan(4)))), lasting(3));
}

#[test]
fn while_one_renews_the_others_use_the_old_one_and_one_that_dies_leaves_no_trace() {
    let (lent, host) = (Lent::new(6_000), MemoryHost::new(0, &[]));
    let loan = |value| Loan {
        value,
        good_for_ms: HOUR,
    };
    run(lent.get(&host, async || Ok(loan(1)))).unwrap();
    host.pass(HOUR - AHEAD_MS);
    let get = || run(lent.get(&host, async || Ok(loan(3))));
    assert_eq!(get(), Ok(Got::new(1, true)));
    let never = Cell::new(false);
    {
        let mut renewing = pin!(lent.renew(&host, async || {
            until(&never).await;
            Ok(loan(2))
        }));
        assert_eq!(poll(renewing.as_mut()), None);
        assert_eq!(get(), lasting(1));
        run(lent.renew(&host, async || Err("renewed twice".into()))).unwrap();
    }
    // Its request is gone: when the lease is over, the next one is told.
    host.pass(5_999);
    assert_eq!(get(), lasting(1));
    host.pass(1);
    assert_eq!(get(), Ok(Got::new(1, true)));
    run(lent.renew(&host, async || Ok(loan(4)))).unwrap();
    assert_eq!(get(), lasting(4));
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

async fn until(done: &Cell<bool>) {
    std::future::poll_fn(|_| {
        if done.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
