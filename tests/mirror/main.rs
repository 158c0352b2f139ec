//! Requests that go to a second server too, end to end.

#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

mod compared;
mod sent;
#[path = "../support/mod.rs"]
mod support;

use std::thread::sleep;
use std::time::Duration;

use peers::upstream::{Recorded, Script};
use peers::{Gateway, Options, Upstream};
use serde_json::{Value, json};
use support::{PATIENCE, eventually, gateway, mistakes};

/// A gateway whose path `/{.+}` is mirrored.
struct Bench {
    gateway: Gateway,
    primary: Upstream,
    mirror: Upstream,
}

/// `mirror` are its members besides `server` and `percent`, which is 100 if it says nothing of it.
fn bench(method: &str, mirror: Value) -> Bench {
    let (primary, second) = (Upstream::named("primary"), Upstream::named("mirror"));
    let servers = json!([
        { "alias": "main", "url": primary.url(),
          "identity": { "type": "header", "name": "X-Main", "secret": "$secret.MAIN" } },
        { "alias": "other", "url": second.url(),
          "identity": { "type": "header", "name": "X-Other", "secret": "$secret.OTHER" } },
    ]);
    let config = config(method, servers, mirror);
    assert_eq!(mistakes(&config), Vec::<String>::new());
    let options = Options::default()
        .text("MAIN", "main-secret")
        .text("OTHER", "other-secret");
    Bench {
        gateway: gateway(&config, options),
        primary,
        mirror: second,
    }
}

fn config(method: &str, servers: Value, mut mirror: Value) -> String {
    mirror["server"] = "other".into();
    if mirror["percent"].is_null() {
        mirror["percent"] = 100.into();
    }
    json!({
        "servers": servers,
        "paths": [{
            "method": method, "path": "/{.+}",
            "integration": { "type": "http", "server": "main", "mirror": mirror },
            "mapping": { "headers": { "X-Mapped": "$request.query.q" } },
        }],
    })
    .to_string()
}

impl Bench {
    /// Lets both servers answer this to a path.
    fn script(&self, path: &str, primary: &Script, mirror: &Script) {
        self.primary.script(path, primary.clone());
        self.mirror.script(path, mirror.clone());
    }

    /// Waits until the mirror has got so many requests, and gives them.
    fn mirrored(&self, count: usize) -> Vec<Recorded> {
        assert!(self.mirror.wait_requests(count, PATIENCE), "{}", self.log());
        self.mirror.requests()
    }

    /// Waits until the mirror has been asked so many times, and what it answered has been compared.
    fn compared(&self, count: u64) {
        let reached = eventually(PATIENCE, || self.mirror.seen() == count);
        assert!(reached, "{} of {count}: {}", self.mirror.seen(), self.log());
        sleep(A_WHILE);
    }

    /// Lines of the log with this part, once there are so many.
    fn lines(&self, part: &str, count: usize) -> Vec<Value> {
        let found = || -> Vec<Value> {
            let log = self.gateway.log();
            let lines = log.lines().filter(|line| line.contains(part));
            let json = lines.filter_map(|line| Some(&line[line.find('{')?..]));
            json.map(|line| serde_json::from_str(line).expect("a line of JSON"))
                .collect()
        };
        assert!(
            eventually(PATIENCE, || found().len() >= count),
            "{}",
            self.log()
        );
        found()
    }

    fn log(&self) -> String {
        self.gateway.log()
    }
}

fn answer(content_type: &str, body: &str) -> Script {
    Script {
        status: 200,
        lines: format!("Content-Type: {content_type}\r\n"),
        body: body.to_owned(),
        ..Script::default()
    }
}

/// How long nothing must happen until it is believed not to.
const A_WHILE: Duration = Duration::from_millis(300);
