//! How requests are spread over a server's endpoints, and what happens when one fails.

use super::super::health;
use super::super::mapping::check_header;
use super::super::path::unused;
use super::{Zones, locality};
use crate::config::{
    BalanceObject, CanaryObject, Context, Field, HedgeObject, Name, OutlierObject, PolicyName,
    RetryCondition, RetryObject, ServerObject, Switch, Whole,
};
use crate::http::is_token;
use crate::plan::{
    Balance, CanarySpec, Endpoint, GuardSpec, HashKey, HedgeSpec, OutlierSpec, PoolSpec, RetryOn,
    RetrySpec, Sticky,
};

/// `None` for a server of one endpoint that asks for nothing of this.
pub(super) fn compile(
    object: &ServerObject<'_>,
    endpoints: &[Endpoint],
    zones: &Zones<'_>,
    cx: &mut Context,
) -> Option<Box<PoolSpec>> {
    let several = endpoints.len() > 1;
    let asked = [
        !object.balance.is_absent(),
        !object.locality.is_absent(),
        !object.timeouts.is_absent(),
        !object.retry.is_absent(),
        !object.hedge.is_absent(),
        !object.outlier.is_absent(),
        !object.canary.is_absent(),
        !object.health_check.is_absent(),
    ];
    let bound = endpoints.iter().any(|endpoint| endpoint.binding.is_some());
    if !several && !bound && !asked.contains(&true) {
        return None;
    }
    let (balance, sticky) = match object.balance.value() {
        Some(balance) => compile_balance(balance, cx),
        None => (Balance::default(), None),
    };
    let locality = object.locality.value();
    let locality = locality.and_then(|object| locality::compile(object, endpoints, zones, cx));
    let timeouts = object.timeouts.value();
    let try_ms = timeouts.and_then(|timeouts| timeouts.try_ms.value());
    if let Some(Switch::On | Switch::Rules(_)) = object.hedge.value()
        && !several
    {
        cx.error(
            object.span.first(),
            "hedge_alone",
            "this server has a `hedge`, but no second endpoint",
        )
        .help("give it more `endpoints`, or leave `hedge` out");
    }
    let canary = object.canary.value();
    let canary = canary.and_then(|canary| compile_canary(canary, endpoints, cx));
    if canary.is_none() && object.canary.is_absent() && endpoints.iter().any(|e| e.canary) {
        cx.error(
            object.span.first(),
            "canary_without_share",
            "an endpoint of this server is of the group `canary`, but the server has no `canary`",
        )
        .help("say in `canary` which share of the requests it gets");
    }
    let health = object.health_check.value();
    Some(Box::new(PoolSpec {
        balance,
        sticky,
        locality,
        try_ms: try_ms.map(|ms| ms.value),
        retry: switched(&object.retry, several, cx, compile_retry),
        hedge: switched(&object.hedge, false, cx, compile_hedge),
        outlier: switched(&object.outlier, several, cx, compile_outlier),
        canary,
        health: health.and_then(|health| health::compile(health, cx)),
    }))
}

/// What a switch comes to; `otherwise` where nothing is said.
fn switched<T, P>(
    field: &Field<Switch<T>>,
    otherwise: bool,
    cx: &mut Context,
    compile: impl Fn(Option<&T>, &mut Context) -> P,
) -> Option<P> {
    match field {
        Field::Absent if otherwise => Some(compile(None, cx)),
        Field::Value(Switch::On) => Some(compile(None, cx)),
        Field::Value(Switch::Rules(rules)) => Some(compile(Some(rules), cx)),
        Field::Absent | Field::Bad | Field::Value(Switch::Off) => None,
    }
}

/// A whole number of an object that may not be there.
fn number<const MIN: u32, const MAX: u32>(
    field: Option<&Field<Whole<MIN, MAX>>>,
    otherwise: u32,
) -> u32 {
    let value = field.and_then(Field::value);
    value.map_or(otherwise, |number| number.value)
}

