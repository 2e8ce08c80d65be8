//! The strict reading itself: one pass over the bytes, no recursion, every refusal with its offset.

use std::borrow::Cow;
use std::collections::HashSet;

use thiserror::Error;

use crate::cursor::Cursor;
use crate::document::{Node, Tag};
use crate::text;

/// What a text may cost before it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole text, at most `u32::MAX`.
    pub bytes: usize,
    /// Arrays and objects that may be open at once.
    pub depth: usize,
    /// Values and member names in all; each takes 16 bytes of memory.
    pub values: usize,
}

impl Default for Limits {
    /// 16 MiB, 64 levels, one million values.
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 64, values: 1_000_000 }
    }
}

/// Why a text was refused, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Offset of the byte that shows it, counted from 0.
    pub offset: usize,
}

/// The ways in which a text is not strict JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReadErrorKind {
    /// The bytes are not UTF-8 (RFC 8259, section 8.1).
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// The text begins with U+FEFF.
    #[error("a byte order mark")]
    ByteOrderMark,
    /// The text ends within a value, or holds none.
    #[error("the text ends too early")]
    UnexpectedEnd,
    /// A byte that cannot stand here.
    #[error("an unexpected character")]
    UnexpectedByte,
    /// Something follows the value.
    #[error("text after the value")]
    TrailingText,
    /// A backslash with no meaning.
    #[error("an invalid escape")]
    InvalidEscape,
    /// Half a surrogate pair: not a character, and read differently by different parsers.
    #[error("a lone surrogate")]
    LoneSurrogate,
    /// A raw control character within a string.
    #[error("a control character in a string")]
    ControlCharacter,
    /// Not a number of the JSON grammar.
    #[error("an invalid number")]
    InvalidNumber,
    /// A fraction or exponent beyond the finite range of a double.
    #[error("a number out of range")]
    NumberRange,
    /// A member name that stands twice in one object, also through escapes.
    #[error("a repeated member name")]
    RepeatedName,
    /// Beyond [`Limits::depth`].
    #[error("nesting too deep")]
    TooDeep,
    /// Beyond [`Limits::values`].
    #[error("too many values")]
    TooManyValues,
    /// Beyond [`Limits::bytes`].
    #[error("text too long")]
    TooLong,
}

use ReadErrorKind as Fault;

/// Objects with more members than this look names up in a set.
const LINEAR_NAMES: usize = 16;

/// An array or object whose end has not been seen.
struct Open<'a> {
    node: usize,
    object: bool,
    names_from: usize,
    /// The names so far, once they are many.
    many: Option<HashSet<Cow<'a, str>>>,
}

struct Reader<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
    limits: Limits,
    nodes: Vec<Node>,
    open: Vec<Open<'a>>,
    names: Vec<Cow<'a, str>>,
}

/// What the reader looks for next.
enum Expect {
    Value,
    /// A name, or the end of an object that has no member yet.
    FirstName,
    Name,
    /// A comma or the end of the innermost container.
    Separator,
    Nothing,
}

