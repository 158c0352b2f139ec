//! From text to tokens: those of JSON, with comments left out.
//!
//! It looks at bytes: all that has a meaning is ASCII, and no byte of a longer character is. Offsets are below the
//! text's length when they are counted up, so `wrapping_add` never wraps; a check would cost in every loop.

use super::ast::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    String {
        /// Whether it has escapes; they are sound.
        escaped: bool,
    },
    Number,
    True,
    False,
    Null,
    /// A word without a meaning.
    Word,
    /// The text's end.
    End,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    BadEscape,
    BadNumber,
    ExpectedColon,
    ExpectedComma,
    ExpectedKey,
    ExpectedValue,
    NestedTooDeeply,
    SecondRoot,
    SingleQuote,
    UnexpectedCharacter,
    UnexpectedClose,
    UnexpectedColon,
    UnexpectedComma,
    UnexpectedWord,
    UnterminatedArray,
    UnterminatedComment,
    UnterminatedObject,
    UnterminatedString,
}

/// The first flaw has been found; it is in [`Scanner::flaw`]. So small, results stay in a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop;

pub(super) struct Scanner<'a> {
    pub text: &'a str,
    /// Where the last token starts and ends.
    start: usize,
    end: usize,
    pub flaw: Option<(Flaw, Range)>,
}

impl<'a> Scanner<'a> {
    /// Starts at the byte `offset`.
    pub fn new(text: &'a str, offset: usize) -> Scanner<'a> {
        Scanner {
            text,
            start: offset,
            end: offset,
            flaw: None,
        }
    }

    /// The next token, and after the last one `End` for ever.
    pub fn next(&mut self) -> Result<Token, Stop> {
        loop {
            self.skip_space();
            self.start = self.end;
            let Some(&byte) = self.text.as_bytes().get(self.start) else {
                return Ok(Token::End);
            };
            let token = match byte {
                b'"' => return self.string(),
                b',' => Token::Comma,
                b':' => Token::Colon,
                b'{' => Token::OpenBrace,
                b'}' => Token::CloseBrace,
                b'[' => Token::OpenBracket,
                b']' => Token::CloseBracket,
                b'-' | b'+' | b'0'..=b'9' => return self.number(),
                b'/' => {
                    self.comment()?;
                    continue;
                }
                b'\'' => return Err(self.refuse_token(Flaw::SingleQuote)),
                b'.' if self.digit_at(self.start.wrapping_add(1)) => {
                    return Err(self.refuse_token(Flaw::BadNumber));
                }
                b't' if self.keyword("true") => return Ok(Token::True),
                b'f' if self.keyword("false") => return Ok(Token::False),
                b'n' if self.keyword("null") => return Ok(Token::Null),
                _ => return self.word(),
            };
            self.end = self.start.wrapping_add(1);
            return Ok(token);
        }
    }

    pub fn range(&self) -> Range {
        range(self.start, self.end)
    }

    /// The text of the last token.
    pub fn written(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Keeps what is wrong with the last token, or with the character that it would start with.
    pub fn refuse_token(&mut self, flaw: Flaw) -> Stop {
        let end = if self.end > self.start {
            self.end
        } else {
            self.character_end(self.start)
        };
        self.refuse(flaw, range(self.start, end))
    }

    pub fn refuse(&mut self, flaw: Flaw, range: Range) -> Stop {
        self.flaw = Some((flaw, range));
        Stop
    }

    fn skip_space(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = self.end;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => at = at.wrapping_add(1),
                0x80.. => match self.character(at) {
                    Some(space) if space.is_whitespace() => {
                        at = at.wrapping_add(space.len_utf8());
                    }
                    _ => break,
                },
                _ => break,
            }
        }
        self.end = at;
    }

    fn comment(&mut self) -> Result<(), Stop> {
        let body = self.start.wrapping_add(2);
        let rest = self.text.as_bytes().get(body..).unwrap_or_default();
        match self.text.as_bytes().get(self.start.wrapping_add(1)) {
            Some(b'/') => {
                let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
                self.end = body.wrapping_add(length.unwrap_or(rest.len()));
                Ok(())
            }
            Some(b'*') => match rest.windows(2).position(|two| two == b"*/") {
                Some(length) => {
                    self.end = body.wrapping_add(length).wrapping_add(2);
                    Ok(())
                }
                None => Err(self.refuse(
                    Flaw::UnterminatedComment,
                    range(self.start, self.text.len()),
                )),
            },
            _ => Err(self.refuse_token(Flaw::UnexpectedCharacter)),
        }
    }

