//! What a caller is told whose API key does not let it in.

use crate::auth::Way;

const CHALLENGE: &str = r#"ApiKey realm="causeway""#;

pub const MISSING: Way = Way {
    status: 401,
    code: "api_key_missing",
    text: "No API key was sent.",
    challenge: Some(CHALLENGE),
    absent: true,
};

/// It is unknown, another, disabled or malformed: which one of these is nobody's business who does not hold it.
pub const INVALID: Way = Way {
    status: 401,
    code: "api_key_invalid",
    text: "The API key is not accepted.",
    challenge: Some(CHALLENGE),
    absent: false,
};

/// The key is one, and its time is over.
pub const EXPIRED: Way = Way {
    status: 401,
    code: "api_key_expired",
    text: "The API key has expired.",
    challenge: Some(CHALLENGE),
    absent: false,
};
