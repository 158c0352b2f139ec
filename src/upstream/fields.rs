//! Which of the client's fields go on to an upstream.
//!
//! 1. A name is read as CGI and its kin read it (RFC 3875 section 4.1.18), and as the most generous of them do: whatever
//!    is neither a letter nor a digit counts as a hyphen, so that `X_User.Id` is `X-User-Id`.
//! 2. [`REMOVED`] never go on: what the client says there only a proxy could know, or it addresses something else than
//!    what was matched.
//! 3. Nor do other spellings of [`OF_THE_PLATFORM`].
//! 4. Nor do those that the gateway sets or removes for this request, in whatever spelling. Edits come after all this:
//!    what a config sets goes on whatever its name.
//! 5. Where the gateway shows in `Authorization` who it is, nor do [`ORDERS`]: they would be carried out in its name.
//!    [`HARMLESS`] are none.
//!
//! `fields.mjs` keeps the same rule on the platform, by the lists from here.

use std::borrow::Cow;

use crate::edits::{Edit, Edits};

/// Names, or the beginning of names before a `*`.
///
/// `Connection`, `Keep-Alive`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade`, `Host` and `Content-Length` are not
/// here: the platform never copies them.
pub const REMOVED: &[&str] = &[
    // Hop by hop (RFC 9110 sections 7.6.1 and 10.1.1, RFC 9113 section 3.1). `Proxy` alone is CVE-2016-5385.
    "expect",
    "http2-settings",
    "proxy",
    "proxy-*",
    // By which way the client came, as RFC 7239 and what was before it say.
    "client-ip",
    "cluster-client-ip",
    "forwarded",
    "forwarded-*",
    "front-end-https",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forward*",
    "x-host",
    "x-http-host-override",
    "x-originating-ip",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-real-proto",
    "x-scheme",
    "x-true-client-ip",
    "x-url-scheme",
    // What was asked for before a proxy changed it: IIS, nginx, Traefik, ingress-nginx, Envoy.
    "x-envoy-*",
    "x-original-*",
    "x-replaced-path",
    "x-rewrite-*",
    // Where an application is mounted: gunicorn and others take it from the proxy.
    "path-info",
    "script-name",
    "x-script-name",
    // Another method than the one that was matched.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // Clouds and delivery networks: Akamai, Fastly, Fly, DigitalOcean, Netlify, Vercel, CloudFront, ALB, App Engine, IAP,
    // App Service, Front Door, WebLogic, WebSphere (whose names begin with `$WS`).
    "-ws*",
    "cloudfront-*",
    "do-connecting-ip",
    "fastly-client*",
    "fastly-ff",
    "fastly-ssl",
    "fly-client-ip",
    "fly-forwarded-*",
    "ms-aspnetcore-*",
    "true-client-ip",
    "wl-proxy-*",
    "x-amzn-mtls-*",
    "x-amzn-oidc-*",
    "x-appengine-*",
    "x-appservice-*",
    "x-arr-*",
    "x-azure-*",
    "x-goog-authenticated-user-*",
    "x-goog-iap-*",
    "x-ms-client-principal*",
    "x-ms-token-*",
    "x-nf-client-connection-ip",
    "x-vercel-forwarded-for",
    "x-vercel-ip-*",
    "x-vercel-proxied-for",
    // Who the caller is, as proxies that authenticate say it: Kubernetes, Authelia, Grafana, oauth2-proxy, authentik,
    // Kong.
    "remote-*",
    "x-anonymous-consumer",
    "x-auth-request-*",
    "x-authenticated-*",
    "x-authentik-*",
    "x-consumer-*",
    "x-remote-*",
    "x-webauth-*",
    // The client's certificate, as proxies that end TLS say it.
    "client-cert",
    "client-cert-chain",
    "ssl-client-*",
    "x-client-cert*",
    "x-client-dn",
    "x-client-verify",
    "x-ssl-*",
    "x-tls-*",
];

/// What only the platform says, which goes on as it says it: the body's framing and type, and where the client is.
pub const OF_THE_PLATFORM: &[&str] = &["cf-*", "content-*", "transfer-encoding"];

/// What tells a server to do something else, or for somebody else, than the request's line says: clouds, Kubernetes,
/// Elasticsearch, OpenSearch, GitLab.
pub const ORDERS: &[&str] = &[
    "es-security-runas-user",
    "impersonate-*",
    "opendistro-security-impersonate-as",
    "sudo",
    "x-amz-*",
    "x-goog-*",
    "x-ms-*",
];

/// Of [`ORDERS`], those that no request to Azure Storage can do without, or that name a request.
pub const HARMLESS: &[&str] = &[
    "x-ms-blob-type",
    "x-ms-client-request-id",
    "x-ms-date",
    "x-ms-version",
];

/// Whether a field of the client's goes on, by its lower-case name. `edits` are those of the request; `as_gateway`: see
/// [`Forward`](crate::host::Forward::as_gateway).
pub fn goes_on(name: &str, edits: &Edits, as_gateway: bool) -> bool {
    let plain = plain(name);
    let refused = listed(REMOVED, &plain)
        || plain != name && listed(OF_THE_PLATFORM, &plain)
        || as_gateway && listed(ORDERS, &plain) && !listed(HARMLESS, &plain);
    !refused
        && !edits.iter().any(|edit| match edit {
            Edit::Set(edited, _) | Edit::Remove(edited) => self::plain(edited) == plain,
            Edit::Append(..) => false,
        })
}

fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|listed| match listed.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *listed == name,
    })
}

/// A lower-case name as rule 1 reads it.
fn plain(name: &str) -> Cow<'_, str> {
    let odd = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    if name.contains(odd) {
        Cow::Owned(name.replace(odd, "-"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_proxy_and_no_config_says_goes_on() {
        let mut edits = Edits::default();
        edits.remove("x-user-id");
        edits.set("x_tenant", "1");
        edits.append("via", "1.1 causeway");
        for (name, open, as_gateway) in [
            // Rule 1: names that equal nothing go on as they are.
            ("x_custom", true, true),
            ("x.custom", true, true),
            ("accept-language", true, true),
            // Rule 2.
            ("x-forwarded-uri", false, false),
            ("x_forwarded.uri", false, false),
            ("x-forward-for", false, false),
            ("proxy", false, false),
            ("$wsra", false, false),
            ("script_name", false, false),
            ("x-http-method-override", false, false),
            ("x-client-info", true, true),
            ("x-auth-token", true, true),
            ("forward", true, true),
            // Rule 3.
            ("cf-connecting-ip", true, true),
            ("cf_connecting_ip", false, false),
            ("content-type", true, true),
            ("content_type", false, false),
            // Rule 4.
            ("x-user-id", false, false),
            ("x_user-id", false, false),
            ("x-tenant", false, false),
            ("via", true, true),
            // Rule 5.
            ("x-amz-copy-source", true, false),
            ("x_goog_acl", true, false),
            ("x-ms-copy-source", true, false),
            ("x-ms-version", true, true),
            ("impersonate-user", true, false),
        ] {
            assert_eq!(goes_on(name, &edits, false), open, "{name}");
            assert_eq!(goes_on(name, &edits, true), as_gateway, "{name}");
        }
    }

    #[test]
    fn the_lists_are_of_names_in_their_plain_spelling() {
        for name in [REMOVED, OF_THE_PLATFORM, ORDERS, HARMLESS].concat() {
            let start = name.strip_suffix('*').unwrap_or(name);
            assert_eq!(plain(start), start, "{name}");
            assert_eq!(start, start.to_ascii_lowercase(), "{name}");
        }
    }
}