    /// Control characters are taken, as most readers of JSON with comments take them.
    fn string(&mut self) -> Result<Token, Stop> {
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

    /// RFC 8259 section 6. A digit behind a leading zero is the next token.
    fn number(&mut self) -> Result<Token, Stop> {
        let mut at = self.start;
        match self.byte(at) {
            b'+' => return Err(self.refuse_token(Flaw::BadNumber)),
            b'-' => at = at.wrapping_add(1),
            _ => {}
        }
        match self.byte(at) {
            b'0' => {
                at = at.wrapping_add(1);
                if matches!(self.byte(at), b'x' | b'X') {
                    return Err(self.refuse(Flaw::BadNumber, range(self.start, at)));
                }
            }
            b'1'..=b'9' => at = self.digits(at),
            b'.' if self.digit_at(at.wrapping_add(1)) => {
                return Err(self.refuse(Flaw::BadNumber, range(self.start, at)));
            }
            b'I' | b'N' => {
                self.end = at;
                if self.keyword("Infinity") || self.keyword("NaN") {
                    return Err(self.refuse_token(Flaw::BadNumber));
                }
                return Err(self.bad_digit(at));
            }
            _ => return Err(self.bad_digit(at)),
        }
        if self.byte(at) == b'.' {
            at = at.wrapping_add(1);
            if !self.digit_at(at) {
                return Err(self.refuse(Flaw::BadNumber, range(self.start, at)));
            }
            at = self.digits(at);
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at = at.wrapping_add(1);
            if matches!(self.byte(at), b'+' | b'-') {
                at = at.wrapping_add(1);
            }
            if !self.digit_at(at) {
                return Err(self.bad_digit(at));
            }
            at = self.digits(at);
        }
        self.end = at;
        Ok(Token::Number)
    }

    fn bad_digit(&mut self, at: usize) -> Stop {
        let end = self.character_end(at);
        self.refuse(Flaw::BadNumber, range(at, end))
    }

    fn digits(&self, from: usize) -> usize {
        let mut at = from;
        while self.digit_at(at) {
            at = at.wrapping_add(1);
        }
        at
    }

    fn digit_at(&self, at: usize) -> bool {
        self.byte(at).is_ascii_digit()
    }

    /// The byte at `at`; behind the text's end 0, which has no meaning.
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or_default()
    }

    /// Takes the word behind what was taken if it is `keyword` and does not go on.
    fn keyword(&mut self, keyword: &str) -> bool {
        let rest = self.text.get(self.end..).unwrap_or_default();
        let Some(rest) = rest.strip_prefix(keyword) else {
            return false;
        };
        if matches!(rest.chars().next(), Some(next) if next.is_alphanumeric() || next == '$') {
            return false;
        }
        self.end = self.end.wrapping_add(keyword.len());
        true
    }

    fn word(&mut self) -> Result<Token, Stop> {
        while let Some(character) = self.character(self.end) {
            if character == ':' || (character.is_whitespace() && character != '\u{b}') {
                break;
            }
            if !character.is_alphanumeric() && !matches!(character, '-' | '_' | '$') {
                return Err(self.refuse_token(Flaw::UnexpectedCharacter));
            }
            self.end = self.end.wrapping_add(character.len_utf8());
        }
        Ok(Token::Word)
    }

    fn character(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    fn character_end(&self, at: usize) -> usize {
        at.wrapping_add(self.character(at).map_or(0, char::len_utf8))
            .min(self.text.len())
    }
}

/// A string's value from what stands between its quotes; its escapes have been checked.
pub(super) fn unescaped(written: &str) -> String {
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

/// Documents are bounded: an offset fits.
fn range(start: usize, end: usize) -> Range {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Range {
        start: offset(start),
        end: offset(end),
    }
}
