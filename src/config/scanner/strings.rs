//! Strings: where they end, whether their escapes are sound (RFC 8259 section 7), and what they say.

use super::{Flaw, Scanner, Stop, Token, range};

impl Scanner<'_> {
    /// Control characters are taken as they are.
    pub(super) fn string(&mut self) -> Result<Token, Stop> {
        let bytes = self.text.as_bytes();
        let mut at = self.start.wrapping_add(1);
        let mut escaped = false;
        loop {
            at = before_special(bytes, at);
            match bytes.get(at) {
                Some(b'"') => {
                    self.end = at.wrapping_add(1);
                    return Ok(Token::String { escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape(at)?;
                }
                Some(_) => at = at.wrapping_add(1),
                None => {
                    let range = range(self.start, self.text.len());
                    return Err(self.refuse(Flaw::UnterminatedString, range));
                }
            }
        }
    }

    /// Checks the escape whose backslash is at `backslash`. Answers where it ends.
    fn escape(&mut self, backslash: usize) -> Result<usize, Stop> {
        let at = backslash.wrapping_add(1);
        match self.text.as_bytes().get(at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at.wrapping_add(1)),
            Some(b'u') => {
                let (unit, at) = self.unit(backslash, at.wrapping_add(1))?;
                match unit {
                    0xd800..=0xdbff => self.low_surrogate(backslash, at),
                    0xdc00..=0xdfff => Err(self.bad_escape(backslash, at.wrapping_sub(1))),
                    _ => Ok(at),
                }
            }
            // The string has no end.
            None => Ok(at),
            Some(_) => Err(self.bad_escape(backslash, at)),
        }
    }

    /// The second half of a character beyond U+FFFF (RFC 8259 section 7), at `at`. Answers where it ends.
    fn low_surrogate(&mut self, backslash: usize, at: usize) -> Result<usize, Stop> {
        let mut at = at;
        for expected in b"\\u" {
            if self.text.as_bytes().get(at) != Some(expected) {
                return Err(self.bad_escape(backslash, at));
            }
            at = at.wrapping_add(1);
        }
        match self.unit(backslash, at)? {
            (0xdc00..=0xdfff, end) => Ok(end),
            (_, end) => Err(self.bad_escape(backslash, end.wrapping_sub(1))),
        }
    }

    /// Four hexadecimal digits at `at`: their value, and where they end.
    fn unit(&mut self, backslash: usize, at: usize) -> Result<(u32, usize), Stop> {
        let mut unit = 0_u32;
        let mut at = at;
        for _ in 0..4 {
            let byte = self.text.as_bytes().get(at).copied().unwrap_or_default();
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(self.bad_escape(backslash, at));
            };
            unit = unit << 4 | digit;
            at = at.wrapping_add(1);
        }
        Ok((unit, at))
    }

    /// The character at `last` is the first that does not fit.
    fn bad_escape(&mut self, backslash: usize, last: usize) -> Stop {
        let end = self.character_end(last);
        self.refuse(Flaw::BadEscape, range(backslash, end))
    }
}

/// A string's value from what stands between its quotes; its escapes have been checked.
pub(in crate::config) fn unescaped(written: &str) -> String {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((plain, escape)) = rest.split_once('\\') {
        value.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => value.push('\u{8}'),
            Some('f') => value.push('\u{c}'),
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some('u') => {
                let unit = |from: usize| {
                    let digits = escape.get(from..from.saturating_add(4))?;
                    u16::from_str_radix(digits, 16).ok()
                };
                let first = unit(1).unwrap_or_default();
                let pair = (0xd800..0xdc00).contains(&first);
                // The digits, and for a pair `\uXXXX` once more.
                let second = pair.then(|| unit(7)).flatten();
                let units = std::iter::once(first).chain(second);
                value.extend(char::decode_utf16(units).filter_map(Result::ok));
                let length = if pair { 11 } else { 5 };
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
            Some(itself) => value.push(itself),
            None => {}
        }
        rest = characters.as_str();
    }
    value.push_str(rest);
    value
}

/// The first quote or backslash at or behind `from`, or a place less than eight bytes before it or the end: eight
/// bytes are looked at in one step.
fn before_special(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const QUOTES: u64 = ONES.wrapping_mul(b'"' as u64);
    const BACKSLASHES: u64 = ONES.wrapping_mul(b'\\' as u64);
    // Has a bit in the lowest byte of zero; above that one, bits mean nothing.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let mut at = from;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if found != 0 {
            return at
                .wrapping_add(usize::try_from(found.trailing_zeros() / 8).unwrap_or_default());
        }
        at = at.wrapping_add(8);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_characters() {
        for (written, value) in [
            ("", ""),
            ("plain", "plain"),
            (r#"a\\b\/c\"d\\"#, r#"a\b/c"d\"#),
            (r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t"),
            (r"\u00e9\u00E9x", "ééx"),
            (r"<\ud83d\ude00>", "<\u{1f600}>"),
        ] {
            assert_eq!(unescaped(written), value, "{written}");
        }
    }

    #[test]
    fn a_quote_or_backslash_is_never_passed_over() {
        for special in [b'"', b'\\'] {
            for before in 0..40 {
                let mut bytes = vec![b'!'; 40];
                bytes[before] = special;
                let at = before_special(&bytes, 0);
                assert!(at <= before && before.saturating_sub(at) < 8, "{before}");
            }
        }
    }
}
