//! Outages under load, 100 requests in a second: who is left out, and who is found again.

use std::thread;
use std::time::{Duration, Instant};

use peers::upstream::Fault;
use peers::{Load, Options};
use serde_json::json;

use super::{Clouds, clouds, clouds_with};

/// About 100 requests in a second.
fn steady(clouds: &Clouds, count: usize) -> Load<'_> {
    let load = Load::on(clouds.gateway.address(), count);
    load.connections(20).pause(Duration::from_millis(200))
}

#[test]
fn an_endpoint_whose_identity_fails_is_left_out() {
    // Nobody listens there.
    let identity = json!({
        "type": "oauth2", "token_url": "http://127.0.0.1:9/token",
        "client_id": "gateway", "client_secret": "$secret.CLIENT_SECRET",
    });
    let clouds = clouds_with(
        json!({}),
        |config| config["servers"][0]["endpoints"][0]["identity"] = identity,
        Options::default().text("CLIENT_SECRET", "a secret that is long enough"),
    );
    let outcome = steady(&clouds, 500).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    assert_eq!(clouds.gcp.seen(), 0);
    assert!(clouds.gateway.logs("\"outcome\":\"unsent\""));
    // It was tried when its time was over, not by every third request.
    let tried = clouds
        .gateway
        .log()
        .matches("\"outcome\":\"unsent\"")
        .count();
    assert!(tried <= 10, "{tried}");
}

#[test]
fn the_last_one_that_is_well_stays_in_use_and_all_are_soon_found_again() {
    let clouds = clouds(json!({ "timeouts": { "try_ms": 300 } }));
    clouds.aws.stop();
    let start = Instant::now();
    let healed = thread::scope(|scope| {
        let outage = scope.spawn(|| {
            thread::sleep(Duration::from_millis(1_000));
            clouds.gcp.fail(Fault::Stall);
            clouds.azure.fail(Fault::Stall);
            thread::sleep(Duration::from_millis(1_600));
            clouds.gcp.heal();
            clouds.azure.heal();
            start.elapsed()
        });
        let outcome = steady(&clouds, 800).run();
        let healed = outage.join().unwrap();
        let late = outcome.shots.iter().filter(|shot| {
            // Those that began shortly before may have lost a try to the outage.
            shot.begun > healed + Duration::from_millis(100) && !shot.is_success()
        });
        let late = late.count();
        assert!(late <= 2, "{late}\n{outcome}");
        let servers = outcome.after(600).servers();
        assert!(
            servers["gcp-eu"] > 10 && servers["azure-eu"] > 10,
            "{outcome}"
        );
        healed
    });
    assert!(healed < Duration::from_secs(10));
}

#[test]
fn who_comes_back_alone_takes_all_requests_at_once() {
    let clouds = clouds(json!({}));
    for (_, cloud) in clouds.all() {
        cloud.fail(Fault::Status(503));
    }
    let outcome = steady(&clouds, 600).once(300, || clouds.azure.heal()).run();
    let after = outcome.numbered(320..600);
    assert!(after.failures() <= 5, "{after}");
}

#[test]
fn hedging_does_not_hide_an_endpoint_that_hangs() {
    let clouds = clouds(json!({ "hedge": { "percentile": 95, "delay_ms": 50 } }));
    clouds.aws.fail(Fault::Stall);
    let outcome = steady(&clouds, 400).run();
    assert_eq!(outcome.failures(), 0, "{outcome}");
    assert!(
        clouds
            .gateway
            .logs("\"event\":\"endpoint_ejected\",\"endpoint\":\"aws-us\"")
    );
    assert!(clouds.aws.seen() <= 30, "{}", clouds.aws.seen());
}