fn compile_balance(object: &BalanceObject<'_>, cx: &mut Context) -> (Balance, Option<Sticky>) {
    let policy = object.policy.value().copied();
    let hash_on = object.hash_on.value();
    let key = hash_on.and_then(|written| hash_key(*written, cx));
    let hashes = policy == Some(PolicyName::ConsistentHash);
    if hashes && object.hash_on.is_absent() {
        cx.error(object.span.first(), "missing_field", "`hash_on` is missing")
            .label("`consistent_hash` needs `hash_on`");
    }
    for (field, there) in [
        ("hash_on", !object.hash_on.is_absent()),
        (
            "bounded_load_percent",
            !object.bounded_load_percent.is_absent(),
        ),
    ] {
        if there && !hashes && !object.policy.is_bad() {
            let why = "without `\"policy\": \"consistent_hash\"`";
            unused(object.span, field, why, cx);
        }
    }
    let sticky = object.sticky.value().and_then(|sticky| {
        let cookie = cookie_name(sticky.cookie.value()?, cx)?;
        Some(Sticky {
            cookie,
            max_age_seconds: sticky.max_age_seconds.value().map(|age| age.value),
        })
    });
    let balance = match (policy, key) {
        (Some(PolicyName::Random), _) => Balance::Random,
        (Some(PolicyName::PeakEwma), _) => Balance::PeakEwma,
        (Some(PolicyName::ConsistentHash), Some(on)) => Balance::ConsistentHash {
            on,
            bounded_load_percent: number(Some(&object.bounded_load_percent), 125),
        },
        _ => Balance::RoundRobin,
    };
    (balance, sticky)
}

fn hash_key(written: Name<'_>, cx: &mut Context) -> Option<HashKey> {
    let value = written.value;
    let named = |prefix: &str| value.strip_prefix(prefix).filter(|name| !name.is_empty());
    let key = if value == "$request.ip" {
        Some(HashKey::ClientIp)
    } else if let Some(name) = named("$request.header.").filter(|name| is_token(name)) {
        Some(HashKey::Header(name.to_ascii_lowercase()))
    } else if let Some(name) = named("$request.cookie.").filter(|name| is_token(name)) {
        Some(HashKey::Cookie(name.to_owned()))
    } else if let Some(name) = named("$request.query.") {
        Some(HashKey::Query(name.to_owned()))
    } else {
        named("$request.jwt.").map(|name| HashKey::Claim(name.to_owned()))
    };
    if key.is_none() {
        cx.error(
            written.span,
            "unknown_source",
            "this does not say what requests have in common",
        )
        .help("write `$request.header.NAME`, `$request.cookie.NAME`, `$request.query.NAME`, `$request.jwt.NAME` or `$request.ip`");
    }
    key
}

fn cookie_name(name: &Name<'_>, cx: &mut Context) -> Option<String> {
    if is_token(name.value) {
        return Some(name.value.to_owned());
    }
    let message = format!("`{}` is no name of a cookie", name.value);
    cx.error(name.span, "bad_token", message);
    None
}

fn compile_retry(object: Option<&RetryObject<'_>>, cx: &mut Context) -> RetrySpec {
    let conditions = object.and_then(|o| o.retry_on.value());
    let codes = object.and_then(|o| o.status_codes.value());
    let has = |condition| match conditions {
        Some(list) => list.contains(&condition),
        None => matches!(
            condition,
            RetryCondition::Reset | RetryCondition::GatewayError
        ),
    };
    if let Some(object) = object {
        let by_code = has(RetryCondition::StatusCodes);
        if by_code && codes.is_none_or(Vec::is_empty) {
            cx.error(
                object.span.first(),
                "missing_field",
                "`status_codes` is missing",
            )
            .label("`retriable-status-codes` needs `status_codes`");
        }
        if !by_code && !object.status_codes.is_absent() {
            let why = "without `retriable-status-codes` in `retry_on`";
            unused(object.span, "status_codes", why, cx);
        }
        if conditions.is_some_and(Vec::is_empty) {
            cx.error(
                object.span.first(),
                "empty_value",
                "`retry_on` names nothing",
            )
            .help("write `\"retry\": false` if nothing is to be tried again");
        }
    }
    let backoff = object.and_then(|o| o.backoff.value());
    let budget = object.and_then(|o| o.budget.value());
    let base_ms = number(backoff.map(|b| &b.base_ms), 25);
    RetrySpec {
        num_retries: number(object.map(|o| &o.num_retries), 2),
        on: RetryOn {
            reset: has(RetryCondition::Reset) || has(RetryCondition::ConnectFailure),
            gateway_error: has(RetryCondition::GatewayError),
            server_error: has(RetryCondition::ServerError),
            conflict: has(RetryCondition::Conflict),
            status_codes: codes
                .into_iter()
                .flatten()
                .filter_map(|code| u16::try_from(code.value).ok())
                .collect(),
        },
        base_ms,
        max_ms: number(backoff.map(|b| &b.max_ms), 250).max(base_ms),
        budget_percent: number(budget.map(|b| &b.percent), 20),
        budget_min_per_second: number(budget.map(|b| &b.min_per_second), 10),
        max_body_bytes: number(object.map(|o| &o.max_body_bytes), 65_536),
    }
}

