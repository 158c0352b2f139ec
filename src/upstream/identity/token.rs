//! Token endpoints (RFC 6749 sections 3.2, 5.1 and 5.2): how they are asked, and what is read of their answers.
//!
//! Of a refusal the operator is told its status and the code that the endpoint gives for it, and its sentence where that
//! holds nothing of what was sent. Nothing of a good answer is told to anybody.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::lent::Loan;
use crate::auth::check_asked_url;
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};
use crate::plan::{Fault, Text};
use crate::secret::Secret;

/// How long an answer may take.
const TIMEOUT_MS: u32 = 5_000;
/// More than an answer and what else takes time, for a lease on `asks` of them.
pub const fn lease_ms(asks: u64) -> u64 {
    asks.saturating_mul(5_000).saturating_add(1_000)
}
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
    pub url: &'a str,
    pub authorization: Option<&'a str>,
    pub content_type: &'a str,
    pub body: &'a str,
    /// What must not be told of whatever comes back.
    pub secrets: &'a [&'a str],
}

pub const FORM: &str = "application/x-www-form-urlencoded";

impl Post<'_> {
    /// The body of a good answer.
    ///
    /// # Errors
    /// There is none; why, in words for the operator.
    pub async fn send<H: Host>(&self, host: &H) -> Result<String, String> {
        let mut fields = Edits::with_capacity(256);
        fields.set("accept", "application/json");
        fields.set("content-type", self.content_type);
        if let Some(value) = self.authorization {
            fields.set("authorization", value);
        }
        let ask = Ask {
            method: "POST",
            url: self.url,
            binding: None,
            fields: &fields,
            body: Some(self.body),
            timeout_ms: TIMEOUT_MS,
            max_bytes: MAX_BYTES,
        };
        match host.ask(&ask).await {
            Ok(told) if told.status == 200 => Ok(told.body),
            Ok(told) => Err(self.failed(&self.refusal(&told))),
            Err(SendError::TimedOut) => Err(self.failed("it did not answer in time")),
            Err(SendError::Unreachable(reason)) => {
                Err(self.failed(&format!("it did not answer: {reason}")))
            }
        }
    }

    /// What went wrong, and with whom.
    pub fn failed(&self, what: &str) -> String {
        let Post { who, url, .. } = self;
        let url = url.split('?').next().unwrap_or_default();
        format!("{who} ({url}): {what}")
    }

    fn refusal(&self, told: &Told) -> String {
        let mut text = format!("it refused with status {}", told.status);
        let Ok(answer) = serde_json::from_str::<Value>(&told.body) else {
            return text;
        };
        let error = answer.get("error");
        // RFC 6749 section 5.2; in an object of its own: Google's APIs.
        let words = [
            error.and_then(Value::as_str),
            error.and_then(|e| e.get("status")?.as_str()),
            answer.get("error_description").and_then(Value::as_str),
            error.and_then(|e| e.get("message")?.as_str()),
        ];
        for word in words.into_iter().flatten() {
            if let Some(word) = self.tellable(word) {
                text.push_str(", ");
                text.push_str(&word);
            }
        }
        text
    }

    /// Words of a refusal, unless they hold something of what was sent, or of any token.
    fn tellable(&self, words: &str) -> Option<String> {
        let holds = |secret: &&str| !secret.is_empty() && words.contains(*secret);
        if self.secrets.iter().any(holds) || words.contains("eyJ") {
            return None;
        }
        let words = words.chars().take(MOST_WORDS);
        let words = words.map(|c| if c.is_control() { ' ' } else { c });
        Some(words.collect())
    }
}

/// Which of an answer's tokens is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Access,
    Id,
}

/// Reads a good answer (RFC 6749 section 5.1, RFC 8693 section 2.2.1).
///
/// # Errors
/// What is wrong with it; nothing of it is in there.
pub fn read_answer(body: &str, wanted: Wanted, now_ms: u64) -> Result<Loan<Bearer>, &'static str> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: Option<String>,
        id_token: Option<String>,
        token_type: Option<String>,
        expires_in: Option<Value>,
    }
    let answer: Answer =
        serde_json::from_str(body).map_err(|_| "its answer is no sound JSON object")?;
    match wanted {
        Wanted::Access => {
            // Section 7.1: one of another type is not to be used.
            let kind = answer.token_type.as_deref();
            if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
                return Err("its token is of another type than Bearer");
            }
            let token = answer
                .access_token
                .ok_or("its answer has no access_token")?;
            let seconds = answer.expires_in.as_ref().and_then(seconds);
            Ok(Loan {
                value: bearer(&token)?,
                good_for_ms: seconds.map_or(USUAL_MS, |s| s.saturating_mul(1000)),
            })
        }
        Wanted::Id => id_token(
            &answer.id_token.ok_or("its answer has no id_token")?,
            now_ms,
        ),
    }
}

