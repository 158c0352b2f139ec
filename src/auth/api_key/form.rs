//! The form of an API key.
//!
//! ```text
//! cw_3fQ9xZ0aLmN2_V4o...38 letters and digits...
//! prefix  id       secret, checksum
//! ```
//!
//! - The prefix says whose keys these are, to people and to scanners that look for leaked ones.
//! - Prefix and id together are the name under which a key is stored; they are no secret.
//! - The secret has 32 random letters and digits: 190 bits.
//! - The checksum is the CRC-32 of all before it: what was cut off or mistyped is refused before any look-up.
//!
//! A key is long and random, so that nobody can guess it however fast the hash is: it is stored as plain SHA-256, not as
//! a password is.

const ID: usize = 12;
const SECRET: usize = 32;
const CHECKSUM: usize = 6;
const MAX_PREFIX: usize = 24;

/// Makes a key of random bytes, of which it takes as many as it needs. `None` if the prefix is none.
pub fn make(prefix: &str, mut random: impl FnMut() -> u8) -> Option<String> {
    if !is_prefix(prefix) {
        return None;
    }
    let mut key = prefix.to_owned();
    for length in [ID, SECRET] {
        key.push('_');
        let end = key.len().saturating_add(length);
        while key.len() < end {
            // Six bits at a time; the two values too many are drawn again, so that all digits are as likely.
            let digit = DIGITS.get(usize::from(random() & 0x3f));
            key.extend(digit.map(|digit| char::from(*digit)));
        }
    }
    let checksum = checksum(&key);
    key.push_str(&checksum);
    Some(key)
}

/// The name under which a key is stored: its prefix and id. `None` if it has not the form of a key, or if its checksum
/// is another.
pub fn stored_name(key: &str) -> Option<&str> {
    let (name, secret) = key.rsplit_once('_')?;
    if !is_name(name) || secret.len() != SECRET.saturating_add(CHECKSUM) || !are_digits(secret) {
        return None;
    }
    let (front, sum) = key.split_at_checked(key.len().checked_sub(CHECKSUM)?)?;
    (checksum(front) == sum).then_some(name)
}

/// Whether a text is a key's prefix and id.
pub fn is_name(name: &str) -> bool {
    name.rsplit_once('_')
        .is_some_and(|(prefix, id)| is_prefix(prefix) && id.len() == ID && are_digits(id))
}

/// Whether keys may start so: a small letter, then small letters, digits and underscores, no more than 24 in all.
pub fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= MAX_PREFIX
        && prefix.starts_with(|c: char| c.is_ascii_lowercase())
        && prefix
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The CRC-32 (ISO 3309) of a text, in six digits.
fn checksum(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc = (crc >> 1) ^ (0xedb8_8320 & low.wrapping_neg());
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        let index = rest.checked_rem(62).unwrap_or_default();
        rest = rest.checked_div(62).unwrap_or_default();
        let found = usize::try_from(index).ok().and_then(|i| DIGITS.get(i));
        *digit = *found.unwrap_or(&b'0');
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> impl FnMut() -> u8 {
        let mut next = 0_u8;
        move || {
            next = next.wrapping_add(7);
            next
        }
    }

    #[test]
    fn a_made_key_is_read_back_and_no_changed_one_is() {
        for prefix in ["cw", "acme_live", "a", "k2_"] {
            let key = make(prefix, counting()).unwrap();
            let name = stored_name(&key).unwrap();
            assert!(is_name(name), "{name}");
            assert!(key.starts_with(&format!("{prefix}_")), "{key}");
            assert_eq!(key.len(), prefix.len() + 1 + 12 + 1 + 38);
            for at in 0..key.len() {
                let mut changed = key.clone().into_bytes();
                changed[at] = if changed[at] == b'b' { b'c' } else { b'b' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(stored_name(&changed), None, "{changed}");
                assert_eq!(stored_name(&key[..at]), None, "cut off at {at}");
            }
            for other in [format!("{key}0"), format!(" {key}"), key.to_uppercase()] {
                assert_eq!(stored_name(&other), None, "{other}");
            }
        }
    }

    #[test]
    fn a_prefix_is_short_and_small() {
        let long = "a".repeat(25);
        for prefix in ["", "1a", "_a", "A", "a-b", "é", long.as_str()] {
            assert_eq!(make(prefix, counting()), None, "{prefix}");
        }
    }

    #[test]
    fn the_checksum_is_the_well_known_crc_32() {
        let number = |text: &str| {
            text.bytes().fold(0_u64, |sum, b| {
                sum * 62 + DIGITS.iter().position(|d| *d == b).unwrap() as u64
            })
        };
        assert_eq!(number(&checksum("123456789")), 0xcbf4_3926);
    }
}
