//! Points in time as signatures have them.

/// `20150830T123600Z`; the date is its first eight characters. Years beyond 9999 do not occur.
pub fn stamp(now_ms: u64) -> String {
    let seconds = now_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date of a day since 1970-01-01. Counted from March on, so that the leap day is a year's last.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a day number of 64-bit milliseconds is far from any bound"
)]
fn date(days: u64) -> (u64, u64, u64) {
    // 0000-03-01 was this many days before.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let january = u64::from(month >= 10);
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + january, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::unix_seconds;

    #[test]
    fn a_time_is_written_in_utc() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(stamp(seconds * 1000 + 999), expected);
        }
    }

    #[test]
    fn every_day_of_two_centuries_is_read_back() {
        for day in 0..73_000 {
            let written = stamp(day * 86_400_000);
            let (year, rest) = written.split_at(4);
            let (month, rest) = rest.split_at(2);
            let date = format!("{year}-{month}-{}", &rest[..2]);
            assert_eq!(unix_seconds(&date), Some(day * 86_400), "{date}");
        }
    }
}