/// A JWT, which is good until its `exp`. It comes from whoever made it: nothing of it is checked.
///
/// # Errors
/// It is none.
pub fn id_token(token: &str, now_ms: u64) -> Result<Loan<Bearer>, &'static str> {
    #[derive(Deserialize)]
    struct Ends {
        exp: u64,
    }
    let ends = || {
        let (_, rest) = token.split_once('.')?;
        let (claims, _) = rest.split_once('.')?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let Ends { exp } = serde_json::from_slice(&claims).ok()?;
        exp.checked_mul(1000)
    };
    let ends_ms = ends().ok_or("its ID token has no end that can be read")?;
    Ok(Loan {
        value: bearer(token)?,
        good_for_ms: ends_ms.saturating_sub(now_ms),
    })
}

/// The value of `Authorization` (RFC 6750 section 2.1).
pub fn bearer(token: &str) -> Result<Bearer, &'static str> {
    let sound = !token.is_empty()
        && token.len() <= MAX_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        return Err("its token is not fit for a header field");
    }
    Ok(Rc::new(Secret::new(format!("Bearer {token}"))))
}

/// A number, or one in a string as some servers have it.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A URL that secrets may be sent to.
pub fn safe(url: Text) -> Result<String, Fault> {
    let url = url.literal()?;
    check_asked_url(&url).map_err(|flaw| Fault {
        code: flaw.code.into(),
        message: flaw.message.into(),
    })?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_rfc_6749_has_it() {
        let id = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"exp":1100}"#));
        let without_end = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"));
        let with_id = |token: &str| format!(r#"{{"id_token":"{token}"}}"#);
        use Wanted::{Access, Id};
        for (body, wanted, expected) in [
            (
                r#"{"access_token":"t","token_type":"bearer","expires_in":60}"#.to_owned(),
                Access,
                Ok(("Bearer t", 60_000)),
            ),
            (
                r#"{"access_token":"t","token_type":"Bearer","expires_in":"60"}"#.to_owned(),
                Access,
                Ok(("Bearer t", 60_000)),
            ),
            (
                r#"{"access_token":"t"}"#.to_owned(),
                Access,
                Ok(("Bearer t", USUAL_MS)),
            ),
            (
                r#"{"access_token":"t","expires_in":-1}"#.to_owned(),
                Access,
                Ok(("Bearer t", USUAL_MS)),
            ),
            (
                r#"{"access_token":"t","token_type":"mac"}"#.to_owned(),
                Access,
                Err("its token is of another type than Bearer"),
            ),
            (
                r#"{"access_token":"a b"}"#.to_owned(),
                Access,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"access_token":"a\nb"}"#.to_owned(),
                Access,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"access_token":""}"#.to_owned(),
                Access,
                Err("its token is not fit for a header field"),
            ),
            (
                r#"{"error":"x"}"#.to_owned(),
                Access,
                Err("its answer has no access_token"),
            ),
            (
                "<html>".to_owned(),
                Access,
                Err("its answer is no sound JSON object"),
            ),
            (with_id(&id), Id, Ok((&*format!("Bearer {id}"), 100_000))),
            (
                with_id(&without_end),
                Id,
                Err("its ID token has no end that can be read"),
            ),
            (
                with_id("t"),
                Id,
                Err("its ID token has no end that can be read"),
            ),
            (
                r#"{"access_token":"t"}"#.to_owned(),
                Id,
                Err("its answer has no id_token"),
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
            url: "https://login.test/token?key=k",
            authorization: None,
            content_type: FORM,
            body: "",
            secrets: &["hunter2"],
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
        assert_eq!(post.failed("x"), "the server (https://login.test/token): x");
    }
}
