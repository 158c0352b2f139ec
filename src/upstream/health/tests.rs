use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::host::Told;
use crate::host::memory::{MemoryHost, run};

const MINUTE: u64 = 60_000;

fn spec() -> HealthSpec {
    HealthSpec {
        path: "/healthz".into(),
        interval_ms: MINUTE,
        timeout_ms: 2_000,
        statuses: Vec::new(),
        unhealthy_after: 2,
        healthy_after: 3,
        headers: vec![("x-probe".into(), Text::Literal("1".into()))],
    }
}

fn check<'a>(name: &str, spec: &'a HealthSpec) -> Check<'a> {
    Check {
        name: name.to_owned(),
        url: format!("http://{name}/healthz"),
        binding: None,
        identity: None,
        spec,
    }
}

/// A host whose endpoints answer as a cell says, at a time.
fn host(now: u64, answer: &Rc<RefCell<Result<u16, SendError>>>) -> MemoryHost {
    let answer = Rc::clone(answer);
    MemoryHost::new(now, &[]).with_teller(move |ask| {
        assert_eq!(ask.fields.as_str().matches("=x-probe\n1\n").count(), 1);
        let told = answer.borrow().clone();
        let told = told.map(|status| Told {
            status,
            ..Told::default()
        });
        (5, told)
    })
}

#[test]
fn an_endpoint_goes_down_and_comes_up_after_as_many_checks_as_said() {
    let spec = spec();
    let checks = [check("up/a", &spec)];
    let answer = Rc::new(RefCell::new(Ok(200)));
    let mut board = Board::default();
    let steps: &[(Result<u16, SendError>, Option<bool>)] = &[
        (Ok(200), None),
        (Ok(503), None),
        // One good check in between: it begins anew.
        (Ok(204), None),
        (Ok(302), None),
        (Err(SendError::TimedOut), Some(true)),
        (Ok(200), None),
        (Ok(200), None),
        (Ok(404), None),
        (Ok(200), None),
        (Ok(200), None),
        (Ok(299), Some(false)),
    ];
    for (step, (told, expected)) in (1_u64..).zip(steps) {
        *answer.borrow_mut() = told.clone();
        let host = host(step * MINUTE, &answer);
        let changes = run(board.round(&host, &checks, &Identities::default()));
        let change = changes.first().map(|change| change.down);
        assert_eq!(change, *expected, "step {step}");
    }
    assert!(!board.is_down("up/a", &spec, 12 * MINUTE));
}

#[test]
fn a_change_tells_what_decided() {
    let spec = HealthSpec {
        unhealthy_after: 1,
        statuses: vec![401],
        ..spec()
    };
    let checks = [check("up/a", &spec)];
    for (told, why) in [
        (Ok(200), "status 200"),
        (Err(SendError::TimedOut), "no answer within 2000 ms"),
        (
            Err(SendError::Unreachable("refused".into())),
            "no answer: refused",
        ),
    ] {
        let host = host(MINUTE, &Rc::new(RefCell::new(told)));
        let changes = run(Board::default().round(&host, &checks, &Identities::default()));
        let expected = Change {
            name: "up/a".into(),
            down: true,
            why: why.into(),
        };
        assert_eq!(changes, [expected]);
    }
    let host = host(MINUTE, &Rc::new(RefCell::new(Ok(401))));
    assert_eq!(
        run(Board::default().round(&host, &checks, &Identities::default())),
        []
    );
}

fn down(at: u64) -> Board {
    let standing = Standing {
        name: "up/a".into(),
        down: true,
        against: 0,
        at,
    };
    Board {
        standings: vec![standing],
    }
}

#[test]
fn what_was_found_counts_for_three_intervals_and_a_minute() {
    let spec = spec();
    let board = down(MINUTE);
    assert!(board.is_down("up/a", &spec, 5 * MINUTE - 1));
    assert!(!board.is_down("up/a", &spec, 5 * MINUTE));
    assert!(!board.is_down("up/b", &spec, MINUTE), "never checked");
}

