//! The objects of backends: zones, servers, their endpoints, and how requests are spread over these.

use serde_json::json;

use super::Spanned;
use super::ast::Value;
use super::context::Context;
use super::health::HealthCheckObject;
use super::identity::IdentityObject;
use super::object::{object, words};
use super::read::{Defs, Items, Lazy, Read, span_of, wrong_type};
use super::require::NameList;
use super::value::{Name, TextValue, Whole};

object! {
    /// Where endpoints stand: a region of a cloud, or a network of one's own.
    pub struct ZoneObject {
        /// For people and logs, such as `aws`, `gcp`, `azure`.
        optional cloud: Name<'a>,
        /// The cloud's name of the region, such as `eu-west-1`. For known ones the gateway knows where they are.
        optional region: Name<'a>,
        /// Whose law holds there, such as `eu`. What `residency` of a path asks for.
        optional jurisdiction: Name<'a>,
        /// Degrees north, from -90 to 90. What a known region says if nothing is said.
        optional latitude: Degrees<90>,
        /// Degrees east, from -180 to 180.
        optional longitude: Degrees<180>,
        /// Whose clients it serves first whatever the distance: `colo:FRA`, `country:DE`, `continent:EU`.
        optional near: NameList<'a>,
    }

    /// A backend. It has either a `url` or `endpoints`.
    pub struct ServerObject {
        /// The name that `integration.server` uses.
        required alias: Name<'a>,
        /// Absolute, `http` or `https`. Its path goes in front of the request's path.
        optional url: TextValue,
        /// Where `url` stands: a name of `zones`.
        optional zone: Name<'a>,
        /// What the gateway proves to its endpoints, if these do not say otherwise.
        optional identity: Lazy<'a, IdentityObject<'a>>,
        /// Its addresses, where it has several.
        optional endpoints: Items<'a, EndpointObject<'a>>,
        /// How requests are spread over the endpoints.
        optional balance: BalanceObject<'a>,
        /// Which zones are used first, and which when those fail.
        optional locality: LocalityObject<'a>,
        /// How long each try may take.
        optional timeouts: TimeoutsObject<'a>,
        /// When a request is tried again; `false` for never.
        optional retry: Switch<RetryObject<'a>>,
        /// When a second endpoint is asked before the first has answered.
        optional hedge: Switch<HedgeObject<'a>>,
        /// When an endpoint is left out for a while; `false` for never.
        optional outlier: Switch<OutlierObject<'a>>,
        /// Which share of the requests goes to the endpoints of the group `canary`.
        optional canary: CanaryObject<'a>,
        /// How the endpoints are checked beside requests.
        optional health_check: HealthCheckObject<'a>,
    }

    /// One address of a server.
    pub struct EndpointObject {
        /// Its name in logs. Its zone, or its place in the list, if nothing is said.
        optional name: Name<'a>,
        /// Absolute, `http` or `https`. Its path goes in front of the request's path.
        optional url: TextValue,
        /// The alias of a member of `serviceBindings` that is asked in place of the URL's host: another Worker, a private network, a client certificate.
        optional binding: Name<'a>,
        /// A name of `zones`.
        optional zone: Name<'a>,
        /// Its share beside the others. 1 if nothing is said; 0 for none.
        optional weight: Whole<0, 1000>,
        /// What the gateway proves to it. What the server says if nothing is said.
        optional identity: Lazy<'a, IdentityObject<'a>>,
        /// `canary`, or `stable` if nothing is said.
        optional group: GroupName,
    }

    /// How requests are spread over endpoints.
    pub struct BalanceObject {
        /// `round_robin` if nothing is said.
        optional policy: PolicyName,
        /// What requests of one endpoint have in common, for `consistent_hash`: `$request.header.NAME`, `$request.cookie.NAME`, `$request.query.NAME`, `$request.jwt.NAME` or `$request.ip`.
        optional hash_on: Name<'a>,
        /// How much of the average load an endpoint takes before the next one is taken, in percent. 125 if nothing is said.
        optional bounded_load_percent: Whole<100, 1000>,
        /// A cookie that brings a client back to the endpoint it had.
        optional sticky: StickyObject<'a>,
    }

    /// A cookie that brings a client back to the endpoint it had.
    pub struct StickyObject {
        /// The cookie's name.
        required cookie: Name<'a>,
        /// Seconds that the cookie lives. As long as the browser runs if nothing is said.
        optional max_age_seconds: Whole<1, 31_536_000>,
    }

    /// Which zones are used first, and which when those fail.
    pub struct LocalityObject {
        /// The zone that is home: its name, or `nearest` for the one that is nearest to the client.
        required home: Name<'a>,
        /// Where requests go when home fails, in order; nowhere if no rule fits.
        optional failover: Items<'a, FailoverObject<'a>>,
        /// Percent of a zone's endpoints that must be well; below it a share of the requests goes on to the next zones. 50 if nothing is said.
        optional threshold: Whole<1, 100>,
    }

