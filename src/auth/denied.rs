//! Why a caller is refused, in the words for the client and in those for the operator.

use std::borrow::Cow;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub cause: Cause,
    /// For the operator's log. It names claims and rules, never a token, a secret or an expected value.
    pub reason: Cow<'static, str>,
}

/// What the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no token, or something else stands in its place.
    NoToken,
    /// It is not a JSON Web Signature that this gateway would look at.
    NotJws,
    Signature,
    /// No key of the authorizer fits the token's `alg` and `kid`.
    NoKey,
    /// Past its `exp`, or older than the authorizer's `max_age`.
    Expired,
    Claims,
    /// Whoever knows is out of reach: nothing can be said of the caller.
    Unavailable,
}

impl Denied {
    pub(crate) fn new(cause: Cause, reason: impl Into<Cow<'static, str>>) -> Denied {
        Denied {
            cause,
            reason: reason.into(),
        }
    }

    /// The answer's status: 401, or 503 where the caller could not help it.
    pub fn status(&self) -> u16 {
        match self.cause {
            Cause::Unavailable => 503,
            _ => 401,
        }
    }

    /// There was nothing to look at.
    pub fn is_absence(&self) -> bool {
        self.cause == Cause::NoToken
    }

    /// The stable code of the answer.
    pub fn code(&self) -> &'static str {
        match self.cause {
            Cause::NoToken => "AUTH_ERROR",
            Cause::NotJws => "ERR_JWS_INVALID",
            Cause::Signature => "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
            Cause::NoKey => "ERR_JWKS_NO_MATCHING_KEY",
            Cause::Expired => "ERR_JWT_EXPIRED",
            Cause::Claims => "ERR_JWT_CLAIM_VALIDATION_FAILED",
            Cause::Unavailable => "authorizer_unavailable",
        }
    }

    /// The answer's text for the client.
    pub fn text(&self) -> &'static str {
        match self.cause {
            Cause::NoToken => "No token provided or token format is invalid.",
            Cause::NotJws => "Invalid JWS",
            Cause::Signature => "Signature verification failed",
            Cause::NoKey => "No matching key was found.",
            Cause::Expired => "Token has expired.",
            Cause::Claims => "JWT claim validation failed",
            Cause::Unavailable => "Who is calling cannot be checked at the moment.",
        }
    }

    /// The value of `WWW-Authenticate`. A request without a token gets no error code (RFC 6750 section 3.1);
    /// the realm is there because a challenge has at least one parameter (RFC 6750 section 3).
    pub fn www_authenticate(&self) -> &'static str {
        match self.cause {
            Cause::NoToken | Cause::Unavailable => r#"Bearer realm="causeway""#,
            Cause::NotJws => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Invalid JWS""#
            }
            Cause::Signature => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Signature verification failed""#
            }
            Cause::NoKey => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="No matching key was found.""#
            }
            Cause::Expired => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="Token has expired.""#
            }
            Cause::Claims => {
                r#"Bearer realm="causeway", error="invalid_token", error_description="JWT claim validation failed""#
            }
        }
    }
}
