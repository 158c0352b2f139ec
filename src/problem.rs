//! The gateway's own refusals, as problem documents (RFC 9457) with the predecessor's members beside them.

use std::borrow::Cow;

use crate::auth::Passed;
use crate::host::BodyError;

/// Whose fault an answer is; status and log follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    Client,
    Gateway,
    Upstream,
}

impl Blame {
    pub fn as_str(self) -> &'static str {
        match self {
            Blame::Client => "client",
            Blame::Gateway => "gateway",
            Blame::Upstream => "upstream",
        }
    }
}

/// A refusal: what the client is told, and what only the operator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    /// Stable; documented in docs/errors.md.
    pub code: &'static str,
    /// One sentence for the client. Never holds a secret, an upstream's address or anything of the config.
    pub detail: Cow<'static, str>,
    pub blame: Blame,
    /// For the log alone.
    pub reason: Option<String>,
    /// `Allow` of a 405, `WWW-Authenticate` of a 401 and their like.
    pub header: Option<Box<(&'static str, String)>>,
    /// What the client gets of another's refusal beside or in place of the document.
    pub passed: Option<Box<Passed>>,
    /// Who was asked, for the log alone.
    pub upstream: Option<Box<Asked>>,
}

/// An upstream, as the log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The server's alias.
    pub server: String,
    /// Empty where it came to none.
    pub endpoint: String,
}

impl Problem {
    /// A refusal whose fault is the client's.
    pub fn client(status: u16, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Problem {
            status,
            code,
            detail: detail.into(),
            blame: Blame::Client,
            reason: None,
            header: None,
            passed: None,
            upstream: None,
        }
    }

    /// The client's body broke off.
    pub fn body_unreadable(reason: impl Into<String>) -> Self {
        Problem::client(400, "body_unreadable", "The body could not be read.").with_reason(reason)
    }

    /// The client's body did not come in time (RFC 9110 section 15.5.9).
    pub fn body_late() -> Self {
        Problem::client(408, "body_timeout", "The body did not come in time.")
    }

    /// The client's body, which the gateway must read, could not be had.
    pub fn unread(error: BodyError, too_large: impl Into<Cow<'static, str>>) -> Self {
        match error {
            BodyError::TooLong => Problem::client(413, "body_too_large", too_large),
            BodyError::Broken(why) => Problem::body_unreadable(why),
            BodyError::Late => Problem::body_late(),
            BodyError::NoRoom => Problem::no_room(),
        }
    }

    /// The isolate holds too many bodies at once (RFC 9110 section 15.6.4).
    pub fn no_room() -> Self {
        let problem = Problem {
            status: 503,
            ..Problem::gateway(
                "too_many_bodies",
                "The gateway is reading too many bodies at the moment.",
                "bodies that are held at once are over their bound",
            )
        };
        problem.with_header("retry-after", "1".into())
    }

    /// No path is there for this request.
    pub fn not_found() -> Self {
        Problem::client(404, "not_found", "No match found.")
    }

    /// A path is there, but not for this method (RFC 9110 section 15.5.6).
    pub fn method_not_allowed(allow: String) -> Self {
        Problem::client(
            405,
            "method_not_allowed",
            "This path does not serve this method.",
        )
        .with_header("allow", allow)
    }

    /// The config has a fault that this request would run into.
    pub fn config(reason: impl Into<String>) -> Self {
        Problem::gateway(
            "config_error",
            "The gateway's configuration of this path has a fault.",
            reason,
        )
    }

    /// A hook or service threw, was not there, or answered what it may not.
    pub fn hook(reason: impl Into<String>) -> Self {
        Problem::gateway(
            "hook_failed",
            "A function that this path depends on failed.",
            reason,
        )
    }

