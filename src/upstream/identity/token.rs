//! Token endpoints (RFC 6749 sections 3.2, 5.1 and 5.2): how they are asked, and what is read of their answers.
//!
//! Of a refusal the operator is told its status and the code that the endpoint gives for it, and its sentence where that
//! holds nothing of what was sent. Nothing of a good answer is told to anybody.

use std::borrow::Cow;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::lent::Loan;
use crate::auth::{check_asked_url, unix_seconds};
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};
use crate::plan::{Fault, Text};
use crate::secret::Secret;

/// How long an answer may take.
const TIMEOUT_MS: u32 = 5_000;
/// A longer answer is none.
const MAX_BYTES: usize = 64 * 1024;
/// What holds where an answer does not say how long its token is good.
const USUAL_MS: u64 = 5 * 60 * 1000;
/// A longer token would fit into no header.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// How much of a refusal's sentence is told.
const MOST_WORDS: usize = 300;

/// The value of `Authorization`.
pub type Bearer = Rc<Secret>;

/// What is posted to an endpoint.
pub struct Post<'a> {
    /// Whose endpoint it is, for the operator.
    pub who: &'static str,
    pub url: Cow<'a, str>,
    pub authorization: Option<&'a str>,
    pub content_type: &'static str,
    pub body: Cow<'a, str>,
    /// What must not be told of whatever comes back.
    pub secret: &'a str,
}

pub const FORM: &str = "application/x-www-form-urlencoded";

impl Post<'_> {
    /// What a good answer lends.
    ///
    /// # Errors
    /// There is none; why, in words for the operator.
    pub async fn send<H: Host>(&self, host: &H, wanted: Wanted) -> Result<Loan<Bearer>, String> {
        let mut fields = Edits::with_capacity(256);
        fields.set("accept", "application/json");
        fields.set("content-type", self.content_type);
        if let Some(value) = self.authorization {
            fields.set("authorization", value);
        }
        let ask = Ask {
            method: "POST",
            url: &self.url,
            binding: None,
            fields: &fields,
            body: Some(&self.body),
            timeout_ms: TIMEOUT_MS,
            max_bytes: MAX_BYTES,
        };
        let answer = host.ask(&ask).await;
        self.read(answer, wanted, host.now_ms())
    }

    fn read(
        &self,
        answer: Result<Told, SendError>,
        wanted: Wanted,
        now_ms: u64,
    ) -> Result<Loan<Bearer>, String> {
        let what = match answer {
            Ok(told) if told.status == 200 => match read_answer(&told.body, wanted, now_ms) {
                Ok(loan) => return Ok(loan),
                Err(flaw) => flaw.to_owned(),
            },
            Ok(told) => self.refusal(&told),
            Err(SendError::TimedOut) => "it did not answer in time".to_owned(),
            Err(SendError::Unreachable(reason) | SendError::ClientBody { reason, .. }) => {
                ["it did not answer: ", &reason].concat()
            }
        };
        let url = self.url.split('?').next().unwrap_or_default();
        Err([self.who, " (", url, "): ", &what].concat())
    }

    fn refusal(&self, told: &Told) -> String {
        let mut text = format!("it refused with status {}", told.status);
        let Ok(answer) = serde_json::from_str::<Value>(&told.body) else {
            return text;
        };
        // RFC 6749 section 5.2; in an object of its own: Google's APIs.
        for place in [
            "/error",
            "/error/status",
            "/error_description",
            "/error/message",
        ] {
            let word = answer.pointer(place).and_then(Value::as_str);
            if let Some(word) = word.and_then(|word| self.tellable(word)) {
                text.push_str(", ");
                text.push_str(&word);
            }
        }
        text
    }

    /// Words of a refusal, unless they hold something of what was sent, or of any token.
    fn tellable(&self, words: &str) -> Option<String> {
        // As it would be told: a character that is replaced may complete what must not be.
        let words = printable(words);
        if (!self.secret.is_empty() && words.contains(&printable(self.secret)))
            || words.contains("eyJ")
        {
            return None;
        }
        Some(words.chars().take(MOST_WORDS).collect())
    }
}

fn printable(text: &str) -> String {
    let chars = text.chars();
    chars
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Where an answer has its token, and where its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub token: &'static str,
    pub ends: Ends,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// In so many seconds: `expires_in`.
    In,
    /// At this time: `expireTime`.
    At,
    /// The token is a JWT with an `exp`. It comes from whoever made it: nothing else of it is looked at.
    Inside,
}

/// RFC 6749 section 5.1, RFC 8693 section 2.2.1.
pub const ACCESS_TOKEN: Wanted = Wanted {
    token: "access_token",
    ends: Ends::In,
};

/// Reads a good answer.
///
/// # Errors
/// What is wrong with it; nothing of it is in there.
fn read_answer(body: &str, wanted: Wanted, now_ms: u64) -> Result<Loan<Bearer>, &'static str> {
    let answer: Value =
        serde_json::from_str(body).map_err(|_| "its answer is no sound JSON object")?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    // RFC 6749 section 7.1: a token of another type is not to be used.
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err("its token is of another type than Bearer");
    }
    let token = text(wanted.token).ok_or("its answer has no token")?;
    let sound = !token.is_empty()
        && token.len() <= MAX_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        return Err("its token is not fit for a header field");
    }
    let until = |ends: Option<u64>| {
        let ends = ends.ok_or("its token has no end that can be read")?;
        Ok::<u64, &str>(ends.saturating_mul(1000).saturating_sub(now_ms))
    };
    let good_for_ms = match wanted.ends {
        Ends::In => {
            let seconds = answer.get("expires_in").and_then(seconds);
            seconds.map_or(USUAL_MS, |s| s.saturating_mul(1000))
        }
        Ends::At => until(text("expireTime").and_then(unix_seconds))?,
        Ends::Inside => until(exp(token))?,
    };
    // RFC 6750 section 2.1.
    let value = Rc::new(Secret::new(["Bearer ", token].concat()));
    Ok(Loan { value, good_for_ms })
}

