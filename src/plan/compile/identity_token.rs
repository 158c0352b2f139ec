//! Identities that are tokens.

use super::authorizer::warn_of_literal;
use super::identity::secret;
use crate::auth::{PrivateKey, check_asked_url};
use crate::config::{
    AzureIdentityObject, ClientAuthName, Context, Field, GoogleIdentityObject,
    OAuth2IdentityObject, Span, Spanned, TextValue,
};
use crate::plan::{
    AzureCredential, AzureSpec, GoogleCredential, GoogleSpec, GoogleToken, OAuth2Spec, Text,
    is_scope,
};
use crate::upstream::{is_service_account, is_tenant};

const AUTHORITY: &str = "https://login.microsoftonline.com";
const AZURE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// Parameters that have a member of their own, or that make the grant what it is.
const OWN_PARAMS: [&str; 8] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "audience",
    "resource",
];

pub(super) fn oauth2(object: &OAuth2IdentityObject<'_>, cx: &mut Context) -> Option<OAuth2Spec> {
    check_url(object.token_url.value(), cx);
    let mut form = Vec::new();
    for (name, field) in [("scope", &object.scope), ("audience", &object.audience)] {
        form.extend(text(field).map(|text| (name.to_owned(), text)));
    }
    let resources = object.resource.value().into_iter();
    let resources = resources.flat_map(|resources| &resources.values);
    form.extend(resources.map(|value| ("resource".to_owned(), value.text.clone())));
    let params = object.params.value().map(|params| params.iter());
    for (name, value) in params.into_iter().flatten() {
        if OWN_PARAMS.contains(&name.value) {
            let message = format!("`{}` is not for `params`", name.value);
            cx.error(name.span, "reserved_param", message)
                .help("its grant is always that of client credentials, and the rest has members of its own");
        }
        if let Some(value) = value.get(cx) {
            form.push((name.value.to_owned(), value.text));
        }
    }
    Some(OAuth2Spec {
        token_url: text(&object.token_url)?,
        client_id: text(&object.client_id)?,
        client_secret: secret(&object.client_secret, cx)?,
        in_form: matches!(object.client_auth.value(), Some(ClientAuthName::Post)),
        form,
    })
}

/// `federation`: whether the config has one.
pub(super) fn google(
    object: &GoogleIdentityObject<'_>,
    federation: bool,
    cx: &mut Context,
) -> Option<GoogleSpec> {
    check_url(object.token_url.value(), cx);
    check_url(object.iam_url.value(), cx);
    let federated = is_federated(&object.federated, federation, cx);
    one_way(
        object.span,
        &[
            ("credentials", span_of(&object.credentials)),
            ("private_key", span_of(&object.private_key)),
            ("federated", federated),
        ],
        "add a service account's key as `credentials`, or `\"federated\": true`",
        cx,
    )?;
    let credential = if federated.is_some() {
        let audience = required(
            &object.audience,
            "audience",
            object.span,
            "with `federated`",
            cx,
        );
        if let Some(account) = object.service_account.value()
            && let Text::Literal(literal) = &account.text
            && !is_service_account(literal)
        {
            let message = format!("`{literal}` is no address of a service account");
            cx.error(account.span, "bad_service_account", message)
                .help("write it as `NAME@PROJECT.iam.gserviceaccount.com`");
        }
        GoogleCredential::Federated {
            audience: audience?,
            service_account: text(&object.service_account),
        }
    } else if let Some(credentials) = secret(&object.credentials, cx) {
        GoogleCredential::Json(credentials)
    } else {
        let key = private_key(&object.private_key, cx);
        let email = required(
            &object.client_email,
            "client_email",
            object.span,
            "with `private_key`",
            cx,
        );
        GoogleCredential::Key {
            email: email?,
            key: key?,
            key_id: text(&object.private_key_id),
        }
    };
    let by_key = matches!(credential, GoogleCredential::Key { .. });
    for (name, field) in [
        ("client_email", &object.client_email),
        ("private_key_id", &object.private_key_id),
    ] {
        unused_unless(
            by_key,
            field,
            name,
            "without `private_key`",
            object.span,
            cx,
        );
    }
    for (name, field) in [
        ("audience", &object.audience),
        ("service_account", &object.service_account),
        ("iam_url", &object.iam_url),
    ] {
        let why = "without `federated`";
        unused_unless(federated.is_some(), field, name, why, object.span, cx);
    }
    Some(GoogleSpec {
        wanted: wanted(object, federated.is_some(), cx)?,
        credential,
        token_url: text(&object.token_url),
        iam_url: text(&object.iam_url),
    })
}

