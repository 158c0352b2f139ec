//! How requests would be spread over a server's endpoints.

use causeway::plan::{Balance, FailoverTo, HashKey, Home, PoolSpec, Zone};

use super::Page;

pub fn explain(pool: &PoolSpec, zones: &[Zone], page: &mut Page) {
    let balance = match &pool.balance {
        Balance::RoundRobin => "round robin".to_owned(),
        Balance::Random => "by chance".to_owned(),
        Balance::PeakEwma => "by weight, and who is clearly quicker first (peak EWMA)".to_owned(),
        Balance::ConsistentHash { on, .. } => format!("consistent hash of {}", key(on)),
    };
    page.line("balance", &balance);
    if let Some(sticky) = &pool.sticky {
        page.line(
            "",
            &format!("  a client's cookie `{}` goes before", sticky.cookie),
        );
    }
    if let Some(locality) = &pool.locality {
        let name = |zone: &u16| {
            zones
                .get(usize::from(*zone))
                .map_or("", |z| z.name.as_str())
        };
        let list = |zones: &[u16]| zones.iter().map(name).collect::<Vec<_>>().join(", ");
        let home = match &locality.home {
            Home::Nearest => "the zone nearest to the client",
            Home::Zone(zone) => name(zone),
        };
        page.line("home", home);
        for rule in &locality.failover {
            let from = rule
                .from
                .as_deref()
                .map_or_else(String::new, |from| format!(" from {}", list(from)));
            let to = match &rule.to {
                FailoverTo::Any => "to any zone".to_owned(),
                FailoverTo::Only(only) => format!("only to {}", list(only)),
                FailoverTo::AnyExcept(not) => format!("to any zone except {}", list(not)),
                FailoverTo::None => "nowhere".to_owned(),
            };
            page.line("", &format!("  failover{from} {to}"));
        }
        page.line("", "  else nowhere");
    }
    if let Some(retry) = &pool.retry {
        page.line(
            "retry",
            &format!(
                "{} times at most, and {} % of the requests",
                retry.num_retries, retry.budget_percent
            ),
        );
    }
    if let Some(hedge) = &pool.hedge {
        page.line(
            "hedge",
            &format!(
                "a second endpoint when the first takes longer than {} % of the answers did",
                hedge.percentile
            ),
        );
    }
    if let Some(canary) = &pool.canary {
        page.line("canary", &format!("{} % of the requests", canary.percent));
    }
}

fn key(on: &HashKey) -> String {
    match on {
        HashKey::Header(name) => format!("the header {name}"),
        HashKey::Cookie(name) => format!("the cookie {name}"),
        HashKey::Query(name) => format!("the query's {name}"),
        HashKey::Claim(name) => format!("the claim {name}"),
        HashKey::ClientIp => "the client's address".to_owned(),
    }
}
