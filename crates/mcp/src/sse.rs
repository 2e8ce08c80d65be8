//! Server-sent events: splitting a stream into events without changing a byte, and writing events.
//!
//! Source: HTML Living Standard, "Server-sent events". An event's raw bytes are everything up to and
//! with the blank line that ends it, comments included, so that the raws in a row are the stream.

use bytes::{Bytes, BytesMut};
use thiserror::Error;

/// Splits a stream that comes in chunks of any size.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// Bytes of the buffer that were looked at.
    seen: usize,
    /// Where the current line begins in the buffer.
    line: usize,
    /// Whether nothing was split off yet, so that a byte order mark may stand here.
    first: bool,
    /// Whether no chunk will follow.
    ended: bool,
    limit: usize,
}

/// An event longer than the limit; nothing more can be read from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event of the stream is longer than {limit} bytes")]
pub struct EventTooLong {
    /// The limit, in bytes of the raw event.
    pub limit: usize,
}

/// One event, or a run of comments, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The bytes of the stream, with the blank line at the end.
    pub raw: Bytes,
    /// The lines of `data`, joined by line feeds; none if there was no such field. A priming event has
    /// empty data.
    pub data: Option<Bytes>,
    /// The `event` field; absent means `message`.
    pub name: Option<Bytes>,
    /// The `id` field; one that holds a NUL is ignored.
    pub id: Option<Bytes>,
    /// The `retry` field, in milliseconds.
    pub retry: Option<u64>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Splitter {
    /// Splits a stream whose events are at most `limit` bytes long.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), seen: 0, line: 0, first: true, ended: false, limit }
    }

    /// Takes the next chunk. It is not copied if nothing is left of the chunks before it and nobody
    /// else holds it.
    pub fn push(&mut self, chunk: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = chunk.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
        } else {
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// Tells that the stream has ended: a carriage return at its very end then ends a line.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next whole event; none until more chunks come.
    ///
    /// # Errors
    ///
    /// The event at the front is longer than the limit, whole or not. The same error comes again.
    pub fn next_event(&mut self) -> Result<Option<Event>, EventTooLong> {
        let end = self.find_end();
        if end.unwrap_or(self.buffer.len()) > self.limit {
            return Err(EventTooLong { limit: self.limit });
        }
        let Some(end) = end else { return Ok(None) };
        let event = Event::parse(self.buffer.split_to(end).freeze(), self.first);
        (self.seen, self.line, self.first) = (0, 0, false);
        Ok(Some(event))
    }

    /// What stands behind the last whole event: an event that the stream broke off in, which is never
    /// to be acted on.
    #[must_use]
    pub fn remainder(self) -> Bytes {
        self.buffer.freeze()
    }

    /// Looks on from where the last look ended for the end of the first event.
    fn find_end(&mut self) -> Option<usize> {
        loop {
            let found = memchr::memchr2(b'\n', b'\r', self.buffer.get(self.seen..).unwrap_or_default());
            let Some(stop) = found.map(|offset| self.seen + offset) else {
                self.seen = self.buffer.len();
                return None;
            };
            let next = match (self.buffer.get(stop), self.buffer.get(stop + 1)) {
                (Some(b'\r'), Some(b'\n')) => stop + 2,
                // The line feed of this line's end may be in the next chunk.
                (Some(b'\r'), None) if !self.ended => {
                    self.seen = stop;
                    return None;
                }
                _ => stop + 1,
            };
            let line = self.buffer.get(self.line..stop).unwrap_or_default();
            let blank = line.is_empty() || (self.first && self.line == 0 && line == BYTE_ORDER_MARK);
            (self.seen, self.line) = (next, next);
            if blank {
                return Some(next);
            }
        }
    }
}

impl Event {
    /// Whether there is something to act on: an event without data is none (it may still be a comment,
    /// or set the id).
    #[must_use]
    pub fn has_data(&self) -> bool {
        self.data.as_ref().is_some_and(|data| !data.is_empty())
    }

