//! The objects of a scenario: what `causeway simulate` lets happen to a server of a config.

use serde_json::json;

use super::Spanned;
use super::ast::Value;
use super::context::Context;
use super::object::object;
use super::read::{Defs, Items, Read, span_of, wrong_type};
use super::value::{Name, Whole};

object! {
    /// What happens to a server.
    pub struct ScenarioObject {
        /// For people; not read.
        optional title: Name<'a>,
        /// How many requests come in a second on average, at moments that do not depend on the answers.
        required requests_per_second: Decimal<1_000_000>,
        /// How many requests there are, if not as many as come in `duration_s`.
        optional requests: Whole<1, 100_000_000>,
        /// Seconds in which requests come.
        optional duration_s: Decimal<604_800>,
        /// Another one leads to another run. 1 if nothing is said.
        optional seed: Whole<0, { u32::MAX }>,
        /// How many isolates serve each of `clients`. They share nothing. 1 if nothing is said.
        optional isolates: Whole<1, 1000>,
        /// Milliseconds to the head of an answer, as a path says it. 30000 if nothing is said.
        optional timeout_ms: Whole<1, 600_000>,
        /// Which share of the requests are of the method POST; the others are of GET. 0 if nothing is said.
        optional post_percent: Decimal<100>,
        /// How many different values `hash_on` has, and how many cookies there are. 1000 if nothing is said.
        optional keys: Whole<1, 1_000_000>,
        /// The names of the only zones that requests may be sent to. All if nothing is said.
        optional only_zones: Vec<Name<'a>>,
        /// Where requests come from. From nowhere in particular if nothing is said.
        optional clients: Items<'a, ClientsObject<'a>>,
        /// How endpoints behave. Of several that are for an endpoint, the first one counts.
        required endpoints: Items<'a, BehaviourObject<'a>>,
        /// What happens for a while, beside how the endpoints behave otherwise.
        optional incidents: Items<'a, IncidentObject<'a>>,
    }

    /// Clients of one place.
    pub struct ClientsObject {
        /// Their share beside the others. 1 if nothing is said.
        optional share: Whole<0, 1_000_000>,
        /// The airport's code of Cloudflare's location.
        optional colo: Name<'a>,
        /// Two letters.
        optional country: Name<'a>,
        /// Cloudflare's two letters.
        optional continent: Name<'a>,
        /// Degrees north, from -90 to 90.
        optional latitude: super::Degrees<90>,
        /// Degrees east, from -180 to 180.
        optional longitude: super::Degrees<180>,
    }

    /// How endpoints behave.
    pub struct BehaviourObject {
        /// The name of the endpoint that it is for.
        optional endpoint: Name<'a>,
        /// The zone whose endpoints it is for.
        optional zone: Name<'a>,
        /// How long an answer takes.
        required latency: LatencyObject<'a>,
        /// Answers that are errors.
        optional errors: Items<'a, ErrorObject<'a>>,
        /// Which share of the requests is refused: there is no connection, or it breaks.
        optional refuse_percent: Decimal<100>,
        /// Which share of the requests is never answered.
        optional hang_percent: Decimal<100>,
        /// How many requests it works on at once. Beyond that it answers 503 at once.
        optional max_concurrent: Whole<1, 1_000_000>,
    }

    /// How long an answer takes: always the same, evenly between two bounds, or log-normal.
    pub struct LatencyObject {
        /// Milliseconds.
        optional fixed_ms: Decimal<600_000>,
        /// Milliseconds: the lower bound.
        optional min_ms: Decimal<600_000>,
        /// Milliseconds: the upper bound.
        optional max_ms: Decimal<600_000>,
        /// Milliseconds in which half of the answers come.
        optional p50_ms: Decimal<600_000>,
        /// Milliseconds in which 99 of 100 answers come.
        optional p99_ms: Decimal<600_000>,
    }

    /// Answers that are errors.
    pub struct ErrorObject {
        /// Their status.
        required status: Whole<400, 599>,
        /// Which share of the answers they are.
        required percent: Decimal<100>,
        /// Seconds for `Retry-After`.
        optional retry_after_s: Whole<0, 86_400>,
    }

    /// What happens to endpoints for a while.
    pub struct IncidentObject {
        /// Seconds after the beginning.
        required from_s: Decimal<604_800>,
        /// Seconds after the beginning, not included.
        required to_s: Decimal<604_800>,
        /// The name of the endpoint that it happens to.
        optional endpoint: Name<'a>,
        /// The zone whose endpoints it happens to. To all endpoints if neither is said.
        optional zone: Name<'a>,
        /// How many times as long answers take.
        optional slower: Decimal<10_000>,
        /// Answers that are errors.
        optional errors: Items<'a, ErrorObject<'a>>,
        /// Which share of the requests is refused.
        optional refuse_percent: Decimal<100>,
        /// Which share of the requests is never answered.
        optional hang_percent: Decimal<100>,
    }
}

/// A number from 0 to `MAX`.
#[derive(Clone, Copy, Debug)]
pub struct Decimal<const MAX: u32>(pub Spanned<f64>);

impl<'a, const MAX: u32> Read<'a> for Decimal<MAX> {
    fn read(node: &'a Value<'a>, cx: &mut Context) -> Option<Self> {
        let Value::NumberLit(number) = node else {
            return wrong_type(node, "a number", cx);
        };
        let span = span_of(node);
        let value = number.value.parse::<f64>().ok();
        match value.filter(|value| (0.0..=f64::from(MAX)).contains(value)) {
            Some(value) => Some(Decimal(Spanned { value, span })),
            None => {
                let message = format!("{} is not a number from 0 to {MAX}", number.value);
                cx.error(span, "out_of_range", message)
                    .label(format!("0 to {MAX}"));
                None
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "number", "minimum": 0, "maximum": MAX })
    }
}
