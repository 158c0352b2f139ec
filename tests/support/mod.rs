//! What the black-box tests share: the built worker, in workerd, with a config.

#![allow(dead_code, reason = "each test file uses its own part of this module")]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers")]
#![allow(clippy::disallowed_methods, reason = "tests live in real time")]

pub mod issuer;
pub mod tokens;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use causeway::plan::compile;
use peers::upstream::Recorded;
use peers::{Answer, Gateway, Options, Upstream};
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The secret that [`token`] signs with.
pub const SECRET: &str =
    "a secret of tests that is long enough for HMAC with SHA-512 and then some";

/// The origin that tests let in.
pub const ORIGIN: &str = "https://app.test";

/// The release worker; the first test to ask for it builds it. With `CAUSEWAY_TEST_WORKER=dev` it is the one that is
/// rebuilt in seconds.
pub fn worker() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let profile = match std::env::var("CAUSEWAY_TEST_WORKER").as_deref() {
                Ok("dev") => xtask::Profile::Dev,
                _ => xtask::Profile::Release,
            };
            xtask::build(profile, xtask::Compiler::Included).expect("the worker builds")
        })
        .clone()
}

/// The gateway with a config and the options' own choice of source and bindings.
pub fn gateway(config: impl ToString, options: Options) -> Gateway {
    Gateway::start(&config.to_string(), options.folder(worker()))
}

/// Asks again and again until the answer is yes. Whether it was within `limit`.
pub fn eventually(limit: Duration, mut reached: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + limit;
    while !reached() {
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    true
}

/// A gateway in front of one upstream.
pub struct Setup {
    pub gateway: Gateway,
    pub upstream: Upstream,
}

/// Starts the gateway with a config whose server `up` is a fresh upstream. The config must be without a mistake.
pub fn setup(config: Value) -> Setup {
    let upstream = Upstream::start();
    let config = with_upstream(config, &upstream.url());
    assert_eq!(mistakes(&config), Vec::<String>::new());
    Setup {
        gateway: gateway(&config, options()),
        upstream,
    }
}

/// Options with the secret that [`authorizer`] names.
pub fn options() -> Options {
    Options::default().text("JWT_SECRET", SECRET)
}

/// An authorizer that takes what [`token`] makes.
pub fn authorizer() -> Value {
    json!({ "type": "jwt", "secret": "$secret.JWT_SECRET", "algorithm": "HS256" })
}

/// A CORS policy that lets [`ORIGIN`] in.
pub fn cors() -> Value {
    json!({
        "allow_origins": [ORIGIN],
        "allow_methods": ["GET", "POST"],
        "allow_headers": ["Authorization"],
        "expose_headers": ["X-Request-Id"],
        "allow_credentials": true,
    })
}

/// Adds the server `up` to those of a config.
pub fn with_upstream(mut config: Value, url: &str) -> String {
    let server = json!({ "alias": "up", "url": url });
    match config["servers"].as_array_mut() {
        Some(servers) => servers.push(server),
        None => config["servers"] = json!([server]),
    }
    config.to_string()
}

/// The errors in a config, one a line; no warnings.
pub fn mistakes(config: &str) -> Vec<String> {
    let lines = compile(config).diagnostics.lines("config");
    lines
        .into_iter()
        .filter(|l| l.contains(": error["))
        .collect()
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock").as_secs()
}

/// An HS256 token with these claims, and an hour to live if they do not say otherwise.
pub fn token(mut claims: Value) -> String {
    if claims.get("exp").is_none() {
        claims["exp"] = json!(now() + 3600);
    }
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), &claims)
}

/// A token with exactly this header and these claims, signed as the header's `alg` says: HS256, HS384 or HS512.
pub fn signed(header: &Value, claims: &Value) -> String {
    let algorithm = header["alg"].as_str().unwrap_or("HS256");
    tokens::sign_parts(algorithm, SECRET, header, claims)
}

/// Asserts that an answer is the gateway's own refusal, complete in every member (RFC 9457 section 3.1).
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{text}"
    );
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status, "{text}");
    assert_eq!(problem["type"], "about:blank", "{text}");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(!detail.is_empty());
    for member in ["error", "message"] {
        assert_eq!(problem[member], detail, "{text}");
    }
    assert!(problem["title"].as_str().is_some_and(|t| !t.is_empty()));
    let id = answer.header("x-request-id").expect("a request id");
    assert_eq!(problem["request_id"], id, "{text}");
    assert_eq!(id.len(), 32, "{id}");
}

/// Every line of a header of a request that arrived.
pub fn arrived(recorded: &Recorded, name: &str) -> Vec<String> {
    recorded
        .head
        .all(name)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// The target of a request that arrived.
pub fn target(recorded: &Recorded) -> &str {
    recorded.head.word(1)
}

/// A path of the config that proxies everything to `up`, without a caller.
pub fn open(method: &str, path: &str) -> Value {
    json!({ "method": method, "path": path, "auth": false, "integration": { "type": "http", "server": "up" } })
}

/// The same for a caller with a token.
pub fn guarded(method: &str, path: &str) -> Value {
    let mut entry = open(method, path);
    entry["auth"] = true.into();
    entry
}
