//! Which endpoints a request may reach from its home zone, and in which order.
//!
//! Tier 0 are the endpoints of the home zone. Each rule of failover that is for this home leads to a further tier, the
//! zones of earlier ones left out, until one leads nowhere. The last rule is always `None`: what no rule leads to is not
//! reached. Without `locality` all endpoints are of tier 0.

use crate::plan::{FailoverTo, Locality};

/// Sets of endpoints, one bit each, tier by tier.
pub(super) type Tiers = Vec<u64>;

/// The tiers as seen from a home. `zones` are those of the endpoints in their order; an endpoint without a zone belongs
/// to no rule but `Any` and `AnyExcept`.
pub(super) fn tiers(
    locality: Option<&Locality>,
    home: Option<u16>,
    zones: &[Option<u16>],
) -> Tiers {
    let set = |holds: &dyn Fn(Option<u16>) -> bool| {
        zones
            .iter()
            .enumerate()
            .filter(|(_, zone)| holds(**zone))
            .fold(0_u64, |set, (index, _)| set | super::bit(index))
    };
    let Some(locality) = locality else {
        return vec![set(&|_| true)];
    };
    let mut reached = set(&|zone| zone.is_some() && zone == home);
    let mut tiers = vec![reached];
    for rule in &locality.failover {
        let applies = match (&rule.from, home) {
            (None, _) => true,
            (Some(from), Some(home)) => from.contains(&home),
            (Some(_), None) => false,
        };
        if !applies {
            continue;
        }
        let found = match &rule.to {
            FailoverTo::None => break,
            FailoverTo::Any => set(&|_| true),
            FailoverTo::Only(only) => set(&|zone| zone.is_some_and(|z| only.contains(&z))),
            FailoverTo::AnyExcept(not) => set(&|zone| zone.is_none_or(|z| !not.contains(&z))),
        };
        let new = found & !reached;
        if new != 0 {
            reached |= new;
            tiers.push(new);
        }
    }
    tiers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Failover, Home};

    #[test]
    fn rules_lead_from_tier_to_tier_until_none() {
        let zones = [Some(0), Some(1), Some(2), None, Some(0)];
        let rule = |from: Option<Vec<u16>>, to| Failover { from, to };
        let tiers = |failover: Vec<Failover>, home| {
            let locality = Locality {
                home: Home::Nearest,
                failover,
                threshold: 50,
            };
            super::tiers(Some(&locality), home, &zones)
        };
        assert_eq!(super::tiers(None, Some(1), &zones), [0b11111]);
        assert_eq!(tiers(vec![], Some(0)), [0b10001], "the last rule is None");
        assert_eq!(tiers(vec![], None), [0]);
        assert_eq!(
            tiers(vec![rule(None, FailoverTo::Any)], Some(1)),
            [0b00010, 0b11101]
        );
        let rules = vec![
            rule(Some(vec![0]), FailoverTo::Only(vec![0, 2])),
            rule(Some(vec![1]), FailoverTo::None),
            rule(None, FailoverTo::AnyExcept(vec![1])),
        ];
        assert_eq!(tiers(rules.clone(), Some(0)), [0b10001, 0b00100, 0b01000]);
        assert_eq!(tiers(rules.clone(), Some(1)), [0b00010]);
        assert_eq!(tiers(rules, Some(2)), [0b00100, 0b11001]);
    }
}
