//! The end of a segment, read backwards: where its last whole line ends, and what that line says. Takes no
//! longer for a large file than for a small one.

use std::io::{self, Read, Seek, SeekFrom};

use crate::lines::MAX_LINE;

const CHUNK: u64 = 64 << 10;

/// How a segment ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Bytes up to and including the last line feed; what follows is torn.
    pub(crate) whole: u64,
    /// The last whole line, without its line feed; absent if there is none.
    pub(crate) last_line: Option<Vec<u8>>,
}

/// Reads the end of a file of `length` bytes.
pub(crate) fn read_tail(file: &mut (impl Read + Seek), length: u64) -> io::Result<Tail> {
    let Some(end) = last_line_feed(file, length)? else {
        return Ok(Tail { whole: 0, last_line: None });
    };
    let start = last_line_feed(file, end)?.map_or(0, |previous| previous + 1);
    if end - start >= MAX_LINE as u64 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its last line is longer than any record"));
    }
    file.seek(SeekFrom::Start(start))?;
    let mut line = Vec::new();
    file.take(end - start).read_to_end(&mut line)?;
    Ok(Tail { whole: end + 1, last_line: Some(line) })
}

/// Offset of the last line feed before `end`.
fn last_line_feed(file: &mut (impl Read + Seek), mut end: u64) -> io::Result<Option<u64>> {
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        file.by_ref().take(end - start).read_to_end(&mut chunk)?;
        if let Some(at) = memchr::memrchr(b'\n', &chunk) {
            return Ok(Some(start + at as u64));
        }
        end = start;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn tail_of(text: &[u8]) -> Tail {
        read_tail(&mut Cursor::new(text), text.len() as u64).unwrap()
    }

    #[test]
    fn tails() {
        let check = |text: &str, whole: u64, line: Option<&str>| {
            let expected = Tail { whole, last_line: line.map(|line| line.as_bytes().to_vec()) };
            assert_eq!(tail_of(text.as_bytes()), expected, "{text:?}");
        };
        check("", 0, None);
        check("torn", 0, None);
        check("one\n", 4, Some("one"));
        check("one\ntwo\nto", 8, Some("two"));
        check("\n", 1, Some(""));
    }

    /// Counts the bytes that are read.
    struct Counting(Cursor<Vec<u8>>, u64);

    impl Read for Counting {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buffer)?;
            self.1 += read as u64;
            Ok(read)
        }
    }

    impl Seek for Counting {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_large_file_costs_no_more_than_a_small_one() {
        let text = b"0123456789\n".repeat(1 << 20);
        let length = text.len() as u64;
        let mut file = Counting(Cursor::new(text), 0);
        assert_eq!(read_tail(&mut file, length).unwrap().whole, length);
        assert!(file.1 <= 3 * CHUNK, "{}", file.1);
    }

    proptest! {
        #[test]
        fn lines_longer_than_a_chunk(first in 0usize..200_000, second in 0usize..200_000, torn in 0usize..200_000) {
            let text = [vec![b'a'; first], vec![b'\n'], vec![b'b'; second], vec![b'\n'], vec![b'c'; torn]].concat();
            let tail = tail_of(&text);
            prop_assert_eq!(tail.whole, (first + second + 2) as u64);
            prop_assert_eq!(tail.last_line.unwrap().len(), second);
        }
    }
}
