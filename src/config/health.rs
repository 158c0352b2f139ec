//! The object of active health checks.

use super::object::object;
use super::read::Entries;
use super::value::{Name, OneOrMany, Scalar, Whole};

object! {
    /// How the endpoints of a server are checked, by the scheduled handler: wrangler.toml needs a cron trigger.
    pub struct HealthCheckObject {
        /// What is asked for, by `GET`, behind each endpoint's own path: such as `/healthz`.
        required path: Name<'a>,
        /// Seconds between two checks. 60 if nothing is said.
        optional interval_seconds: Whole<5, 3600>,
        /// Milliseconds to the head of the answer. 4000 if nothing is said.
        optional timeout_ms: Whole<1, 30_000>,
        /// The status that must be answered, or several of which one must be. 200 to 299 if nothing is said.
        optional expected_statuses: OneOrMany<Whole<100, 599>>,
        /// Bad checks, one after another, after which an endpoint is left out. 3 if nothing is said.
        optional unhealthy_after: Whole<1, 100>,
        /// Good checks, one after another, after which it is used again. 2 if nothing is said.
        optional healthy_after: Whole<1, 100>,
        /// Headers of the request, such as `"Authorization": "$secret.PROBE"`.
        optional headers: Entries<'a, Scalar>,
    }
}
