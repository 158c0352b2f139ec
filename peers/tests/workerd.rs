//! Workers run in workerd, with every kind of module and binding; the gateway's helper with a stand-in build.

use std::fs;
use std::time::Duration;

use peers::workspace;
use peers::{
    Client, Gateway, Kv, Options, Request, Source, Terminator, Tls, Upstream, Worker, tls,
};
use serde_json::json;
use tungstenite::Message;

const SOON: Duration = Duration::from_secs(5);

/// (module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
const ADD: &[u8] = b"\0asm\x01\0\0\0\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f\x03\x02\x01\0\x07\x07\x01\x03add\0\0\x0a\x09\x01\x07\0\x20\0\x20\x01\x6a\x0b";

#[test]
fn modules_and_bindings_of_every_kind_reach_the_worker() {
    let kv = Kv::start();
    kv.put("a/b", "from outside");
    let helper = r#"
        import { WorkerEntrypoint } from "cloudflare:workers";
        export class Greeter extends WorkerEntrypoint { greet(name) { return `hello ${name}`; } }
        export default { fetch() { return new Response("plain"); } };"#;
    let main = r#"
        import add from "./add.wasm"; import raw from "./raw.bin"; import text from "./note.txt"; import { half } from "./lib/half.js";
        export default { async fetch(request, env) {
            await env.STORE.put("c", "from inside");
            return Response.json({
                wasm: new WebAssembly.Instance(add, {}).exports.add(2, 3), raw: [...new Uint8Array(raw)], text, half: half(8),
                variable: env.QUOTED, json: env.JSON.a[0], data: env.BYTES.byteLength, empty: env.EMPTY,
                kv: await env.STORE.get("a/b"), missing: await env.STORE.get("x"), listed: (await env.STORE.list({ prefix: "a" })).keys.map(k => k.name),
                rpc: await env.GREETER.greet("you"), fetched: await (await env.PLAIN.fetch("http://x/")).text(),
            });
        } };"#;
    let worker = Worker::new()
        .es_module("worker.mjs", main)
        .es_module("lib/half.js", "export const half = n => n / 2;")
        .wasm("add.wasm", ADD)
        .data_module("raw.bin", [0, 255])
        .text_module("note.txt", "a note")
        .text("QUOTED", "a \"quoted\"\n\\ line, é")
        .text("EMPTY", "")
        .json("JSON", &json!({ "a": [1] }))
        .data("BYTES", [1, 2, 3])
        .kv("STORE", &kv)
        .service("GREETER", Worker::script(helper), Some("Greeter"))
        .service("PLAIN", Worker::script(helper), None)
        .start();
    let answer = Request::get("/").send(worker.address()).json();
    let expected = json!({
        "wasm": 5, "raw": [0, 255], "text": "a note", "half": 4,
        "variable": "a \"quoted\"\n\\ line, é", "json": 1, "data": 3, "empty": "",
        "kv": "from outside", "missing": null, "listed": ["a/b"],
        "rpc": "hello you", "fetched": "plain",
    });
    assert_eq!(answer, expected, "{}", worker.log());
    assert_eq!(kv.get("c").as_deref(), Some(b"from inside".as_slice()));
    assert_eq!(kv.reads(), 2);
}

#[test]
fn a_worker_at_fault_says_why_it_does_not_start() {
    let log = Worker::script("export default {")
        .try_start()
        .err()
        .expect("a syntax error");
    assert!(log.contains("SyntaxError"), "{log}");
}

#[test]
fn the_console_is_readable_and_the_process_ends_with_its_value() {
    let worker = Worker::script(
        "export default { fetch() { console.log('seen it'); return new Response('x'); } };",
    )
    .start();
    let address = worker.address();
    assert_eq!(Request::get("/").send(address).text(), "x");
    assert!(worker.wait_log("seen it", SOON), "{}", worker.log());
    drop(worker);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_client_that_resets_cancels_the_upstream_through_a_worker() {
    let upstream = Upstream::start();
    let worker = Worker::script("export default { fetch(request, env) { return fetch(env.UP + new URL(request.url).pathname, request); } };")
        .text("UP", &upstream.url())
        .start();
    let mut client = Client::connect(worker.address());
    client.send(&Request::get("/hold").bytes());
    assert!(upstream.wait_requests(1, SOON));
    client.reset();
    assert!(upstream.wait_gone("/hold", SOON));
    let (_, mut socket) = Client::websocket(worker.address(), "/ws", &[]);
    socket.send(Message::text("hi")).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text("hi"));
}

