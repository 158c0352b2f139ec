//! What health checks find, in one isolate and in several.

use super::*;

fn health_check() -> Value {
    json!({ "health_check": { "path": "/healthz?deep=1", "timeout_ms": 1000, "unhealthy_after": 1, "headers": { "X-Probe": "$secret.PROBE" } } })
}

fn checking() -> Options {
    often().cron().text("PROBE", "a-secret")
}

/// From now on, checks are answered by this status after a pause.
fn answers(cloud: &Upstream, status: u16, pause: Duration) {
    let script = Script {
        status,
        pause,
        ..Script::default()
    };
    cloud.script("/healthz", script);
}

#[test]
fn what_one_isolate_finds_is_known_to_all_by_the_board() {
    let clouds = Clouds::start();
    let options = checking()
        .isolates(2)
        .durable_object("HEALTH", "HealthBoard");
    let gateway = gateway(clouds.config(health_check()), options);
    for isolate in [0, 1] {
        assert_eq!(server(&gateway, isolate), "blue");
    }
    answers(&clouds.gcp, 503, Duration::ZERO);
    gateway.scheduled();
    assert_eq!(server(&gateway, 0), "green");
    assert!(served_by(&gateway, 1, "green"));
    assert!(gateway.logs("health: catalog/blue is down: status 503"));
    let log = gateway.log();
    assert!(
        !log.contains("a-secret") && !log.contains("service:"),
        "{log}"
    );
}

#[test]
fn without_a_board_an_isolate_knows_what_it_has_found_itself() {
    let clouds = Clouds::start();
    let gateway = gateway(clouds.config(health_check()), checking().isolates(2));
    clouds.gcp.stop();
    // The handler may be the first thing that an isolate does.
    gateway.scheduled();
    let seen = clouds.aws.seen();
    assert_eq!(seen, 1, "the check");
    assert_eq!(server(&gateway, 0), "green");
    assert!(gateway.logs("health: catalog/blue is down: no answer: "));
    clouds.gcp.start_again();
    assert_eq!(server(&gateway, 1), "blue");
    assert_eq!(server(&gateway, 0), "green");
    // Too soon for another check.
    gateway.scheduled();
    assert_eq!(clouds.gcp.seen(), 1, "the request of the other isolate");
}

#[test]
fn a_board_that_fails_leaves_an_isolate_with_what_it_knows_and_is_told_once() {
    let clouds = Clouds::start();
    // Something else than a namespace.
    let options = checking().with(|worker| worker.json("HEALTH", &json!({})));
    let gateway = gateway(clouds.config(health_check()), options);
    answers(&clouds.gcp, 503, Duration::ZERO);
    gateway.scheduled();
    for _ in 0..5 {
        assert_eq!(server(&gateway, 0), "green");
        std::thread::sleep(Duration::from_millis(150));
    }
    assert!(gateway.logs("service: HEALTH: "));
    // Once by those that read, once by the one that writes.
    assert_eq!(
        gateway.log().matches("service: HEALTH: ").count(),
        2,
        "{}",
        gateway.log()
    );
}

#[test]
fn an_endpoint_comes_back_when_it_is_well_again() {
    let clouds = Clouds::start();
    let mut members = health_check();
    members["health_check"]["interval_seconds"] = 5.into();
    members["health_check"]["healthy_after"] = 1.into();
    let options = checking().durable_object("HEALTH", "HealthBoard");
    let gateway = gateway(clouds.config(members), options);
    answers(&clouds.gcp, 200, Duration::from_secs(5));
    // The run goes on with rounds for most of a minute.
    let _run = gateway.workerd().trigger(0, "* * * * *");
    assert!(served_by(&gateway, 0, "green"));
    assert!(gateway.logs("health: catalog/blue is down: no answer within 1000 ms"));
    answers(&clouds.gcp, 200, Duration::ZERO);
    assert!(served_by(&gateway, 0, "blue"));
    assert!(gateway.logs("health: catalog/blue is up: status 200"));
}

#[test]
fn a_check_of_an_endpoint_that_wants_a_signature_is_signed() {
    let upstream = Upstream::start();
    let identity = json!({
        "type": "aws", "service": "execute-api", "region": "eu-west-1",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "$secret.AWS_KEY",
    });
    let config = json!({
        "servers": [{
            "alias": "catalog", "url": upstream.url(), "identity": identity,
            "health_check": { "path": "/health" },
        }],
        "paths": [{ "method": "GET", "path": "/{.+}", "integration": { "type": "http", "server": "catalog" } }],
    });
    let gateway = gateway(config, checking().text("AWS_KEY", "a/secret/of/the/tests"));
    gateway.scheduled();
    let signed = upstream.last();
    assert_eq!(signed.head.word(1), "/health");
    let proof = signed.head.header("authorization").expect("a signature");
    assert!(
        proof.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"),
        "{proof}"
    );
    assert_eq!(gateway.get("/x").status, 200);
    assert!(
        !gateway.log().contains("internal_error"),
        "{}",
        gateway.log()
    );
}

