//! What is put under load, and what it may cost.

use super::workload::Work;

/// A worker under load.
#[derive(Debug)]
pub struct Case {
    /// For `--case`.
    pub name: &'static str,
    /// For the tables.
    pub title: &'static str,
    pub runs: Runs,
    pub limit: Limit,
}

/// Which worker answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// One of `benches/workers/`.
    Script(&'static str),
    /// The same, with requests that have a body.
    Uploads(&'static str),
    Gateway(Work),
}

/// The most that a case may cost, in CPU time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The worker is what others are compared with.
    Yardstick,
    /// This much of the pass-through more than a proxied request may cost: (1.30 + this) P, and 1.05 J + this P.
    Proxy(f64),
    /// This many times the pass-through of the same uploads.
    Upload(f64),
    /// This many times the hello worker.
    Hello(f64),
}

/// A proxied request, in parts of the pass-through.
pub const PROXY_TO_PASS: f64 = 1.30;

/// A proxied request, in parts of the same by hand.
pub const PROXY_TO_HAND: f64 = 1.05;

pub const HELLO: &str = "hello";
pub const PASS: &str = "pass";
pub const HAND: &str = "hand";
pub const PASS_UPLOAD: &str = "pass-upload";

/// The proxied case that the others of its kind are more than.
pub const PROXY: &str = "proxy-10";

/// In the order of the tables.
pub const CASES: &[Case] = &[
    Case {
        name: PASS,
        title: "P: bare pass-through, JavaScript",
        runs: Runs::Script("pass.mjs"),
        limit: Limit::Yardstick,
    },
    Case {
        name: HAND,
        title: "J: one path by hand, JavaScript",
        runs: Runs::Script("hand.mjs"),
        limit: Limit::Yardstick,
    },
    Case {
        name: PROXY,
        title: "proxy, 10 paths",
        runs: Runs::Gateway(Work::proxy(10)),
        limit: Limit::Proxy(0.0),
    },
    Case {
        name: "proxy-1000",
        title: "proxy, 1,000 paths",
        runs: Runs::Gateway(Work::proxy(1_000)),
        limit: Limit::Proxy(0.03),
    },
    Case {
        name: "proxy-10000",
        title: "proxy, 10,000 paths",
        runs: Runs::Gateway(Work::proxy(10_000)),
        limit: Limit::Proxy(0.03),
    },
    Case {
        name: "proxy-100000",
        title: "proxy, 100,000 paths",
        runs: Runs::Gateway(Work::proxy(100_000)),
        limit: Limit::Proxy(0.03),
    },
    Case {
        name: "hs256",
        title: "HS256 + proxy, 10 paths",
        runs: Runs::Gateway(Work::Protected),
        limit: Limit::Proxy(0.15),
    },
    Case {
        name: "api-key",
        title: "API key + proxy, 10 paths",
        runs: Runs::Gateway(Work::Keyed),
        limit: Limit::Proxy(0.15),
    },
    Case {
        name: "mapping",
        title: "HS256 + 4 headers + 1 query mapped + proxy, 10 paths",
        runs: Runs::Gateway(Work::Mapped),
        limit: Limit::Proxy(0.25),
    },
    Case {
        name: "es256",
        title: "ES256 of a token seen before + proxy, 10 paths",
        runs: Runs::Gateway(Work::Signed {
            alg: "ES256",
            fresh: false,
        }),
        limit: Limit::Proxy(0.15),
    },
    Case {
        name: "es256-fresh",
        title: "ES256 of a token not seen before + proxy, 10 paths",
        runs: Runs::Gateway(Work::Signed {
            alg: "ES256",
            fresh: true,
        }),
        limit: Limit::Proxy(0.5),
    },
    Case {
        name: "rs256",
        title: "RS256 of a token seen before + proxy, 10 paths",
        runs: Runs::Gateway(Work::Signed {
            alg: "RS256",
            fresh: false,
        }),
        limit: Limit::Proxy(0.15),
    },
    Case {
        name: "rs256-fresh",
        title: "RS256 of a token not seen before + proxy, 10 paths",
        runs: Runs::Gateway(Work::Signed {
            alg: "RS256",
            fresh: true,
        }),
        limit: Limit::Proxy(0.5),
    },
    Case {
        name: "pool",
        title: "3 endpoints, peak EWMA, retries, ejection, time-outs + proxy, 10 paths",
        runs: Runs::Gateway(Work::Pooled),
        limit: Limit::Proxy(0.15),
    },
    Case {
        name: "aws",
        title: "signed for AWS (Signature Version 4) + proxy, 10 paths",
        runs: Runs::Gateway(Work::SignedForAws),
        limit: Limit::Proxy(0.4),
    },
    Case {
        name: PASS_UPLOAD,
        title: "P of uploads: bare pass-through of 1 kB",
        runs: Runs::Uploads("pass.mjs"),
        limit: Limit::Yardstick,
    },
    Case {
        name: "upload",
        title: "proxied upload of 1 kB, 10 paths",
        runs: Runs::Gateway(Work::Upload),
        limit: Limit::Upload(PROXY_TO_PASS),
    },
    Case {
        name: HELLO,
        title: "hello, JavaScript",
        runs: Runs::Script("hello.mjs"),
        limit: Limit::Yardstick,
    },
    Case {
        name: "static",
        title: "static answer, 10 paths",
        runs: Runs::Gateway(Work::Static),
        limit: Limit::Hello(1.3),
    },
];

impl Case {
    /// Those that this one is compared with.
    pub fn yardsticks(&self) -> &'static [&'static str] {
        match self.limit {
            Limit::Yardstick => &[],
            Limit::Proxy(_) => &[PASS, HAND, PROXY],
            Limit::Upload(_) => &[PASS_UPLOAD],
            Limit::Hello(_) => &[HELLO],
        }
    }
}