fn compile_hedge(object: Option<&HedgeObject<'_>>, _: &mut Context) -> HedgeSpec {
    HedgeSpec {
        percentile: number(object.map(|o| &o.percentile), 95),
        delay_ms: number(object.map(|o| &o.delay_ms), 100),
        max_hedges: number(object.map(|o| &o.max_hedges), 1),
    }
}

fn compile_outlier(object: Option<&OutlierObject<'_>>, _: &mut Context) -> OutlierSpec {
    let base_ejection_ms = number(object.map(|o| &o.base_ejection_ms), 5_000);
    let panic_percent = number(object.map(|o| &o.panic_percent), 10);
    // Below 100 the last one stays. Without panic nobody is to be preferred to who is ill.
    let max_ejected = if panic_percent == 0 { 100 } else { 99 };
    OutlierSpec {
        consecutive_failures: number(object.map(|o| &o.consecutive_failures), 5),
        consecutive_gateway_errors: number(object.map(|o| &o.consecutive_gateway_errors), 0),
        failure_percent: number(object.map(|o| &o.failure_percent), 50),
        min_requests: number(object.map(|o| &o.min_requests), 20),
        window_ms: number(object.map(|o| &o.window_seconds), 10).saturating_mul(1000),
        base_ejection_ms,
        max_ejection_ms: number(object.map(|o| &o.max_ejection_ms), 60_000).max(base_ejection_ms),
        max_ejected_percent: number(object.map(|o| &o.max_ejected_percent), max_ejected),
        panic_percent,
        probation_requests: number(object.map(|o| &o.probation_requests), 1),
    }
}

fn compile_canary(
    object: &CanaryObject<'_>,
    endpoints: &[Endpoint],
    cx: &mut Context,
) -> Option<CanarySpec> {
    let canaries = endpoints.iter().filter(|endpoint| endpoint.canary).count();
    if canaries == 0 || canaries == endpoints.len() {
        let which = if canaries == 0 { "no" } else { "every" };
        cx.error(
            object.span.first(),
            "canary_group",
            format!("{which} endpoint of this server is of the group `canary`"),
        )
        .help(
            "mark the new version's endpoints with `\"group\": \"canary\"`, and none of the others",
        );
    }
    let header = object.header.value().map(|name| {
        let lower = name.value.to_ascii_lowercase();
        check_header(*name, &lower, cx);
        lower
    });
    let guard = object.guard.value().map(|guard| GuardSpec {
        max_error_percent: number(Some(&guard.max_error_percent), 100),
        min_requests: number(Some(&guard.min_requests), 20),
        window_ms: number(Some(&guard.window_seconds), 60).saturating_mul(1000),
        hold_ms: number(Some(&guard.hold_seconds), 600).saturating_mul(1000),
    });
    Some(CanarySpec {
        percent: object.percent.value()?.value,
        hash_on: object.hash_on.value().and_then(|on| hash_key(*on, cx)),
        header,
        cookie: object.cookie.value().and_then(|name| cookie_name(name, cx)),
        guard,
    })
}
