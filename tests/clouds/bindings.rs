//! Endpoints that are bindings: another Worker, a private network.

use peers::{Options, Terminator, Tls, Upstream};
use serde_json::json;

use crate::support::{gateway, mistakes};

#[test]
fn an_endpoint_may_be_a_binding() {
    let private = Upstream::named("private");
    let config = json!({
        "serviceBindings": [
            { "alias": "network", "binding": "VPC" },
            { "alias": "worker", "binding": "WORKER" },
        ],
        "servers": [
            { "alias": "private", "endpoints": [{ "binding": "network", "url": "http://catalog.internal/v2" }] },
            { "alias": "worker", "endpoints": [{ "binding": "worker" }] },
            { "alias": "both", "endpoints": [{ "binding": "network", "name": "a" }, { "binding": "worker", "name": "b" }] },
        ],
        "paths": [
            { "method": "ANY", "path": "/private/{.+}", "integration": { "type": "http", "server": "private" } },
            { "method": "ANY", "path": "/worker/{.+}", "integration": { "type": "http", "server": "worker" } },
            { "method": "GET", "path": "/both", "integration": { "type": "http", "server": "both" } },
        ],
    });
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    let worker = "export default { fetch(request) { return new Response('worker ' + request.method + ' ' + request.url, { status: 203 }); } };";
    let options = Options::default()
        .external("VPC", private.address())
        .service("WORKER", worker, None);
    let gateway = gateway(config, options);
    let answer = gateway.send(&peers::Request::post("/private/items?a=1", "body"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let came = private.last();
    assert_eq!(came.head.word(1), "/v2/items?a=1");
    assert_eq!(came.head.header("host"), Some("catalog.internal"));
    assert_eq!(came.body, b"body");
    let answer = gateway.get("/worker/x?y");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (203, "worker GET http://upstream/x?y")
    );
    private.stop();
    for _ in 0..4 {
        assert_eq!(
            gateway.get("/both").status,
            203,
            "the other endpoint answers"
        );
    }
}

#[test]
fn an_endpoint_that_wants_a_client_certificate_is_reached_by_a_binding_that_has_one() {
    let inside = Upstream::named("inside");
    let mutual = Terminator::mutual(inside.address());
    let config = json!({
        "serviceBindings": [
            { "alias": "shown", "binding": "SHOWN" },
            { "alias": "bare", "binding": "BARE" },
        ],
        "servers": [
            { "alias": "shown", "endpoints": [{ "binding": "shown", "url": "https://upstream.test" }] },
            { "alias": "bare", "endpoints": [{ "binding": "bare", "url": "https://upstream.test" }] },
        ],
        "paths": [
            { "method": "GET", "path": "/shown", "integration": { "type": "http", "server": "shown" } },
            { "method": "GET", "path": "/bare", "integration": { "type": "http", "server": "bare" } },
        ],
    });
    assert_eq!(mistakes(&config.to_string()), Vec::<String>::new());
    let options = Options::default()
        .external_tls("SHOWN", mutual.address(), Tls::client())
        .external_tls("BARE", mutual.address(), Tls::anonymous());
    let gateway = gateway(config, options);
    let answer = gateway.get("/shown");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["server"], "inside");
    let refused = gateway.get("/bare");
    assert_ne!(refused.status, 200, "{}", refused.text());
    assert_eq!(inside.requests().len(), 1);
}