#[test]
fn a_gateway_starts_from_each_source_of_config() {
    let folder = workspace::root()
        .join("target")
        .join(format!("stand-in-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let main = r#"
        import plan from "./plan.bin"; import { list } from "./services.mjs"; import { name } from "./causeway.js"; import wasm from "./causeway_bg.wasm";
        export default { async fetch(request, env) {
            const stored = env.CONFIG && await env.CONFIG.get("api-config.json");
            return Response.json({ plan: new TextDecoder().decode(plan), variable: env.SAG_API_CONFIG_JSON ?? null, stored: stored ?? null,
                secret: env.SECRET ?? null, list, name, sum: new WebAssembly.Instance(wasm, {}).exports.add(1, 1), svc: env.SVC ? await env.SVC.call() : null });
        } };"#;
    fs::write(folder.join("worker.mjs"), main).unwrap();
    fs::write(
        folder.join("causeway.js"),
        "export const name = 'stand-in';",
    )
    .unwrap();
    fs::write(
        folder.join("services.mjs"),
        "export const list = ['built'];",
    )
    .unwrap();
    fs::write(folder.join("causeway_bg.wasm"), ADD).unwrap();
    let options = || Options::default().folder(&folder);
    let told = |gateway: &Gateway| gateway.get("/").json();

    let variable = told(&Gateway::start("{}", options().text("SECRET", "s")));
    assert_eq!(
        (
            &variable["variable"],
            &variable["plan"],
            &variable["secret"]
        ),
        (&json!("{}"), &json!(""), &json!("s"))
    );
    assert_eq!(
        (&variable["name"], &variable["sum"], &variable["list"]),
        (&json!("stand-in"), &json!(2), &json!(["built"]))
    );

    let gateway = Gateway::start("{\"a\":1}", options().source(Source::Kv));
    assert_eq!(told(&gateway)["stored"], "{\"a\":1}");
    gateway.kv().put("api-config.json", "changed");
    assert_eq!(told(&gateway)["stored"], "changed");

    let service = "import { WorkerEntrypoint } from 'cloudflare:workers'; export class E extends WorkerEntrypoint { call() { return 7; } }\nexport default {};";
    let planned = options()
        .source(Source::Plan(b"a plan".to_vec()))
        .services("export const list = ['given'];")
        .service("SVC", service, Some("E"));
    let planned = told(&Gateway::start("", planned));
    assert_eq!(
        (&planned["plan"], &planned["svc"], &planned["list"]),
        (&json!("a plan"), &json!(7), &json!(["given"]))
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn isolates_share_their_durable_objects_and_nothing_else() {
    let script = r#"
        import { DurableObject } from "cloudflare:workers";
        export class Board extends DurableObject {
            async add() {
                const sum = (await this.ctx.storage.get("sum") ?? 0) + 1;
                await this.ctx.storage.put("sum", sum);
                return sum;
            }
        }
        let own = 0;
        export default { async fetch(request, env) {
            own += 1;
            return Response.json({ own, shared: await env.BOARD.get(env.BOARD.idFromName("x")).add() });
        } };"#;
    let worker = Worker::script(script)
        .durable_object("BOARD", "Board")
        .isolates(2)
        .start();
    let ask = |isolate| Request::get("/").send(worker.isolate(isolate)).json();
    assert_eq!(ask(0), json!({ "own": 1, "shared": 1 }));
    assert_eq!(ask(1), json!({ "own": 1, "shared": 2 }));
    assert_eq!(ask(0), json!({ "own": 2, "shared": 3 }));
}

#[test]
fn a_scheduled_handler_has_ended_with_all_its_work_when_the_call_returns() {
    let script = r#"
        let said = "nothing";
        export default {
            fetch() { return new Response(said); },
            async scheduled(event, env, ctx) {
                if (event.cron === "bad") throw new Error("not now");
                ctx.waitUntil(scheduler.wait(200).then(() => { said = `${event.cron} ${Date.now() - event.scheduledTime < 10000}`; }));
            },
        };"#;
    let worker = Worker::script(script).cron().isolates(2).start();
    assert_eq!(worker.scheduled(1, "*/5 * * * *"), "ok");
    let said = |isolate| Request::get("/").send(worker.isolate(isolate)).text();
    assert_eq!(said(1), "*/5 * * * * true");
    assert_eq!(said(0), "nothing");
    assert_eq!(worker.scheduled(0, "bad"), "exception");
}

#[test]
fn servers_elsewhere_are_reached_by_bindings_and_mutual_tls_is_enforced() {
    let upstream = Upstream::named("inside");
    let mutual = Terminator::mutual(upstream.address());
    let plain = Terminator::start(upstream.address());
    let script = r#"
        export default { async fetch(request, env) {
            const ask = async (bound, url) => {
                try { return (await (await bound.fetch(url)).json()).server; } catch (error) { return "refused"; }
            };
            return Response.json({
                vpc: await ask(env.VPC, "http://any.internal/x"),
                shown: await ask(env.SHOWN, "https://upstream.test/x"),
                bare: await ask(env.BARE, "https://upstream.test/x"),
                stranger: await ask(env.STRANGER, "https://upstream.test/x"),
                fetched: await ask(globalThis, env.PLAIN),
                uncertified: await ask(globalThis, env.MUTUAL),
            });
        } };"#;
    let worker = Worker::script(script)
        .external("VPC", upstream.address())
        .external_tls("SHOWN", mutual.address(), Tls::client())
        .external_tls("BARE", mutual.address(), Tls::anonymous())
        .external_tls("STRANGER", plain.address(), Tls::default())
        .text("PLAIN", &plain.url())
        .text("MUTUAL", &mutual.url())
        .trust(&tls::authority())
        .start();
    let told = Request::get("/").send(worker.address()).json();
    let expected = json!({
        "vpc": "inside", "shown": "inside", "bare": "refused", "stranger": "refused",
        "fetched": "inside", "uncertified": "refused",
    });
    assert_eq!(told, expected, "{}", worker.log());
    let asked = upstream.requests();
    let hosts: Vec<_> = asked.iter().filter_map(|r| r.head.header("host")).collect();
    assert_eq!(hosts[..2], ["any.internal", "upstream.test"]);
}
