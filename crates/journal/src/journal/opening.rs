//! Opening a journal: finds where the last run ended, removes a torn last line, and goes on from there.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use crate::chain::{Chain, Link};
use crate::error::OpenError;
use crate::journal::schedule::Schedule;
use crate::journal::space::Space;
use crate::journal::state::State;
use crate::lines::MAX_LINE;
use crate::lock::Lock;
use crate::options::{Durability, Options};
use crate::store::disk::Disk;
use crate::store::keys::load_or_create;
use crate::store::segments::{Segment, list_segments, segment_directory};
use crate::store::tail::{Tail, read_tail};
use crate::store::writer::{Resumed, SegmentWriter};
use crate::view::RecordView;

/// What opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Last record of the runs before this one, 0 if there is none.
    pub last_seq: u64,
    /// Segment files found.
    pub segments: usize,
    /// Bytes of a torn last line that were removed: a crash in mid-write. That record's call was never
    /// forwarded.
    pub torn_bytes: u64,
}

/// Prepares the state for a journal, with its `start` record and first checkpoint waiting. The file
/// returned holds the lock on the journal's folder.
pub(crate) fn open(
    options: &Options,
    disk: Arc<dyn Disk>,
    now: i64,
) -> Result<(State, Recovery, Lock), OpenError> {
    let directory = segment_directory(&options.data_directory);
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(at(&directory))?;
    let lock = lock(&directory)?;
    let segments = list_segments(&directory).map_err(at(&directory))?;
    let signer = load_or_create(&options.data_directory, !segments.is_empty())?;
    let End { chain, resumed, torn_bytes } = find_end(&segments, &*disk)?;
    let recovery = Recovery { last_seq: chain.next_seq - 1, segments: segments.len(), torn_bytes };
    if let (Some(resumed), Durability::Power) = (&resumed, options.durability) {
        resumed.file.sync().map_err(at(&directory))?;
    }
    let writer =
        SegmentWriter::new(Arc::clone(&disk), directory.clone(), options, resumed, recovery.last_seq);
    let mut state = State {
        node: options.node.as_str().into(),
        signer,
        chain,
        pending: Vec::new(),
        writer,
        schedule: Schedule::new(options, now),
        space: Space { disk, directory, low_water: options.low_water_bytes, checked: None },
        failure: None,
        closed: false,
    };
    state.seal_note(now, "start", start_detail(options, &recovery).as_deref());
    state.seal_checkpoint(now, None);
    Ok((state, recovery, lock))
}

fn start_detail(options: &Options, recovery: &Recovery) -> Option<String> {
    let torn = (recovery.torn_bytes > 0).then(|| {
        format!("removed a torn last line of {} bytes: the last run was cut off", recovery.torn_bytes)
    });
    match (&options.about, torn) {
        (Some(about), Some(torn)) => Some(format!("{about}; {torn}")),
        (about, torn) => torn.or_else(|| about.clone()),
    }
}

fn lock(directory: &Path) -> Result<Lock, OpenError> {
    let file = File::open(directory).map_err(at(directory))?;
    match Lock::take(file) {
        Ok(lock) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(at(directory)(error)),
    }
}

/// Where the last run ended.
struct End {
    chain: Chain,
    resumed: Option<Resumed>,
    torn_bytes: u64,
}

/// Finds the end of the newest segment and removes a torn line from it. A segment without a whole line was
/// begun just before a crash; the chain then stands at the end of the one before it.
fn find_end(segments: &[Segment], disk: &dyn Disk) -> Result<End, OpenError> {
    let Some((newest, older)) = segments.split_last() else {
        return Ok(End { chain: Chain::START, resumed: None, torn_bytes: 0 });
    };
    let (tail, length) = tail_of(newest)?;
    let chain = match (&tail.last_line, older.last()) {
        (Some(line), _) => chain_after(newest, line)?,
        (None, Some(before)) => match tail_of(before)?.0.last_line {
            Some(line) => chain_after(before, &line)?,
            None => return Err(damaged(before, "the segment before the newest has no record")),
        },
        (None, None) => Chain::START,
    };
    if tail.last_line.is_none() && newest.first_seq != chain.next_seq {
        return Err(damaged(newest, "it is empty, and its name does not follow the record before it"));
    }
    let file = disk.open(&newest.path).map_err(at(&newest.path))?;
    if tail.whole < length {
        file.set_len(tail.whole).map_err(at(&newest.path))?;
    }
    Ok(End { chain, resumed: Some(Resumed { file, length: tail.whole }), torn_bytes: length - tail.whole })
}

fn tail_of(segment: &Segment) -> Result<(Tail, u64), OpenError> {
    let mut file = File::open(&segment.path).map_err(at(&segment.path))?;
    let length = file.metadata().map_err(at(&segment.path))?.len();
    Ok((read_tail(&mut file, length).map_err(at(&segment.path))?, length))
}

fn chain_after(segment: &Segment, line: &[u8]) -> Result<Chain, OpenError> {
    let link = Link::parse(line).ok_or_else(|| damaged(segment, "it is not laid out as a record"))?;
    if !link.is_intact() {
        return Err(damaged(segment, "its hash does not match its text"));
    }
    if link.seq < segment.first_seq || line.len() >= MAX_LINE {
        return Err(damaged(segment, "it does not belong to this segment"));
    }
    RecordView::parse(line).map_err(|_| damaged(segment, "it is not JSON"))?;
    link.chain().ok_or_else(|| damaged(segment, "its sequence number is the last there is"))
}

fn damaged(segment: &Segment, what: &'static str) -> OpenError {
    OpenError::Damaged { path: segment.path.clone(), what }
}

fn at(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::File { path: path.to_owned(), source }
}
