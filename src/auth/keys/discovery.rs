//! What an issuer's document says (OpenID Connect Discovery 1.0 sections 4 and 7.2, RFC 8414).

use super::freshness::fresh_ms;
use super::origin::{check_key_url, is_loopback};
use crate::auth::Claims;
use crate::edits::Edits;
use crate::host::{Ask, Host, SendError, Told};

/// How long an answer may take.
const TIMEOUT_MS: u32 = 5_000;
/// A longer answer is none: a hundred keys of RSA with certificates fit.
const MAX_BYTES: usize = 256 * 1024;

/// Why a document does not tell; in words for the operator.
pub(in crate::auth) enum NotDiscovered {
    /// It did not come.
    Silent(String),
    /// It came, and is not to be trusted.
    Wrong(String),
}

/// The URL that an issuer's document has under a name, and for how many milliseconds that counts.
pub(in crate::auth) async fn discover<H: Host>(
    host: &H,
    issuer: &str,
    name: &'static str,
) -> Result<(String, u64), NotDiscovered> {
    let wrong = |reason: &str| NotDiscovered::Wrong(reason.to_owned());
    let told = ask_issuer(host, issuer).await;
    let told = told.map_err(NotDiscovered::Silent)?;
    // Read as strictly: no name twice.
    let document: Claims = serde_json::from_str(&told.body)
        .map_err(|_| wrong("the discovery document is no sound JSON object"))?;
    if document.string("issuer").as_deref() != Some(issuer) {
        return Err(wrong("the discovery document is of another issuer"));
    }
    let Some(found) = document.string(name) else {
        let reason = format!("the discovery document has no sound {name}");
        return Err(NotDiscovered::Wrong(reason));
    };
    if !is_safe_of(issuer, &found) {
        let reason = format!("the discovery document's {name} is not safe to ask");
        return Err(NotDiscovered::Wrong(reason));
    }
    Ok((found.into_owned(), fresh_ms(&told)))
}

/// An issuer's document, as it comes.
pub(in crate::auth) async fn ask_issuer<H: Host>(host: &H, issuer: &str) -> Result<Told, String> {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    let url = format!("{base}/.well-known/openid-configuration");
    ask_json(host, &url, "the discovery document").await
}

/// Whether a URL that an issuer's document names may be asked: no other machine sends the gateway to its own.
pub(in crate::auth) fn is_safe_of(issuer: &str, url: &str) -> bool {
    check_key_url(url).is_ok() && (!is_loopback(url) || is_loopback(issuer))
}

/// What stands at a URL; `what` is its name for the operator.
pub(in crate::auth) async fn ask_json<H: Host>(
    host: &H,
    url: &str,
    what: &str,
) -> Result<Told, String> {
    let mut fields = Edits::with_capacity(32);
    fields.set("accept", "application/json");
    let ask = Ask {
        method: "GET",
        url,
        binding: None,
        fields: &fields,
        body: None,
        timeout_ms: TIMEOUT_MS,
        max_bytes: MAX_BYTES,
    };
    match host.ask(&ask).await {
        Ok(told) if told.status == 200 => Ok(told),
        Ok(told) => Err(format!("{what} came with status {}", told.status)),
        Err(SendError::TimedOut) => Err(format!("{what} did not come in time")),
        Err(SendError::Unreachable(reason) | SendError::ClientBody { reason, .. }) => {
            Err(format!("{what} did not come: {reason}"))
        }
    }
}
