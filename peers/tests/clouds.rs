//! Backends that fail on demand while they are under load.

use std::time::{Duration, Instant};

use peers::upstream::Script;
use peers::{Client, Ending, Fault, Load, Request, Upstream};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_cloud_says_who_it_is_in_every_answer_and_counts_what_comes() {
    let cloud = Upstream::cloud("catalog", "gcp");
    let targets = ["/bench", "/status/404", "/status/204", "/x", "/bytes/3"];
    for target in targets {
        let answer = Request::get(target).send(cloud.address());
        assert_eq!(answer.header("x-server"), Some("catalog"), "{target}");
        assert_eq!(answer.header("x-cloud"), Some("gcp"), "{target}");
    }
    Request::post("/x", "").send(cloud.address());
    Request::new("PURGE", "/x").send(cloud.address());
    assert_eq!(cloud.seen(), 7);
    let by = ["GET", "POST", "PURGE"].map(|method| cloud.seen_by(method));
    assert_eq!(by, [5, 1, 1]);
    assert_eq!(cloud.most_in_flight(), 1);
    assert!(cloud.requests().is_empty());
}

#[test]
fn each_fault_lasts_as_long_as_told() {
    let upstream = Upstream::named("catalog");
    let get = || Request::get("/bench").try_send(upstream.address());
    upstream.fail_next(2, Fault::Status(503));
    let statuses = [(); 3].map(|()| get().unwrap().status);
    assert_eq!(statuses, [503, 503, 200]);

    upstream.fail(Fault::Answer(Script {
        status: 429,
        lines: "Retry-After: 1\r\n".into(),
        ..Script::default()
    }));
    assert_eq!(get().unwrap().header("retry-after"), Some("1"));

    upstream.fail(Fault::Reset);
    assert!(get().is_err());

    upstream.fail(Fault::Cut);
    assert_eq!(get().unwrap().ending, Ending::Cut);

    upstream.fail(Fault::Slow(Duration::from_millis(200)));
    let begun = Instant::now();
    assert_eq!(get().unwrap().text(), "hello, world\n");
    assert!(begun.elapsed() >= Duration::from_millis(200));

    upstream.fail(Fault::Stall);
    let mut stalled = Client::connect(upstream.address());
    stalled.send(&Request::get("/stalled").bytes());
    assert!(!stalled.closes(Duration::from_millis(100)));
    assert_eq!(upstream.in_flight(), 1);

    upstream.heal();
    assert_eq!(get().unwrap().status, 200);
    // What stalls goes on to, until its client leaves.
    assert!(!stalled.closes(Duration::from_millis(50)));
    stalled.reset();
    assert!(upstream.wait_gone("/stalled", SOON));
    assert_eq!(upstream.in_flight(), 0);
}

#[test]
fn a_stopped_backend_resets_refuses_and_comes_back_on_its_port() {
    let upstream = Upstream::start();
    let address = upstream.address();
    for _ in 0..20 {
        let mut idle = Client::connect(address);
        idle.send(&Request::get("/bench").bytes());
        assert_eq!(idle.answer("GET").unwrap().status, 200);
        let mut held = Client::connect(address);
        held.send(&Request::get("/hold").bytes());
        assert!(!held.closes(Duration::from_millis(1)));
        upstream.stop();
        upstream.stop();
        for mut client in [idle, held] {
            let ended = client.bytes(SOON).unwrap_err();
            assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
        }
        let refused = std::net::TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        upstream.start_again();
        upstream.start_again();
        assert_eq!(Request::get("/bench").send(address).status, 200);
    }
}

#[test]
fn a_slow_answer_is_not_given_any_more_by_a_backend_that_was_stopped() {
    let upstream = Upstream::start();
    upstream.fail(Fault::Slow(Duration::from_millis(300)));
    let mut client = Client::connect(upstream.address());
    client.send(&Request::post("/x", "hello").bytes());
    assert!(!client.closes(Duration::from_millis(50)));
    upstream.stop();
    assert!(client.answer("POST").is_err());
}

#[test]
fn load_is_counted_by_status_and_server_while_a_cloud_goes_and_comes() {
    let cloud = Upstream::cloud("blue", "aws");
    let outcome = Load::on(cloud.address(), 2_000)
        .connections(4)
        .requests(|number| match number % 2 {
            0 => Request::get("/bench"),
            _ => Request::post("/x", "hello"),
        })
        .once(1_000, || cloud.heal())
        .once(500, || cloud.fail(Fault::Status(503)))
        .run();
    assert_eq!(outcome.shots.len(), 2_000, "{outcome}");
    assert_eq!(outcome.before(500).failures(), 0, "{outcome}");
    // Those under way when the event comes may end either way, and at any time.
    assert!(outcome.after(1_000).failures() <= 4, "{outcome}");
    let failed = outcome.statuses()[&503];
    assert!((496..=504).contains(&failed), "{outcome}");
    assert_eq!(outcome.servers()["blue"], 2_000);
    assert_eq!((cloud.seen(), cloud.seen_by("POST")), (2_000, 1_000));
    assert!((1..=4).contains(&cloud.most_in_flight()));
    assert!(outcome.percentile(50.0) <= outcome.percentile(99.0));
    let mut numbers: Vec<usize> = outcome.shots.iter().map(|shot| shot.number).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..2_000));
}

#[test]
fn load_goes_on_over_new_connections_after_broken_ones() {
    let cloud = Upstream::cloud("blue", "aws");
    let outcome = Load::on(cloud.address(), 300)
        .once(100, || cloud.fail_next(5, Fault::Reset))
        .once(200, || cloud.fail_next(5, Fault::Cut))
        .run();
    assert_eq!(outcome.failures(), 10, "{outcome}");
    assert_eq!(outcome.statuses()[&0], 5, "{outcome}");
    assert!(outcome.to_string().starts_with("300 requests in "));
}
