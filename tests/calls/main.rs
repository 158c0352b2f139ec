//! Code beside the gateway: functions of bound workers, hooks, and services of the bundle. Whatever goes wrong with it
//! closes the path.

#![cfg(test)]

mod functions;
mod guards;
mod post_process;
mod services;
#[path = "../support/mod.rs"]
mod support;

use peers::{Gateway, Options, Upstream};
use serde_json::{Value, json};
use support::gateway;
use support::tokens::SECRET;

/// A worker with functions for every way in which a call can end.
const FUNCTIONS: &str = r#"
import { WorkerEntrypoint } from "cloudflare:workers";

export default { fetch() { return new Response("the default export was asked", { status: 418 }); } };

export class Functions extends WorkerEntrypoint {
  yes() { return true; }
  no() { return false; }
  nothing() {}
  nil() { return null; }
  number() { return 1; }
  text() { return "true"; }
  list() { return [1, 2]; }
  object() { return { data: { id: 5 }, message: "made", statusCode: 201, more: "passed on" }; }
  listing() { return { users: [{ id: 1 }], total: 1 }; }
  bare() { return { data: 1 }; }
  failed() { return { error: { field: "name" }, message: "no name", statusCode: 422 }; }
  broken() { return { error: "broken" }; }
  strange() { return { data: 1, statusCode: 99 }; }
  throws() { throw new Error("thrown with hidden words"); }
  async rejects() { throw "a rejected string"; }
  response() {
    const headers = new Headers({ "Content-Type": "text/plain", "X-Hook": "1" });
    headers.append("Set-Cookie", "a=1");
    headers.append("Set-Cookie", "b=2");
    return new Response("from the function", { status: 202, headers });
  }
  refused() { return new Response("stop", { status: 403 }); }
  async tell(request, env, context) {
    return Response.json({
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      body: await request.text(),
      env: JSON.parse(env),
      context: JSON.parse(context),
      more: arguments.length,
    });
  }
  async tell_then_yes(request, env, context) {
    console.log("HOOK " + JSON.stringify({ body: await request.text(), env, context: JSON.parse(context) }));
    return true;
  }
  async changed(response, env, context) {
    const text = await response.text();
    return new Response(text.toUpperCase(), { status: 203, headers: {
      "X-Status": String(response.status), "X-From": response.headers.get("x-from") ?? "",
      "X-Env": env, "X-Path": JSON.parse(context).path,
    } });
  }
}
"#;

fn options() -> Options {
    Options::default()
        .service("FUNCTIONS", FUNCTIONS, Some("Functions"))
        .text("JWT_SECRET", SECRET)
        .text("PUBLIC_NAME", "a name")
        .text("OTHER_SECRET", "hidden-value")
}

/// A gateway with these paths, the bound worker under the alias `f`, and the upstream as `a`.
fn start(upstream: &Upstream, paths: Value) -> Gateway {
    let config = json!({
        "servers": [{ "alias": "a", "url": upstream.url() }],
        "serviceBindings": [
            { "alias": "f", "binding": "FUNCTIONS" },
            { "alias": "unbound", "binding": "NOT_BOUND" },
        ],
        "authorizer": { "type": "jwt", "secret": "$secret.JWT_SECRET" },
        "defaults": { "auth": false },
        "paths": paths,
    });
    gateway(config, options())
}

fn hook(function: &str) -> Value {
    json!({ "binding": "f", "function": function })
}

/// A path for each function, which it answers.
fn answered_by(functions: &[&str]) -> Value {
    let path = |function: &&str| {
        json!({ "method": "ANY", "path": format!("/{function}"),
                "integration": { "type": "service_binding", "binding": "f", "function": function } })
    };
    functions.iter().map(path).collect()
}
