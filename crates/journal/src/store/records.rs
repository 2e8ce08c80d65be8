//! Reading a journal on disk, from any record on, to its end and beyond: at the end a reader can be asked
//! again, and then goes on with what was appended meanwhile, also across segments.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::chain::leading_seq;
use crate::error::ReadError;
use crate::lines::{Line, read_line};
use crate::store::segments::{Segment, list_segments, segment_directory};
use crate::store::tail::read_tail;
use crate::view::RecordView;

const BUFFER: usize = 128 << 10;
/// A range of a file that is read through rather than halved once more.
const NEAR: u64 = 128 << 10;

/// Reads the records of a journal in order. Does not verify them.
#[derive(Debug)]
pub struct Records {
    directory: PathBuf,
    current: Option<(Segment, BufReader<File>)>,
    /// Records before this one are passed over.
    from_seq: u64,
    /// Last record read or passed over.
    last_seq: u64,
    /// Offset in the current segment of the line to be read next.
    offset: u64,
    line: Vec<u8>,
    torn_bytes: u64,
}

/// One line of the journal.
#[derive(Clone, Copy, Debug)]
pub struct RecordLine<'a> {
    /// The record's sequence number.
    pub seq: u64,
    /// The line, without its line feed.
    pub bytes: &'a [u8],
}

impl<'a> RecordLine<'a> {
    /// What the line says.
    pub fn view(&self) -> Result<RecordView<'a>, serde_json::Error> {
        RecordView::parse(self.bytes)
    }
}

impl Records {
    /// A reader that begins with the record `from_seq`, or with the first there is after it. Finds it
    /// without reading what comes before. With a number beyond the end, it waits for that record.
    pub fn open(data_directory: &Path, from_seq: u64) -> Result<Records, ReadError> {
        let directory = segment_directory(data_directory);
        let segments = list_segments(&directory).map_err(at(&directory))?;
        let start =
            segments.iter().rev().find(|segment| segment.first_seq <= from_seq).or(segments.first()).cloned();
        let first = start.map_or(1, |segment| segment.first_seq);
        let mut records = Records {
            directory,
            current: None,
            from_seq,
            last_seq: first - first.min(1),
            offset: 0,
            line: Vec::new(),
            torn_bytes: 0,
        };
        records.advance_to(first)?;
        records.seek_near()?;
        Ok(records)
    }

    /// A reader that begins `count` records before the end.
    pub fn latest(data_directory: &Path, count: u64) -> Result<Records, ReadError> {
        let last = last_seq(data_directory)?;
        Records::open(data_directory, (last + 1).saturating_sub(count))
    }

