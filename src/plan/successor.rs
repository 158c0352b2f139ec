//! What a plan takes over from the one that it replaces.
//!
//! A config that changes while the worker runs, in KV, must not forget what was learnt under the one before, as far as that
//! is still about the same thing. All of it is carried over here.

use super::Plan;
use crate::upstream::Server;

impl Plan {
    /// Goes on with what the plan before knows: of each server, by its alias, how its endpoints answer.
    pub fn take_over(&mut self, before: &Plan) {
        for server in &mut self.servers {
            let Ok(Server::Pool(pool)) = server else {
                continue;
            };
            let known = before.pools().find(|known| known.alias == pool.alias);
            if let Some(known) = known {
                pool.take_over(known);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compile;
    use crate::upstream::pool::{Event, Failure, Outcome, Want};

    fn plan(servers: &str) -> Plan {
        let blueprint =
            compile(&format!("{{ \"servers\": [{servers}], \"paths\": [] }}")).blueprint;
        let (plan, faults) = Plan::load(blueprint.unwrap(), &|_: &str| None).unwrap();
        assert!(faults.is_empty());
        plan
    }

    fn server(alias: &str) -> String {
        let rule = "{ \"consecutive_failures\": 1, \"base_ejection_ms\": 60000 }";
        let endpoints = "[{ \"url\": \"http://a.test\" }, { \"url\": \"http://b.test\" }]";
        format!("{{ \"alias\": \"{alias}\", \"endpoints\": {endpoints}, \"outlier\": {rule} }}")
    }

    #[test]
    fn a_server_is_known_by_its_alias_wherever_it_stands() {
        let before = plan(&server("s"));
        let pool = before.pools().next().unwrap();
        let flight = pool.began(0, 1);
        let ended = pool.ended(&flight, 1, Outcome::Failure(Failure::Gateway));
        assert_eq!(ended[0], Some(Event::Ejected(0)));
        let mut next = plan(&[server("other"), server("s")].join(","));
        next.take_over(&before);
        let first = |pool: usize| {
            let pool = next.pools().nth(pool).unwrap();
            (0..4).any(|_| pool.pick(&Want::default(), 2, 0) == Ok(0))
        };
        assert!(first(0), "of this one nothing is known");
        assert!(!first(1));
    }
}
