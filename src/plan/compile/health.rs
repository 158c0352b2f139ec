//! Health checks of a server's endpoints.

use super::mapping::check_header;
use crate::config::{Context, HealthCheckObject, Spanned, Whole};
use crate::http::is_field_value;
use crate::plan::{HealthSpec, Text};
use crate::route::canonicalise;

/// Seconds between two checks if nothing is said: as often as cron triggers come.
const INTERVAL_SECONDS: u32 = 60;
const TIMEOUT_MS: u32 = 4_000;
const UNHEALTHY_AFTER: u32 = 3;
const HEALTHY_AFTER: u32 = 2;

pub(super) fn compile(object: &HealthCheckObject<'_>, cx: &mut Context) -> Option<HealthSpec> {
    let before = cx.errors();
    let path = object.path.value().copied();
    if let Some(path) = path {
        check_path(path, cx);
    }
    let statuses = object.expected_statuses.value();
    if let Some(list) = statuses.filter(|list| list.values.is_empty()) {
        cx.error(list.span.first(), "empty_value", "this list has no status")
            .help("leave it out if any status from 200 to 299 is good");
    }
    let statuses = statuses.into_iter().flat_map(|list| &list.values);
    let headers = headers(object, cx);
    let interval = number(object.interval_seconds.value(), INTERVAL_SECONDS);
    let timeout_ms = number(object.timeout_ms.value(), TIMEOUT_MS);
    let interval_ms = u64::from(interval).saturating_mul(1000);
    if u64::from(timeout_ms) >= interval_ms {
        let span = object
            .timeout_ms
            .value()
            .map_or(object.span.first(), |t| t.span);
        let message = "a check may take longer than it is until the next one";
        cx.error(span, "timeout_too_long", message)
            .help("make `timeout_ms` less than `interval_seconds`");
    }
    let spec = HealthSpec {
        path: path?.value.to_owned(),
        interval_ms,
        timeout_ms,
        statuses: statuses
            .filter_map(|s| u16::try_from(s.value).ok())
            .collect(),
        unhealthy_after: number(object.unhealthy_after.value(), UNHEALTHY_AFTER),
        healthy_after: number(object.healthy_after.value(), HEALTHY_AFTER),
        headers,
    };
    (cx.errors() == before).then_some(spec)
}

fn number<const MIN: u32, const MAX: u32>(
    written: Option<&Whole<MIN, MAX>>,
    otherwise: u32,
) -> u32 {
    written.map_or(otherwise, |whole| whole.value)
}

/// What `fetch` would send otherwise than it is written is not checked by accident.
fn check_path(path: Spanned<&str>, cx: &mut Context) {
    let as_written = canonicalise(path.value).is_ok_and(|canonical| {
        path.value.starts_with(canonical.path.as_ref()) && canonical.risks.is_empty()
    });
    let plain = path
        .value
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'{' | b'}'));
    if !(as_written && plain) {
        cx.error(
            path.span,
            "bad_health_path",
            format!("`{}` is no path that can be checked", path.value),
        )
        .help("write it as it is sent, with a slash in front: `/healthz`");
    }
}

fn headers(object: &HealthCheckObject<'_>, cx: &mut Context) -> Vec<(String, Text)> {
    let mut headers: Vec<(String, Text)> = Vec::new();
    let entries = object.headers.value();
    for (key, value) in entries.into_iter().flat_map(|entries| entries.iter()) {
        let name = key.value.to_ascii_lowercase();
        check_header(key, &name, cx);
        if headers.iter().any(|(other, _)| *other == name) {
            let message = format!("the header `{name}` is set twice");
            cx.error(key.span, "duplicate_header", message)
                .help("case makes no difference in the names of headers");
        }
        let Some(value) = value.get(cx) else {
            continue;
        };
        let (text, span) = (value.0.text, value.0.span);
        if let Text::Literal(value) = &text
            && !is_field_value(value)
        {
            let message = "a header's value has no control characters";
            cx.error(span, "bad_header_value", message);
        }
        headers.push((name, text));
    }
    headers
}