    /// One rule of failover.
    pub struct FailoverObject {
        /// The homes that it is for; all if nothing is said.
        optional from: FailoverFromObject<'a>,
        /// Where requests go.
        required to: FailoverToObject<'a>,
    }

    /// The homes that a rule of failover is for.
    pub struct FailoverFromObject {
        /// Names of `zones`.
        required zones: NameList<'a>,
    }

    /// Where a rule of failover leads.
    pub struct FailoverToObject {
        /// To any zone, to those named only, to any except those named, or nowhere.
        required kind = "type": FailoverType,
        /// Names of `zones`, for `Only` and `AnyExcept`.
        optional zones: NameList<'a>,
    }

    /// How long each try may take.
    pub struct TimeoutsObject {
        /// Milliseconds from the start of a try to the head of its answer, connecting included. What is left of the path's `timeout_ms` if nothing is said.
        optional try_ms: Whole<1, 600_000>,
    }

    /// When a request is tried again.
    pub struct RetryObject {
        /// How often at most, beside the first try. 2 if nothing is said.
        optional num_retries: Whole<1, 10>,
        /// On what: `connect-failure`, `reset`, `gateway-error` (502, 503, 504 or no answer in time), `5xx`, `retriable-4xx` (409), `retriable-status-codes`. The first three if nothing is said.
        optional retry_on: Vec<RetryCondition>,
        /// The codes of `retriable-status-codes`.
        optional status_codes: Vec<Whole<400, 599>>,
        /// How long it is waited between tries.
        optional backoff: BackoffObject<'a>,
        /// How many retries there may be beside the requests.
        optional budget: BudgetObject<'a>,
        /// The largest body in bytes that is kept to be sent again. 65536 if nothing is said; 0 for none.
        optional max_body_bytes: Whole<0, 1_048_576>,
    }

    /// How long it is waited between tries: at random between nothing and a bound that doubles.
    pub struct BackoffObject {
        /// Milliseconds: the bound before the first retry. 25 if nothing is said.
        optional base_ms: Whole<1, 60_000>,
        /// Milliseconds: the largest bound. 250 if nothing is said.
        optional max_ms: Whole<1, 60_000>,
    }

    /// How many retries there may be beside the requests.
    pub struct BudgetObject {
        /// Retries in percent of the requests. 20 if nothing is said.
        optional percent: Whole<0, 100>,
        /// Retries in a second that are free besides. 10 if nothing is said.
        optional min_per_second: Whole<0, 1000>,
    }

    /// When a second endpoint is asked before the first has answered: for `GET` and `HEAD` without a body.
    pub struct HedgeObject {
        /// As long as this share of the answers took, in percent. 95 if nothing is said.
        optional percentile: Whole<50, 99>,
        /// Milliseconds while too few answers are known, and never less than a tenth of it. 100 if nothing is said.
        optional delay_ms: Whole<1, 60_000>,
        /// How many more endpoints are asked at most. 1 if nothing is said.
        optional max_hedges: Whole<1, 2>,
    }

    /// When an endpoint is left out for a while.
    pub struct OutlierObject {
        /// Failures one after another: no answer, or a status of 5xx. 5 if nothing is said; 0: not counted.
        optional consecutive_failures: Whole<0, 1000>,
        /// The same of no answer, 502, 503 and 504 alone. Not counted if nothing is said.
        optional consecutive_gateway_errors: Whole<0, 1000>,
        /// Failures in percent of an endpoint's requests. 50 if nothing is said; 0: not counted.
        optional failure_percent: Whole<0, 100>,
        /// How many requests there must be in the window for that. 20 if nothing is said.
        optional min_requests: Whole<1, 10_000>,
        /// Seconds of that window. 10 if nothing is said.
        optional window_seconds: Whole<1, 600>,
        /// Milliseconds that an endpoint is left out, times how often it was lately. 5000 if nothing is said.
        optional base_ejection_ms: Whole<1, 600_000>,
        /// Milliseconds that it is left out at most. 60000 if nothing is said.
        optional max_ejection_ms: Whole<1, 3_600_000>,
        /// Percent of the endpoints that may be left out at once. Below 100, the last one that is well stays. 99 if nothing is said, 100 with a `panic_percent` of 0.
        optional max_ejected_percent: Whole<0, 100>,
        /// When fewer than this percentage of the endpoints are well, all are used again. 10 if nothing is said; 0: never, the answer is 503.
        optional panic_percent: Whole<0, 100>,
        /// How many requests at once try an endpoint that comes back. 1 if nothing is said.
        optional probation_requests: Whole<1, 100>,
    }

