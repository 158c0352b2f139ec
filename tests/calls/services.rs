//! Services of the bundle.

use peers::Request;
use serde_json::{Value, json};

use crate::options;
use crate::support::{assert_problem, gateway};

#[test]
fn a_service_of_the_bundle_is_asked_like_a_worker() {
    let services = r#"
        export default new Map([
          ["echo", class {
            async fetch(request, env, ctx) {
              return Response.json({
                method: request.method, url: request.url, body: await request.text(), env, params: ctx.params,
              }, { status: 201, headers: { "X-Service": "echo" } });
            }
          }],
          ["throws", class { fetch() { throw new Error("hidden words"); } }],
          ["object", class { fetch() { return { data: 1 }; } }],
          ["nothing", class { fetch() {} }],
          ["true", class { fetch() { return true; } }],
        ]);
    "#;
    let names = ["echo", "throws", "object", "nothing", "true", "absent"];
    let aliases: Value = names
        .iter()
        .map(|name| json!({ "alias": name, "entrypoint": name }))
        .collect();
    let paths: Value = names
        .iter()
        .map(|name| {
            json!({ "method": "ANY", "path": format!("/{name}/{{id}}"), "auth": false,
                    "integration": { "type": "service", "binding": name, "env": ["PUBLIC_NAME"] } })
        })
        .collect();
    let config = json!({ "services": aliases, "paths": paths });
    let gateway = gateway(config, options().services(services));
    let answer = gateway.send(&Request::post("/echo/5?q=1", "the body"));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("x-service"), Some("echo"));
    assert_eq!(
        answer.json(),
        json!({
            "method": "POST", "url": "http://gateway.test/echo/5?q=1", "body": "the body",
            "env": { "PUBLIC_NAME": "a name" }, "params": { "id": "5" },
        })
    );
    for name in &names[1..] {
        let answer = gateway.get(&format!("/{name}/5"));
        assert_problem(&answer, 500, "hook_failed");
        assert!(!answer.text().contains("hidden"), "{}", answer.text());
    }
}
