//! What a request tells of the browser that sent it, and where a browser may be sent.

use crate::auth::{Denied, Presented, Way};
use crate::host::Host;

/// Longer ones are not worth a cookie.
const MAX_RETURN_TO: usize = 1024;

/// Where to go after a login: a path of this origin with its query, and nothing that a browser would take for another
/// origin (`//host`, `/\host`, or either with a control character between, which browsers drop).
pub fn own_path(target: &str) -> Option<&str> {
    let mut bytes = target.bytes();
    let sound = bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && target.len() <= MAX_RETURN_TO
        && target.bytes().all(|byte| byte.is_ascii_graphic())
        && !target.split('?').next().unwrap_or_default().contains('\\')
        && !target.contains('#');
    sound.then_some(target)
}

/// Whether a person waits for a page that could be the provider's: the top level of a window goes somewhere (Fetch
/// Metadata). Old browsers do not tell so and are known by what they accept.
pub fn is_navigation<H: Host>(presented: &Presented<'_, H>) -> bool {
    if presented.request.method != "GET" || presented.header("upgrade").is_some() {
        return false;
    }
    match presented.header("sec-fetch-mode") {
        Some(mode) => {
            let destination = presented.header("sec-fetch-dest");
            mode == "navigate" && destination.is_none_or(|d| d == "document")
        }
        None => {
            let accept = presented.header("accept").unwrap_or_default();
            let script = presented.header("x-requested-with").is_some();
            !script && accepts_pages(&accept)
        }
    }
}

/// Whether nobody else's page made the browser send this. `Sec-Fetch-Site: none` is the person at the address bar.
/// A request that tells neither its site nor its origin is another's: every browser of these years tells one for what
/// is not a plain GET.
pub fn is_own<H: Host>(presented: &Presented<'_, H>) -> bool {
    let site = presented.header("sec-fetch-site");
    let origin = presented.header("origin");
    let own_site = site.as_deref().map(|s| matches!(s, "same-origin" | "none"));
    let own_origin = origin
        .as_deref()
        .map(|o| o.eq_ignore_ascii_case(&own_origin(presented)));
    match (own_site, own_origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

pub static CROSS_SITE: Way = Way {
    status: 403,
    code: "cross_site_request",
    text: "This request must come from a page of this site.",
    challenge: None,
    absent: false,
};

/// Refuses what another site's page may have made a browser send along with a cookie, if it can change something.
pub fn guard<H: Host>(
    presented: &Presented<'_, H>,
    by_cookie: impl FnOnce() -> bool,
) -> Result<(), Denied> {
    if is_safe(presented) || is_own(presented) || !by_cookie() {
        return Ok(());
    }
    let reason = "cross_site_request: neither Sec-Fetch-Site nor Origin says otherwise";
    Err(Denied::of(&CROSS_SITE, reason))
}

/// Whether a request can change nothing (RFC 9110 section 9.2.1). A WebSocket can, and other sites' pages can open one.
pub fn is_safe<H: Host>(presented: &Presented<'_, H>) -> bool {
    matches!(presented.request.method, "GET" | "HEAD" | "OPTIONS")
        && presented.header("upgrade").is_none()
}

/// `https://host` as the browser has it.
pub fn own_origin<H: Host>(presented: &Presented<'_, H>) -> String {
    let request = presented.request;
    [request.scheme, "://", request.authority].concat()
}

/// Whether a browser keeps `Secure` cookies of this request's origin: `https`, or the machine itself.
pub fn keeps_cookies<H: Host>(presented: &Presented<'_, H>) -> bool {
    let own = own_origin(presented);
    own.starts_with("https://") || crate::auth::keys::is_loopback(&own)
}

fn accepts_pages(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range.eq_ignore_ascii_case("text/html")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Effects;
    use crate::exchange::Request;
    use crate::host::memory::MemoryHost;

    fn asked<T>(
        method: &str,
        fields: &[(&str, &str)],
        ask: impl Fn(&Presented<'_, MemoryHost>) -> T,
    ) -> T {
        let host = MemoryHost::new(0, fields);
        ask(&Presented {
            host: &host,
            request: Request::new(method, "https://a.test/x").unwrap(),
            path: "/x",
            query: None,
            effects: &Effects::default(),
        })
    }

    #[test]
    fn nobody_is_sent_to_another_origin() {
        for (target, own) in [
            ("/", true),
            ("/a/b?c=/d&e=\\", true),
            ("/a//b", true),
            ("//evil.test", false),
            ("/\\evil.test", false),
            ("/a\\b", false),
            ("\\\\evil.test", false),
            ("/\t/evil.test", false),
            ("/\n/evil.test", false),
            ("https://evil.test", false),
            ("javascript:alert(1)", false),
            ("evil.test", false),
            (" /a", false),
            ("/a b", false),
            ("/a#b", false),
            ("/ä", false),
            ("", false),
        ] {
            assert_eq!(own_path(target), own.then_some(target), "{target:?}");
        }
        assert_eq!(own_path(&format!("/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn only_a_window_that_goes_somewhere_is_sent_to_the_provider() {
        let accept = ("accept", "text/html,application/xhtml+xml");
        for (method, fields, navigates) in [
            ("GET", &[accept][..], true),
            (
                "GET",
                &[("accept", "application/json, TEXT/HTML;q=0.1")],
                true,
            ),
            ("GET", &[("accept", "*/*")], false),
            ("GET", &[("accept", "text/html5")], false),
            ("GET", &[], false),
            ("POST", &[accept], false),
            ("HEAD", &[accept], false),
            (
                "GET",
                &[accept, ("x-requested-with", "XMLHttpRequest")],
                false,
            ),
            ("GET", &[accept, ("upgrade", "websocket")], false),
            ("GET", &[accept, ("sec-fetch-mode", "cors")], false),
            ("GET", &[("sec-fetch-mode", "navigate")], true),
            (
                "GET",
                &[
                    ("sec-fetch-mode", "navigate"),
                    ("sec-fetch-dest", "document"),
                ],
                true,
            ),
            (
                "GET",
                &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                false,
            ),
        ] {
            assert_eq!(
                asked(method, fields, is_navigation),
                navigates,
                "{method} {fields:?}"
            );
        }
    }

    #[test]
    fn what_another_site_sends_is_known() {
        for (fields, own) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://a.test")], true),
            (&[("origin", "https://A.test")], true),
            (&[("origin", "http://a.test")], false),
            (&[("origin", "https://b.a.test")], false),
            (&[("origin", "null")], false),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://b.test"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://a.test"),
                ],
                false,
            ),
        ] {
            assert_eq!(asked("POST", fields, is_own), own, "{fields:?}");
        }
    }
}
