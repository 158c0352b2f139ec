//! What a plan takes over from the one that it replaces.
//!
//! A config that changes while the worker runs, in KV, must not forget what was learnt under the one before, as far as that
//! is still about the same thing. All of it is carried over here.

use super::Plan;
use crate::upstream::Server;

impl Plan {
    /// Goes on with what the plan before knows: of each server, by its alias, how its endpoints answer; of each
    /// authorizer, by its name, what it does not accept again.
    pub fn take_over(&mut self, before: &Plan) {
        for (name, authorizer) in self.callers.iter().zip(&mut self.authorizers) {
            let mut known = before.callers.iter().zip(&before.authorizers);
            let known = known.find(|(other, _)| *other == name);
            if let (Ok(authorizer), Some((_, Ok(known)))) = (authorizer, known) {
                authorizer.take_over(known);
            }
        }
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

    #[test]
    fn a_new_plan_knows_who_has_been_here_by_the_name_of_the_authorizer() {
        use crate::auth::{Authorizer, Effects, Presented};
        use crate::exchange::{Body, Request};
        use crate::host::memory::{MemoryHost, run};

        const NOW: u64 = 1_800_000_000;
        const SIGNED: &str = "04faf80b32d24ff37f235801a74169f8434f70585c8ac2fe049cd001da1cdcc5";
        let plan = |name: &str, tolerance: u32| {
            let config = format!(
                r#"{{ "authorizers": {{ "{name}": {{ "type": "webhook", "scheme": "stripe",
                "secret": "a secret of a sender of webhooks", "tolerance": {tolerance} }} }}, "paths": [] }}"#
            );
            let blueprint = compile(&config).blueprint.unwrap();
            Plan::load(blueprint, &|_: &str| None).unwrap().0
        };
        // openssl dgst -sha256 -hmac "$SECRET" over `TIME.{}`.
        let signature = format!("t={NOW},v1={SIGNED}");
        let headers = [("stripe-signature", signature.as_str())];
        let knows = |plan: &Plan| {
            let host = MemoryHost::new(NOW * 1000, &headers).with_body(b"{}");
            let request = Request::new("POST", "https://gateway.test/hook").unwrap();
            let presented = Presented {
                host: &host,
                request: request.with_body(Body::Sized),
                path: "/hook",
                query: None,
                effects: &Effects::default(),
            };
            let Some(Ok(Authorizer::Webhook(webhook))) = plan.authorizers.first() else {
                panic!("no webhook");
            };
            run(webhook.authenticate(&presented)).map_or_else(|denied| denied.code(), |_| "in")
        };
        let first = plan("stripe", 300);
        assert_eq!(knows(&first), "in");
        let mut second = plan("stripe", 600);
        second.take_over(&first);
        assert_eq!(knows(&second), "signature_replayed");
        let mut other = plan("other", 300);
        other.take_over(&second);
        assert_eq!(knows(&other), "in");
    }

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
