//! Choosing an endpoint, in the steps that the pool's docs tell.

use super::learn::State;
use super::outlier::Availability;
use super::{DRAINED_RETRY_MS, Endpoint, Nobody, Pool, Want, balance, bit, members};
use crate::plan::Balance;

/// What of a set can be used.
struct Able {
    usable: u64,
    /// Those of them that are known to be well.
    sure: u64,
    /// When one of the others may be.
    soonest: u64,
}

/// Those of a set whose last answer was a success.
fn answering(state: &State, set: u64) -> u64 {
    let answers = |index: &usize| state.members.get(*index).is_some_and(|m| m.answers);
    let all = members(set).filter(answers);
    all.fold(0, |set, index| set | bit(index))
}

impl Pool {
    /// The endpoint for the next try.
    ///
    /// # Errors
    /// There is none.
    pub fn pick(&self, want: &Want<'_>, now: u64, random: u64) -> Result<usize, Nobody> {
        let mut state = self.state.borrow_mut();
        let tiers = self.tiers_of(want.home);
        let reached = tiers.iter().fold(0, |all, tier| all | tier);
        let open = self.set(|index, endpoint| {
            endpoint.weight > 0
                && reached & bit(index) != 0
                && want
                    .zones
                    .is_none_or(|zones| endpoint.zone.is_some_and(|zone| zones.contains(&zone)))
                && state
                    .members
                    .get(index)
                    .is_some_and(|member| !member.drained)
        });
        let canaries = self.set(|_, endpoint| endpoint.canary) & open;
        let able = |set: u64| self.able(&state, set, want, now);
        // Without a canary that is well, or that has not failed already, its requests are served by the others.
        let canary = want.canary && able(canaries).usable & !want.tried != 0;
        let group = if canary { canaries } else { open & !canaries };
        if group == 0 {
            let retry_after_ms = DRAINED_RETRY_MS;
            return Err(Nobody { retry_after_ms });
        }
        let Able {
            usable,
            sure,
            soonest,
        } = able(group);
        let able = match usable {
            _ if self.panics(group, sure) => {
                let answering = answering(&state, group);
                match answering == 0 || usable != 0 || self.panics(group, answering) {
                    true => group,
                    false => answering,
                }
            }
            // Nothing can be sent to them, but then the answer says why.
            0 if group & want.unproven != 0 => group,
            0 => {
                let retry_after_ms = soonest.saturating_sub(now).clamp(1, 600_000);
                return Err(Nobody { retry_after_ms });
            }
            usable => usable,
        };
        let able = match able & !want.unproven {
            0 => able,
            provable => provable,
        };
        if let Some(sticky) = want.sticky
            && able & !want.tried & bit(sticky) != 0
        {
            return Ok(sticky);
        }
        let from = self.narrowed(tiers, group, able, want, random);
        let chosen = match &self.spec.balance {
            Balance::RoundRobin => balance::round_robin(self, &mut state, from),
            Balance::Random => balance::random(self, from, random),
            Balance::PeakEwma => balance::peak_ewma(self, &mut state, from, now, random),
            Balance::ConsistentHash {
                bounded_load_percent,
                ..
            } => {
                let key = want.hash.unwrap_or(random);
                balance::consistent_hash(self, &state, from, key, *bounded_load_percent)
            }
        };
        chosen.ok_or(Nobody {
            retry_after_ms: 1_000,
        })
    }

    fn tiers_of(&self, home: Option<u16>) -> &[u64] {
        let home = home.map(usize::from).and_then(|home| self.tiers.get(home));
        home.or(self.tiers.last()).map_or(&[], Vec::as_slice)
    }

    fn set(&self, holds: impl Fn(usize, &Endpoint) -> bool) -> u64 {
        let all = self.endpoints.iter().enumerate();
        all.filter(|(index, endpoint)| holds(*index, endpoint))
            .fold(0, |set, (index, _)| set | bit(index))
    }

    /// Those of a set that can be used now.
    fn able(&self, state: &State, set: u64, want: &Want<'_>, now: u64) -> Able {
        let (mut well, mut trials, mut doubted, mut soonest) = (0, 0, 0, u64::MAX);
        for index in members(set) {
            let Some(member) = state.members.get(index) else {
                continue;
            };
            let rests = now < member.rests_until;
            if member.outlier.is_doubted() {
                doubted |= bit(index);
            }
            let spec = self.spec.outlier.as_ref();
            match spec.map_or(Availability::Well, |s| member.outlier.availability(s, now)) {
                _ if want.unproven & bit(index) != 0 => {}
                _ if member.down => soonest = soonest.min(now.saturating_add(1_000)),
                Availability::Out(until) => soonest = soonest.min(until),
                _ if rests => soonest = soonest.min(member.rests_until),
                Availability::Well => well |= bit(index),
                Availability::OnProbation => trials |= bit(index),
            }
        }
        // Whoever would not survive a failure tries nobody on probation while others are well.
        let usable = if want.robust || well == 0 {
            well | trials
        } else {
            well
        };
        Able {
            usable,
            sure: usable & !doubted,
            soonest,
        }
    }

    /// Whether so few of a set can be used that all of it is.
    fn panics(&self, set: u64, usable: u64) -> bool {
        // Without rules for it, all of them being down is no reason to answer nothing.
        let outlier = self.spec.outlier.as_ref();
        let percent = outlier.map_or(1, |spec| spec.panic_percent);
        let needed = u64::from(percent).saturating_mul(u64::from(set.count_ones()));
        u64::from(usable.count_ones()).saturating_mul(100) < needed
    }

    /// Those among which `balance` chooses.
    fn narrowed(&self, tiers: &[u64], group: u64, able: u64, want: &Want<'_>, random: u64) -> u64 {
        let threshold = self.spec.locality.as_ref().map_or(100, |l| l.threshold);
        let first = |of: u64| tiers.iter().map(|tier| tier & of).find(|set| *set != 0);
        if want.tried == 0 {
            // A number of its own: the same one chooses within the tier.
            let mut lot = random.rotate_left(29) % 100;
            for tier in tiers {
                let all = u64::from((tier & group).count_ones());
                let up = u64::from((tier & able).count_ones());
                let load = up.saturating_mul(10_000);
                let full = all.saturating_mul(u64::from(threshold));
                let share = load.checked_div(full).unwrap_or(100).min(100);
                if up > 0 && lot < share {
                    return tier & able;
                }
                lot = lot.saturating_sub(share);
            }
            return first(able).unwrap_or(able);
        }
        let untried = able & !want.tried;
        let zone = |index: usize| self.endpoints.get(index).and_then(|endpoint| endpoint.zone);
        let failed: u64 = members(untried)
            .filter(|index| {
                zone(*index).is_some() && members(want.tried).any(|t| zone(t) == zone(*index))
            })
            .fold(0, |set, index| set | bit(index));
        first(untried & !failed)
            .or_else(|| first(untried))
            .or_else(|| first(able))
            .unwrap_or(able)
    }
}