fn wanted(
    object: &GoogleIdentityObject<'_>,
    federated: bool,
    cx: &mut Context,
) -> Option<GoogleToken> {
    match (object.scopes.value(), object.target_audience.value()) {
        (Some(_), Some(audience)) => {
            let message = "this identity has both `scopes` and `target_audience`";
            cx.error(audience.span, "contradiction", message)
                .help("keep `scopes` for an access token, or `target_audience` for an ID token");
            None
        }
        (Some(scopes), None) => {
            for scope in scopes {
                if !is_scope(scope.value) {
                    let message = format!("`{}` is no scope", scope.value);
                    cx.error(scope.span, "bad_token", message);
                }
            }
            if scopes.is_empty() {
                cx.error(object.span.first(), "empty_value", "`scopes` names none")
                    .help("such as `https://www.googleapis.com/auth/cloud-platform`");
            }
            let scopes: Vec<&str> = scopes.iter().map(|scope| scope.value).collect();
            Some(GoogleToken::Access(scopes.join(" ")))
        }
        (None, Some(audience)) => {
            if federated && object.service_account.is_absent() {
                let message = "an ID token is a service account's";
                cx.error(audience.span, "missing_field", message)
                    .help("add the `service_account` that the gateway takes on");
            }
            Some(GoogleToken::Id(audience.text.clone()))
        }
        (None, None) => {
            if object.scopes.is_absent() && object.target_audience.is_absent() {
                cx.error(
                    object.span.first(),
                    "missing_field",
                    "nothing says what the token is for",
                )
                .help("add `scopes` for an access token, as Google's APIs take it, or `target_audience` for an ID token, as services of Cloud Run do");
            }
            None
        }
    }
}

/// `federation`: whether the config has one.
pub(super) fn azure(
    object: &AzureIdentityObject<'_>,
    federation: bool,
    cx: &mut Context,
) -> Option<AzureSpec> {
    check_url(object.authority.value(), cx);
    let tenant = object.tenant.value().and_then(|tenant| tenant.get(cx));
    if let Some(tenant) = &tenant
        && let Text::Literal(literal) = &tenant.text
        && !is_tenant(literal)
    {
        let message = format!("`{literal}` is neither the id nor a domain of a tenant");
        cx.error(tenant.span, "bad_tenant", message)
            .help("write the directory's id as the portal shows it");
    }
    let federated = is_federated(&object.federated, federation, cx);
    one_way(
        object.span,
        &[
            ("client_secret", span_of(&object.client_secret)),
            ("certificate", span_of(&object.certificate)),
            ("federated", federated),
        ],
        "add the application's `client_secret`, or its `certificate` and `private_key`, or `\"federated\": true`",
        cx,
    )?;
    let by_certificate = !object.certificate.is_absent();
    let why = "without `certificate`";
    unused_unless(
        by_certificate,
        &object.private_key,
        "private_key",
        why,
        object.span,
        cx,
    );
    let why = "without `federated`";
    unused_unless(
        federated.is_some(),
        &object.audience,
        "audience",
        why,
        object.span,
        cx,
    );
    let credential = if federated.is_some() {
        AzureCredential::Federated {
            audience: text(&object.audience).unwrap_or_else(|| AZURE_AUDIENCE.into()),
        }
    } else if let Some(certificate) = text(&object.certificate) {
        let object_span = object.span;
        if object.private_key.is_absent() {
            required(
                &object.private_key,
                "private_key",
                object_span,
                "with `certificate`",
                cx,
            )?;
        }
        AzureCredential::Certificate {
            certificate,
            key: private_key(&object.private_key, cx)?,
        }
    } else {
        AzureCredential::Secret(secret(&object.client_secret, cx)?)
    };
    Some(AzureSpec {
        authority: text(&object.authority).unwrap_or_else(|| AUTHORITY.into()),
        tenant: tenant?.text,
        client_id: text(&object.client_id)?,
        scope: text(&object.scope)?,
        credential,
    })
}

