//! Removal of old segments: which ones go, and the removal itself. The signed record that says so is
//! written in between, by the journal.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::chain::{Chain, Link};
use crate::error::UpkeepError;
use crate::lines::{Line, read_line};
use crate::options::Retention;
use crate::store::segments::{Segment, list_segments};
use crate::view::RecordView;

/// Segments to remove, and where the journal begins without them.
#[derive(Debug)]
pub(crate) struct Removal {
    pub(crate) segments: Vec<Segment>,
    pub(crate) begins: Chain,
}

/// Chooses the segments to remove at the wall time `now` (microseconds), oldest first; `None` if all stay.
pub(crate) fn choose(
    directory: &Path,
    retention: &Retention,
    now: i64,
) -> Result<Option<Removal>, UpkeepError> {
    if *retention == Retention::default() {
        return Ok(None);
    }
    let segments = list_segments(directory).map_err(at(directory))?;
    let mut sizes = Vec::new();
    for segment in &segments {
        sizes.push(fs::metadata(&segment.path).map_err(at(&segment.path))?.len());
    }
    let mut total: u64 = sizes.iter().sum();
    let mut removal = None;
    for (position, (size, next)) in sizes.iter().zip(segments.iter().skip(1)).enumerate() {
        let begins = beginning(&next.path).map_err(at(&next.path))?;
        let Some((chain, ts)) = begins else { break };
        let too_large = retention.max_bytes.is_some_and(|most| total > most);
        if !too_large && !is_older(retention, now, ts) {
            break;
        }
        total -= size;
        let removed = segments.iter().take(position + 1).cloned().collect();
        removal = Some(Removal { segments: removed, begins: chain });
    }
    Ok(removal)
}

/// Removes files, oldest first: a crash in between leaves a journal without a gap.
pub(crate) fn remove(segments: &[Segment]) -> Result<(), UpkeepError> {
    for segment in segments {
        match fs::remove_file(&segment.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&segment.path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether all records before the wall time `next_ts` are older than retention allows.
fn is_older(retention: &Retention, now: i64, next_ts: Option<i64>) -> bool {
    let age = |ts| i128::from(now) - i128::from(ts);
    let most = retention.max_age.and_then(|most| i128::try_from(most.as_micros()).ok());
    most.zip(next_ts).is_some_and(|(most, ts)| age(ts) > most)
}

/// Where the chain stands before a segment's first record, and that record's time. `None` while the segment
/// has no whole record.
fn beginning(path: &PathBuf) -> io::Result<Option<(Chain, Option<i64>)>> {
    let mut line = Vec::new();
    match read_line(&mut BufReader::new(File::open(path)?), &mut line)? {
        Line::Whole => {}
        Line::Torn | Line::TooLong | Line::End => return Ok(None),
    }
    let Some(link) = Link::parse(&line) else { return Ok(None) };
    let ts = RecordView::parse(&line).ok().and_then(|view| view.ts_micros());
    Ok(Some((Chain { next_seq: link.seq, prev: link.prev }, ts)))
}

fn at(path: &Path) -> impl Fn(io::Error) -> UpkeepError {
    move |source| UpkeepError::Retention { path: path.to_owned(), source }
}
