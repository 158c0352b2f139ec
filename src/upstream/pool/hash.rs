//! Consistent hashing by weighted rendezvous: each endpoint draws a lot for a key, and the best lot takes it. When an
//! endpoint goes, only its own keys move.

use crate::route::Hash;

/// The key's number.
pub fn number(value: &str) -> u64 {
    mixed(Hash::new(0).bytes(value.as_bytes()).finish())
}

/// The lot of an endpoint for a key; the highest one wins. Heavier endpoints win as often as their weight says.
pub(super) fn lot(key: u64, endpoint: u64, weight: u32) -> f64 {
    let drawn = mixed(key ^ endpoint.rotate_left(32)) >> 11;
    // Within (0, 1]: 53 bits, as many as the fraction has.
    let share = (drawn as f64 + 1.0) / (1_u64 << 53) as f64;
    f64::from(weight) / -share.ln().min(-f64::MIN_POSITIVE)
}

/// The finishing step of SplitMix64: each bit of the number moves half of the others.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(key: u64, endpoints: &[(u64, u32)]) -> usize {
        let lots = endpoints.iter().map(|(id, weight)| lot(key, *id, *weight));
        let best = lots.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        best.unwrap().0
    }

    #[test]
    fn keys_are_spread_by_weight_and_only_those_of_a_lost_endpoint_move() {
        let all = [(number("a"), 1), (number("b"), 2), (number("c"), 1)];
        let mut taken = [0_u32; 3];
        for key in 0..10_000 {
            let key = number(&format!("user-{key}"));
            let first = winner(key, &all);
            taken[first] += 1;
            let left = winner(key, &all[..2]);
            assert!(first == 2 || first == left);
        }
        let [a, b, c] = taken;
        assert!(
            (2_300..2_700).contains(&a) && (4_700..5_300).contains(&b),
            "{taken:?}"
        );
        assert!((2_300..2_700).contains(&c), "{taken:?}");
    }
}
