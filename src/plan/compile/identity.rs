//! What the gateway proves to a server. What is not understood closes the paths to it: nothing is sent without.

use super::authorizer::{first_fault, warn_of_literal};
use super::identity_aws;
use super::mapping::check_header;
use crate::auth::check_asked_url;
use crate::config::{
    BasicIdentityObject, Context, Field, HeaderIdentityObject, IdentityObject, Lazy, TextValue,
};
use crate::http::is_field_value;
use crate::plan::{BasicIdentity, HeaderIdentity, IdentityKind, Text};

/// `None` where nothing is to be proven.
pub(super) fn compile<'a>(
    field: &Field<Lazy<'a, IdentityObject<'a>>>,
    urls: &[&TextValue],
    cx: &mut Context,
) -> Option<IdentityKind> {
    if field.is_absent() {
        return None;
    }
    for url in urls {
        warn_of_clear_text(url, cx);
    }
    cx.mark();
    let before = cx.errors();
    let kind = field
        .value()
        .and_then(|object| object.get(cx))
        .and_then(|object| compile_one(&object, urls, cx))
        .filter(|_| cx.errors() == before);
    Some(kind.unwrap_or_else(|| IdentityKind::Fault(first_fault(cx))))
}

fn compile_one(
    object: &IdentityObject<'_>,
    urls: &[&TextValue],
    cx: &mut Context,
) -> Option<IdentityKind> {
    match object {
        IdentityObject::Header(object) => header(object, cx).map(IdentityKind::Header),
        IdentityObject::Basic(object) => basic(object, cx).map(IdentityKind::Basic),
        IdentityObject::Aws(object) => identity_aws::compile(object, urls, cx)
            .map(Box::new)
            .map(IdentityKind::Aws),
    }
}

/// Of a server where the proof can be read on its way. It may stand in a network of its own.
fn warn_of_clear_text(url: &TextValue, cx: &mut Context) {
    let TextValue {
        text: Text::Literal(literal),
        span,
    } = url
    else {
        return;
    };
    if check_asked_url(literal).is_err_and(|flaw| flaw.code == "insecure_url") {
        cx.warning(
            *span,
            "insecure_url",
            "what the gateway proves to this server can be read on its way",
        )
        .help("write `https://`");
    }
}

fn header(object: &HeaderIdentityObject<'_>, cx: &mut Context) -> Option<HeaderIdentity> {
    let name = match object.name.value() {
        Some(name) => {
            let lower = name.value.to_ascii_lowercase();
            check_header(*name, &lower, cx);
            lower
        }
        None => "authorization".to_owned(),
    };
    let prefix = object.prefix.value();
    if let Some(prefix) = prefix
        && !is_field_value(prefix.value)
    {
        cx.error(
            prefix.span,
            "bad_header_value",
            "this is not fit for a header field",
        );
    }
    Some(HeaderIdentity {
        name,
        prefix: prefix.map_or("", |prefix| prefix.value).to_owned(),
        secret: secret(&object.secret, cx)?,
    })
}

fn basic(object: &BasicIdentityObject<'_>, cx: &mut Context) -> Option<BasicIdentity> {
    let username = object.username.value()?.get(cx)?;
    if let Text::Literal(name) = &username.text
        && (name.contains(':') || name.chars().any(char::is_control))
    {
        cx.error(
            username.span,
            "bad_user_name",
            "a user's name has neither a colon nor a control character (RFC 7617)",
        );
    }
    Some(BasicIdentity {
        username: username.text.clone(),
        password: match &object.password {
            Field::Absent => None,
            password => Some(secret(password, cx)?),
        },
    })
}

/// A secret: one that stands in the file itself is warned of.
pub(super) fn secret(field: &Field<TextValue>, cx: &mut Context) -> Option<Text> {
    let secret = field.value()?;
    if matches!(secret.text, Text::Literal(_)) {
        warn_of_literal(secret, cx);
    }
    Some(secret.text.clone())
}