/// Where it says that the gateway shows a token of its own.
pub(super) fn is_federated(
    field: &Field<Spanned<bool>>,
    federation: bool,
    cx: &mut Context,
) -> Option<Span> {
    let flag = field.value().filter(|flag| flag.value)?;
    if !federation {
        needs_federation(flag.span, cx);
    }
    Some(flag.span)
}

/// Tells that a token of the gateway's own is to be shown, and none can be made.
pub(super) fn needs_federation(span: Span, cx: &mut Context) {
    cx.error(
        span,
        "missing_federation",
        "the gateway cannot show a token of its own: this config has no `federation`",
    )
    .help("add `\"federation\": {\"issuer\": \"https://HOST\", \"keys\": \"$secret.NAME\"}` at the top");
}

/// Whether exactly one of several ways is written.
fn one_way(
    object: Span,
    ways: &[(&str, Option<Span>)],
    help: &str,
    cx: &mut Context,
) -> Option<()> {
    let mut written = ways
        .iter()
        .filter_map(|(name, span)| Some((*name, (*span)?)));
    let Some((first, first_span)) = written.next() else {
        let message = "nothing says how the gateway shows who it is";
        cx.error(object.first(), "missing_field", message)
            .help(help);
        return None;
    };
    if let Some((second, span)) = written.next() {
        let message = format!("this identity has both `{first}` and `{second}`");
        cx.error(span, "contradiction", message)
            .note(first_span, "the other one")
            .help("keep one of them");
        return None;
    }
    Some(())
}

fn span_of(field: &Field<TextValue>) -> Option<Span> {
    match field {
        Field::Absent => None,
        // Told already; it is written all the same.
        Field::Bad => Some(Span::default()),
        Field::Value(value) => Some(value.span),
    }
}

fn required(
    field: &Field<TextValue>,
    name: &str,
    object: Span,
    why: &str,
    cx: &mut Context,
) -> Option<Text> {
    if field.is_absent() {
        let message = format!("`{name}` is missing, which is needed {why}");
        cx.error(object.first(), "missing_field", message);
    }
    text(field)
}

fn unused_unless(
    used: bool,
    field: &Field<TextValue>,
    name: &str,
    why: &str,
    object: Span,
    cx: &mut Context,
) {
    if !used && !field.is_absent() {
        super::path::unused(object, name, why, cx);
    }
}

fn text(field: &Field<TextValue>) -> Option<Text> {
    field.value().map(|value| value.text.clone())
}

fn private_key(field: &Field<TextValue>, cx: &mut Context) -> Option<Text> {
    check_private_key(field.value()?, cx);
    text(field)
}

/// Tells what is wrong with a private key that stands in the file, which is warned of besides.
pub(super) fn check_private_key(key: &TextValue, cx: &mut Context) {
    let Text::Literal(literal) = &key.text else {
        return;
    };
    match PrivateKey::read(literal) {
        Ok(_) => warn_of_literal(key, cx),
        Err(flaw) => {
            cx.error(key.span, "bad_private_key", flaw.message)
                .help(flaw.help);
        }
    }
}

fn check_url(url: Option<&TextValue>, cx: &mut Context) {
    if let Some(url) = url
        && let Text::Literal(literal) = &url.text
        && let Err(flaw) = check_asked_url(literal)
    {
        cx.error(url.span, flaw.code, flaw.message).help(flaw.help);
    }
}
