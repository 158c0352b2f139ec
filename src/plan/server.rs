//! Servers, their endpoints, and how requests are spread over these; a part of the blueprint.

use serde::{Deserialize, Serialize};

use super::{HealthSpec, Text};

/// Where endpoints stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    pub name: String,
    pub cloud: Option<String>,
    pub region: Option<String>,
    /// Lower case.
    pub jurisdiction: Option<String>,
    /// Degrees north and east.
    pub location: Option<(f32, f32)>,
    pub near: Vec<Near>,
}

/// Whose clients a zone serves first. Upper case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Near {
    /// An airport's code (IATA), by which Cloudflare names its locations.
    Colo(String),
    /// ISO 3166-1, two letters.
    Country(String),
    /// Cloudflare's two letters.
    Continent(String),
}

/// A named backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    pub alias: String,
    /// Never empty.
    pub endpoints: Vec<Endpoint>,
    /// `None` where nothing needs to be known of the answers: one endpoint, and none of the members that ask for it.
    pub pool: Option<Box<PoolSpec>>,
}

/// One address of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub name: String,
    /// Absolute, `http` or `https`; its path is a prefix, its query is dropped.
    pub url: Text,
    /// Index into [`Blueprint::bindings`](super::Blueprint::bindings): what is asked in place of the URL's host.
    pub binding: Option<u16>,
    /// Index into [`Blueprint::zones`](super::Blueprint::zones).
    pub zone: Option<u16>,
    /// What the gateway proves to it: an index into [`Blueprint::identities`](super::Blueprint::identities).
    pub identity: Option<u16>,
    pub weight: u16,
    pub canary: bool,
}

/// How requests are spread over a server's endpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolSpec {
    pub balance: Balance,
    pub sticky: Option<Sticky>,
    pub locality: Option<Locality>,
    /// Milliseconds to the head of a try's answer; `None` is the path's.
    pub try_ms: Option<u32>,
    pub retry: Option<RetrySpec>,
    pub hedge: Option<HedgeSpec>,
    pub outlier: Option<OutlierSpec>,
    pub canary: Option<CanarySpec>,
    pub health: Option<HealthSpec>,
}

/// How the next endpoint is chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Balance {
    #[default]
    RoundRobin,
    Random,
    PeakEwma,
    ConsistentHash {
        on: HashKey,
        /// Of the average load.
        bounded_load_percent: u32,
    },
}

/// What requests have in common that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HashKey {
    /// Lower case.
    Header(String),
    Cookie(String),
    Query(String),
    Claim(String),
    ClientIp,
}

/// A cookie that brings a client back to the endpoint it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sticky {
    pub cookie: String,
    pub max_age_seconds: Option<u32>,
}

/// Which zones are used first, and which when those fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Locality {
    pub home: Home,
    pub failover: Vec<Failover>,
    /// Percent of a zone's endpoints that must be well.
    pub threshold: u32,
}

/// The zone that is used first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Home {
    Nearest,
    Zone(u16),
}

/// One rule of failover: zones by their indices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failover {
    /// `None` is every home.
    pub from: Option<Vec<u16>>,
    pub to: FailoverTo,
}

/// Where a rule of failover leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FailoverTo {
    Any,
    Only(Vec<u16>),
    AnyExcept(Vec<u16>),
    None,
}

/// When a request is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrySpec {
    pub num_retries: u32,
    pub on: RetryOn,
    /// Milliseconds.
    pub base_ms: u32,
    pub max_ms: u32,
    pub budget_percent: u32,
    pub budget_min_per_second: u32,
    pub max_body_bytes: u32,
}

/// On what a request is tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RetryOn {
    /// No connection, or one that broke before the answer: the platform does not tell these apart.
    pub reset: bool,
    pub gateway_error: bool,
    pub server_error: bool,
    pub conflict: bool,
    pub status_codes: Vec<u16>,
}

/// When a second endpoint is asked before the first has answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HedgeSpec {
    pub percentile: u32,
    /// Milliseconds.
    pub delay_ms: u32,
    pub max_hedges: u32,
}

