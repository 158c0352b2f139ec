//! Cookies that hold a credential: browsers send them whoever's page asks.

use super::Authorizers;
use crate::config::Context;
use crate::http::Method;
use crate::plan::{Authorizer, AuthorizerKind, PathEntry, Place, TokenSource};

impl Authorizers<'_> {
    /// Warns of each authorizer that finds callers by a cookie where they can change something: a browser sends cookies
    /// along with what other sites' pages ask for, so such requests are taken from the gateway's own pages alone.
    pub fn tell_of_cookies(
        &self,
        authorizers: &[Authorizer],
        paths: &[PathEntry],
        cx: &mut Context,
    ) {
        let mut places: Vec<_> = self.by_name.values().collect();
        places.sort_unstable();
        for (index, span) in places {
            let authorizer = authorizers.get(usize::from(*index));
            let Some(cookie) = authorizer.and_then(|it| cookie(&it.kind)) else {
                continue;
            };
            let changing = paths.iter().find(|path| {
                !matches!(path.method, Some(Method::Get | Method::Options))
                    && path.access.authorizers().contains(index)
            });
            if let Some(path) = changing {
                let message = format!(
                    "the cookie `{cookie}` is a credential on `{}`, where something can be changed",
                    path.pattern
                );
                cx.warning(*span, "credential_in_cookie", message).help(
                    "browsers send it along with what pages of other sites ask for: what is neither GET, HEAD nor OPTIONS needs `Sec-Fetch-Site: same-origin` or the gateway's own `Origin`, else it is 403 `cross_site_request`",
                );
            }
        }
    }
}

/// A cookie that an authorizer of bare credentials looks into. Sessions have one of their own, whose rules are known.
fn cookie(kind: &AuthorizerKind) -> Option<&str> {
    let sources = match kind {
        AuthorizerKind::Jwt(spec) => &spec.sources,
        AuthorizerKind::Introspection(spec) => &spec.sources,
        AuthorizerKind::Supabase(spec) => &spec.sources,
        AuthorizerKind::ApiKey(spec) => {
            return spec.places.iter().find_map(|place| match place {
                Place::Cookie(name) => Some(name.as_str()),
                _ => None,
            });
        }
        _ => return None,
    };
    sources.iter().find_map(|source| match source {
        TokenSource::Cookie(name) => Some(name.as_str()),
        _ => None,
    })
}
