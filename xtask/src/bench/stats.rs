//! Summaries of few and noisy numbers.

/// The middle one, or the mean of the two in the middle; NaN for none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The value below which this part of all lies, between 0 and 1, on a straight line between neighbours; NaN for none.
pub fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = last as f64 * part.clamp(0.0, 1.0);
    let (low, high) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_does_not_care_for_order_and_outliers() {
        for (values, expected) in [
            (&[3.0, 1.0, 900.0][..], 3.0),
            (&[4.0, 1.0, 2.0, 3.0], 2.5),
            (&[7.0], 7.0),
        ] {
            assert_eq!(median(values.iter().copied()), expected);
        }
        assert!(median([]).is_nan());
    }

    #[test]
    fn quartiles_lie_between_neighbours() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(quantile(values, 0.25), 2.25);
        assert_eq!(quantile(values, 1.0), 6.0);
    }
}
