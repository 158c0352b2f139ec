mod hedging;
mod unsent;
mod uploads;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use serde_json::json;

use super::*;
use crate::edits::Edits;
use crate::exchange::{Body, Kind, Request};
use crate::gateway::serve;
use crate::host::Forward;
use crate::host::memory::Reply;
use crate::host::virtual_time::{Clock, Random, Scripted, VirtualHost, run};
use crate::plan::{
    Failover, FailoverTo, Fault, HedgeSpec, Home, IdentityKind, Locality, OAuth2Spec, OutlierSpec,
    Plan, PoolSpec, RetryOn, RetrySpec, compile,
};
use crate::upstream::pool::Endpoint;
use crate::upstream::{Base, Identities, Identity, is_idempotent};
const RETRY: RetrySpec = RetrySpec {
    num_retries: 2,
    on: RetryOn {
        reset: true,
        gateway_error: true,
        server_error: false,
        conflict: false,
        status_codes: Vec::new(),
    },
    base_ms: 10,
    max_ms: 10,
    budget_percent: 20,
    budget_min_per_second: 10,
    max_body_bytes: 0,
};
const HEDGE: HedgeSpec = HedgeSpec {
    percentile: 95,
    delay_ms: 100,
    max_hedges: 1,
};
const OUTLIER: OutlierSpec = OutlierSpec {
    consecutive_failures: 1,
    consecutive_gateway_errors: 0,
    failure_percent: 0,
    min_requests: 20,
    window_ms: 10_000,
    base_ejection_ms: 5_000,
    max_ejection_ms: 60_000,
    max_ejected_percent: 100,
    panic_percent: 0,
    probation_requests: 1,
};

/// Zone 0 is home, any other one is next.
fn spec() -> PoolSpec {
    let to = FailoverTo::Any;
    PoolSpec {
        locality: Some(Locality {
            home: Home::Zone(0),
            failover: vec![Failover { from: None, to }],
            threshold: 50,
        }),
        retry: Some(RETRY),
        ..PoolSpec::default()
    }
}

/// A pool by the zones of its endpoints, and what was sent to it.
struct Setup {
    pool: Pool,
    identities: Identities,
    clock: Clock,
    /// Milliseconds since the beginning, and the endpoint.
    sent: RefCell<Vec<(u64, usize)>>,
    timeout_ms: u32,
    /// The requests are the canary's.
    canary: bool,
    /// How long whoever gives out tokens takes to refuse one.
    tokens_take_ms: Cell<u32>,
}

/// What an exchange came to.
struct Told {
    result: Result<Sent<Reply>, Problem>,
    story: Story,
    cancelled: u32,
    took_ms: u64,
}

impl Told {
    /// The status, whoever said it, and the endpoint.
    fn status(&self) -> (u16, Option<usize>) {
        match &self.result {
            Ok(sent) => (sent.reply.status, Some(sent.endpoint)),
            Err(problem) => (problem.status, None),
        }
    }
}

fn setup(spec: PoolSpec, zones: &[u16]) -> Setup {
    let endpoints = zones.iter().enumerate();
    let endpoints = endpoints.map(|(index, zone)| Endpoint {
        name: format!("e{index}"),
        base: Base::new(&format!("http://{index}.test")),
        binding: None,
        zone: Some(*zone),
        identity: None,
        weight: 1,
        canary: false,
    });
    Setup {
        pool: Pool::new("s", spec, endpoints.collect(), 4),
        identities: Identities::default(),
        clock: Clock::default(),
        sent: RefCell::default(),
        timeout_ms: 1_000,
        canary: false,
        tokens_take_ms: Cell::default(),
    }
}

impl Setup {
    /// `peer` says what an endpoint answers and after how many milliseconds.
    fn send(&self, method: &str, peer: impl Fn(usize) -> Scripted) -> Told {
        let random = Random::new(7);
        let host = VirtualHost::new(&self.clock, &random, |forward: &Forward| {
            let endpoint = endpoint_of(&forward.url);
            let ms = self.clock.elapsed_us() / 1000;
            self.sent.borrow_mut().push((ms, endpoint));
            peer(endpoint)
        })
        .with_refusals_after(self.tokens_take_ms.get());
        let outbound = Outbound {
            method,
            body: Body::None,
            path: "/",
            query: None,
            edits: Cow::Owned(Edits::default()),
            websocket: false,
            identities: &self.identities,
        };
        let order = Order {
            pool: &self.pool,
            hedgeable: outbound.only_reads(),
            outbound,
            timeout_ms: self.timeout_ms,
            repeatable: is_idempotent(method),
            want: Want {
                home: Some(0),
                canary: self.canary,
                ..Want::default()
            },
        };
        let mut story = Story::default();
        let began = self.clock.now_us();
        let result = run(&self.clock, send(&host, &order, &mut story));
        let settled = (0..self.pool.endpoints.len()).all(|e| self.pool.in_flight(e) == 0);
        assert!(settled, "nothing is in flight any more");
        Told {
            result: result.expect("it hangs"),
            story,
            cancelled: host.cancelled(),
            took_ms: (self.clock.now_us() - began) / 1000,
        }
    }

