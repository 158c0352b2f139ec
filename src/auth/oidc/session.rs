//! What the gateway keeps in a browser: a session, and a login that has begun.

use serde::{Deserialize, Serialize};

use crate::auth::claims::Claims;
use crate::auth::token::Token;

/// Seconds that a login may take from the redirect to the provider to the answer.
pub const LOGIN_SECONDS: u64 = 600;

/// A known person's browser. Times are in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Random; the same for all of its renewals.
    pub id: [u8; 16],
    /// Verified when it came. It may have expired since: the session is what lives on.
    pub id_token: String,
    pub refresh_token: Option<String>,
    /// Where it goes on to whoever serves the requests.
    pub access_token: Option<String>,
    /// When the access token expires, as far as the provider said, and when to ask for another.
    pub expires: Option<Expiry>,
    pub begun: u64,
    /// When it was last written.
    pub seen: u64,
}

/// The end of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    pub renew_at: u64,
    pub at: u64,
}

/// A login between the redirect to the provider and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub state: String,
    pub nonce: String,
    /// PKCE (RFC 7636).
    pub verifier: String,
    /// A path of the gateway's own origin.
    pub return_to: String,
    pub begun: u64,
}

impl Expiry {
    /// A minute before the end there is time for a try or two; of a short life, the last quarter.
    pub fn new(at: u64, now: u64) -> Expiry {
        let life = at.saturating_sub(now);
        Expiry {
            renew_at: at.saturating_sub((life / 4).min(60)),
            at,
        }
    }
}

impl Session {
    pub fn read(bytes: &[u8]) -> Option<Session> {
        read(bytes)
    }

    pub fn write(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let tokens = self.refresh_token.iter().chain(&self.access_token);
        let tokens = tokens.map(String::len).sum::<usize>();
        tokens.saturating_add(self.id_token.len())
    }

    /// What its ID token says.
    pub fn claims(&self) -> Option<Claims> {
        Token::read(&self.id_token).ok()?.claims().ok()
    }

    /// Whether it lives at `now`: not older than `max_age` seconds, nor unused for `idle`.
    pub fn lives(&self, now: u64, max_age: u64, idle: Option<u64>) -> bool {
        now < self.begun.saturating_add(max_age)
            && idle.is_none_or(|idle| now < self.seen.saturating_add(idle))
    }
}

impl Login {
    pub fn read(bytes: &[u8]) -> Option<Login> {
        read(bytes)
    }

    pub fn write(&self) -> Option<Vec<u8>> {
        postcard::to_allocvec(self).ok()
    }

    pub fn lives(&self, now: u64) -> bool {
        now < self.begun.saturating_add(LOGIN_SECONDS)
    }
}

/// The whole of the bytes or nothing.
fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes).ok()? {
        (value, []) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session {
            id: [7; 16],
            id_token: "a.b.c".into(),
            refresh_token: Some("r".into()),
            access_token: None,
            expires: Some(Expiry::new(1_300, 1_000)),
            begun: 1_000,
            seen: 1_200,
        }
    }

    #[test]
    fn a_session_reads_back_whole_or_not_at_all() {
        let bytes = session().write().unwrap();
        assert_eq!(Session::read(&bytes), Some(session()));
        assert_eq!(Session::read(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Session::read(&[bytes, vec![0]].concat()), None);
        assert_eq!(Session::read(&[]), None);
    }

    #[test]
    fn a_session_ends_by_age_and_by_idleness() {
        for (now, max_age, idle, lives) in [
            (1_299, 300, None, true),
            (1_300, 300, None, false),
            (1_299, 300, Some(100), true),
            (1_299, 300, Some(99), false),
            (0, 300, Some(1), true),
        ] {
            assert_eq!(session().lives(now, max_age, idle), lives, "{now} {idle:?}");
        }
    }
}
