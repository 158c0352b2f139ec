//! What is asked for, and the configs by which the gateway answers it.

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway::auth::{KeyHasher, make, stored_name};
use causeway::config::draw;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

#[path = "../../../tests/support/issuer.rs"]
mod issuer;

/// What a gateway is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Match one of so many paths and pass the request on.
    Proxy { paths: usize },
    /// The same for 10 paths and only with a token.
    Protected,
    /// The same with an API key in place of the token.
    Keyed,
    /// As with a token, and four headers and a query key are carried from the token, the request and the config.
    Mapped,
    /// The same as [`Work::Protected`], with tokens that a private key has signed.
    Signed {
        alg: &'static str,
        /// More tokens in turn than the gateway remembers, so that each signature is checked.
        fresh: bool,
    },
    /// Pass on to one of three endpoints, with all that watches over these.
    Pooled,
    /// Pass on requests with a body.
    Upload,
    /// Sign each request for AWS.
    SignedForAws,
    /// Answer at once, on 10 paths.
    Static,
}

/// What the gateway checks tokens with.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The variable that holds it.
pub const SECRET_NAME: &str = "JWT_SECRET";

impl Work {
    pub const fn proxy(paths: usize) -> Work {
        Work::Proxy { paths }
    }

    fn method(self) -> &'static str {
        match self {
            Work::Upload => "POST",
            _ => "GET",
        }
    }

    fn paths(self) -> usize {
        match self {
            Work::Proxy { paths } => paths,
            _ => 10,
        }
    }

    /// An `api-config.json` that passes on to `upstream`.
    pub fn config(self, upstream: &str) -> String {
        let paths: Vec<Value> = (0..self.paths())
            .map(|number| {
                let mut path = json!({
                    "method": self.method(),
                    "path": pattern(number),
                    "auth": matches!(
                        self,
                        Work::Protected | Work::Keyed | Work::Mapped | Work::Signed { .. }
                    ),
                });
                match self {
                    Work::Static => path["response"] = json!({ "status": "ok" }),
                    _ => path["integration"] = json!({ "type": "http", "server": "upstream" }),
                }
                if self == Work::Mapped {
                    path["mapping"] = json!({
                        "headers": {
                            "X-User-Id": "$request.jwt.sub",
                            "X-User-Email": "$request.jwt.email",
                            "X-Client": "$request.header.user-agent",
                            "X-Gateway": "$config.gateway",
                        },
                        "query": { "tenant": "$request.jwt.tenant" },
                    });
                }
                path
            })
            .collect();
        let mut config = json!({
            "servers": [{ "alias": "upstream", "url": upstream }],
            "cors": {
                "allow_origins": ["https://app.example.com", "https://admin.example.com"],
                "allow_methods": ["GET", "POST"],
                "allow_headers": ["Authorization", "Content-Type"],
                "expose_headers": ["X-Request-Id"],
                "allow_credentials": true,
            },
            "paths": paths,
        });
        if self == Work::SignedForAws {
            config["servers"][0]["identity"] = json!({
                "type": "aws", "service": "execute-api", "region": "eu-west-1",
                "access_key_id": "AKIAIOSFODNN7EXAMPLE",
                "secret_access_key": format!("$secret.{SECRET_NAME}"),
            });
        }
        if self == Work::Pooled {
            config["zones"] = json!({ "a": {}, "b": {}, "c": {} });
            let endpoint = |zone: &str| json!({ "url": upstream, "zone": zone });
            config["servers"] = json!([{
                "alias": "upstream",
                "endpoints": [endpoint("a"), endpoint("b"), endpoint("c")],
                "balance": { "policy": "peak_ewma" },
                "retry": true,
                "outlier": true,
                "timeouts": { "try_ms": 10_000 },
            }]);
        }
        if matches!(self, Work::Protected | Work::Mapped) {
            config["authorizer"] = json!({
                "type": "jwt",
                "secret": format!("$secret.{SECRET_NAME}"),
                "algorithm": "HS256",
                "issuer": ISSUER,
                "audience": AUDIENCE,
            });
        }
        if let Work::Signed { alg, .. } = self {
            config["authorizer"] = json!({
                "type": "jwt",
                "public_key": pair(alg).pem,
                "algorithm": alg,
                "issuer": ISSUER,
                "audience": AUDIENCE,
            });
        }
        if self == Work::Keyed {
            let hashed = |key: String| {
                let hasher = KeyHasher::new(None).ok()?;
                Some(json!({
                    "id": stored_name(&key)?, "hash": hasher.written(&hasher.hash(&key)), "owner": "acme",
                }))
            };
            let keys: Vec<Value> = (0..10).filter_map(|n| hashed(key(n))).collect();
            config["authorizer"] = json!({ "type": "api_key", "keys": keys });
        }
        if self == Work::Mapped {
            config["variables"] = json!({ "gateway": "causeway" });
        }
        config.to_string()
    }

    /// The same config, compiled ahead.
    pub fn plan(self, upstream: &str) -> Result<Vec<u8>> {
        let text = self.config(upstream);
        let compiled = causeway::plan::compile(&text);
        match compiled.blueprint {
            Some(blueprint) if !compiled.diagnostics.has_errors() => Ok(blueprint.to_bytes()?),
            _ => {
                let drawn = draw(
                    &compiled.diagnostics,
                    "the benchmark's config",
                    &text,
                    false,
                );
                Err(anyhow!("{drawn}"))
            }
        }
    }

    /// Requests for paths from the first to the last, written out as a browser sends them, each with a token of its
    /// own. `now` is in seconds since 1970.
    pub fn requests(self, now: u64) -> Vec<String> {
        let paths = self.paths();
        let count = match self {
            Work::Signed { fresh: true, .. } => FRESH,
            _ => paths.min(TARGETS),
        };
        let pair = match self {
            Work::Signed { alg, .. } => Some((alg, pair(alg))),
            _ => None,
        };
        let spread = paths.min(count);
        (0..count)
            .map(|i| {
                let number = (i % spread) * (paths - 1) / (spread - 1).max(1);
                let target = target(number);
                let credential = match (self, &pair) {
                    (Work::Keyed, _) => format!("X-Api-Key: {}", key(number)),
                    (_, Some((alg, pair))) => {
                        let token = pair.sign(alg, None, &claims(i, now));
                        format!("Authorization: Bearer {token}")
                    }
                    _ => format!("Authorization: Bearer {}", token(number, now)),
                };
                let (length, body) = match self {
                    Work::Upload => (format!("\r\nContent-Length: {UPLOAD}"), "x".repeat(UPLOAD)),
                    _ => Default::default(),
                };
                let method = self.method();
                format!("{method} {target} HTTP/1.1\r\n{FIELDS}{credential}{length}\r\n\r\n{body}")
            })
            .collect()
    }
}

