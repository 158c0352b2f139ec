//! Cross-origin resource sharing (Fetch standard, section 3.3): the gateway answers preflights itself, before
//! anybody is asked for credentials, and says on every answer who may read it.
//!
//! - An origin that is not allowed gets no `Access-Control-*` field, whatever the upstream says.
//! - `*` is only ever sent as itself; an origin is sent back only where the config names it.
//! - `Vary: Origin` is added, never put in the place of the upstream's `Vary`.

#[cfg(test)]
mod tests;

use crate::edits::Edits;
use crate::plan::{Cors, OriginPattern, Text};

/// Methods that a preflight is told where the config lists none.
const DEFAULT_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// A compiled CORS policy.
#[derive(Debug)]
pub struct Policy {
    any: bool,
    origins: Vec<Origin>,
    credentials: bool,
    methods: String,
    /// `None`: whatever the preflight asks for.
    headers: Option<String>,
    expose: Option<String>,
    max_age: Option<String>,
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
        Policy {
            any: any && !config.allow_credentials,
            origins: origins.collect(),
            credentials: config.allow_credentials,
            methods: list(&config.allow_methods).unwrap_or_else(|| DEFAULT_METHODS.to_owned()),
            headers: list(&config.allow_headers)
                .filter(|_| !config.allow_headers.iter().any(|h| h == "*")),
            expose: list(&config.expose_headers),
            max_age: config.max_age.map(|seconds| seconds.to_string()),
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
        let verdict = self.verdict(origin);
        match (verdict, origin) {
            (Verdict::Allowed, Some(origin)) => self.allow_origin(origin, edits),
            _ => {
                edits.remove("access-control-allow-origin");
                edits.remove("access-control-allow-credentials");
            }
        }
        match (&self.expose, verdict) {
            (Some(names), Verdict::Allowed) => edits.set("access-control-expose-headers", names),
            _ => edits.remove("access-control-expose-headers"),
        }
        if !self.any {
            edits.append("vary", "Origin");
        }
    }

    /// The fields of a preflight's answer to an allowed origin (Fetch standard, section 4.8).
    pub fn preflight(&self, origin: &str, requested_headers: Option<&str>, edits: &mut Edits) {
        self.allow_origin(origin, edits);
        edits.set("access-control-allow-methods", &self.methods);
        if let Some(headers) = self.headers.as_deref().or(requested_headers) {
            edits.set("access-control-allow-headers", headers);
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
        edits.set(
            "access-control-allow-origin",
            if self.any { "*" } else { origin },
        );
        if self.credentials {
            edits.set("access-control-allow-credentials", "true");
        } else {
            edits.remove("access-control-allow-credentials");
        }
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

fn list(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| names.join(", "))
}