#[test]
fn a_board_is_shared_and_the_later_check_counts() {
    let spec = spec();
    let checks = [check("up/a", &spec)];
    let mut own = Board::default();
    own.read(&down(5).write(), &checks).unwrap();
    assert_eq!(own, down(5));
    assert_eq!(own.write(), "1 0 5 up/a\n");
    let text = "0 1 4 up/a\n1 0 9 up/gone\n";
    own.read(text, &checks).unwrap();
    assert_eq!(own, down(5), "older, and of an endpoint that is no more");
    for bad in [
        "\n",
        "{}",
        "1 0 9\n",
        "1 0 x up/a",
        "2 0 9 up/a",
        "1  0 9 up/a",
    ] {
        assert!(own.read(bad, &checks).is_err(), "{bad}");
    }
    assert_eq!(own, down(5));
}

#[test]
fn endpoints_that_are_checked_no_more_are_forgotten() {
    let mut board = down(5);
    run(board.round(&MemoryHost::new(10, &[]), &[], &Identities::default()));
    assert_eq!(board, Board::default());
}

#[test]
fn a_run_goes_on_with_rounds_until_the_next_run_can_come() {
    let every = |seconds: u64| HealthSpec {
        interval_ms: seconds * 1000,
        ..spec()
    };
    let answer = Rc::new(RefCell::new(Ok(200)));
    for (interval, rounds) in [(10, 6), (15, 4), (20, 3), (30, 2), (60, 1), (300, 1)] {
        let spec = every(interval);
        let checks = [check("up/a", &spec)];
        let host = host(MINUTE, &answer);
        let mut board = Board::default();
        let mut made = 0;
        loop {
            run(board.round(&host, &checks, &Identities::default()));
            made += 1;
            match board.next_round(&checks, MINUTE, host.now_ms()) {
                Some(wait) => host.pass(u64::from(wait)),
                None => break,
            }
        }
        assert_eq!(made, rounds, "every {interval} s");
    }
    assert_eq!(Board::default().next_round(&[], 0, 0), None);
}

#[test]
fn a_check_that_is_not_due_is_not_made() {
    let spec = HealthSpec {
        interval_ms: 2 * MINUTE,
        unhealthy_after: 1,
        ..spec()
    };
    let checks = [check("up/a", &spec)];
    let answer = Rc::new(RefCell::new(Ok(200)));
    let mut board = Board::default();
    run(board.round(&host(MINUTE, &answer), &checks, &Identities::default()));
    *answer.borrow_mut() = Ok(500);
    assert_eq!(
        run(board.round(&host(2 * MINUTE, &answer), &checks, &Identities::default())),
        []
    );
    let late = run(board.round(
        &host(3 * MINUTE - 2_000, &answer),
        &checks,
        &Identities::default(),
    ));
    assert_eq!(late.len(), 1, "runs do not come to the second");
}

#[test]
fn few_run_at_once_and_what_they_come_to_is_in_order() {
    let running = Cell::new(0_usize);
    let most = Cell::new(0_usize);
    let futures = (0..20).map(|number| {
        let mut polls = number % 3 + 1;
        let (running, most) = (&running, &most);
        let mut begun = false;
        poll_fn(move |_| {
            if !begun {
                begun = true;
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
            }
            if polls > 0 {
                polls -= 1;
                return Poll::Pending;
            }
            running.set(running.get() - 1);
            Poll::Ready(number)
        })
    });
    let ended = run(few_at_once(futures, AT_ONCE));
    assert_eq!(ended, (0..20).collect::<Vec<_>>());
    assert_eq!(most.get(), AT_ONCE);
    assert_eq!(
        run(few_at_once(std::iter::empty::<std::future::Ready<()>>(), 1)),
        []
    );
}