    /// The event with other data, its name, id and retry time kept.
    #[must_use]
    pub fn with_data(&self, data: &[u8]) -> Vec<u8> {
        let fields = Fields {
            data: Some(data),
            name: self.name.as_deref(),
            id: self.id.as_deref(),
            retry: self.retry,
        };
        write_event(&fields)
    }

    fn parse(raw: Bytes, first: bool) -> Self {
        let mut event = Self { raw: Bytes::new(), data: None, name: None, id: None, retry: None };
        let mut lines =
            Lines { raw: &raw, at: if first && raw.starts_with(BYTE_ORDER_MARK) { 3 } else { 0 } };
        while let Some(line) = lines.next_line() {
            let (field, value) = split_field(line);
            match field {
                b"data" => event.add_data(&raw, value),
                b"event" => event.name = Some(raw.slice_ref(value)),
                b"id" if !value.contains(&0) => event.id = Some(raw.slice_ref(value)),
                b"retry" => event.retry = milliseconds(value).or(event.retry),
                _ => {}
            }
        }
        event.raw = raw;
        event
    }

    /// One line of data is a part of the raw bytes; only more than one are copied.
    fn add_data(&mut self, raw: &Bytes, line: &[u8]) {
        self.data = Some(match self.data.take() {
            None => raw.slice_ref(line),
            Some(before) => {
                let mut joined = match before.try_into_mut() {
                    Ok(own) => own,
                    Err(shared) => BytesMut::from(&*shared),
                };
                joined.extend_from_slice(b"\n");
                joined.extend_from_slice(line);
                joined.freeze()
            }
        });
    }
}

struct Lines<'r> {
    raw: &'r [u8],
    at: usize,
}

impl<'r> Lines<'r> {
    fn next_line(&mut self) -> Option<&'r [u8]> {
        let rest = self.raw.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, end) = rest.split_at_checked(length)?;
        self.at += length + if end.starts_with(b"\r\n") { 2 } else { 1 };
        Some(line)
    }
}

/// Name and value of a line; one space behind the colon is no part of the value. A comment has an empty
/// name.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) {
        None => (line, line.get(line.len()..).unwrap_or_default()),
        Some((field, value)) => {
            let value = value.strip_prefix(b":").unwrap_or(value);
            (field, value.strip_prefix(b" ").unwrap_or(value))
        }
    }
}

fn milliseconds(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| digits)?.parse().ok()
}

/// What an event is written from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    /// The data; each of its lines becomes a `data` field. Any line end is read back as a line feed.
    pub data: Option<&'a [u8]>,
    /// The name. Left out if it holds a line end, which no name that was read can.
    pub name: Option<&'a [u8]>,
    /// The id. Left out if it holds a line end or a NUL, which no id that was read can.
    pub id: Option<&'a [u8]>,
    /// How long to wait before connecting again, in milliseconds.
    pub retry: Option<u64>,
}

/// An event as it goes on the wire.
#[must_use]
pub fn write_event(fields: &Fields<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.data.map_or(0, <[u8]>::len) + 64);
    let one_line = |value: &&[u8]| memchr::memchr3(b'\n', b'\r', 0, value).is_none();
    if let Some(name) = fields.name.filter(one_line) {
        write_field(b"event: ", name, &mut out);
    }
    if let Some(id) = fields.id.filter(one_line) {
        write_field(b"id: ", id, &mut out);
    }
    if let Some(retry) = fields.retry {
        write_field(b"retry: ", retry.to_string().as_bytes(), &mut out);
    }
    if let Some(data) = fields.data {
        let mut lines = Lines { raw: data, at: 0 };
        let mut ended = true;
        while let Some(line) = lines.next_line() {
            write_field(b"data: ", line, &mut out);
            ended = lines.at <= data.len();
        }
        // Data that is empty, or whose last line is.
        if ended {
            write_field(b"data: ", b"", &mut out);
        }
    }
    out.push(b'\n');
    out
}

fn write_field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
