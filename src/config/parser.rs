//! From tokens to a syntax tree: JSON with comments and trailing commas, and nothing else.
//!
//! The elements of `paths` are checked with the rest of the text, but no tree is made of them: each is parsed when
//! its turn comes, see [`Unparsed`]. What is deeper than [`MAX_DEPTH`] is refused, so parsing, reading and dropping
//! may recurse.

use std::borrow::Cow;

use super::ast::{
    Array, BooleanLit, NullKeyword, NumberLit, Object, ObjectProp, Range, StringLit, Unparsed,
    Value,
};
use super::scanner::{Flaw, Scanner, Stop, Token, unescaped};

/// Parses a whole text. `None` if there is nothing in it.
///
/// # Errors
/// What is wrong first, and where.
pub(super) fn parse(text: &str) -> Result<Option<Value<'_>>, (Flaw, Range)> {
    let mut parser = Parser {
        scanner: Scanner::new(text, 0),
    };
    parser.root().map_err(|Stop| {
        let nothing = (Flaw::UnexpectedCharacter, Range::default());
        parser.scanner.flaw.unwrap_or(nothing)
    })
}

/// Parses the element of an [`Unparsed`] that starts at the byte `start`. It has been checked: it is no flaw's `null`.
pub(super) fn element(text: &str, start: u32) -> Value<'_> {
    let mut parser = Parser {
        scanner: Scanner::new(text, usize::try_from(start).unwrap_or(usize::MAX)),
    };
    let around = Around {
        depth: ELEMENT_DEPTH,
        start,
    };
    let token = parser.scanner.next();
    let value = token.and_then(|token| parser.value::<true>(token, around));
    value.unwrap_or_else(|Stop| null(parser.scanner.range()))
}

/// How many levels of arrays, objects and members a value may stand in. An object and its member are two.
const MAX_DEPTH: u32 = 512;

/// In how many levels an element of `paths` stands: the document, its member, the array.
const ELEMENT_DEPTH: u32 = 3;

/// The member of the root whose elements are parsed one by one.
const UNPARSED: &str = "paths";

/// What a value stands in.
#[derive(Clone, Copy, Default)]
struct Around {
    depth: u32,
    /// Where the innermost array or member starts.
    start: u32,
}

impl Around {
    fn inner(self, start: u32, levels: u32) -> Around {
        Around {
            depth: self.depth.saturating_add(levels),
            start,
        }
    }
}

struct Parser<'a> {
    scanner: Scanner<'a>,
}

