//! Authorizers that log people in, and the paths that they have of their own.

use super::warn_of_literal;
use crate::auth::{SESSION_KEY_BYTES, check_key_url, own_path, tenant_url};
use crate::config::{
    Auth0Object, Context, Entries, Field, Name, OidcObject, Scalar, SessionObject, Span, TextValue,
    is_session_cookie,
};
use crate::http::Method;
use crate::plan::compile::{jwt_keys, pattern};
use crate::plan::{
    Access, Action, Auth0Spec, LoginStep, OidcSpec, PathEntry, Place, Text, Tolerance, is_scope,
};

const REDIRECT_PATH: &str = "/auth/callback";
const COOKIE: &str = "__Host-causeway";
/// Seconds.
const MAX_AGE: u32 = 24 * 60 * 60;

/// A path that an authorizer has of its own.
pub(in crate::plan::compile) struct LoginPath {
    step: LoginStep,
    path: String,
    /// Where it is written, or the authorizer that has it without a word.
    pub span: Span,
}

impl LoginPath {
    /// The entries of `paths` that it comes to, for the authorizer of this number.
    pub fn entries(&self, authorizer: u16) -> impl Iterator<Item = PathEntry> + use<'_> {
        let methods: &[Method] = match self.step {
            LoginStep::Logout => &[Method::Get, Method::Post],
            _ => &[Method::Get],
        };
        methods.iter().map(move |method| PathEntry {
            method: Some(*method),
            host: None,
            pattern: self.path.clone(),
            when: None,
            action: Action::Login {
                authorizer,
                step: self.step,
                post_process: None,
            },
            access: Access::Public,
            require: None,
            pre_process: None,
            timeout_ms: 0,
            body_timeout_ms: crate::plan::compile::path::DEFAULT_BODY_TIMEOUT_MS,
            tolerate: Tolerance::default(),
        })
    }
}

/// The cookie of the session, which stays with the gateway.
pub(super) fn place(object: &OidcObject<'_>) -> Place {
    let session = object.session.value();
    let cookie = session.and_then(|session| session.cookie.value());
    Place::Cookies(cookie.map_or(COOKIE, |name| name.value).to_owned())
}

pub(super) fn compile(
    object: &OidcObject<'_>,
    paths: &mut Vec<LoginPath>,
    cx: &mut Context,
) -> Option<OidcSpec> {
    if let Some(issuer) = object.issuer.value()
        && let Text::Literal(literal) = &issuer.text
        && let Err(flaw) = check_key_url(literal)
    {
        cx.error(issuer.span, flaw.code, flaw.message)
            .help(flaw.help);
    }
    if let Some(secret) = object.client_secret.value()
        && matches!(secret.text, Text::Literal(_))
    {
        warn_of_literal(secret, cx);
    }
    let own = object.span.first();
    let redirect_path = path(&object.redirect_path, Some(REDIRECT_PATH), own, cx);
    let login_path = path(&object.login_path, None, own, cx);
    let logout_path = path(&object.logout_path, None, own, cx);
    for (step, path) in [
        (LoginStep::Finish, &redirect_path),
        (LoginStep::Begin, &login_path),
        (LoginStep::Logout, &logout_path),
    ] {
        if let Some((path, span)) = path {
            paths.push(LoginPath {
                step,
                path: path.clone(),
                span: *span,
            });
        }
    }
    let after_logout = object.after_logout.value().map_or("/", |name| {
        if own_path(name.value).is_none() {
            let message = format!("`{}` is no path of this gateway", name.value);
            cx.error(name.span, "bad_path", message)
                .help("write a path such as `/`, without scheme and host");
        }
        name.value
    });
    let session = object.session.value()?;
    Some(OidcSpec {
        issuer: object.issuer.value()?.text.clone(),
        client_id: object.client_id.value()?.text.clone(),
        client_secret: object.client_secret.value().map(|s| s.text.clone()),
        scope: scope(object.scope.value(), cx),
        audience: object.audience.value().map(|name| name.value.to_owned()),
        parameters: parameters(&object.authorization_parameters, cx),
        redirect_path: redirect_path?.0,
        after_logout: after_logout.to_owned(),
        keys: keys(session, cx)?,
        max_age: session.max_age.value().map_or(MAX_AGE, |age| age.value),
        idle: session.idle.value().map(|idle| idle.value),
        cookie: cookie(session, cx),
        forwards: object.forward.value().is_some(),
    })
}

