//! What a server prints beside the protocol: its standard error, and noise on its standard output.
//! Only redacted text is kept or handed on, and little of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::stdio::line::Line;

/// The most bytes of one line that are looked at.
const LINE: usize = 16 << 10;
/// Cut from the end of a line that is longer: a secret that the cut went through was not recognised,
/// and goes with it.
const MARGIN: usize = 4 << 10;
/// Lines and bytes of standard error that are kept.
const STDERR: (usize, usize) = (1_000, 256 << 10);
/// Lines and bytes of noise that are kept.
const NOISE: (usize, usize) = (100, 64 << 10);

/// Where a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard error.
    Stderr,
    /// Standard output, where nothing but messages belongs.
    Stdout,
}

/// Replaces secrets in a line of text.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;
/// Takes a redacted line, without its line feed; must not block.
pub type OnLine = Arc<dyn Fn(Source, &str) + Send + Sync>;

/// What becomes of the lines that a server prints.
#[derive(Clone)]
pub struct LogSink {
    /// Applied to each line before anything else sees it.
    pub redact: Redact,
    /// Gets each line, say to append it to a file.
    pub on_line: Option<OnLine>,
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").finish_non_exhaustive()
    }
}

/// The last lines of one server.
#[derive(Debug)]
pub(crate) struct Logs {
    sink: LogSink,
    stderr: Mutex<Ring>,
    noise: Mutex<Ring>,
}

impl Logs {
    pub(crate) fn new(sink: LogSink) -> Self {
        Self { sink, stderr: Mutex::new(Ring::new(STDERR)), noise: Mutex::new(Ring::new(NOISE)) }
    }

    /// The longest line worth reading.
    pub(crate) const fn line_cap() -> usize {
        LINE
    }

    /// Keeps a line of standard error.
    pub(crate) fn stderr(&self, line: &Line<'_>) {
        match line {
            Line::Whole(text) => self.record(Source::Stderr, text, text.len() > LINE),
            Line::TooLong { head, .. } => self.record(Source::Stderr, head, true),
        }
    }

    /// Keeps a line of standard output that is no message.
    pub(crate) fn noise(&self, text: &[u8]) {
        self.record(Source::Stdout, text, text.len() > LINE);
    }

    /// The last `count` lines, oldest first.
    pub(crate) fn tail(&self, source: Source, count: usize) -> Vec<String> {
        self.ring(source).lock().unwrap_or_else(PoisonError::into_inner).tail(count)
    }

    fn record(&self, source: Source, text: &[u8], cut: bool) {
        let head = text.get(..LINE).unwrap_or(text);
        let mut line = (self.sink.redact)(&printable(head));
        if cut {
            line.truncate(line.floor_char_boundary(line.len().saturating_sub(MARGIN)));
            line.push('…');
        }
        if let Some(on_line) = &self.sink.on_line {
            on_line(source, &line);
        }
        self.ring(source).lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn ring(&self, source: Source) -> &Mutex<Ring> {
        match source {
            Source::Stderr => &self.stderr,
            Source::Stdout => &self.noise,
        }
    }
}

/// Text without the control characters by which a line could steer a terminal.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

/// The last lines, within a number of lines and of bytes.
#[derive(Debug)]
struct Ring {
    lines: VecDeque<String>,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
}

impl Ring {
    fn new((max_lines, max_bytes): (usize, usize)) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, max_lines, max_bytes }
    }

    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > self.max_lines || self.bytes > self.max_bytes {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }

    fn tail(&self, count: usize) -> Vec<String> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        let redact: Redact = Arc::new(|line| line.replace("s3cret", "***"));
        Logs::new(LogSink { redact, on_line: None })
    }

    #[test]
    fn lines_are_redacted_and_cannot_steer_a_terminal() {
        let logs = logs();
        logs.stderr(&Line::Whole(b"\x1b[31mkey\t=\x07 s3c\x08ret\r"));
        assert_eq!(logs.tail(Source::Stderr, 9), ["[31mkey\t= ***"]);
        assert!(logs.tail(Source::Stdout, 9).is_empty());
    }

    #[test]
    fn a_secret_on_the_cut_is_not_kept_in_part() {
        let logs = logs();
        for length in [LINE - 3, LINE - 6, LINE + 1] {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"s3cret");
            text.extend_from_slice(&[b'y'; 10]);
            logs.noise(&text);
        }
        let lines = logs.tail(Source::Stdout, 9);
        assert_eq!(lines.len(), 3);
        for line in lines {
            assert!(line.ends_with("x…") && line.len() <= LINE - MARGIN + "…".len());
        }
    }

    #[test]
    fn the_ring_is_bounded_in_lines_and_bytes() {
        let logs = logs();
        for index in 0..5_000 {
            logs.stderr(&Line::Whole(format!("line {index}").as_bytes()));
        }
        assert_eq!(logs.tail(Source::Stderr, usize::MAX).len(), STDERR.0);
        assert_eq!(logs.tail(Source::Stderr, 2), ["line 4998", "line 4999"]);
        for _ in 0..1_000 {
            logs.stderr(&Line::Whole(&[b'x'; 4_000]));
        }
        let bytes: usize = logs.tail(Source::Stderr, usize::MAX).iter().map(String::len).sum();
        assert!(bytes <= STDERR.1 && bytes > STDERR.1 - 4_001);
    }
}