#[test]
fn a_check_renews_the_token_that_it_shows() {
    let (cloud, upstream) = (Upstream::start(), Upstream::start());
    // It is renewed from the 18th second on, and over after the 21st.
    let lends = |token: &str| Script {
        status: 200,
        lines: "Content-Type: application/json\r\n".into(),
        body: json!({ "access_token": token, "token_type": "Bearer", "expires_in": 24 })
            .to_string(),
        pause: Duration::ZERO,
    };
    let identity = json!({
        "type": "oauth2", "token_url": format!("{}/token", cloud.url()), "client_id": "gateway", "client_secret": "s",
    });
    let config = json!({
        "servers": [{
            "alias": "catalog", "url": upstream.url(), "identity": identity,
            "health_check": { "path": "/health", "interval_seconds": 5, "timeout_ms": 3000 },
        }],
        "paths": [{ "method": "GET", "path": "/{.+}", "integration": { "type": "http", "server": "catalog" } }],
    });
    let gateway = gateway(config, checking());
    cloud.script("/token", lends("t1"));
    let _run = gateway.workerd().trigger(0, "* * * * *");
    assert!(eventually(PATIENCE, || upstream.seen() > 0));
    cloud.script("/token", lends("t2"));
    let long = Duration::from_secs(60);
    assert!(eventually(long, || cloud.count("/token") == 2));
    // The check that found it due went out before.
    let shown = upstream
        .last()
        .head
        .header("authorization")
        .map(str::to_owned);
    assert_eq!(shown.as_deref(), Some("Bearer t1"));
    assert!(eventually(PATIENCE, || {
        let shown = upstream
            .last()
            .head
            .header("authorization")
            .map(str::to_owned);
        shown.as_deref() == Some("Bearer t2")
    }));
    assert_eq!(cloud.count("/token"), 2);
}

#[test]
fn a_check_asks_as_the_config_says_and_through_the_binding() {
    let upstream = Upstream::start();
    let mutual = Terminator::mutual(upstream.address());
    let config = json!({
        "serviceBindings": [{ "alias": "private", "binding": "PRIVATE" }, { "alias": "mtls", "binding": "MTLS" }],
        "servers": [{
            "alias": "catalog",
            "endpoints": [
                { "name": "a", "url": format!("{}/v1/", upstream.url()) },
                { "name": "b", "url": "http://b.internal", "binding": "private" },
                { "name": "c", "url": "https://upstream.test", "binding": "mtls" },
            ],
            "identity": { "type": "header", "name": "X-Key", "secret": "$secret.PROBE" },
            "health_check": {
                "path": "/healthz?deep=1", "expected_statuses": 418,
                "headers": { "X-Probe": "$secret.PROBE", "User-Agent": "probe" },
            },
        }],
        "paths": [{ "method": "GET", "path": "/x", "auth": false, "integration": { "type": "http", "server": "catalog" } }],
    });
    let options = checking()
        .external("PRIVATE", upstream.address())
        .external_tls("MTLS", mutual.address(), Tls::client());
    let gateway = gateway(&config, options);
    gateway.scheduled();
    let mut asked: Vec<_> = upstream
        .requests()
        .into_iter()
        .map(|r| {
            assert_eq!(r.head.header("x-probe"), Some("a-secret"));
            assert_eq!(r.head.header("x-key"), Some("a-secret"));
            assert_eq!(r.head.header("user-agent"), Some("probe"));
            assert_eq!((r.head.word(0), r.length), ("GET", 0));
            let host = r.head.header("host").unwrap().to_owned();
            format!("{host} {}", r.head.word(1))
        })
        .collect();
    asked.sort();
    let own = format!("{} /v1/healthz?deep=1", upstream.address());
    assert_eq!(
        asked,
        [
            own.as_str(),
            "b.internal /healthz?deep=1",
            "upstream.test /healthz?deep=1"
        ]
    );
}

#[test]
fn a_gateway_without_checks_does_nothing_when_it_is_triggered() {
    let clouds = Clouds::start();
    let gateway = gateway(clouds.config(json!({})), checking());
    gateway.scheduled();
    assert_eq!((clouds.gcp.seen(), clouds.aws.seen()), (0, 0));
}