    /// Whoever knows the callers does not answer: nobody comes in, and it is nobody's credential that is wrong.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Problem {
            status: 503,
            ..Problem::gateway(
                "authorizer_unavailable",
                "The caller cannot be verified at the moment.",
                reason,
            )
        }
    }

    fn gateway(code: &'static str, detail: &'static str, reason: impl Into<String>) -> Self {
        Problem {
            status: 500,
            code,
            detail: detail.into(),
            blame: Blame::Gateway,
            reason: Some(reason.into()),
            header: None,
            passed: None,
            upstream: None,
        }
    }

    /// The upstream could not be reached, or broke off before its answer (RFC 9110 section 15.6.3).
    pub fn unreachable(reason: impl Into<String>) -> Self {
        Problem {
            status: 502,
            code: "upstream_unreachable",
            detail: "The upstream could not be reached.".into(),
            blame: Blame::Upstream,
            reason: Some(reason.into()),
            header: None,
            passed: None,
            upstream: None,
        }
    }

    /// The gateway could not prove to the upstream who it is: nothing was sent.
    pub fn identity(reason: impl Into<String>) -> Self {
        Problem {
            code: "upstream_identity_failed",
            detail: "The gateway could not identify itself to the upstream.".into(),
            ..Problem::unreachable(reason)
        }
    }

    /// The upstream's answer did not begin in time (RFC 9110 section 15.6.5).
    pub fn timed_out() -> Self {
        Problem {
            status: 504,
            code: "upstream_timeout",
            detail: "The upstream did not answer in time.".into(),
            blame: Blame::Upstream,
            reason: None,
            header: None,
            passed: None,
            upstream: None,
        }
    }

    /// No endpoint can take the request at the moment (RFC 9110 section 15.6.4).
    pub fn no_endpoint(retry_after_ms: u64) -> Self {
        Problem {
            status: 503,
            code: "no_endpoint",
            detail: "No upstream can take this request at the moment.".into(),
            blame: Blame::Upstream,
            reason: Some("every endpoint is ejected, down or drained, or none may be used".into()),
            header: None,
            passed: None,
            upstream: None,
        }
        .with_header("retry-after", retry_after_ms.div_ceil(1000).to_string())
    }

    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub fn with_passed(mut self, passed: Box<Passed>) -> Self {
        self.passed = Some(passed);
        self
    }

    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Says who was asked.
    pub fn at(mut self, server: &str, endpoint: &str) -> Self {
        self.upstream = Some(Box::new(Asked {
            server: server.to_owned(),
            endpoint: endpoint.to_owned(),
        }));
        self
    }

    /// Whether the operator can learn something from it.
    pub fn is_told(&self) -> bool {
        self.reason.is_some() || self.upstream.is_some()
    }

    /// The document. `error` and `message` are what clients of the predecessor read.
    pub fn body(&self, request_id: &str) -> String {
        let detail = json_string(&self.detail);
        format!(
            "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":{detail},\"code\":\"{}\",\
             \"error\":{detail},\"message\":{detail},\"request_id\":\"{request_id}\"}}",
            title(self.status),
            self.status,
            self.code,
        )
    }

    /// One line of JSON for the operator's log. `path` is the pattern of the path that was matched, or empty.
    pub fn log_line(&self, request_id: &str, path: &str) -> String {
        let (server, endpoint) = match &self.upstream {
            Some(asked) => (asked.server.as_str(), asked.endpoint.as_str()),
            None => ("", ""),
        };
        let members = [("path", path), ("server", server), ("endpoint", endpoint)];
        let members = members.iter().filter(|(_, value)| !value.is_empty());
        let members: String = members
            .map(|(name, value)| format!(",\"{name}\":{}", json_string(value)))
            .collect();
        format!(
            "{{\"level\":\"{}\",\"request_id\":\"{request_id}\",\"status\":{},\"code\":\"{}\",\"blame\":\"{}\",\"reason\":{}{members}}}",
            if self.status >= 500 { "error" } else { "info" },
            self.status,
            self.code,
            self.blame.as_str(),
            json_string(self.reason.as_deref().unwrap_or("")),
        )
    }
}

/// `text` as a JSON string (RFC 8259 section 7).
pub fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// With type `about:blank` the title is the status' phrase (RFC 9457 section 4.2.1).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_a_json_document_with_the_old_members() {
        let body = Problem::not_found().body("abc");
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["status"], 404);
        assert_eq!(value["title"], "Not Found");
        assert_eq!(value["message"], "No match found.");
        assert_eq!(value["request_id"], "abc");
    }

    #[test]
    fn the_log_names_path_server_and_endpoint() {
        let problem = Problem::timed_out().at("orders", "eu\"1");
        let line: serde_json::Value =
            serde_json::from_str(&problem.log_line("abc", "/a/{id}")).unwrap();
        for (name, value) in [
            ("path", "/a/{id}"),
            ("server", "orders"),
            ("endpoint", "eu\"1"),
            ("level", "error"),
        ] {
            assert_eq!(line[name], value);
        }
        assert!(problem.is_told() && !Problem::timed_out().is_told());
    }

    #[test]
    fn the_client_is_not_told_the_reason() {
        let problem = Problem::config("secret JWT_SECRET \"is\" unset");
        assert!(!problem.body("abc").contains("JWT_SECRET"));
        let line: serde_json::Value = serde_json::from_str(&problem.log_line("abc", "")).unwrap();
        assert_eq!(line["reason"], "secret JWT_SECRET \"is\" unset");
    }
}