/// When an endpoint is left out for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutlierSpec {
    /// 0: not counted.
    pub consecutive_failures: u32,
    /// 0: not counted.
    pub consecutive_gateway_errors: u32,
    /// 0: not counted.
    pub failure_percent: u32,
    pub min_requests: u32,
    pub window_ms: u32,
    pub base_ejection_ms: u32,
    pub max_ejection_ms: u32,
    pub max_ejected_percent: u32,
    pub panic_percent: u32,
    pub probation_requests: u32,
}

/// Which share of the requests goes to the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CanarySpec {
    pub percent: u32,
    pub hash_on: Option<HashKey>,
    /// Lower case.
    pub header: Option<String>,
    pub cookie: Option<String>,
    pub guard: Option<GuardSpec>,
}

/// When the share of the canary becomes 0 by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardSpec {
    pub max_error_percent: u32,
    pub min_requests: u32,
    pub window_ms: u32,
    pub hold_ms: u32,
}

/// Hostnames that pin a request to one zone of one server, label by label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTemplate(pub Vec<HostLabel>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostLabel {
    Server,
    Zone,
    /// Lower case.
    Literal(String),
}

/// What a hostname of the template says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin<'h> {
    /// An alias, as the client wrote it: case makes no difference in hostnames.
    pub server: &'h str,
    pub zone: &'h str,
    /// The host for which paths are looked up: what follows both in the template.
    pub host: &'h str,
}

impl HostTemplate {
    /// Whether hosts of a path are the template's too. A path's host may be `*.` and what follows at least one label.
    pub fn takes(&self, host: &str) -> bool {
        let Some(suffix) = host.strip_prefix("*.") else {
            return self.read(host).is_some();
        };
        let labels: Vec<&str> = suffix.trim_end_matches('.').split('.').collect();
        let mut pairs = labels.iter().rev().zip(self.0.iter().rev());
        labels.len() < self.0.len()
            && pairs.all(|(label, expected)| match expected {
                HostLabel::Literal(literal) => literal.eq_ignore_ascii_case(label),
                HostLabel::Server | HostLabel::Zone => true,
            })
    }

    /// Reads a host without its port; `None` if it is not one of the template's.
    pub fn read<'h>(&self, host: &'h str) -> Option<Pin<'h>> {
        let (mut server, mut zone) = (None, None);
        let mut rest = host;
        let mut labels = host.split('.');
        for expected in &self.0 {
            let label = labels.next().filter(|label| !label.is_empty())?;
            let after = rest.get(label.len()..).unwrap_or_default();
            rest = after.strip_prefix('.').unwrap_or(after);
            match expected {
                HostLabel::Literal(literal) if !literal.eq_ignore_ascii_case(label) => return None,
                HostLabel::Literal(_) => {}
                HostLabel::Server => server = Some((label, rest)),
                HostLabel::Zone => zone = Some((label, rest)),
            }
        }
        // A root's dot may follow.
        labels.all(str::is_empty).then_some(())?;
        let ((server, after_server), (zone, after_zone)) = (server?, zone?);
        let host = if after_server.len() < after_zone.len() {
            after_server
        } else {
            after_zone
        };
        Some(Pin { server, zone, host })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_the_template_names_a_server_a_zone_and_where_paths_are() {
        let literal = |label: &str| HostLabel::Literal(label.to_owned());
        let template = HostTemplate(vec![
            HostLabel::Server,
            HostLabel::Zone,
            literal("api"),
            literal("test"),
        ]);
        for (host, expected) in [
            (
                "catalog.gcp-eu.api.test",
                Some(("catalog", "gcp-eu", "api.test")),
            ),
            (
                "Catalog.GCP-EU.API.test",
                Some(("Catalog", "GCP-EU", "API.test")),
            ),
            (
                "catalog.gcp-eu.api.test.",
                Some(("catalog", "gcp-eu", "api.test.")),
            ),
            ("api.test", None),
            ("gcp-eu.api.test", None),
            (".gcp-eu.api.test", None),
            ("a.catalog.gcp-eu.api.test", None),
            ("catalog.gcp-eu.api.test.evil", None),
            ("", None),
        ] {
            let pin = template
                .read(host)
                .map(|pin| (pin.server, pin.zone, pin.host));
            assert_eq!(pin, expected, "{host}");
        }
    }
}
