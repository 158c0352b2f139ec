//! The gateway as an issuer of its own, and the two paths that it has for that.

use super::identity_token::check_private_key;
use super::path::CompiledPath;
use super::pattern;
use super::url::server_url;
use crate::auth::check_key_url;
use crate::config::{Context, FederationObject, Name};
use crate::http::Method;
use crate::plan::{Access, Action, FederationDocument, FederationSpec, PathEntry, Tolerance};

const SUBJECT: &str = "causeway";
const LIFETIME_SECONDS: u32 = 300;

/// `None` where it is not understood: nothing is served of it then.
pub(super) fn compile(
    object: &FederationObject<'_>,
    cx: &mut Context,
) -> Option<(FederationSpec, Vec<CompiledPath>)> {
    let keys = object.keys.value();
    if let Some(keys) = keys.filter(|keys| keys.values.is_empty()) {
        cx.error(keys.span, "empty_value", "`keys` names no key")
            .help("make one by `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`, store it by `npx wrangler secret put NAME`, and write `$secret.NAME`");
    }
    for key in keys.into_iter().flat_map(|keys| &keys.values) {
        check_private_key(key, cx);
    }
    let issuer = object.issuer.value()?;
    let (host, prefix) = place(issuer, cx)?;
    let entry = |document: FederationDocument| PathEntry {
        method: Some(Method::Get),
        host: Some(host.clone()),
        pattern: format!("{prefix}{}", document.path()),
        when: None,
        action: Action::Federation(document),
        access: Access::Public,
        require: None,
        pre_process: None,
        timeout_ms: 0,
        body_timeout_ms: crate::plan::compile::path::DEFAULT_BODY_TIMEOUT_MS,
        tolerate: Tolerance::default(),
    };
    let paths = FederationDocument::ALL.map(|document| CompiledPath {
        entry: entry(document),
        written: object.span.first(),
        residency: None,
        silent: false,
    });
    let subject = object.subject.value().map_or(SUBJECT, |name| name.value);
    let lifetime = object.lifetime_seconds.value();
    let spec = FederationSpec {
        issuer: issuer.value.to_owned(),
        subject: subject.to_owned(),
        lifetime_seconds: lifetime.map_or(LIFETIME_SECONDS, |seconds| seconds.value),
        keys: keys?.values.iter().map(|key| key.text.clone()).collect(),
    };
    (!spec.keys.is_empty()).then(|| (spec, paths.into()))
}

/// The issuer's host, and the path in front of its documents.
fn place(issuer: &Name<'_>, cx: &mut Context) -> Option<(String, String)> {
    if let Err(flaw) = check_key_url(issuer.value) {
        let message = match flaw.code {
            "insecure_url" => {
                "an issuer's URL is `https`: whoever can change its keys can be the gateway"
            }
            _ => flaw.message,
        };
        cx.error(issuer.span, flaw.code, message).help(flaw.help);
        return None;
    }
    let found = || {
        if issuer.value.contains('?') {
            return None;
        }
        let url = server_url(issuer.value).ok()?;
        let (_, rest) = url.split_once("://")?;
        let (authority, prefix) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // Paths have no port.
        let host = match authority.strip_prefix('[') {
            Some(rest) => authority.get(..rest.find(']')?.checked_add(2)?)?,
            None => authority.split(':').next()?,
        };
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && (pattern::parse(prefix).is_err() || prefix.contains('{')) {
            return None;
        }
        Some((host.to_owned(), prefix.to_owned()))
    };
    let found = found();
    if found.is_none() {
        let message = "this URL cannot be an issuer's";
        cx.error(issuer.span, "bad_url", message)
            .help("write `https://HOST`, perhaps with a path behind it, without a query");
    }
    found
}
