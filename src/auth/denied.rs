//! Why a caller is refused, in the words for the client and in those for the operator.

use std::borrow::Cow;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub cause: Cause,
    /// For the operator's log. It names claims and rules, never a token, a secret or an expected value.
    pub reason: Cow<'static, str>,
    /// The answer of whoever refused, where the client gets some of it.
    pub passed: Option<Box<Passed>>,
}

/// What the client gets of another's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    pub status: u16,
    /// The value of `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// Other fields, by their lower-case names; one may stand several times.
    pub fields: Vec<(String, String)>,
    /// In place of the gateway's own, with its type.
    pub body: Option<(Option<String>, String)>,
}

/// What the client is told: of a token, or in the words of another way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no token, or something else stands in its place.
    NoToken,
    /// It is not a JSON Web Signature that this gateway would look at.
    NotJws,
    Signature,
    /// No key of the authorizer fits the token's `alg` and `kid`.
    NoMatchingKey,
    /// Past its `exp`, or older than the authorizer's `max_age`.
    Expired,
    Claims,
    /// Before its `nbf`.
    NotActive,
    /// What knows the callers does not answer.
    Unavailable,
    /// The refusal of a way in that has its own words.
    Way(&'static Way),
}

/// What the client is told by a way in that has its own words.
#[derive(Debug, PartialEq, Eq)]
pub struct Way {
    pub status: u16,
    /// Stable.
    pub code: &'static str,
    pub text: &'static str,
    /// The value of `WWW-Authenticate`, for status 401.
    pub challenge: Option<&'static str>,
    /// There was nothing to look at.
    pub absent: bool,
}

impl Denied {
    pub(crate) fn of(way: &'static Way, reason: impl Into<Cow<'static, str>>) -> Denied {
        Denied::new(Cause::Way(way), reason)
    }

    pub(crate) fn new(cause: Cause, reason: impl Into<Cow<'static, str>>) -> Denied {
        Denied {
            cause,
            reason: reason.into(),
            passed: None,
        }
    }

    /// 401 as a rule; 503 where it is not the caller's fault.
    pub fn status(&self) -> u16 {
        if let Some(passed) = &self.passed {
            return passed.status;
        }
        match self.cause {
            Cause::Unavailable => 503,
            Cause::Way(way) => way.status,
            _ => 401,
        }
    }

    /// There was nothing to look at.
    pub fn is_absence(&self) -> bool {
        match self.cause {
            Cause::NoToken => true,
            Cause::Way(way) => way.absent,
            _ => false,
        }
    }

    /// The stable code of the answer.
    pub fn code(&self) -> &'static str {
        match self.cause {
            Cause::NoToken => "AUTH_ERROR",
            Cause::NotJws => "ERR_JWS_INVALID",
            Cause::Signature => "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
            Cause::NoMatchingKey => "ERR_JWKS_NO_MATCHING_KEY",
            Cause::Expired => "ERR_JWT_EXPIRED",
            Cause::Claims | Cause::NotActive => "ERR_JWT_CLAIM_VALIDATION_FAILED",
            Cause::Way(way) => way.code,
            Cause::Unavailable => "authorizer_unavailable",
        }
    }

    /// The answer's text for the client.
    pub fn text(&self) -> &'static str {
        match self.cause {
            Cause::NoToken => "No token provided or token format is invalid.",
            Cause::NotJws => "Invalid JWS",
            Cause::Signature => "Signature verification failed",
            Cause::NoMatchingKey => "No matching key was found.",
            Cause::Expired => "Token has expired.",
            Cause::Claims | Cause::NotActive => "JWT claim validation failed",
            Cause::Unavailable => "The caller cannot be verified at the moment.",
            Cause::Way(way) => way.text,
        }
    }

    /// The value of `WWW-Authenticate`; none where a credential would change nothing. A request without a token gets no
    /// error code (RFC 6750 section 3.1); the realm is there because a challenge has at least one parameter (RFC 6750
    /// section 3).
    pub fn www_authenticate(&self) -> Option<&str> {
        if let Some(passed) = &self.passed {
            return passed.challenge.as_deref();
        }
        Some(match self.cause {
            Cause::Unavailable => return None,
            Cause::Way(way) => return way.challenge,
            Cause::NoToken => r#"Bearer realm="causeway""#,
            Cause::NotJws => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Invalid JWS""#
            }
            Cause::Signature => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Signature verification failed""#
            }
            Cause::NoMatchingKey => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="No matching key was found.""#
            }
            Cause::Expired => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Token has expired.""#
            }
            Cause::Claims | Cause::NotActive => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="JWT claim validation failed""#
            }
        })
    }
}
