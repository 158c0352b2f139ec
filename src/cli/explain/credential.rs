//! API keys, user names and passwords: what would be asked of the request, and whether it has something in that place.

use std::borrow::Cow;

use causeway::auth::Withheld;
use causeway::plan::{ApiKeySpec, BasicSpec, OidcSpec, Place};

use super::{Asked, Page};
use crate::cli::show;

pub fn api_key(asked: &Asked<'_>, spec: &ApiKeySpec, query: Option<&str>, page: &mut Page) {
    let count = spec.keys.len();
    let mut known = vec![format!(
        "{count} in the config{}",
        if spec.pepper.is_some() {
            ", peppered"
        } else {
            ""
        }
    )];
    if let Some(kv) = &spec.kv {
        known.push(format!("KV {} under {}ID", kv.binding, kv.prefix));
    }
    page.line("", &format!("  keys: {}", known.join(", then ")));
    let places: Vec<String> = spec.places.iter().map(show::stored_place).collect();
    page.line("", &format!("  looked for in: {}", places.join(", then ")));
    page.line(
        "",
        match holds(asked, &spec.places, query) {
            true => "  the request has a key, which would be looked up: 401 if it is not accepted",
            false => "  the request has no key: 401 api_key_missing; with a good one:",
        },
    );
}

pub fn basic(asked: &Asked<'_>, spec: &BasicSpec, page: &mut Page) {
    page.line("", &format!("  users: {}", spec.users.len()));
    page.line(
        "",
        match holds(asked, &[Place::Scheme("basic".to_owned())], None) {
            true => "  the request has credentials, which would be checked: 401 if they are not accepted",
            false => "  the request has no credentials: 401 credentials_missing; with good ones:",
        },
    );
}

pub fn oidc(asked: &Asked<'_>, spec: &OidcSpec, page: &mut Page) {
    let issuer = asked.hidden.texts([&spec.issuer]);
    page.line("", &format!("  logs in at: {issuer}"));
    let session = [Place::Cookies(spec.cookie.clone())];
    page.line(
        "",
        match holds(asked, &session, None) {
            true => "  the request has a session, which would be opened",
            false => "  the request has no session: a browser is sent to log in, others get 401 session_missing; with a good one:",
        },
    );
}

/// What does not go on.
pub fn withheld(places: &[Place], page: &mut Page) {
    if !places.is_empty() {
        let places: Vec<String> = places.iter().map(show::stored_place).collect();
        page.line("", &format!("  not sent on: {}", places.join(", ")));
    }
}

/// Whether something would be found: what is withheld is what is there.
fn holds(asked: &Asked<'_>, places: &[Place], query: Option<&str>) -> bool {
    let withheld = Withheld::new(places.iter());
    let fields = asked.headers.iter().any(|(name, value)| {
        !value.is_empty() && withheld.field(name, value) != Some(Cow::Borrowed(value))
    });
    fields || query.is_some_and(|query| withheld.query(query) != Some(Cow::Borrowed(query)))
}
