//! Requests that somebody else decides about.

use peers::Options;
use serde_json::{Value, json};

use super::*;
use support::{arrived, assert_problem, target};

struct Setup {
    gateway: Gateway,
    up: Upstream,
    /// Who decides.
    other: Upstream,
}

/// A gateway in front of `up` whose authorizers are at paths of their own of `other`.
fn setup(authorizers: Value) -> Setup {
    let (up, other) = (Upstream::start(), Upstream::start());
    let mut config = json!({
        "servers": [{ "alias": "up", "url": up.url() }],
        "cors": support::cors(),
        "authorizers": {}, "paths": [],
    });
    for (name, authorizer) in authorizers.as_object().unwrap() {
        let mut authorizer = authorizer.clone();
        authorizer["type"] = "forward_auth".into();
        if authorizer.get("url").is_none() {
            authorizer["url"] = format!("{}/{name}", other.url()).into();
        }
        config["authorizers"][name] = authorizer;
        let paths = config["paths"].as_array_mut().unwrap();
        paths.push(json!({
            "method": "ANY", "path": format!("/{name}/{{.+}}"), "auth": name,
            "integration": { "type": "http", "server": "up" },
            "mapping": { "headers": { "X-Sub": "$request.jwt.sub" } },
        }));
        paths.push(json!({
            "method": "ANY", "path": format!("/staff/{name}"), "auth": name, "response": { "ok": true },
            "require": { "groups": ["staff"] },
        }));
    }
    assert_eq!(support::mistakes(&config.to_string()), Vec::<String>::new());
    Setup {
        gateway: support::gateway(config, Options::default()),
        up,
        other,
    }
}