    fn sent(&self) -> Vec<usize> {
        self.sent.take().into_iter().map(|(_, e)| e).collect()
    }
}

fn endpoint_of(url: &str) -> usize {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split('.').next().unwrap().parse().unwrap()
}

fn after(ms: u64, status: u16) -> Scripted {
    let reply = Reply {
        status,
        ..Reply::default()
    };
    Scripted {
        after_us: Some(ms * 1000),
        outcome: Ok(reply),
    }
}

fn broken(ms: u64) -> Scripted {
    Scripted {
        after_us: Some(ms * 1000),
        outcome: Err(SendError::Unreachable("refused".into())),
    }
}

fn silent() -> Scripted {
    Scripted {
        after_us: None,
        outcome: Ok(Reply::default()),
    }
}

fn resting(seconds: &str) -> Scripted {
    let reply = Reply {
        status: 503,
        fields: vec![("retry-after".into(), seconds.into())],
        body: "later".into(),
    };
    Scripted {
        after_us: Some(1_000),
        outcome: Ok(reply),
    }
}

#[test]
fn after_a_failure_another_zone_answers() {
    for failure in [|| broken(1), || after(1, 503), || after(1, 522)] {
        let setup = setup(spec(), &[0, 0, 1]);
        let told = setup.send("GET", |e| if e < 2 { failure() } else { after(1, 200) });
        assert_eq!(told.status(), (200, Some(2)));
        assert_eq!(setup.sent(), [0, 2]);
        assert_eq!(told.story.failures.len(), 1);
        assert!(told.took_ms <= 12);
    }
}

#[test]
fn what_retry_on_does_not_name_is_handed_on_at_once() {
    let setup = setup(spec(), &[0, 1]);
    for status in [200, 304, 404, 409, 429, 500] {
        let told = setup.send("GET", |_| after(1, status));
        assert_eq!(told.status(), (status, Some(0)));
        assert_eq!(setup.sent(), [0]);
    }
}

#[test]
fn a_post_is_not_repeated() {
    let setup = setup(spec(), &[0, 1]);
    assert_eq!(
        setup.send("POST", |_| after(1, 503)).status(),
        (503, Some(0))
    );
    assert_eq!(setup.send("POST", |_| broken(1)).status(), (502, None));
    assert_eq!(setup.send("PATCH", |_| silent()).status(), (504, None));
    assert_eq!(setup.sent(), [0, 0, 0]);
}

#[test]
fn a_post_with_an_idempotency_key_is_repeated() {
    let config = json!({
        "zones": { "a": {}, "b": {} },
        "servers": [{ "alias": "s", "endpoints": [
            { "url": "http://0.test", "zone": "a" },
            { "url": "http://1.test", "zone": "b" },
        ] }],
        "paths": [{
            "method": "POST", "path": "/", "integration": { "type": "http", "server": "s" },
        }],
    });
    let blueprint = compile(&config.to_string()).blueprint.unwrap();
    let (plan, faults) = Plan::load(blueprint, &|_: &str| None).unwrap();
    assert!(faults.is_empty());
    let key = [("idempotency-key", "1")];
    for (headers, body, tries, status) in [
        (&key[..], Body::None, 2, 200),
        (&key[..], Body::Sized, 2, 200),
        // It may be endless: it is not kept.
        (&key[..], Body::Chunked, 1, 503),
        (&[("idempotency-key", "")][..], Body::None, 1, 503),
        (&[][..], Body::Sized, 1, 503),
    ] {
        let (clock, random) = (Clock::default(), Random::new(1));
        let tried = Cell::new(0);
        let host = VirtualHost::new(&clock, &random, |_: &Forward| {
            tried.set(tried.get() + 1);
            after(1, if tried.get() == 1 { 503 } else { 200 })
        })
        .with_headers(headers);
        let request = Request::new("POST", "https://api.test/").unwrap();
        let answer = run(&clock, serve(&plan, &host, request.with_body(body))).unwrap();
        let Kind::Reply(reply) = answer.kind else {
            panic!("{:?}", answer.kind)
        };
        assert_eq!((tried.get(), reply.status), (tries, status), "{body:?}");
    }
}