fn exp(token: &str) -> Option<u64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_str(str::from_utf8(&claims).ok()?).ok()?;
    claims.get("exp")?.as_u64()
}

/// A number, or one in a string as some servers have it.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A URL that secrets may be sent to.
pub fn safe(url: &str) -> Result<String, Fault> {
    check_asked_url(url).map_err(|flaw| fault(flaw.code, flaw.message))?;
    Ok(url.to_owned())
}

/// The value of a text whose reference has been looked up.
pub fn literal(text: &Text) -> Result<String, Fault> {
    text.clone().literal()
}

pub fn fault(code: &str, message: &str) -> Fault {
    Fault {
        code: code.into(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_rfc_6749_has_it() {
        let id = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"exp":1100}"#));
        let without_end = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"));
        let with_id = |token: &str| format!(r#"{{"id_token":"{token}"}}"#);
        const ID: Wanted = Wanted {
            token: "id_token",
            ends: Ends::Inside,
        };
        const AT: Wanted = Wanted {
            token: "accessToken",
            ends: Ends::At,
        };
        for (body, wanted, expected) in [
            (
                r#"{"access_token":"t","token_type":"bearer","expires_in":60}"#.to_owned(),
                ACCESS_TOKEN,
                Ok(("Bearer t", 60_000)),
            ),
            (
                r#"{"access_token":"t","token_type":"Bearer","expires_in":"60"}"#.to_owned(),
                ACCESS_TOKEN,
                Ok(("Bearer t", 60_000)),
            ),
            (
                r#"{"access_token":"t"}"#.to_owned(),
                ACCESS_TOKEN,
                Ok(("Bearer t", USUAL_MS)),
            ),
            (
                r#"{"access_token":"t","expires_in":-1}"#.to_owned(),
                ACCESS_TOKEN,
                Ok(("Bearer t", USUAL_MS)),
            ),
            (
                r#"{"access_token":"t","token_type":"mac"}"#.to_owned(),
                ACCESS_TOKEN,
                Err("its token is of another type than Bearer"),
            ),
            (
                r#"{"access_token":"a b"}"#.to_owned(),
                ACCESS_TOKEN,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"access_token":"a\nb"}"#.to_owned(),
                ACCESS_TOKEN,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"access_token":""}"#.to_owned(),
                ACCESS_TOKEN,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"error":"x"}"#.to_owned(),
                ACCESS_TOKEN,
                Err("its answer has no token"),
            ),
            (
                r#"{"accessToken":"t","expireTime":"1970-01-01T00:18:20Z"}"#.to_owned(),
                AT,
                Ok(("Bearer t", 100_000)),
            ),
            (
                r#"{"accessToken":"t","expireTime":"soon"}"#.to_owned(),
                AT,
                Err("its token has no end that can be read"),
            ),
            (
                "<html>".to_owned(),
                ACCESS_TOKEN,
                Err("its answer is no sound JSON object"),
            ),
            (with_id(&id), ID, Ok((&*format!("Bearer {id}"), 100_000))),
            (
                with_id(&without_end),
                ID,
                Err("its token has no end that can be read"),
            ),
            (
                with_id("t"),
                ID,
                Err("its token has no end that can be read"),
            ),
            (
                r#"{"access_token":"t"}"#.to_owned(),
                ID,
                Err("its answer has no token"),
            ),
        ] {
            let read = read_answer(&body, wanted, 1_000_000);
            let read = read.map(|loan| (loan.value.expose().to_owned(), loan.good_for_ms));
            let expected = expected.map(|(value, ms)| (value.to_owned(), ms));
            assert_eq!(read, expected, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_told_without_what_was_sent() {
        let post = Post {
            who: "the server",
            url: "https://login.test/token?key=k".into(),
            authorization: None,
            content_type: FORM,
            body: "".into(),
            secret: "hunter2",
        };
        for (body, told) in [
            ("", "it refused with status 401"),
            ("[]", "it refused with status 401"),
            (
                r#"{"error":"invalid_client"}"#,
                "it refused with status 401, invalid_client",
            ),
            (
                r#"{"error":"invalid_client","error_description":"no\nsuch client"}"#,
                "it refused with status 401, invalid_client, no such client",
            ),
            (
                r#"{"error":"invalid_client","error_description":"hunter2 is wrong"}"#,
                "it refused with status 401, invalid_client",
            ),
            (r#"{"error":"hunter2"}"#, "it refused with status 401"),
            (
                r#"{"error":"x","error_description":"it was hunter\u007f2"}"#,
                "it refused with status 401, x, it was hunter 2",
            ),
            (
                r#"{"error":"x","error_description":"of eyJhbGciOi"}"#,
                "it refused with status 401, x",
            ),
            (
                r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"not you"}}"#,
                "it refused with status 401, PERMISSION_DENIED, not you",
            ),
        ] {
            let answer = Told {
                status: 401,
                body: body.to_owned(),
                ..Told::default()
            };
            assert_eq!(post.refusal(&answer), told);
        }
        let long = post.tellable(&"x".repeat(1000)).unwrap();
        assert_eq!(long.len(), MOST_WORDS);
        let failed = post.read(Err(SendError::TimedOut), ACCESS_TOKEN, 0).err();
        let expected = "the server (https://login.test/token): it did not answer in time";
        assert_eq!(failed.as_deref(), Some(expected));
    }
}
