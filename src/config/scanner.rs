//! From text to tokens: those of JSON, with comments left out.
//!
//! It looks at bytes: all that has a meaning is ASCII, and no byte of a longer character is. Offsets are below the
//! text's length when they are counted up, so `wrapping_add` never wraps; a check would cost in every loop.

mod strings;

pub(super) use self::strings::unescaped;
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
                b't' if self.keyword(b"true") => return Ok(Token::True),
                b'f' if self.keyword(b"false") => return Ok(Token::False),
                b'n' if self.keyword(b"null") => return Ok(Token::Null),
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

    /// What stands between the quotes of the last token, a string.
    pub fn quoted(&self) -> &'a str {
        let inner = self.start.wrapping_add(1)..self.end.wrapping_sub(1);
        self.text.get(inner).unwrap_or_default()
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
                if self.keyword(b"Infinity") || self.keyword(b"NaN") {
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
    fn keyword<const LENGTH: usize>(&mut self, keyword: &[u8; LENGTH]) -> bool {
        let rest = self.text.as_bytes().get(self.end..).unwrap_or_default();
        if rest.first_chunk() != Some(keyword) {
            return false;
        }
        let end = self.end.wrapping_add(LENGTH);
        let goes_on = match self.byte(end) {
            byte @ ..0x80 => byte.is_ascii_alphanumeric() || byte == b'$',
            _ => self.character(end).is_some_and(char::is_alphanumeric),
        };
        if !goes_on {
            self.end = end;
        }
        !goes_on
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

/// Documents are bounded: an offset fits.
fn range(start: usize, end: usize) -> Range {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Range {
        start: offset(start),
        end: offset(end),
    }
}
