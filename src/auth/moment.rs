//! Points in time as people write them.

/// Unix time in seconds of an RFC 3339 date (`2027-01-31`: its first moment, UTC), of a date and time
/// (`2027-01-31T12:00:00Z`, `+01:00`), or of a number of seconds. `None` for anything else, and before 1970.
pub fn unix_seconds(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if parts.next().is_some() || !(1..=12).contains(&month) || day == 0 || day > length(year, month)
    {
        return None;
    }
    let seconds = days(year, month, day)?.checked_mul(86_400)?;
    let within = time.map_or(Some(0), time_of_day)?;
    u64::try_from(seconds.checked_add(within)?).ok()
}

/// Seconds since midnight UTC of `12:00:00`, perhaps with a fraction, and an offset (RFC 3339 section 5.6).
fn time_of_day(time: &str) -> Option<i64> {
    let (clock, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (clock, offset) = time.split_at_checked(at)?;
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours
                .checked_mul(3600)?
                .checked_add(minutes.checked_mul(60)?)?;
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            (clock, seconds.checked_mul(sign)?)
        }
    };
    let clock = match clock.split_once('.') {
        Some((clock, fraction)) => {
            let sound = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
            sound.then_some(clock)?
        }
        None => clock,
    };
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let seconds = digits(seconds, 2)?;
    // A leap second is the last one of its minute again.
    if parts.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds.min(59))?
        .checked_sub(offset)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let sound = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    sound.then(|| text.parse().ok())?
}

fn is_leap(year: i64) -> bool {
    let divides = |by: i64| year.checked_rem(by) == Some(0);
    divides(4) && (!divides(100) || divides(400))
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // Full years since year 1, and the leap days among them.
    let before = year.checked_sub(1)?;
    let leap = before
        .checked_div(4)?
        .checked_sub(before.checked_div(100)?)?
        .checked_add(before.checked_div(400)?)?;
    let months = (1..month).try_fold(0_i64, |sum, m| sum.checked_add(length(year, m)))?;
    before
        .checked_mul(365)?
        .checked_add(leap)?
        .checked_add(months)?
        .checked_add(day)?
        .checked_sub(DAYS_TO_1970)
}

/// The number that 1970-01-01 has when 0001-01-01 has 1.
const DAYS_TO_1970: i64 = 719_163;

#[cfg(test)]
mod tests {
    use super::unix_seconds;

    #[test]
    fn moments_are_read_as_rfc_3339_has_them() {
        for (text, seconds) in [
            ("1970-01-01", Some(0)),
            ("2000-03-01", Some(951_868_800)),
            ("2027-01-31", Some(1_801_353_600)),
            ("2027-01-31T12:30:15Z", Some(1_801_398_615)),
            ("2027-01-31t12:30:15.999z", Some(1_801_398_615)),
            ("2027-01-31 13:30:15+01:00", Some(1_801_398_615)),
            ("2027-01-31T07:00:15-05:30", Some(1_801_398_615)),
            ("2028-02-29", Some(1_835_395_200)),
            ("1801353600", Some(1_801_353_600)),
            ("0", Some(0)),
            ("2027-02-29", None),
            ("2100-02-29", None),
            ("2027-13-01", None),
            ("2027-00-01", None),
            ("2027-01-00", None),
            ("2027-1-31", None),
            ("27-01-31", None),
            ("2027-01-31T12:30", None),
            ("2027-01-31T12:30:15", None),
            ("2027-01-31T24:00:00Z", None),
            ("2027-01-31T12:30:15.Z", None),
            ("2027-01-31T12:30:15+0100", None),
            ("2027-01-31-01", None),
            ("1969-12-31", None),
            ("-1", None),
            ("", None),
            ("never", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }
}
