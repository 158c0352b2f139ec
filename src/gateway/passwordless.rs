//! Logins without a password: one-time codes by e-mail or phone, through Supabase's auth API.
//!
//! Of what the client sends only the named members go on, and of what Supabase answers only the session. What Supabase
//! says of a refusal stays here: its code goes to the log.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::auth::AUTH_PATH;
use crate::edits::Edits;
use crate::exchange::Kind;
use crate::host::{Ask, BodyError, Host, SendError, Told};
use crate::plan::{SupabaseCall, SupabaseStep, Text};
use crate::problem::{Blame, Problem};

/// Bytes of a client's body: an address, a code, and what a captcha gives.
const MAX_BODY: usize = 8 * 1024;

/// Bytes of Supabase's answer: a session with all that is known of its user.
const MAX_ANSWER: usize = 256 * 1024;

/// Characters of an address (RFC 5321 section 4.5.3.1.3), which no phone and no code exceed.
const MAX_MEMBER: usize = 254;

/// What a client may send; anything else is passed over.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
    #[serde(borrow)]
    phone: Option<Cow<'a, str>>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow)]
    captcha_token: Option<Cow<'a, str>>,
}

/// What Supabase is sent.
#[derive(Default, Serialize)]
struct Wanted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_user: Option<bool>,
    #[serde(
        rename = "gotrue_meta_security",
        skip_serializing_if = "Option::is_none"
    )]
    security: Option<Security<'a>>,
}

#[derive(Serialize)]
struct Security<'a> {
    captcha_token: &'a str,
}

/// A session (RFC 6749 section 5.1) and its user, as Supabase writes them.
#[derive(Deserialize, Serialize)]
struct Session<'a> {
    access_token: &'a RawValue,
    token_type: &'a RawValue,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    expires_in: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    expires_at: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    user: Option<&'a RawValue>,
}

/// Takes the client's step with Supabase.
pub async fn serve<H: Host>(
    call: &SupabaseCall,
    host: &H,
    timeout_ms: u32,
    edits: &mut Edits,
) -> Result<Kind<H::Reply>, Problem> {
    let (Text::Literal(url), Text::Literal(key)) = (&call.url, &call.key) else {
        return Err(Problem::config("the project of Supabase is not looked up"));
    };
    let bytes = host.body(MAX_BODY).await.map_err(unread)?;
    let sent: Sent<'_> = serde_json::from_slice(&bytes).map_err(|_| malformed())?;
    let wanted = wanted(call, &sent)?;
    let body = serde_json::to_string(&wanted).map_err(|_| malformed())?;
    let path = match call.step {
        SupabaseStep::Send | SupabaseStep::SendEmail => "/otp",
        SupabaseStep::Verify => "/verify",
    };
    let mut fields = Edits::with_capacity(512);
    fields.set("accept", "application/json");
    fields.set("apikey", key);
    fields.set("content-type", "application/json");
    let ask = Ask {
        method: "POST",
        url: &[url, AUTH_PATH, path].concat(),
        binding: None,
        fields: &fields,
        body: Some(&body),
        timeout_ms,
        max_bytes: MAX_ANSWER,
    };
    let told = host.ask(&ask).await.map_err(unanswered)?;
    let body = if (200..300).contains(&told.status) {
        match call.step {
            SupabaseStep::Verify => session(&told)?,
            _ => under_way(call),
        }
    } else {
        let refusal = Refusal::of(&told);
        if is_unknown_address(call, &refusal) {
            under_way(call)
        } else {
            return Err(refusal.problem(call.step, &told));
        }
    };
    edits.set("content-type", "application/json");
    edits.set("cache-control", "no-store");
    Ok(Kind::Own { status: 200, body })
}

fn wanted<'a>(call: &SupabaseCall, sent: &'a Sent<'_>) -> Result<Wanted<'a>, Problem> {
    fn member<'a>(value: &'a Option<Cow<'_, str>>) -> Option<&'a str> {
        value.as_deref().map(str::trim).filter(|v| !v.is_empty())
    }
    let (email, phone, token) = (
        member(&sent.email),
        member(&sent.phone),
        member(&sent.token),
    );
    let too_long = |value: &Option<&str>| value.is_some_and(|v| v.len() > MAX_MEMBER);
    if [email, phone, token].iter().any(too_long) {
        return Err(malformed());
    }
    let security = member(&sent.captcha_token).map(|captcha_token| Security { captcha_token });
    // One address: where both are sent, the e-mail's.
    let address = match (email, phone) {
        (None, None) => None,
        (Some(email), _) => Some(Wanted {
            email: Some(email),
            ..Wanted::default()
        }),
        (None, phone) => Some(Wanted {
            phone,
            ..Wanted::default()
        }),
    };
    match (call.step, address, token) {
        (SupabaseStep::Send, Some(address), _) => Ok(Wanted {
            create_user: Some(call.create_user),
            security,
            ..address
        }),
        (SupabaseStep::SendEmail, Some(address), _) if address.email.is_some() => Ok(Wanted {
            create_user: Some(call.create_user),
            security,
            ..address
        }),
        (SupabaseStep::Verify, Some(address), Some(token)) => Ok(Wanted {
            token: Some(token),
            kind: Some(if address.email.is_some() {
                "email"
            } else {
                "sms"
            }),
            security,
            ..address
        }),
        (SupabaseStep::Send, ..) => Err(Problem::client(
            400,
            "missing_email_or_phone",
            "The body has neither email nor phone.",
        )),
        (SupabaseStep::SendEmail, ..) => Err(Problem::client(
            400,
            "missing_email",
            "The body has no email.",
        )),
        (SupabaseStep::Verify, ..) => Err(Problem::client(
            400,
            "missing_token_or_contact",
            "The body has no token, or neither email nor phone.",
        )),
    }
}

