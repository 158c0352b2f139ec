//! One endpoint of a set, by the policies of `balance`.

use super::learn::State;
use super::{Pool, bit, hash, members};

/// Each as often as its weight says, evenly mixed (nginx's smooth weighted round robin).
pub(super) fn round_robin(pool: &Pool, state: &mut State, from: u64) -> Option<usize> {
    let mut total = 0_i64;
    let mut best: Option<(usize, i64)> = None;
    for index in members(from) {
        let weight = i64::from(pool.endpoints.get(index)?.weight);
        let member = state.members.get_mut(index)?;
        member.turn = member.turn.saturating_add(weight);
        total = total.saturating_add(weight);
        if best.is_none_or(|(_, turn)| member.turn > turn) {
            best = Some((index, member.turn));
        }
    }
    let (chosen, _) = best?;
    let member = state.members.get_mut(chosen)?;
    member.turn = member.turn.saturating_sub(total);
    Some(chosen)
}

/// By chance, each as often as its weight says.
pub(super) fn random(pool: &Pool, from: u64, random: u64) -> Option<usize> {
    let weight = |index: usize| pool.endpoints.get(index).map_or(0, |e| u64::from(e.weight));
    let total = members(from).fold(0_u64, |sum, index| sum.saturating_add(weight(index)));
    let mut lot = random.checked_rem(total)?;
    members(from).find(|index| match lot.checked_sub(weight(*index)) {
        None => true,
        Some(left) => {
            lot = left;
            false
        }
    })
}

/// The one whose turn it is by weight, unless the better of two others that chance names (Mitzenmacher 2001) is clearly
/// better by latency and load for its weight. Whoever is passed over stays next: where all are as quick, each gets its
/// share.
pub(super) fn peak_ewma(
    pool: &Pool,
    state: &mut State,
    from: u64,
    now: u64,
    lots: u64,
) -> Option<usize> {
    let weight = |index: usize| pool.endpoints.get(index).map_or(0, |e| i64::from(e.weight));
    let total = members(from).fold(0_i64, |sum, index| sum.saturating_add(weight(index)));
    let mut one: Option<(usize, i64)> = None;
    for index in members(from) {
        let member = state.members.get_mut(index)?;
        // What it was not given while it was slow is not made up for.
        let turn = member.turn.saturating_add(weight(index));
        member.turn = turn.clamp(total.saturating_neg(), total);
        if one.is_none_or(|(_, turn)| member.turn > turn) {
            one = Some((index, member.turn));
        }
    }
    let (one, _) = one?;
    let cost = |index: usize| {
        let member = state.members.get(index)?;
        let load = f64::from(member.in_flight) * total as f64 / weight(index) as f64;
        Some(member.ewma.cost(now, load / f64::from(from.count_ones())))
    };
    let others = from & !bit(one);
    let mut chosen = one;
    if let Some(other) = random(pool, others, lots >> 32) {
        let third = random(pool, others & !bit(other), lots & 0xffff_ffff).unwrap_or(other);
        let better = if cost(third)? < cost(other)? {
            third
        } else {
            other
        };
        if cost(better)? * CLEARLY < cost(one)? {
            chosen = better;
        }
    }
    let member = state.members.get_mut(chosen)?;
    member.turn = member.turn.saturating_sub(total);
    Some(chosen)
}

/// The best lot for the key among those that are not overloaded (consistent hashing with bounded loads, Mirrokni,
/// Thorup and Zadimoghaddam 2016).
pub(super) fn consistent_hash(
    pool: &Pool,
    state: &State,
    from: u64,
    key: u64,
    bound_percent: u32,
) -> Option<usize> {
    let weight = |index: usize| pool.endpoints.get(index).map_or(0, |e| e.weight);
    let load = |index: usize| {
        state
            .members
            .get(index)
            .map_or(0, |m| u64::from(m.in_flight))
    };
    let (weights, loads) = members(from).fold((0_u64, 1_u64), |(weights, loads), index| {
        let weights = weights.saturating_add(u64::from(weight(index)));
        (weights, loads.saturating_add(load(index)))
    });
    let has_room = |index: &usize| {
        let share = loads
            .saturating_mul(u64::from(weight(*index)))
            .saturating_mul(u64::from(bound_percent))
            .div_ceil(weights.saturating_mul(100).max(1));
        load(*index) < share
    };
    let lot = |index: &usize| {
        let id = pool.ids.get(*index).copied().unwrap_or_default();
        hash::lot(key, id, weight(*index))
    };
    let best = |set: &mut dyn Iterator<Item = usize>| set.max_by(|a, b| lot(a).total_cmp(&lot(b)));
    // One of them always has room: loads are counted with the request itself, and the bound is at least the average.
    best(&mut members(from).filter(has_room)).or_else(|| best(&mut members(from)))
}

/// How many times as dear whose turn it is must be to be passed over.
const CLEARLY: f64 = 1.75;