impl<'a> Parser<'a> {
    fn root(&mut self) -> Result<Option<Value<'a>>, Stop> {
        let value = match self.scanner.next()? {
            Token::End => return Ok(None),
            token => self.value::<true>(token, Around::default())?,
        };
        match self.scanner.next()? {
            Token::End => Ok(Some(value)),
            _ => Err(self.scanner.refuse_token(Flaw::SecondRoot)),
        }
    }

    /// The value that starts with the token just read. One that is not kept is checked, and answered by `null`.
    fn value<const KEPT: bool>(&mut self, token: Token, around: Around) -> Result<Value<'a>, Stop> {
        if around.depth > MAX_DEPTH {
            let Range { end, .. } = self.scanner.range();
            let start = around.start;
            return Err(self
                .scanner
                .refuse(Flaw::NestedTooDeeply, Range { start, end }));
        }
        let range = self.scanner.range();
        let boolean = |value| Value::BooleanLit(BooleanLit { range, value });
        let flaw = match token {
            Token::String { escaped } if KEPT => {
                return Ok(Value::StringLit(self.string(escaped)));
            }
            Token::OpenBrace => return self.object::<KEPT>(around),
            Token::OpenBracket => return self.array::<KEPT>(around),
            Token::Number if KEPT => {
                let value = self.scanner.written();
                return Ok(Value::NumberLit(NumberLit { range, value }));
            }
            Token::True => return Ok(boolean(true)),
            Token::False => return Ok(boolean(false)),
            Token::Null | Token::String { .. } | Token::Number => return Ok(null(range)),
            Token::Word => Flaw::UnexpectedWord,
            Token::CloseBrace | Token::CloseBracket => Flaw::UnexpectedClose,
            Token::Comma => Flaw::UnexpectedComma,
            Token::Colon => Flaw::UnexpectedColon,
            Token::End => Flaw::ExpectedValue,
        };
        Err(self.scanner.refuse_token(flaw))
    }

    fn object<const KEPT: bool>(&mut self, around: Around) -> Result<Value<'a>, Stop> {
        let open = self.scanner.range();
        let root = KEPT && around.depth == 0;
        let mut properties = Vec::new();
        let mut token = self.scanner.next()?;
        loop {
            match token {
                Token::CloseBrace => break,
                Token::String { escaped } => {
                    let key = self.scanner.range();
                    let name = KEPT.then(|| self.string(escaped));
                    if self.scanner.next()? != Token::Colon {
                        return Err(self.scanner.refuse_token(Flaw::ExpectedColon));
                    }
                    token = self.scanner.next()?;
                    let inner = around.inner(key.start, 2);
                    let value = match &name {
                        Some(name)
                            if root && name.value == UNPARSED && token == Token::OpenBracket =>
                        {
                            self.unparsed(inner)?
                        }
                        _ => self.value::<KEPT>(token, inner)?,
                    };
                    if let Some(name) = name {
                        if properties.is_empty() {
                            properties.reserve(USUAL_MEMBERS);
                        }
                        properties.push(ObjectProp { name, value });
                    }
                }
                Token::Word | Token::Number | Token::True | Token::False | Token::Null => {
                    return Err(self.scanner.refuse_token(Flaw::ExpectedKey));
                }
                Token::End => return Err(self.scanner.refuse(Flaw::UnterminatedObject, open)),
                _ => return Err(self.scanner.refuse_token(Flaw::UnexpectedCharacter)),
            }
            token = self.behind_value(|next| {
                matches!(
                    next,
                    Token::String { .. }
                        | Token::Word
                        | Token::Number
                        | Token::True
                        | Token::False
                        | Token::Null
                )
            })?;
        }
        let range = self.range_from(open);
        Ok(Value::Object(Object { range, properties }))
    }

    fn array<const KEPT: bool>(&mut self, around: Around) -> Result<Value<'a>, Stop> {
        let mut elements = Vec::new();
        let range = self.elements(around, |parser, token, inner| {
            let element = parser.value::<KEPT>(token, inner)?;
            if KEPT {
                elements.push(element);
            }
            Ok(())
        })?;
        Ok(Value::Array(Array { range, elements }))
    }

    fn unparsed(&mut self, around: Around) -> Result<Value<'a>, Stop> {
        let mut starts = Vec::new();
        let range = self.elements(around, |parser, token, inner| {
            starts.push(parser.scanner.range().start);
            parser.value::<false>(token, inner).map(drop)
        })?;
        let text = self.scanner.text;
        Ok(Value::Unparsed(Unparsed {
            range,
            text,
            starts,
        }))
    }

    /// An array whose elements are each parsed by `each`. Answers its place.
    fn elements(
        &mut self,
        around: Around,
        mut each: impl FnMut(&mut Self, Token, Around) -> Result<(), Stop>,
    ) -> Result<Range, Stop> {
        let open = self.scanner.range();
        let inner = around.inner(open.start, 1);
        let mut token = self.scanner.next()?;
        loop {
            match token {
                Token::CloseBracket => return Ok(self.range_from(open)),
                Token::End => return Err(self.scanner.refuse(Flaw::UnterminatedArray, open)),
                first => each(self, first, inner)?,
            }
            token = self.behind_value(|next| {
                matches!(
                    next,
                    Token::String { .. }
                        | Token::OpenBrace
                        | Token::OpenBracket
                        | Token::Number
                        | Token::True
                        | Token::False
                        | Token::Null
                )
            })?;
        }
    }

    /// The token behind a value and its comma. If there is none and the next one `needs_comma`, that is a flaw.
    fn behind_value(&mut self, needs_comma: impl Fn(Token) -> bool) -> Result<Token, Stop> {
        let Range { end, .. } = self.scanner.range();
        match self.scanner.next()? {
            Token::Comma => self.scanner.next(),
            next if needs_comma(next) => Err(self
                .scanner
                .refuse(Flaw::ExpectedComma, Range { start: end, end })),
            next => Ok(next),
        }
    }

    fn string(&self, escaped: bool) -> StringLit<'a> {
        let written = self.scanner.quoted();
        StringLit {
            range: self.scanner.range(),
            value: if escaped {
                Cow::Owned(unescaped(written))
            } else {
                Cow::Borrowed(written)
            },
        }
    }

    fn range_from(&self, open: Range) -> Range {
        Range {
            start: open.start,
            end: self.scanner.range().end,
        }
    }
}

/// Room that is made for an object's members at first.
const USUAL_MEMBERS: usize = 6;

fn null(range: Range) -> Value<'static> {
    Value::NullKeyword(NullKeyword { range })
}
