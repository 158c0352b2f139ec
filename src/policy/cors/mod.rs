//! Cross-origin resource sharing (Fetch standard, section 3.3): the gateway answers preflights itself, before
//! anybody is asked for credentials, and says on every answer who may read it.
//!
//! - An origin that is not allowed gets no field by which a browser would let it read the answer, whatever the upstream
//!   says. (`Access-Control-Allow-Methods` and its like pass: outside a preflight they mean nothing.)
//! - `*` is only ever sent as itself; an origin is sent back only where the config names it.
//! - `Vary: Origin` is added, never put in the place of the upstream's `Vary`.

#[cfg(test)]
mod tests;

use crate::edits::Edits;
use crate::plan::{Cors, OriginPattern, Text};

/// Methods that a preflight is told where the config lists none.
const DEFAULT_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

const EXPOSE: &str = "access-control-expose-headers";

/// A compiled CORS policy.
#[derive(Debug)]
pub struct Policy {
    any: bool,
    origins: Vec<Origin>,
    credentials: bool,
    /// Empty: none.
    methods: String,
    /// `None`: whatever the preflight asks for. Empty: none.
    headers: Option<String>,
    max_age: Option<String>,
    /// The fields of an answer to an allowed origin, but for its name.
    allowed: Edits,
    /// The fields of an answer to anybody else.
    denied: Edits,
}

#[derive(Debug)]
enum Origin {
    Exact(String),
    Subdomains { scheme: String, suffix: String },
}

/// How the policy takes a request's origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no `Origin`: the request is not cross-origin.
    NotAsked,
    Allowed,
    Denied,
}

impl Policy {
    /// `config` with its references resolved; one that still has some allows less, never more.
    pub fn new(config: &Cors) -> Policy {
        let origins = config.allow_origins.iter().filter_map(|o| match o {
            OriginPattern::Exact(Text::Literal(origin)) => Some(Origin::Exact(origin.clone())),
            OriginPattern::Subdomains { scheme, suffix } => Some(Origin::Subdomains {
                scheme: scheme.clone(),
                suffix: suffix.clone(),
            }),
            OriginPattern::Exact(Text::Reference(_)) | OriginPattern::Any => None,
        });
        let any = config
            .allow_origins
            .iter()
            .any(|o| matches!(o, OriginPattern::Any));
        let any = any && !config.allow_credentials;
        let mut allowed = Edits::default();
        credentials(config.allow_credentials, &mut allowed);
        let mut denied = Edits::default();
        denied.remove("access-control-allow-origin");
        credentials(false, &mut denied);
        denied.remove(EXPOSE);
        match list(&config.expose_headers) {
            Some(names) => allowed.set(EXPOSE, &names),
            None => allowed.remove(EXPOSE),
        }
        if !any {
            for edits in [&mut allowed, &mut denied] {
                edits.append("vary", "Origin");
            }
        }
        Policy {
            any,
            origins: origins.collect(),
            credentials: config.allow_credentials,
            methods: match &config.allow_methods {
                Some(methods) => methods.join(", "),
                None => DEFAULT_METHODS.to_owned(),
            },
            headers: match &config.allow_headers {
                Some(headers) if !headers.iter().any(|h| h == "*") => Some(headers.join(", ")),
                _ => None,
            },
            max_age: config.max_age.map(|seconds| seconds.to_string()),
            allowed,
            denied,
        }
    }

    pub fn verdict(&self, origin: Option<&str>) -> Verdict {
        match origin {
            None => Verdict::NotAsked,
            Some(_) if self.any => Verdict::Allowed,
            Some(origin) if self.origins.iter().any(|o| o.allows(origin)) => Verdict::Allowed,
            Some(_) => Verdict::Denied,
        }
    }

    /// The fields of any answer but a preflight's (Fetch standard, section 3.3.3). Those of the upstream are removed.
    pub fn actual(&self, origin: Option<&str>, edits: &mut Edits) {
        match origin {
            Some(origin) if self.verdict(Some(origin)) == Verdict::Allowed => {
                self.allow_origin(origin, edits);
                edits.extend(&self.allowed);
            }
            _ => edits.extend(&self.denied),
        }
    }

    /// The fields of a preflight's answer to an allowed origin (Fetch standard, section 4.8).
    pub fn preflight(&self, origin: &str, requested_headers: Option<&str>, edits: &mut Edits) {
        self.allow_origin(origin, edits);
        credentials(self.credentials, edits);
        let echoed = requested_headers.filter(|list| list.len() <= LONGEST_ECHO);
        let headers = self.headers.as_deref().or(echoed);
        for (name, list) in [
            ("access-control-allow-methods", Some(self.methods.as_str())),
            ("access-control-allow-headers", headers),
        ] {
            if let Some(list) = list.filter(|list| !list.is_empty()) {
                edits.set(name, list);
            }
        }
        if let Some(seconds) = &self.max_age {
            edits.set("access-control-max-age", seconds);
        }
        edits.set(
            "vary",
            "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        );
    }

    fn allow_origin(&self, origin: &str, edits: &mut Edits) {
        let origin = if self.any { "*" } else { origin };
        edits.set("access-control-allow-origin", origin);
    }
}

impl Origin {
    /// Origins are compared byte by byte (Fetch standard, CORS check): browsers send them in lower case.
    fn allows(&self, origin: &str) -> bool {
        match self {
            Origin::Exact(allowed) => allowed == origin,
            Origin::Subdomains { scheme, suffix } => origin
                .strip_prefix(scheme.as_str())
                .and_then(|rest| rest.strip_prefix("://"))
                .and_then(|rest| rest.strip_suffix(suffix.as_str()))
                .is_some_and(is_labels),
        }
    }
}

/// Whether `text` is one or more whole host labels, such as `a.b`.
fn is_labels(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    })
}

fn credentials(allowed: bool, edits: &mut Edits) {
    const NAME: &str = "access-control-allow-credentials";
    if allowed {
        edits.set(NAME, "true");
    } else {
        edits.remove(NAME);
    }
}

fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}

/// A longer list of headers than this, in bytes, is not said back to a preflight: no page of a browser sends one.
const LONGEST_ECHO: usize = 4096;
