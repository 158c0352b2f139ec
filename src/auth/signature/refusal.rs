//! What a caller is told whose signature does not hold.

use std::borrow::Cow;

use crate::auth::{Denied, Way};

/// One challenge for all: there is no scheme of RFC 9421 to name, and 401 must have one (RFC 9110 section 15.5.2).
const CHALLENGE: &str = r#"Signature realm="causeway""#;

const MISSING: Way = Way {
    status: 401,
    code: "signature_missing",
    text: "The request is not signed.",
    challenge: Some(CHALLENGE),
    absent: true,
};

const INVALID: Way = Way {
    status: 401,
    code: "signature_invalid",
    text: "The request's signature does not hold.",
    challenge: Some(CHALLENGE),
    absent: false,
};

const EXPIRED: Way = Way {
    status: 401,
    code: "signature_expired",
    text: "The request was signed too long ago, or for another time.",
    challenge: Some(CHALLENGE),
    absent: false,
};

const REPLAYED: Way = Way {
    status: 401,
    code: "signature_replayed",
    text: "This signed request has been sent before.",
    challenge: Some(CHALLENGE),
    absent: false,
};

const TOO_LARGE: Way = Way {
    status: 413,
    code: "body_too_large",
    text: "The body is too large to be checked.",
    challenge: None,
    absent: false,
};

const BROKEN: Way = Way {
    status: 400,
    code: "body_unreadable",
    text: "The body could not be read.",
    challenge: None,
    absent: false,
};

const LATE: Way = Way {
    status: 408,
    code: "body_timeout",
    text: "The body did not come in time.",
    challenge: None,
    absent: false,
};

const NO_ROOM: Way = Way {
    status: 503,
    code: "too_many_bodies",
    text: "The gateway is reading too many bodies at the moment.",
    challenge: None,
    absent: false,
};

type Reason = Cow<'static, str>;

pub fn missing(reason: impl Into<Reason>) -> Denied {
    Denied::of(&MISSING, reason)
}

pub fn invalid(reason: impl Into<Reason>) -> Denied {
    Denied::of(&INVALID, reason)
}

pub fn expired(reason: impl Into<Reason>) -> Denied {
    Denied::of(&EXPIRED, reason)
}

pub fn replayed() -> Denied {
    Denied::of(&REPLAYED, "the signature has been accepted before")
}

pub fn body(error: crate::host::BodyError) -> Denied {
    match error {
        crate::host::BodyError::TooLong => Denied::of(&TOO_LARGE, "the body is over max_body"),
        crate::host::BodyError::Broken(why) => Denied::of(&BROKEN, why),
        crate::host::BodyError::Late => Denied::of(&LATE, "the body did not come in time"),
        crate::host::BodyError::NoRoom => Denied::of(&NO_ROOM, "too many bodies are held at once"),
    }
}