pub(super) fn compile_auth0(object: &Auth0Object<'_>, cx: &mut Context) -> Option<Auth0Spec> {
    if let Some(domain) = object.domain.value()
        && let Text::Literal(literal) = &domain.text
        && let Err(fault) = tenant_url(literal)
    {
        cx.error(domain.span, "bad_domain", fault.message)
            .help("write it without scheme and path");
    }
    if let Some(secret) = object.client_secret.value()
        && let Text::Literal(literal) = &secret.text
    {
        if literal.len() < SESSION_KEY_BYTES {
            // Files of the predecessor have short ones, and whoever only checks tokens by them loses nothing.
            cx.warning(
                secret.span,
                "weak_secret",
                format!("logins are sealed by this secret, and need at least {SESSION_KEY_BYTES} bytes: none can begin"),
            )
            .help("have Auth0 make a new one, and refer to it by `$secret.NAME`");
        } else {
            warn_of_literal(secret, cx);
        }
    }
    let redirect_uri = object.callback_uri.value().or(object.redirect_uri.value());
    if let Some(uri) = redirect_uri
        && let Text::Literal(literal) = &uri.text
        && let Err(flaw) = check_key_url(literal)
    {
        let help = "write the URL of a path with `auth0_callback`, such as `https://api.example.com/callback`";
        cx.error(
            uri.span,
            flaw.code,
            "this is no URL that a browser can be sent back to safely",
        )
        .help(help);
    }
    let audiences = object.audience.value().map(|many| many.values.as_slice());
    let audiences = audiences.unwrap_or_default();
    if let (Some(many), []) = (object.audience.value(), audiences) {
        cx.error(many.span, "empty_value", "`audience` names none");
    }
    Some(Auth0Spec {
        keys: jwt_keys::compile_auth0(object, cx)?,
        domain: object.domain.value()?.text.clone(),
        client_id: object.client_id.value()?.text.clone(),
        client_secret: object.client_secret.value().map(|s| s.text.clone()),
        redirect_uri: redirect_uri.map(|uri| uri.text.clone()),
        scope: scope(object.scope.value(), cx),
        parameters: parameters(&object.authorization_parameters, cx),
        audience_asked: audiences.first().map(|audience| audience.text.clone()),
        audiences: audiences.iter().map(|a| a.text.clone()).collect(),
    })
}

/// A path without parameters, canonical, and where it is written.
fn path(
    field: &Field<Name<'_>>,
    default: Option<&str>,
    own: Span,
    cx: &mut Context,
) -> Option<(String, Span)> {
    let name = match field {
        Field::Value(name) => name,
        Field::Absent => return Some((default?.to_owned(), own)),
        Field::Bad => return None,
    };
    match pattern::parse(name.value) {
        Ok(pattern) if !name.value.contains(['{', '}', '?']) => Some((pattern.text, name.span)),
        _ => {
            let message = format!("`{}` is no path without parameters", name.value);
            cx.error(name.span, "bad_path", message)
                .help("write a path such as `/auth/callback`, without scheme, host and query");
            None
        }
    }
}

fn scope(scope: Option<&Name<'_>>, cx: &mut Context) -> String {
    let Some(scope) = scope else {
        return "openid".to_owned();
    };
    let words: Vec<&str> = scope.value.split(' ').filter(|w| !w.is_empty()).collect();
    if let Some(word) = words.iter().find(|word| !is_scope(word)) {
        cx.error(scope.span, "bad_token", format!("`{word}` is no scope"));
    } else if !words.contains(&"openid") {
        cx.error(
            scope.span,
            "missing_scope",
            "without the scope `openid` the provider does not tell who logs in",
        )
        .help("add `openid`");
    }
    words.join(" ")
}

/// What the gateway itself says of a login, and what could take it back (RFC 9101).
const OWN_PARAMETERS: [&str; 13] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "audience",
    "request",
    "request_uri",
];

fn parameters(written: &Field<Entries<'_, Scalar>>, cx: &mut Context) -> Vec<(String, Text)> {
    let mut parameters = Vec::new();
    for (name, value) in written.value().iter().flat_map(|entries| entries.iter()) {
        if name.value.is_empty() || OWN_PARAMETERS.contains(&name.value) {
            let message = format!("`{}` is not for `authorization_parameters`", name.value);
            cx.error(name.span, "reserved_param", message).help(
                "the gateway says it itself; `scope` and `audience` have members of their own",
            );
        }
        let Some(Scalar(TextValue { text, span })) = value.get(cx) else {
            continue;
        };
        if let ("max_age", Text::Literal(seconds)) = (name.value, &text)
            && seconds.parse::<u32>().is_err()
        {
            cx.error(span, "out_of_range", "`max_age` is a number of seconds");
        }
        parameters.push((name.value.to_owned(), text));
    }
    parameters
}

fn keys(session: &SessionObject<'_>, cx: &mut Context) -> Option<Vec<Text>> {
    let keys = session.keys.value()?;
    if keys.values.is_empty() {
        cx.error(keys.span, "empty_value", "`keys` names no key")
            .help("make one by `openssl rand -base64 48`, store it by `npx wrangler secret put NAME`, and write `$secret.NAME`");
    }
    for key in &keys.values {
        check_key(key, cx);
    }
    Some(keys.values.iter().map(|key| key.text.clone()).collect())
}

fn check_key(key: &TextValue, cx: &mut Context) {
    let Text::Literal(literal) = &key.text else {
        return;
    };
    if literal.len() < SESSION_KEY_BYTES {
        cx.error(
            key.span,
            "weak_secret",
            format!("this session key is too short: it needs at least {SESSION_KEY_BYTES} bytes"),
        )
        .help("make one by `openssl rand -base64 48`, store it by `npx wrangler secret put NAME`, and write `$secret.NAME`");
    } else {
        warn_of_literal(key, cx);
    }
}

fn cookie(session: &SessionObject<'_>, cx: &mut Context) -> String {
    let Some(name) = session.cookie.value() else {
        return COOKIE.to_owned();
    };
    if !is_session_cookie(name) {
        let message = format!("`{}` is no name of a session's cookie", name.value);
        cx.error(name.span, "bad_cookie_name", message)
            .help("write `__Host-` and letters, digits, `-` or `_`: with this prefix no other host can set it");
    }
    name.value.to_owned()
}