/// A path of the config: of each resource a list, an item, a part of an item and files below it; and one behind a
/// parameter that competes with a literal, the dearest kind to find.
fn pattern(number: usize) -> String {
    let (resource, service) = (number / 5, number / 5 % 50);
    let base = format!("/api/v1/service{service:02}/resource{resource:06}");
    match number % 5 {
        0 => base,
        1 => format!("{base}/{{id}}"),
        2 => format!("{base}/{{id}}/parts/{{part}}"),
        3 => format!("{base}/files/{{.+}}"),
        _ => format!("/api/{{tenant}}/resource{resource:06}/{{id}}"),
    }
}

/// A request's target that only this path's pattern matches.
fn target(number: usize) -> String {
    let filled = pattern(number)
        .replace("{id}", "8f14e45f-ceea-467f")
        .replace("{part}", "17")
        .replace("{tenant}", "v1")
        .replace("{.+}", "2026/10/report.pdf");
    format!("{filled}?page=2&sort=-created")
}

fn pair(alg: &str) -> issuer::Pair {
    match alg {
        "ES256" => issuer::p256(),
        _ => issuer::rsa(),
    }
}

/// The API key of a number.
fn key(number: usize) -> String {
    let mut next = number as u8;
    let bytes = || {
        next = next.wrapping_mul(5).wrapping_add(number as u8 | 1);
        next
    };
    make("bench", bytes).expect("a prefix")
}

fn token(number: usize, now: u64) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" }).to_string();
    let claims = claims(number, now).to_string();
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let mut mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length is taken");
    mac.update(message.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{message}.{signature}")
}

fn claims(number: usize, now: u64) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": format!("auth0|5f7c8ec7c33c6c004bb{number:06}"),
        "email": format!("someone{number}@example.com"),
        "tenant": "acme",
        "scope": "openid profile email",
        "iat": now,
        "exp": now + 24 * 3600,
    })
}

/// The body of an upload in bytes.
const UPLOAD: usize = 1_000;

/// How many different paths of a large config are asked for.
const TARGETS: usize = 250;

/// More tokens than the gateway remembers.
const FRESH: usize = 1_200;

const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "https://api.example.com";

/// What a browser sends with a request of a page's script, and what the platform adds of its own.
const FIELDS: &str = "\
    Host: api.example.net\r\n\
    Connection: keep-alive\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: en-GB,en;q=0.8,de;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Origin: https://app.example.com\r\n\
    Cookie: session=4f2d1c9a7b; theme=dark\r\n\
    CF-Connecting-IP: 192.0.2.7\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_has_a_config_without_mistakes() {
        for work in [
            Work::proxy(1_000),
            Work::Protected,
            Work::Keyed,
            Work::Mapped,
            Work::Pooled,
            Work::Upload,
            Work::SignedForAws,
            Work::Static,
            Work::Signed {
                alg: "ES256",
                fresh: true,
            },
        ] {
            let plan = work.plan("http://127.0.0.1:1/bench");
            assert!(plan.is_ok(), "{work:?}: {:#}", plan.expect_err("an error"));
        }
    }

    #[test]
    fn requests_are_spread_from_the_first_path_to_the_last() {
        let requests = Work::proxy(1_000).requests(0);
        assert_eq!(requests.len(), TARGETS);
        assert!(requests[0].starts_with("GET /api/v1/service00/resource000000?"));
        let last = "GET /api/v1/resource000199/8f14e45f-ceea-467f?";
        assert!(requests[TARGETS - 1].starts_with(last));
        assert_eq!(Work::Static.requests(0).len(), 10);
    }
}
