//! What the client does wrong while it uploads.

use super::*;
use crate::host::memory::{self, MemoryHost};
use crate::plan::{CanarySpec, GuardSpec};

fn abandoned(ms: u64, timed_out: bool) -> Scripted {
    let reason = "told to break".into();
    Scripted {
        after_us: Some(ms * 1000),
        outcome: Err(SendError::ClientBody { timed_out, reason }),
    }
}

#[test]
fn an_upload_that_breaks_is_the_clients_and_counts_nowhere() {
    let guard = GuardSpec {
        max_error_percent: 1,
        min_requests: 1,
        window_ms: 60_000,
        hold_ms: 60_000,
    };
    let spec = PoolSpec {
        locality: None,
        balance: crate::plan::Balance::PeakEwma,
        outlier: Some(OutlierSpec {
            failure_percent: 1,
            min_requests: 1,
            ..OUTLIER
        }),
        retry: Some(RetrySpec {
            budget_percent: 50,
            budget_min_per_second: 0,
            ..RETRY
        }),
        canary: Some(CanarySpec {
            percent: 100,
            hash_on: None,
            header: None,
            cookie: None,
            guard: Some(guard),
        }),
        ..spec()
    };
    for (timed_out, status, code) in [(false, 400, "body_unreadable"), (true, 408, "body_timeout")]
    {
        let mut setup = setup(spec.clone(), &[0, 1]);
        setup.pool.endpoints[0].canary = true;
        setup.canary = true;
        for _ in 0..60 {
            let told = setup.send("PUT", |_| abandoned(700, timed_out));
            let problem = told.result.err().unwrap();
            assert_eq!((problem.status, problem.code), (status, code));
            assert_eq!(problem.blame, Blame::Client);
            assert!(told.story.failures.is_empty() && told.story.events.is_empty());
        }
        assert_eq!(setup.sent(), [0; 60], "not tried again, nobody is ejected");
        assert_eq!(setup.pool.percentile(1), None, "no latency is known");
        let now = setup.clock.now_us() / 1000;
        assert!(setup.pool.is_canary(None, None, 0, now), "it is not held");
        // Uploads that broke have put nothing into the budget.
        let told = setup.send("GET", |_| after(1, 503));
        assert_eq!((told.status(), setup.sent()), ((503, Some(0)), vec![0]));
    }
}

#[test]
fn a_client_that_breaks_off_is_not_hedged() {
    let spec = PoolSpec {
        hedge: Some(HEDGE),
        ..spec()
    };
    let setup = setup(spec, &[0, 1]);
    let told = setup.send("GET", |e| match e {
        0 => abandoned(150, false),
        _ => after(500, 200),
    });
    assert_eq!((told.status(), told.took_ms), ((400, None), 150));
    assert_eq!((setup.sent(), told.cancelled), (vec![0, 1], 1));
}

#[test]
fn a_body_that_cannot_be_signed_is_the_clients_too() {
    let identity = json!({
        "type": "aws", "region": "eu-west-1", "service": "execute-api", "max_body": 1_024,
        "access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret",
    });
    let endpoint = |url: &str| json!({ "url": url, "identity": identity });
    let config = json!({
        "servers": [{ "alias": "s", "endpoints": [endpoint("http://0.test"), endpoint("http://1.test")] }],
        "paths": [{
            "method": "PUT", "path": "/", "auth": false, "integration": { "type": "http", "server": "s" },
        }],
    });
    let compiled = compile(&config.to_string());
    assert!(
        !compiled.diagnostics.has_errors(),
        "{:?}",
        compiled.diagnostics
    );
    let (plan, faults) = Plan::load(compiled.blueprint.unwrap(), &|_: &str| None).unwrap();
    assert!(faults.is_empty());
    let host = MemoryHost::new(1, &[("content-length", "2000")]).with_body(&[b'a'; 2_000]);
    let request = Request::new("PUT", "https://api.test/").unwrap();
    let answer = memory::run(serve(&plan, &host, request.with_body(Body::Sized)));
    assert!(matches!(answer.kind, Kind::Own { status: 413, .. }));
    let log = answer.log.unwrap();
    assert!(
        log.contains(r#""blame":"client""#) && !log.contains("upstream_failed"),
        "{log}"
    );
    assert!(host.sent().is_empty());
}