/// The answer once a code is on its way, or would be.
fn under_way(call: &SupabaseCall) -> String {
    let message = match call.create_user {
        true => "A one-time code has been sent.",
        false => "If the address is known, a one-time code has been sent to it.",
    };
    format!(r#"{{"success":true,"message":"{message}"}}"#)
}

fn session(told: &Told) -> Result<String, Problem> {
    let none = |_| {
        upstream(
            502,
            "SUPABASE_ERROR",
            UNUSABLE,
            "Supabase answered no session",
        )
    };
    let session: Session<'_> = serde_json::from_str(&told.body).map_err(none)?;
    serde_json::to_string(&session).map_err(none)
}

/// Where no users are made, Supabase tells a known address from an unknown one; the gateway does not.
fn is_unknown_address(call: &SupabaseCall, refusal: &Refusal) -> bool {
    let sending = call.step != SupabaseStep::Verify;
    sending && !call.create_user && refusal.code.as_deref() == Some("otp_disabled")
}

/// What Supabase says of its refusal.
struct Refusal {
    /// Its stable code, in letters, digits and underscores.
    code: Option<String>,
    /// It is the auth API that refuses, and not what stands in front of it.
    by_auth: bool,
}

impl Refusal {
    fn of(told: &Told) -> Refusal {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&told.body).unwrap_or_default();
        // `code` is the status in older versions of the API, the code in newer ones.
        let code = ["error_code", "code"]
            .iter()
            .find_map(|name| members.get(*name)?.as_str())
            .filter(|code| code.len() <= 64)
            .filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
            .map(str::to_owned);
        let by_auth = code.is_some() || members.contains_key("msg");
        Refusal { code, by_auth }
    }

    fn problem(&self, step: SupabaseStep, told: &Told) -> Problem {
        let status = told.status;
        let code = self.code.as_deref().unwrap_or("no code");
        let reason = format!("Supabase answered {status}, {code}");
        match (status, step) {
            (429, _) => {
                let problem = Problem::client(
                    429,
                    "SUPABASE_RATE_LIMITED",
                    "Too many codes or attempts. Try again later.",
                );
                let after = told.field("retry-after");
                let after =
                    after.filter(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()));
                match after {
                    Some(seconds) => problem.with_header("retry-after", seconds.to_owned()),
                    None => problem,
                }
            }
            (401 | 403, _) if !self.by_auth => {
                return Problem::config(format!("{reason}: it does not take the anon_key"));
            }
            (401 | 403 | 404, SupabaseStep::Verify) => Problem::client(
                403,
                "SUPABASE_OTP_INVALID",
                "The code is not the one that was sent, or has expired.",
            ),
            (400..500, _) if code == "captcha_failed" => Problem::client(
                400,
                "SUPABASE_CAPTCHA_FAILED",
                "The captcha has not been solved.",
            ),
            (400..500, _) => Problem::client(
                400,
                "SUPABASE_REJECTED",
                "The address or the code is not accepted.",
            ),
            _ => return upstream(502, "SUPABASE_ERROR", UNUSABLE, &reason),
        }
        .with_reason(reason)
    }
}

const UNUSABLE: &str = "The login service failed.";

fn unanswered(error: SendError) -> Problem {
    match error {
        SendError::TimedOut => upstream(
            504,
            "SUPABASE_TIMEOUT",
            "The login service did not answer in time.",
            "Supabase did not answer in time",
        ),
        SendError::Unreachable(why) | SendError::ClientBody { reason: why, .. } => upstream(
            502,
            "SUPABASE_NETWORK_ERROR",
            "The login service could not be reached.",
            &why,
        ),
    }
}

fn upstream(status: u16, code: &'static str, detail: &'static str, reason: &str) -> Problem {
    Problem {
        blame: Blame::Upstream,
        ..Problem::client(status, code, detail).with_reason(reason)
    }
}

fn unread(error: BodyError) -> Problem {
    Problem::unread(error, "The body is too large for a login.")
}

fn malformed() -> Problem {
    Problem::client(
        400,
        "body_invalid",
        "The body is no JSON object of short texts.",
    )
}