    /// Which share of the requests goes to the endpoints of the group `canary`.
    pub struct CanaryObject {
        /// Percent of the requests.
        required percent: Whole<0, 100>,
        /// What decides for whom, so that one client stays with one group; chance if nothing is said. Written like `balance.hash_on`.
        optional hash_on: Name<'a>,
        /// A request header that decides by `always` or `never`.
        optional header: Name<'a>,
        /// A cookie that decides by `always` or `never`.
        optional cookie: Name<'a>,
        /// When the share becomes 0 by itself.
        optional guard: GuardObject<'a>,
    }

    /// When the share of the canary becomes 0 by itself.
    pub struct GuardObject {
        /// By how many percent of its requests the canary may fail more often than the stable endpoints in the same time before it gets no more: no answer, or 5xx.
        required max_error_percent: Whole<0, 100>,
        /// How many requests there must be for that. 20 if nothing is said.
        optional min_requests: Whole<1, 100_000>,
        /// No request that is older, in seconds, is counted. 60 if nothing is said. Of the canary's, the latest 100 are, or twice `min_requests`.
        optional window_seconds: Whole<1, 3_600>,
        /// Seconds until the canary gets requests again. 600 if nothing is said.
        optional hold_seconds: Whole<1, 86_400>,
    }
}

words! {
    /// How the next endpoint is chosen.
    #[code = "unknown_value"]
    pub enum PolicyName {
        /// One after another, each as often as its weight says.
        RoundRobin = "round_robin",
        /// By chance, each as often as its weight says.
        Random = "random",
        /// Of two by chance the one with the lower peak-EWMA latency times requests in flight.
        PeakEwma = "peak_ewma",
        /// The same endpoint for the same value of `hash_on`, as long as it is not overloaded.
        ConsistentHash = "consistent_hash",
    }

    /// Where a rule of failover leads.
    #[code = "unknown_value"]
    pub enum FailoverType {
        Any = "Any",
        Only = "Only",
        AnyExcept = "AnyExcept",
        None = "None",
    }

    /// The group of an endpoint.
    #[code = "unknown_value"]
    pub enum GroupName {
        Stable = "stable",
        Canary = "canary",
    }

    /// What a request is tried again on, by the names of Envoy and Kuma.
    #[code = "unknown_value"]
    pub enum RetryCondition {
        /// The connection was not made. The platform does not tell it from `reset`.
        ConnectFailure = "connect-failure",
        /// The connection broke before the head of an answer.
        Reset = "reset",
        /// 502, 503, 504, or no answer in time.
        GatewayError = "gateway-error",
        /// Any status of 5xx, no answer, or none in time.
        ServerError = "5xx",
        /// 409
        Conflict = "retriable-4xx",
        /// What `status_codes` lists.
        StatusCodes = "retriable-status-codes",
    }
}

/// Rules, `true` for what they are if nothing is said, or `false` for none.
#[derive(Clone, Debug)]
pub enum Switch<T> {
    Off,
    On,
    Rules(Box<T>),
}

impl<'a, T: Read<'a>> Read<'a> for Switch<T> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(flag) if flag.value => Some(Switch::On),
            Value::BooleanLit(_) => Some(Switch::Off),
            Value::Object(_) => T::read(node, cx).map(|rules| Switch::Rules(Box::new(rules))),
            other => wrong_type(other, "an object, or `true` or `false`", cx),
        }
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [T::schema(defs), { "type": "boolean" }] })
    }
}

/// Degrees of latitude or longitude, from `-MAX` to `MAX`.
#[derive(Clone, Copy, Debug)]
pub struct Degrees<const MAX: u8>(pub Spanned<f32>);

impl<'a, const MAX: u8> Read<'a> for Degrees<MAX> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let Value::NumberLit(number) = node else {
            return wrong_type(node, "a number", cx);
        };
        let span = span_of(node);
        let most = f32::from(MAX);
        let value = number.value.parse::<f32>().ok();
        match value.filter(|value| (-most..=most).contains(value)) {
            Some(value) => Some(Degrees(Spanned { value, span })),
            None => {
                let message = format!("{} is not a number from -{MAX} to {MAX}", number.value);
                cx.error(span, "out_of_range", message)
                    .label(format!("-{MAX} to {MAX}"));
                None
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "number", "minimum": 0_i16.saturating_sub(MAX.into()), "maximum": MAX })
    }
}

/// The jurisdiction that requests must not leave, or `false` for any.
#[derive(Clone, Copy, Debug)]
pub enum Residency<'a> {
    Anywhere,
    Within(Name<'a>),
}

impl<'a> Read<'a> for Residency<'a> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        match node {
            Value::BooleanLit(flag) if !flag.value => Some(Residency::Anywhere),
            Value::StringLit(_) => Name::read(node, cx).map(Residency::Within),
            other => wrong_type(other, "a string, or `false`", cx),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "anyOf": [{ "type": "string", "minLength": 1 }, { "const": false }] })
    }
}
