//! What of a plan is in service: endpoints that are drained or down are told to their pools.

use super::{Board, Check, Drain, Pool, Server};
use crate::plan::Plan;

impl Plan {
    /// The servers that have several endpoints, or rules for one.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.servers.iter().filter_map(|server| match server {
            Ok(Server::Pool(pool)) => Some(pool.as_ref()),
            Ok(Server::Single { .. }) | Err(_) => None,
        })
    }

    /// The endpoints whose health is checked.
    pub fn checks(&self) -> Vec<Check<'_>> {
        let checked = self.pools().filter_map(|pool| {
            let spec = pool.spec.health.as_ref()?;
            Some((pool, spec))
        });
        let checks = checked.flat_map(|(pool, spec)| {
            pool.endpoints.iter().map(move |endpoint| Check {
                name: name(pool, &endpoint.name),
                url: endpoint.base.join(&spec.path, None),
                binding: endpoint.binding.as_deref(),
                identity: endpoint.identity,
                spec,
            })
        });
        checks.collect()
    }

    /// What is drained and is not there, in words for the operator.
    pub fn unknown(&self, drain: &Drain) -> Option<String> {
        let is_zone = |name: &str| self.zones.iter().any(|zone| zone.name == name);
        let is_endpoint = |server: &str, endpoint: &str| {
            self.pools().any(|pool| {
                pool.alias == server && pool.endpoints.iter().any(|e| e.name == endpoint)
            })
        };
        drain.unknown(is_zone, is_endpoint)
    }

    /// Takes endpoints out of service that are drained or down, and all others into it.
    pub fn set_service(&self, drain: &Drain, board: &Board, now: u64) {
        for pool in self.pools() {
            pool.set_drained(|endpoint| {
                let zone = endpoint
                    .zone
                    .and_then(|zone| self.zones.get(usize::from(zone)));
                drain.holds(
                    zone.map(|zone| zone.name.as_str()),
                    &pool.alias,
                    &endpoint.name,
                )
            });
            for (index, endpoint) in pool.endpoints.iter().enumerate() {
                let spec = pool.spec.health.as_ref();
                let name = name(pool, &endpoint.name);
                pool.set_down(
                    index,
                    spec.is_some_and(|spec| board.is_down(&name, spec, now)),
                );
            }
        }
    }
}

fn name(pool: &Pool, endpoint: &str) -> String {
    format!("{}/{endpoint}", pool.alias)
}