#[test]
fn all_tries_together_have_the_time_of_the_path() {
    let mut setup = setup(spec(), &[0, 1]);
    setup.timeout_ms = 100;
    let told = setup.send("GET", |_| silent());
    assert_eq!(told.status(), (504, None));
    assert_eq!((setup.sent(), told.took_ms), (vec![0], 100));
    // The second one has what the first one left.
    let told = setup.send("GET", |e| if e == 0 { broken(60) } else { silent() });
    assert_eq!(told.status(), (504, None));
    assert_eq!((setup.sent(), told.took_ms), (vec![0, 1], 100));
}

#[test]
fn a_try_that_is_late_goes_on_elsewhere() {
    let spec = PoolSpec {
        try_ms: Some(50),
        ..spec()
    };
    let setup = setup(spec, &[0, 1]);
    let told = setup.send("GET", |e| if e == 0 { silent() } else { after(40, 200) });
    assert_eq!(told.status(), (200, Some(1)));
    assert!((90..=100).contains(&told.took_ms));
    assert_eq!(told.story.failures, [(0, Tried::TimedOut)]);
}

#[test]
fn the_last_bad_answer_is_handed_on_with_its_body() {
    let setup = setup(spec(), &[0, 1, 2]);
    let told = setup.send("GET", |e| {
        let mut scripted = after(1, 503);
        if let Ok(reply) = &mut scripted.outcome {
            reply.body = format!("from {e}");
        }
        scripted
    });
    assert_eq!(setup.sent(), [0, 1, 2]);
    let sent = told.result.unwrap();
    assert_eq!(
        (sent.endpoint, sent.reply.body.as_str()),
        (2, "from 2"),
        "the answers before it are discarded"
    );
}

#[test]
fn who_asks_for_peace_gets_it_and_another_one_is_asked_at_once() {
    let setup = setup(spec(), &[0, 1]);
    let told = setup.send("GET", |e| if e == 0 { resting("2") } else { after(1, 200) });
    assert_eq!(told.status(), (200, Some(1)));
    assert!(told.took_ms <= 12);
    assert_eq!(setup.sent(), [0, 1]);
    // Home is left in peace until then.
    let told = setup.send("GET", |_| after(1_000, 200));
    assert_eq!(told.status(), (200, Some(1)));
    let told = setup.send("GET", |_| after(1_000, 200));
    assert_eq!(told.status(), (200, Some(1)));
    let told = setup.send("GET", |_| after(1, 200));
    assert_eq!(told.status(), (200, Some(0)));
}

#[test]
fn a_single_endpoint_is_waited_for() {
    let mut one = setup(spec(), &[0]);
    one.timeout_ms = 5_000;
    let tries = Cell::new(0);
    let told = one.send("GET", |_| {
        tries.set(tries.get() + 1);
        if tries.get() == 1 {
            resting("2")
        } else {
            after(1, 200)
        }
    });
    assert_eq!(told.status(), (200, Some(0)));
    assert!((2_002..2_020).contains(&told.took_ms), "{}", told.took_ms);
    // Longer than the path may take: nobody waits.
    let told = one.send("GET", |_| resting("6"));
    assert_eq!((told.status(), told.took_ms), ((503, Some(0)), 1));
}

#[test]
fn without_budget_there_is_no_second_try() {
    let retry = RetrySpec {
        budget_percent: 50,
        budget_min_per_second: 0,
        ..RETRY
    };
    let spec = PoolSpec {
        retry: Some(retry),
        hedge: Some(HEDGE),
        ..spec()
    };
    let setup = setup(spec, &[0, 1]);
    let told = setup.send("GET", |_| after(1, 503));
    assert_eq!(told.status(), (503, Some(0)));
    assert_eq!(setup.sent(), [0]);
    // The second request fills it: a retry takes it out, and there is none for a hedge.
    let told = setup.send("GET", |e| if e == 0 { broken(1) } else { after(500, 200) });
    assert_eq!(told.status(), (200, Some(1)));
    assert_eq!((setup.sent(), told.story.hedges), (vec![0, 1], 0));
}