pub(crate) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(&'a str, Vec<Node>), ReadError> {
    let refuse = |kind, offset| Err(ReadError { kind, offset });
    if bytes.len() > limits.bytes.min(u32::MAX as usize) {
        return refuse(Fault::TooLong, limits.bytes);
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return refuse(Fault::ByteOrderMark, 0);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return refuse(Fault::InvalidUtf8, error.valid_up_to()),
    };
    let mut reader = Reader {
        text,
        cursor: Cursor::new(bytes),
        limits: *limits,
        nodes: Vec::with_capacity(16 + (bytes.len() / 16).min(4096)),
        open: Vec::with_capacity(8),
        names: Vec::with_capacity(16),
    };
    match reader.run() {
        Ok(()) => Ok((text, reader.nodes)),
        Err(kind) => refuse(kind, reader.cursor.offset().min(bytes.len())),
    }
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), Fault> {
        let mut expect = Expect::Value;
        loop {
            self.cursor.skip_white_space();
            expect = match expect {
                Expect::Value => self.value()?,
                Expect::FirstName if self.cursor.eat(b'}') => self.close(),
                Expect::FirstName | Expect::Name => self.name()?,
                Expect::Separator => self.separator()?,
                Expect::Nothing if self.cursor.peek().is_none() => return Ok(()),
                Expect::Nothing => return Err(Fault::TrailingText),
            };
        }
    }

    fn value(&mut self) -> Result<Expect, Fault> {
        let start = self.cursor.offset();
        match self.cursor.peek().ok_or(Fault::UnexpectedEnd)? {
            b'{' => return self.begin(Tag::Object),
            b'[' => return self.begin(Tag::Array),
            b'"' => {
                let tag = self.string()?;
                self.push(tag, start)?;
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                self.push(Tag::Number, start)?;
            }
            b't' if self.cursor.eat_word(b"true") => self.push(Tag::True, start)?,
            b'f' if self.cursor.eat_word(b"false") => self.push(Tag::False, start)?,
            b'n' if self.cursor.eat_word(b"null") => self.push(Tag::Null, start)?,
            // An array that ends before its first element, which only `begin` leaves possible.
            b']' if self.in_empty_array() => {
                self.cursor.step();
                return Ok(self.close());
            }
            _ => return Err(Fault::UnexpectedByte),
        }
        Ok(self.after_value())
    }

    fn in_empty_array(&self) -> bool {
        self.open.last().is_some_and(|open| !open.object && open.node + 1 == self.nodes.len())
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() { Expect::Nothing } else { Expect::Separator }
    }

    /// Appends a node that ends where the cursor stands.
    fn push(&mut self, tag: Tag, start: usize) -> Result<(), Fault> {
        if self.nodes.len() >= self.limits.values {
            return Err(Fault::TooManyValues);
        }
        let next = to_u32(self.nodes.len() + 1);
        self.nodes.push(Node { start: to_u32(start), end: to_u32(self.cursor.offset()), next, tag });
        Ok(())
    }

    fn begin(&mut self, tag: Tag) -> Result<Expect, Fault> {
        if self.open.len() >= self.limits.depth {
            return Err(Fault::TooDeep);
        }
        let (node, start) = (self.nodes.len(), self.cursor.offset());
        self.cursor.step();
        self.push(tag, start)?;
        let object = tag == Tag::Object;
        self.open.push(Open { node, object, names_from: self.names.len(), many: None });
        Ok(if object { Expect::FirstName } else { Expect::Value })
    }

    /// Ends the innermost container, whose last byte was just read.
    fn close(&mut self) -> Expect {
        if let Some(open) = self.open.pop() {
            self.names.truncate(open.names_from);
            let (end, next) = (to_u32(self.cursor.offset()), to_u32(self.nodes.len()));
            if let Some(node) = self.nodes.get_mut(open.node) {
                (node.end, node.next) = (end, next);
            }
        }
        self.after_value()
    }

    fn separator(&mut self) -> Result<Expect, Fault> {
        let object = self.open.last().is_some_and(|open| open.object);
        match self.cursor.next().ok_or(Fault::UnexpectedEnd)? {
            b'}' if object => Ok(self.close()),
            b']' if !object => Ok(self.close()),
            b',' if object => Ok(Expect::Name),
            b',' => {
                self.cursor.skip_white_space();
                // `[1,]`: without this, the bracket would pass as the end of an empty array.
                if self.cursor.peek() == Some(b']') { Err(Fault::UnexpectedByte) } else { Ok(Expect::Value) }
            }
            _ => Err(Fault::UnexpectedByte),
        }
    }

    fn name(&mut self) -> Result<Expect, Fault> {
        let start = self.cursor.offset();
        if self.cursor.peek().ok_or(Fault::UnexpectedEnd)? != b'"' {
            return Err(Fault::UnexpectedByte);
        }
        let tag = self.string()?;
        self.push(tag, start)?;
        self.record_name(tag, start)?;
        self.cursor.skip_white_space();
        match self.cursor.next() {
            Some(b':') => Ok(Expect::Value),
            Some(_) => Err(Fault::UnexpectedByte),
            None => Err(Fault::UnexpectedEnd),
        }
    }

    fn record_name(&mut self, tag: Tag, start: usize) -> Result<(), Fault> {
        let inner = self.text.get(start + 1..self.cursor.offset() - 1).unwrap_or_default();
        let name = match tag {
            Tag::EscapedString => Cow::Owned(text::unescape(inner)),
            _ => Cow::Borrowed(inner),
        };
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let seen = self.names.get(open.names_from..).unwrap_or_default();
        if let Some(many) = &mut open.many {
            return if many.insert(name) { Ok(()) } else { Err(Fault::RepeatedName) };
        }
        if seen.contains(&name) {
            return Err(Fault::RepeatedName);
        }
        if seen.len() == LINEAR_NAMES {
            open.many = Some(seen.iter().cloned().chain([name]).collect());
        } else {
            self.names.push(name);
        }
        Ok(())
    }

    /// Reads a string whose opening quote stands next; tells whether it holds an escape.
    fn string(&mut self) -> Result<Tag, Fault> {
        self.cursor.step();
        let mut tag = Tag::PlainString;
        loop {
            self.cursor.skip_plain();
            match self.cursor.peek().ok_or(Fault::UnexpectedEnd)? {
                b'"' => {
                    self.cursor.step();
                    return Ok(tag);
                }
                b'\\' => {
                    tag = Tag::EscapedString;
                    self.escape()?;
                }
                _ => return Err(Fault::ControlCharacter),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.cursor.step();
        match self.cursor.peek().ok_or(Fault::UnexpectedEnd)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.cursor.step(),
            b'u' => self.unicode_escape()?,
            _ => return Err(Fault::InvalidEscape),
        }
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<(), Fault> {
        match self.code_unit()? {
            0xD800..=0xDBFF => {
                if !self.cursor.eat(b'\\') || self.cursor.peek() != Some(b'u') {
                    return Err(Fault::LoneSurrogate);
                }
                match self.code_unit()? {
                    0xDC00..=0xDFFF => Ok(()),
                    _ => Err(Fault::LoneSurrogate),
                }
            }
            0xDC00..=0xDFFF => Err(Fault::LoneSurrogate),
            _ => Ok(()),
        }
    }

    /// Reads `uXXXX`.
    fn code_unit(&mut self) -> Result<u32, Fault> {
        self.cursor.step();
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.cursor.peek().ok_or(Fault::UnexpectedEnd)?;
            unit = unit * 16 + char::from(byte).to_digit(16).ok_or(Fault::InvalidEscape)?;
            self.cursor.step();
        }
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.cursor.offset();
        self.cursor.eat(b'-');
        if !self.cursor.eat(b'0') && self.cursor.skip_digits() == 0 {
            return Err(Fault::InvalidNumber);
        }
        if matches!(self.cursor.peek(), Some(b'0'..=b'9')) {
            return Err(Fault::InvalidNumber);
        }
        let mut integer = true;
        if self.cursor.eat(b'.') {
            integer = false;
            self.require_digits()?;
        }
        if self.cursor.eat(b'e') || self.cursor.eat(b'E') {
            integer = false;
            if !self.cursor.eat(b'+') {
                self.cursor.eat(b'-');
            }
            self.require_digits()?;
        }
        if integer || self.is_finite(start) { Ok(()) } else { Err(Fault::NumberRange) }
    }

    fn require_digits(&mut self) -> Result<(), Fault> {
        if self.cursor.skip_digits() == 0 { Err(Fault::InvalidNumber) } else { Ok(()) }
    }

    fn is_finite(&self, start: usize) -> bool {
        let spelling = self.text.get(start..self.cursor.offset()).unwrap_or_default();
        spelling.parse::<f64>().is_ok_and(f64::is_finite)
    }
}

/// Offsets and indices fit, since a text is no longer than `u32::MAX` bytes.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
