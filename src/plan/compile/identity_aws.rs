//! Signatures of AWS: keys, a role, a region, a service.

use super::identity::secret;
use super::path::unused;
use crate::auth::check_asked_url;
use crate::config::{AwsIdentityObject, AwsPayloadName, AwsRoleObject, Context, Field, TextValue};
use crate::plan::{AwsCredentials, AwsIdentity, AwsKeys, AwsPayload, AwsRole, Text};
use crate::upstream::{is_aws_name, is_external_id, is_role_arn, is_session_name};

/// Bytes of a body, if nothing is said.
const MAX_BODY: u32 = 1024 * 1024;
const DURATION_SECONDS: u32 = 3600;
const SESSION_NAME: &str = "causeway";

/// `urls` are the server's.
pub(super) fn compile(
    object: &AwsIdentityObject<'_>,
    urls: &[&TextValue],
    cx: &mut Context,
) -> Option<AwsIdentity> {
    let service = name(&object.service, "bad_service", SERVICE_HELP, cx);
    let region = name(&object.region, "bad_region", REGION_HELP, cx);
    if let Some(region) = object.region.value() {
        urls.iter().for_each(|url| check_region(region, url, cx));
    }
    let payload = object.payload.value().map(|payload| match payload {
        AwsPayloadName::Signed => AwsPayload::Signed,
        AwsPayloadName::Unsigned => AwsPayload::Unsigned,
    });
    if payload == Some(AwsPayload::Unsigned) && !object.max_body.is_absent() {
        unused(object.span, "max_body", "with an unsigned payload", cx);
    }
    let keys = keys(object, cx);
    let role = match &object.assume_role {
        Field::Absent => None,
        Field::Bad => return None,
        Field::Value(role) => Some(assumed(role, cx)?),
    };
    let max_body = object.max_body.value().map_or(MAX_BODY, |most| most.value);
    let keys = keys?;
    Some(AwsIdentity {
        service: service?,
        region: region?,
        credentials: match role {
            Some(role) => AwsCredentials::AssumeRole { keys, role },
            None => AwsCredentials::Static(keys),
        },
        payload,
        max_body: usize::try_from(max_body).unwrap_or(0),
    })
}

fn keys(object: &AwsIdentityObject<'_>, cx: &mut Context) -> Option<AwsKeys> {
    let secret_access_key = secret(&object.secret_access_key, cx);
    let session_token = match &object.session_token {
        Field::Absent => None,
        token => Some(secret(token, cx)?),
    };
    for (key, absent) in [
        ("access_key_id", object.access_key_id.is_absent()),
        ("secret_access_key", object.secret_access_key.is_absent()),
    ] {
        if absent {
            let message = format!("`{key}` is missing: there is nothing to sign with");
            cx.error(object.span.first(), "missing_field", message)
                .help("add `access_key_id` and `secret_access_key`");
        }
    }
    Some(AwsKeys {
        access_key_id: object.access_key_id.value()?.text.clone(),
        secret_access_key: secret_access_key?,
        session_token,
    })
}

fn assumed(object: &AwsRoleObject<'_>, cx: &mut Context) -> Option<AwsRole> {
    let before = cx.errors();
    let literal = |text: Option<&TextValue>| match text {
        Some(TextValue {
            text: Text::Literal(literal),
            span,
        }) => Some((literal.clone(), *span)),
        _ => None,
    };
    if let Some((arn, span)) = literal(object.role_arn.value())
        && !is_role_arn(&arn)
    {
        cx.error(span, "bad_role_arn", format!("`{arn}` is no ARN of a role"))
            .help("write it as `arn:aws:iam::123456789012:role/NAME`");
    }
    if let Some((id, span)) = literal(object.external_id.value())
        && !is_external_id(&id)
    {
        cx.error(span, "bad_external_id", "this is no external id")
            .help("AWS takes 2 to 1224 letters, digits and characters of `_+=,.@:/-`");
    }
    if let Some(name) = object.session_name.value()
        && !is_session_name(name.value)
    {
        let message = format!("`{}` is no name of a session", name.value);
        cx.error(name.span, "bad_session_name", message)
            .help("AWS takes 2 to 64 letters, digits and characters of `_+=,.@-`");
    }
    if let Some((endpoint, span)) = literal(object.endpoint.value())
        && let Err(flaw) = check_asked_url(&endpoint)
    {
        cx.error(span, flaw.code, flaw.message).help(flaw.help);
    }
    let role_arn = object.role_arn.value()?.text.clone();
    (cx.errors() == before).then(|| AwsRole {
        role_arn,
        session_name: object
            .session_name
            .value()
            .map_or(SESSION_NAME, |name| name.value)
            .to_owned(),
        external_id: object.external_id.value().map(|id| id.text.clone()),
        duration_seconds: object
            .duration_seconds
            .value()
            .map_or(DURATION_SECONDS, |seconds| seconds.value),
        endpoint: object.endpoint.value().map(|url| url.text.clone()),
    })
}

fn name(
    field: &Field<TextValue>,
    code: &'static str,
    help: &'static str,
    cx: &mut Context,
) -> Option<Text> {
    let written = field.value()?;
    if let Text::Literal(name) = &written.text
        && (!is_aws_name(name) || (code == "bad_region" && is_availability_zone(name)))
    {
        let what = code.trim_start_matches("bad_");
        cx.error(written.span, code, format!("`{name}` is no {what}"))
            .help(help);
        return None;
    }
    Some(written.text.clone())
}

/// `eu-west-1a`
fn is_availability_zone(name: &str) -> bool {
    let last = name.rsplit('-').next().unwrap_or_default();
    let digits = last.trim_end_matches(|c: char| c.is_ascii_lowercase());
    name.contains('-')
        && digits.len() < last.len()
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A signature for another region is refused.
fn check_region(region: &TextValue, url: &TextValue, cx: &mut Context) {
    let (Text::Literal(region_name), Text::Literal(url)) = (&region.text, &url.text) else {
        return;
    };
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    let labels = [".amazonaws.com", ".amazonaws.com.cn", ".on.aws"];
    let labels = labels.iter().find_map(|suffix| host.strip_suffix(suffix));
    let Some(in_host) = labels.and_then(|labels| labels.rsplit('.').next()) else {
        return;
    };
    // A service that is not told apart by region has its own name there.
    let is_region = in_host.contains('-') && in_host.ends_with(|c: char| c.is_ascii_digit());
    if is_region && in_host != region_name {
        let message = format!("the server stands in the region `{in_host}`");
        cx.warning(region.span, "other_region", message)
            .help("AWS refuses a signature for another region than the server's");
    }
}

const SERVICE_HELP: &str =
    "write the name that it signs with, such as `execute-api`, `lambda`, `s3` or `dynamodb`";
const REGION_HELP: &str = "write a region, such as `eu-west-1`";
