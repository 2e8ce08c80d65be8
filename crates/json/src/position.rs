//! Lines and columns of byte offsets, for messages to people.

use std::fmt;

/// A place in a text file, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The line and column of a byte offset; an offset beyond the end is the end.
#[must_use]
pub fn position_of(text: &[u8], offset: usize) -> Position {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let in_line = before.get(line_start..).unwrap_or_default();
    // Bytes 0x80..=0xBF continue a UTF-8 character.
    let column = in_line.iter().filter(|b| !(0x80..0xC0).contains(*b)).count() + 1;
    Position { line, column }
}
