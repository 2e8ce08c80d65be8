//! Lines of a journal from any reader, with a bound on their length, and with the torn last one told apart.

use std::io::{self, BufRead, Read};

/// Longest line of a journal in bytes, its line feed included: room for recorded arguments of the largest
/// request, and a bound on what a damaged file can make a reader hold.
pub const MAX_LINE: usize = 64 << 20;

/// What a reader gives next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line is in the buffer, without its line feed.
    Whole,
    /// The reader ended within a line: what there is of it is in the buffer.
    Torn,
    /// The line passes `MAX_LINE`.
    TooLong,
    /// The reader ended after a whole line.
    End,
}

/// Reads the next line into `buffer`, replacing what it held.
pub(crate) fn read_line(reader: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<Line> {
    buffer.clear();
    let read = reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', buffer)?;
    Ok(if buffer.pop_if(|last| *last == b'\n').is_some() {
        Line::Whole
    } else if read == 0 {
        Line::End
    } else if read == MAX_LINE {
        Line::TooLong
    } else {
        Line::Torn
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_torn_and_no_lines() {
        let mut reader = "a\n\nbc".as_bytes();
        let mut buffer = Vec::new();
        let mut check = |line: Line, text: &str| {
            assert_eq!(read_line(&mut reader, &mut buffer).unwrap(), line);
            assert_eq!(buffer, text.as_bytes());
        };
        check(Line::Whole, "a");
        check(Line::Whole, "");
        check(Line::Torn, "bc");
        check(Line::End, "");
    }

    #[test]
    fn an_endless_line_is_cut_off() {
        let mut reader = io::BufReader::new(io::repeat(b'x'));
        assert_eq!(read_line(&mut reader, &mut Vec::new()).unwrap(), Line::TooLong);
    }
}