    /// The next record; `None` at the end, where it may be asked again later.
    pub fn next_record(&mut self) -> Result<Option<RecordLine<'_>>, ReadError> {
        loop {
            let Some((segment, reader)) = &mut self.current else {
                if self.advance_to(self.last_seq + 1)? {
                    continue;
                }
                return Ok(None);
            };
            let kind = read_line(reader, &mut self.line).map_err(at(&segment.path))?;
            self.torn_bytes = 0;
            match kind {
                Line::Whole => {}
                Line::TooLong => return Err(self.damaged("longer than any record".to_owned())),
                Line::End if self.advance_to(self.last_seq + 1)? => continue,
                Line::End => return Ok(None),
                Line::Torn => return self.step_back().map(|()| None),
            }
            self.offset += self.line.len() as u64 + 1;
            let Some(seq) = leading_seq(&self.line) else {
                return Err(self.damaged("does not begin with a sequence number".to_owned()));
            };
            self.last_seq = seq;
            if seq >= self.from_seq {
                break;
            }
        }
        Ok(Some(RecordLine { seq: self.last_seq, bytes: &self.line }))
    }

    /// Bytes of a torn line at the end: a record being written just now, or cut off by a crash.
    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// An error about the line read last.
    pub(crate) fn damaged(&self, what: String) -> ReadError {
        let path = self.current.as_ref().map_or(&self.directory, |(segment, _)| &segment.path).clone();
        ReadError::Damaged { path, after: self.last_seq, what }
    }

    /// Goes to the segment that begins with `first_seq`, if there is one and it is not being read already.
    fn advance_to(&mut self, first_seq: u64) -> Result<bool, ReadError> {
        let segment = Segment::new(&self.directory, first_seq);
        if self.current.as_ref().is_some_and(|(current, _)| *current == segment) {
            return Ok(false);
        }
        let file = match File::open(&segment.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(at(&segment.path)(error)),
        };
        self.current = Some((segment, BufReader::with_capacity(BUFFER, file)));
        self.offset = 0;
        Ok(true)
    }

    /// Skips most of what comes before `from_seq` in the current segment.
    fn seek_near(&mut self) -> Result<(), ReadError> {
        let Some((segment, reader)) = &mut self.current else { return Ok(()) };
        self.offset = near(reader, self.from_seq).map_err(at(&segment.path))?;
        reader.seek(SeekFrom::Start(self.offset)).map_err(at(&segment.path))?;
        Ok(())
    }

    /// Goes back to the beginning of a torn line, which may be whole the next time.
    fn step_back(&mut self) -> Result<(), ReadError> {
        self.torn_bytes = self.line.len() as u64;
        let Some((segment, reader)) = &mut self.current else { return Ok(()) };
        reader.seek(SeekFrom::Start(self.offset)).map_err(at(&segment.path))?;
        Ok(())
    }
}

/// The last whole record in a data directory, 0 if there is none.
pub fn last_seq(data_directory: &Path) -> Result<u64, ReadError> {
    let directory = segment_directory(data_directory);
    for segment in list_segments(&directory).map_err(at(&directory))?.iter().rev() {
        let tail = File::open(&segment.path)
            .and_then(|mut file| {
                let length = file.metadata()?.len();
                read_tail(&mut file, length)
            })
            .map_err(at(&segment.path))?;
        if let Some(line) = tail.last_line {
            let what = || "does not begin with a sequence number".to_owned();
            let damaged = || ReadError::Damaged { path: segment.path.clone(), after: 0, what: what() };
            return leading_seq(&line).ok_or_else(damaged);
        }
    }
    Ok(0)
}

/// All lines, oldest first, of the records that name a request.
pub fn records_of_request(data_directory: &Path, request_id: &str) -> Result<Vec<Vec<u8>>, ReadError> {
    let mut member = b"\"request_id\":".to_vec();
    crate::record::text::push_string(&mut member, request_id);
    let finder = memchr::memmem::Finder::new(&member);
    let mut records = Records::open(data_directory, 1)?;
    let mut found = Vec::new();
    while let Some(record) = records.next_record()? {
        // The text may also stand inside recorded arguments.
        if finder.find(record.bytes).is_some()
            && record.view().is_ok_and(|view| view.request_id.is_some_and(|id| *id == *request_id))
        {
            found.push(record.bytes.to_vec());
        }
    }
    Ok(found)
}

/// Halves a segment until close before the record `seq`: the offset of a line that is not after it, or 0.
fn near(reader: &mut BufReader<File>, seq: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, reader.get_ref().metadata()?.len());
    let mut line = Vec::new();
    while high - low > NEAR {
        let middle = low + (high - low) / 2;
        reader.seek(SeekFrom::Start(middle))?;
        let start = middle + reader.by_ref().take(high - middle).read_until(b'\n', &mut line)? as u64;
        line.clear();
        reader.by_ref().take(32).read_until(b',', &mut line)?;
        match leading_seq(&line) {
            Some(found) if found <= seq && start < high => low = start,
            _ => high = middle,
        }
        line.clear();
    }
    Ok(low)
}

fn at(path: &Path) -> impl Fn(io::Error) -> ReadError {
    move |source| ReadError::File { path: path.to_owned(), source }
}
