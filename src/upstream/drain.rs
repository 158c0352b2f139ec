//! What an operator takes out of service by hand, without a deployment.
//!
//! It stands in the key [`DRAIN_KEY`](crate::config::DRAIN_KEY) of KV: zones and endpoints by their names, an endpoint
//! with its server's alias in front. A text that is not understood, or that names something that there is not, is taken
//! for a mistake as a whole: half of what was meant may be the wrong half.
//!
//! ```json
//! { "zones": ["gcp-eu"], "endpoints": ["catalog/blue"] }
//! ```

use serde_json::{Map, Value};

/// What is taken out of service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drain {
    zones: Vec<String>,
    /// `server/endpoint`
    endpoints: Vec<String>,
}

impl Drain {
    /// Reads what stands in KV.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn read(text: &str) -> Result<Drain, String> {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| "it is no JSON object")?;
        let mut drain = Drain::default();
        for (key, value) in members {
            let names = match key.as_str() {
                "zones" => &mut drain.zones,
                "endpoints" => &mut drain.endpoints,
                _ => return Err(format!("`{key}` is no member of it")),
            };
            let list = match value {
                Value::Array(list) => list,
                _ => return Err(format!("`{key}` is no list of names")),
            };
            for name in list {
                match name {
                    Value::String(name) => names.push(name),
                    _ => return Err(format!("`{key}` is no list of names")),
                }
            }
        }
        Ok(drain)
    }

    /// The first name that is none of these.
    pub fn unknown(
        &self,
        is_zone: impl Fn(&str) -> bool,
        is_endpoint: impl Fn(&str, &str) -> bool,
    ) -> Option<String> {
        let zone = self.zones.iter().find(|zone| !is_zone(zone));
        if let Some(zone) = zone {
            return Some(format!("there is no zone `{zone}`"));
        }
        let known = |name: &str| {
            // Neither an alias nor an endpoint's name is forbidden to hold a slash.
            name.match_indices('/').any(|(at, _)| {
                let (server, endpoint) = name.split_at(at);
                is_endpoint(server, endpoint.get(1..).unwrap_or_default())
            })
        };
        let endpoint = self.endpoints.iter().find(|name| !known(name))?;
        Some(format!("there is no endpoint `{endpoint}`"))
    }

    /// Whether an endpoint is out of service.
    pub fn holds(&self, zone: Option<&str>, server: &str, endpoint: &str) -> bool {
        zone.is_some_and(|zone| self.zones.iter().any(|name| name == zone))
            || self.endpoints.iter().any(|name| {
                let rest = name.strip_prefix(server);
                rest.and_then(|rest| rest.strip_prefix('/')) == Some(endpoint)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_endpoints_are_drained_by_their_names() {
        let text = r#"{ "zones": ["gcp-eu"], "endpoints": ["catalog/blue", "a/b/c"] }"#;
        let drain = Drain::read(text).unwrap();
        for (zone, server, endpoint, expected) in [
            (Some("gcp-eu"), "orders", "x", true),
            (Some("aws-eu"), "orders", "x", false),
            (None, "catalog", "blue", true),
            (Some("aws-eu"), "catalog", "blue", true),
            (None, "catalog", "blu", false),
            (None, "catalo", "g/blue", false),
            (None, "a", "b/c", true),
            (None, "a/b", "c", true),
        ] {
            assert_eq!(
                drain.holds(zone, server, endpoint),
                expected,
                "{server}/{endpoint}"
            );
        }
        assert_eq!(Drain::read("{}"), Ok(Drain::default()));
    }

    #[test]
    fn what_is_not_understood_is_refused_as_a_whole() {
        for bad in [
            "",
            "null",
            "[]",
            "[[\"gcp-eu\"], []]",
            "\"gcp-eu\"",
            "{",
            "{} {}",
            r#"{ "zones": "gcp-eu" }"#,
            r#"{ "zones": [1] }"#,
            r#"{ "zone": ["gcp-eu"] }"#,
        ] {
            assert!(Drain::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_there_is_not_is_told() {
        let unknown = |text: &str| {
            let is_endpoint =
                |server: &str, endpoint: &str| server == "catalog" && endpoint == "blue";
            Drain::read(text)
                .unwrap()
                .unknown(|zone| zone == "gcp-eu", is_endpoint)
        };
        assert_eq!(
            unknown(r#"{ "zones": ["gcp-eu"], "endpoints": ["catalog/blue"] }"#),
            None
        );
        for (text, expected) in [
            (r#"{ "zones": ["gcp-us"] }"#, "there is no zone `gcp-us`"),
            (
                r#"{ "endpoints": ["blue"] }"#,
                "there is no endpoint `blue`",
            ),
            (
                r#"{ "endpoints": ["catalog/"] }"#,
                "there is no endpoint `catalog/`",
            ),
        ] {
            assert_eq!(unknown(text).as_deref(), Some(expected));
        }
    }
}
