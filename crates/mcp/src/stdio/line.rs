//! Cutting a stream of bytes into lines with bounded memory. What the lines mean is for others.

/// How much of the beginning of an over-long line is kept.
const HEAD: usize = 16 << 10;
/// How much of the end of an over-long line is kept.
const TAIL: usize = 64;
/// A buffer that grew beyond this is given back once its line is done.
const KEEP: usize = 256 << 10;

/// One line, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'b> {
    /// The whole line.
    Whole(&'b [u8]),
    /// A line beyond the cap, of which only the ends are left.
    TooLong {
        /// Its first bytes.
        head: &'b [u8],
        /// Its last bytes.
        tail: &'b [u8],
        /// How many bytes it had.
        length: u64,
    },
}

/// Splits at line feeds. Holds at most one unfinished line, and never more than the cap of it.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    /// The most bytes that a line may have.
    cap: usize,
    carry: Vec<u8>,
    skipping: Option<Skipped>,
}

/// What is left of a line that went beyond the cap.
#[derive(Debug, Default)]
struct Skipped {
    head: Vec<u8>,
    tail: Vec<u8>,
    length: u64,
}

impl Skipped {
    fn take(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.tail.extend_from_slice(last(bytes, TAIL));
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }
}

impl LineSplitter {
    /// Lines of at most `cap` bytes.
    pub(crate) fn new(cap: usize) -> Self {
        Self { cap, carry: Vec::new(), skipping: None }
    }

    /// Takes the next bytes of the stream and hands each line that they complete to `sink`.
    pub(crate) fn feed(&mut self, mut chunk: &[u8], mut sink: impl FnMut(Line<'_>)) {
        while let Some((line, rest)) = memchr::memchr(b'\n', chunk).and_then(|at| split_line(chunk, at)) {
            self.complete(line, &mut sink);
            chunk = rest;
        }
        self.keep(chunk);
    }

    /// Hands over what stands behind the last line feed, when the stream has ended.
    pub(crate) fn finish(&mut self, mut sink: impl FnMut(Line<'_>)) {
        if self.skipping.is_some() || !self.carry.is_empty() {
            self.complete(&[], &mut sink);
        }
    }

    /// Bytes that the splitter holds memory for.
    #[cfg(test)]
    fn held(&self) -> usize {
        let skipped = self.skipping.as_ref().map_or(0, |s| s.head.capacity() + s.tail.capacity());
        self.carry.capacity() + skipped
    }

    fn complete(&mut self, end: &[u8], sink: &mut impl FnMut(Line<'_>)) {
        // Most lines arrive in one piece and are never copied.
        if self.skipping.is_none() && self.carry.is_empty() && end.len() <= self.cap {
            return sink(Line::Whole(end));
        }
        self.keep(end);
        match self.skipping.take() {
            Some(s) => sink(Line::TooLong { head: &s.head, tail: &s.tail, length: s.length }),
            None => sink(Line::Whole(&self.carry)),
        }
        if self.carry.capacity() > KEEP {
            self.carry = Vec::new();
        }
        self.carry.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(skipped) = &mut self.skipping {
            return skipped.take(bytes);
        }
        let needed = self.carry.len().saturating_add(bytes.len());
        if needed > self.cap {
            return self.skip(bytes);
        }
        if needed > self.carry.capacity() {
            let target = self.carry.capacity().saturating_mul(2).clamp(needed, self.cap.max(needed));
            self.carry.reserve_exact(target - self.carry.len());
        }
        self.carry.extend_from_slice(bytes);
    }

    fn skip(&mut self, bytes: &[u8]) {
        let carry = std::mem::take(&mut self.carry);
        let mut skipped = Skipped::default();
        skipped.take(&carry);
        skipped.take(bytes);
        self.skipping = Some(skipped);
    }
}

fn split_line(chunk: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    Some((chunk.get(..at)?, chunk.get(at + 1..)?))
}

fn last(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(count)..).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line as a test keeps it: its text, or the ends and the length of one too long.
    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Kept {
        Whole(Vec<u8>),
        TooLong(Vec<u8>, Vec<u8>, u64),
    }

    fn kept(line: &Line<'_>) -> Kept {
        match line {
            Line::Whole(bytes) => Kept::Whole(bytes.to_vec()),
            Line::TooLong { head, tail, length } => Kept::TooLong(head.to_vec(), tail.to_vec(), *length),
        }
    }

    fn split<'a>(cap: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Kept> {
        let mut splitter = LineSplitter::new(cap);
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(kept(&line)));
        }
        splitter.finish(|line| lines.push(kept(&line)));
        lines
    }

    fn reference(cap: usize, text: &[u8]) -> Vec<Kept> {
        let mut parts: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        if parts.last().is_some_and(|last| last.is_empty()) {
            parts.pop();
        }
        let cut = |line: &[u8]| {
            let tail = line[line.len().saturating_sub(TAIL)..].to_vec();
            Kept::TooLong(line[..line.len().min(HEAD)].to_vec(), tail, line.len() as u64)
        };
        parts.into_iter().map(|l| if l.len() > cap { cut(l) } else { Kept::Whole(l.to_vec()) }).collect()
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_lines_of_the_whole(
            text in proptest::collection::vec(prop_oneof![4 => 97_u8..100, 1 => Just(b'\n')], 0..400),
            cap in 1_usize..120,
            cuts in proptest::collection::vec(1_usize..60, 0..40),
        ) {
            let mut chunks = Vec::new();
            let mut rest = text.as_slice();
            for cut in cuts {
                let (chunk, more) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = more;
            }
            chunks.push(rest);
            prop_assert_eq!(split(cap, chunks), reference(cap, &text));
        }
    }

    #[test]
    fn a_line_beyond_the_cap_holds_no_memory() {
        let mut splitter = LineSplitter::new(1 << 20);
        let chunk = [b'x'; 64 << 10];
        let mut most = 0;
        for _ in 0..1_600 {
            splitter.feed(&chunk, |_| panic!("no line has ended"));
            most = most.max(splitter.held());
        }
        assert!(most <= 1 << 20, "held {most} bytes");
        assert!(splitter.held() < 64 << 10, "the skipped line keeps {} bytes", splitter.held());
        let mut lengths = Vec::new();
        splitter.feed(b"\nshort\n", |line| match line {
            Line::Whole(text) => assert_eq!(text, b"short"),
            Line::TooLong { length, .. } => lengths.push(length),
        });
        assert_eq!(lengths, [1_600 * (64 << 10)]);
    }

    #[test]
    fn a_long_line_within_the_cap_gives_its_memory_back() {
        let mut splitter = LineSplitter::new(8 << 20);
        let long = vec![b'x'; 5 << 20];
        splitter.feed(&long, |_| panic!("no line has ended"));
        assert!(splitter.held() <= 8 << 20);
        splitter.feed(b"\n", |line| assert_eq!(line, Line::Whole(&long)));
        assert_eq!(splitter.held(), 0);
    }
}