#[test]
fn the_other_decides_and_its_headers_and_claims_go_on() {
    let Setup { gateway, up, other } = setup(json!({
        "copy": { "copy_headers": ["X-User", "x-role"], "claims": { "sub": "X-User", "groups": "X-Groups" } },
        "claims": { "claims": "body", "forward_credential": false },
    }));
    let lines = "X-User: ann\r\nX-Groups: staff\r\nX-Other: 1\r\n";
    script(&other, "/copy", 200, lines, "ignored");
    let request = Request::get("/copy/a/../b%20c?q=1&r")
        .header("Authorization", "Bearer x")
        .header("Cookie", "session=1")
        .header("x-USER", "eve")
        .header("X-Role", "admin")
        .header("X-Sub", "eve")
        .header("X-Forwarded-Uri", "/public")
        .header("X-Forwarded-Method", "OPTIONS");
    let answer = gateway.send(&request);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let asked = other.last();
    assert_eq!((asked.head.word(0), target(&asked)), ("GET", "/copy"));
    assert_eq!(arrived(&asked, "authorization"), ["Bearer x"]);
    assert_eq!(arrived(&asked, "x-forwarded-method"), ["GET"]);
    assert_eq!(arrived(&asked, "x-forwarded-uri"), ["/copy/b%20c?q=1&r"]);
    assert_eq!(arrived(&asked, "x-forwarded-proto"), ["http"]);
    assert_eq!(arrived(&asked, "x-forwarded-host").len(), 1);
    for name in ["cookie", "x-user", "x-role"] {
        assert_eq!(arrived(&asked, name), Vec::<String>::new(), "{name}");
    }
    let served = up.last();
    assert_eq!(target(&served), "/b%20c?q=1&r");
    assert_eq!(arrived(&served, "x-user"), ["ann"]);
    assert_eq!(arrived(&served, "x-role"), Vec::<String>::new());
    assert_eq!(arrived(&served, "x-sub"), ["ann"]);
    assert_eq!(arrived(&served, "authorization"), ["Bearer x"]);
    assert_eq!(gateway.get("/staff/copy").status, 200);

    script(
        &other,
        "/claims",
        200,
        "",
        r#"{"sub":"bob","groups":["guests"]}"#,
    );
    let answer = gateway.send(&Request::get("/claims/x").header("authorization", "Bearer x"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(arrived(&up.last(), "x-sub"), ["bob"]);
    assert_eq!(arrived(&up.last(), "authorization"), Vec::<String>::new());
    assert_problem(&gateway.get("/staff/claims"), 403, "forbidden");
}

#[test]
fn of_a_refusal_the_client_gets_what_the_config_lists() {
    let Setup { gateway, up, other } = setup(json!({
        "least": {},
        "most": { "refusal_headers": ["Set-Cookie", "WWW-Authenticate"], "refusal_body": true, "redirects": true },
    }));
    let lines = "WWW-Authenticate: Session realm=\"x\"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Hidden: 1\r\n\
                 Content-Type: text/html\r\nLocation: https://login.test/?a=b\r\n";
    for name in ["/least", "/most"] {
        script(&other, name, 401, lines, "<p>who?</p>");
    }
    let least = gateway.get("/least/x");
    assert_problem(&least, 401, "refused");
    assert_eq!(
        least.header("www-authenticate"),
        Some("Session realm=\"x\"")
    );
    for name in ["set-cookie", "x-hidden", "location"] {
        assert_eq!(least.header(name), None, "{name}");
    }
    let most = gateway.get("/most/x");
    assert_eq!((most.status, most.text().as_str()), (401, "<p>who?</p>"));
    assert_eq!(most.header("content-type"), Some("text/html"));
    assert_eq!(most.header("www-authenticate"), Some("Session realm=\"x\""));
    assert_eq!(most.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(
        (most.header("location"), most.header("x-hidden")),
        (None, None)
    );
    for name in ["/least", "/most"] {
        script(&other, name, 403, lines, "<p>no</p>");
    }
    assert_problem(&gateway.get("/least/x"), 403, "refused");
    assert_eq!(gateway.get("/most/x").text(), "<p>no</p>");
    for name in ["/least", "/most"] {
        script(&other, name, 302, lines, "<p>there</p>");
    }
    assert_problem(&gateway.get("/least/x"), 503, "authorizer_unavailable");
    let sent = gateway.get("/most/x");
    assert_eq!((sent.status, sent.text().as_str()), (302, ""));
    assert_eq!(sent.header("location"), Some("https://login.test/?a=b"));
    assert_eq!(sent.all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(up.requests().len(), 0);
}

#[test]
fn whoever_does_not_decide_lets_nobody_in() {
    let names = ["broken", "missing", "huge", "close", "cut", "hold", "odd"];
    let mut authorizers = json!({ "gone": { "url": "http://127.0.0.1:1/" } });
    for name in names {
        authorizers[name] = json!({ "timeout_ms": 1500, "claims": "body" });
    }
    let Setup { gateway, up, other } = setup(authorizers);
    script(&other, "/broken", 500, "", "{}");
    script(&other, "/missing", 404, "", "{}");
    script(&other, "/huge", 200, "", &"x".repeat(100_000));
    script(&other, "/odd", 200, "", "[]");
    for name in names.iter().chain(&["gone"]) {
        let refused = gateway.get(&format!("/{name}/x"));
        assert_problem(&refused, 503, "authorizer_unavailable");
    }
    assert_eq!(up.requests().len(), 0);
}

#[test]
fn a_preflight_asks_nobody_and_a_real_options_does() {
    let Setup { gateway, up, other } = setup(json!({ "decides": {} }));
    script(&other, "/decides", 403, "", "");
    let preflight = Request::new("OPTIONS", "/decides/x")
        .header("Origin", support::ORIGIN)
        .header("Access-Control-Request-Method", "POST");
    assert_eq!(gateway.send(&preflight).status, 204);
    assert_eq!(other.requests().len(), 0);
    let options = Request::new("OPTIONS", "/decides/x").header("Origin", support::ORIGIN);
    let refused = gateway.send(&options);
    assert_problem(&refused, 403, "refused");
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some(support::ORIGIN)
    );
    assert_eq!((other.requests().len(), up.requests().len()), (1, 0));
}

#[test]
fn a_body_is_shown_where_that_is_asked_for_and_goes_on_all_the_same() {
    let Setup { gateway, up, other } = setup(json!({
        "reads": { "body": true, "max_body": 20 }, "blind": {},
    }));
    script(&other, "/reads", 200, "", "");
    script(&other, "/blind", 200, "", "");
    let post = |target: &str, body: &str| {
        gateway.send(&Request::post(target, body).header("Content-Type", "text/plain"))
    };
    assert_eq!(post("/reads/x", "grüße").status, 200);
    let asked = other.last();
    assert_eq!(
        (asked.head.word(0), asked.body.as_slice()),
        ("POST", "grüße".as_bytes())
    );
    assert_eq!(arrived(&asked, "content-type"), ["text/plain"]);
    assert_eq!(up.last().body, "grüße".as_bytes());
    assert_problem(&post("/reads/x", &"x".repeat(21)), 413, "body_too_large");
    assert_eq!(post("/blind/x", "the body").status, 200);
    let asked = other.last();
    assert_eq!((asked.head.word(0), asked.length), ("GET", 0));
    assert_eq!(up.last().body, b"the body");
}

#[test]
fn a_good_answer_is_remembered_where_that_is_asked_for() {
    let Setup {
        gateway,
        up: _up,
        other,
    } = setup(json!({
        "once": { "cache_seconds": 60, "cache_by": ["method"] },
    }));
    script(&other, "/once", 200, "", "");
    for target in ["/once/a", "/once/b?q", "/once/a"] {
        assert_eq!(with_token(&gateway, target, "ann").status, 200);
    }
    assert_eq!(other.count("/once"), 1);
    script(&other, "/once", 401, "", "");
    assert_problem(&with_token(&gateway, "/once/a", "bob"), 401, "refused");
    assert_problem(&gateway.get("/once/a"), 401, "refused");
    assert_eq!(with_token(&gateway, "/once/a", "ann").status, 200);
    assert_eq!(other.count("/once"), 3);
}

#[test]
fn a_bound_worker_decides() {
    let worker = r#"
        import { WorkerEntrypoint } from 'cloudflare:workers';
        export class Decides extends WorkerEntrypoint {
          fetch(request) {
            const uri = request.headers.get('x-forwarded-uri');
            if (request.headers.get('authorization') !== 'Bearer good') return new Response(null, { status: 401 });
            return Response.json({ sub: `${request.url} ${uri}`, scope: 'read' });
          }
        }
        export default { fetch() { return new Response(null); } };
    "#;
    let config = json!({
        "serviceBindings": [{ "alias": "decides", "binding": "DECIDES" }],
        "authorizer": { "type": "forward_auth", "binding": "decides", "claims": "body" },
        "servers": [{ "alias": "up", "url": "$env.UP" }],
        "paths": [{
            "method": "GET", "path": "/a", "auth": true, "require": { "scopes": ["read"] },
            "integration": { "type": "http", "server": "up" }, "mapping": { "headers": { "X-Sub": "$request.jwt.sub" } },
        }],
    });
    let up = Upstream::start();
    let options =
        Options::default()
            .text("UP", &up.url())
            .service("DECIDES", worker, Some("Decides"));
    let gateway = support::gateway(config, options);
    assert_problem(&with_token(&gateway, "/a", "bad"), 401, "refused");
    let answer = with_token(&gateway, "/a", "good");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        arrived(&up.last(), "x-sub"),
        ["https://authorizer.invalid/ /a"]
    );
}

#[test]
fn it_stands_beside_other_authorizers() {
    let other = Upstream::start();
    let up = Upstream::start();
    let at = |name: &str| format!("{}/{name}", other.url());
    let config = json!({
        "servers": [{ "alias": "up", "url": up.url() }],
        "authorizers": {
            "token": support::authorizer(),
            "a": { "type": "forward_auth", "url": at("a"), "copy_headers": ["X-A"], "redirects": true },
            "b": { "type": "forward_auth", "url": at("b"), "copy_headers": ["X-B"] },
        },
        "paths": [
            { "method": "GET", "path": "/any", "auth": ["token", "a"], "integration": { "type": "http", "server": "up" } },
            { "method": "GET", "path": "/all", "auth": { "all": ["a", "b"] }, "integration": { "type": "http", "server": "up" } },
        ],
    });
    let gateway = support::gateway(config, support::options());
    script(&other, "/a", 302, "Location: https://login.test/\r\n", "");
    script(&other, "/b", 200, "X-B: 2\r\n", "");
    let sent = gateway.get("/any");
    assert_eq!(
        (sent.status, sent.header("location")),
        (302, Some("https://login.test/"))
    );
    let token = support::token(json!({ "sub": "u1" }));
    let request = Request::get("/any").header("x-a", "forged");
    let known = request.header("Authorization", &format!("Bearer {token}"));
    assert_eq!(gateway.send(&known).status, 200);
    assert_eq!(arrived(&up.last(), "x-a"), Vec::<String>::new());
    script(&other, "/a", 401, "WWW-Authenticate: Session\r\n", "");
    let refused = gateway.get("/any");
    assert_problem(&refused, 401, "refused");
    assert_eq!(
        refused.header("www-authenticate"),
        Some("Session, Bearer realm=\"causeway\"")
    );
    script(&other, "/a", 500, "", "");
    assert_problem(&gateway.get("/any"), 503, "authorizer_unavailable");
    assert_eq!(gateway.send(&known).status, 200);
    script(&other, "/a", 200, "X-A: 1\r\n", "");
    let both = Request::get("/all").header("X-b", "forged");
    assert_eq!(gateway.send(&both).status, 200);
    assert_eq!(arrived(&up.last(), "x-a"), ["1"]);
    assert_eq!(arrived(&up.last(), "x-b"), ["2"]);
    script(&other, "/b", 403, "", "");
    assert_problem(&gateway.send(&both), 403, "refused");
}
