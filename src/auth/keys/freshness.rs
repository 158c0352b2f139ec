//! How long an answer with keys is good without asking again.

use crate::host::Told;

/// Bounds in seconds, and what holds where the answer does not say.
const SHORTEST: u64 = 60;
pub(super) const LONGEST: u64 = 24 * 60 * 60;
const USUAL: u64 = 10 * 60;

/// Milliseconds, by `Cache-Control` and `Age` (RFC 9111 sections 5.2.2 and 5.1), within bounds: an issuer's mistake shall
/// neither make every request ask nor keep a key for ever.
pub(in crate::auth) fn fresh_ms(told: &Told) -> u64 {
    let control = told.field("cache-control").unwrap_or_default();
    let mut seconds = USUAL;
    for directive in control.split(',') {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            None if matches!(directive.as_str(), "no-store" | "no-cache") => {
                seconds = SHORTEST;
                break;
            }
            Some(("max-age", value)) => {
                let age = told.field("age").and_then(|age| age.trim().parse().ok());
                let value = value.trim_matches('"').parse().unwrap_or(USUAL);
                seconds = u64::saturating_sub(value, age.unwrap_or(0));
            }
            _ => {}
        }
    }
    seconds.clamp(SHORTEST, LONGEST).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_what_the_answer_says_within_bounds() {
        for (control, age, seconds) in [
            (None, None, 600),
            (Some("max-age=300"), None, 300),
            (Some("public, Max-Age=300, immutable"), None, 300),
            (Some("max-age=300"), Some("100"), 200),
            (Some("max-age=300"), Some("-1"), 300),
            (Some("max-age=0"), None, 60),
            (Some("max-age=99999999"), None, 86_400),
            (Some("max-age=99999999999999999999999"), None, 600),
            (Some("max-age=x"), None, 600),
            (Some("no-store"), None, 60),
            (Some("max-age=3600, no-cache"), None, 60),
            (Some("s-maxage=5"), None, 600),
        ] {
            let fields = [("cache-control", control), ("age", age)];
            let fields = fields.into_iter();
            let fields = fields.filter_map(|(name, value)| Some((name.into(), value?.into())));
            let told = Told {
                fields: fields.collect(),
                ..Told::default()
            };
            assert_eq!(fresh_ms(&told), seconds * 1000, "{control:?}");
        }
    }
}
