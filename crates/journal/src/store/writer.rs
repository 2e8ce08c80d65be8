//! Writes finished lines to segment files, whole or not at all, and begins new segments.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::options::{Durability, Options};
use crate::store::disk::{Disk, SegmentFile, write_all_at};
use crate::store::segments::Segment;
use crate::store::unsynced::{SyncJob, Unsynced};

/// The end of the journal on disk.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    rotate_bytes: u64,
    durability: Durability,
    current: Option<Current>,
    unsynced: Unsynced,
    /// Last record that was written whole.
    written_seq: u64,
    sync: SyncState,
}

/// How far records survive a loss of power; only counted with [`Durability::Power`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SyncState {
    /// All records up to this one are on stable storage.
    pub durable_seq: u64,
    /// A sync failed: no record up to this one that is not `durable` may be relied on.
    pub failed_seq: u64,
}

#[derive(Debug)]
struct Current {
    file: Arc<dyn SegmentFile>,
    /// Bytes of whole lines.
    length: u64,
    /// More than whole lines may stand in the file: it must be cut to `length` first.
    torn: bool,
    /// The name of the file may not survive a loss of power yet.
    nameless: bool,
}

/// A segment file to go on with: `length` bytes of whole lines.
pub(crate) struct Resumed {
    pub(crate) file: Arc<dyn SegmentFile>,
    pub(crate) length: u64,
}

impl SegmentWriter {
    /// A writer that goes on after the record `last_seq`.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        directory: PathBuf,
        options: &Options,
        resumed: Option<Resumed>,
        last_seq: u64,
    ) -> SegmentWriter {
        let current =
            resumed.map(|Resumed { file, length }| Current { file, length, torn: false, nameless: false });
        SegmentWriter {
            disk,
            directory,
            rotate_bytes: options.rotate_bytes,
            durability: options.durability,
            current,
            unsynced: Unsynced::default(),
            written_seq: last_seq,
            sync: SyncState { durable_seq: last_seq, failed_seq: 0 },
        }
    }

    /// Writes whole lines, those of the records after the last written one up to `last_seq`. After an error
    /// none of them counts as written, and all must be given again.
    pub(crate) fn write(&mut self, lines: &[u8], last_seq: u64) -> io::Result<()> {
        let durability = self.durability;
        self.prepare(lines.len() as u64)?;
        let Some(current) = &mut self.current else { return Err(io::ErrorKind::NotFound.into()) };
        let start = current.length;
        if let Err(error) = write_all_at(&*current.file, lines, start) {
            current.torn = current.file.set_len(start).is_err();
            return Err(error);
        }
        current.length += lines.len() as u64;
        self.written_seq = last_seq;
        match durability {
            Durability::Process => {}
            Durability::Power => self.unsynced.push(&current.file, start, lines, last_seq),
        }
        Ok(())
    }

    /// Makes the current segment fit to take `bytes` more: begins a new one if it is full, and repairs it.
    fn prepare(&mut self, bytes: u64) -> io::Result<()> {
        self.repair()?;
        let full = |current: &Current| current.length > 0 && current.length + bytes > self.rotate_bytes;
        if self.current.as_ref().is_none_or(full) {
            let segment = Segment::new(&self.directory, self.written_seq + 1);
            let file = self.disk.create(&segment.path)?;
            self.current = Some(Current { file, length: 0, torn: false, nameless: true });
            self.repair()?;
        }
        Ok(())
    }

    fn repair(&mut self) -> io::Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if current.torn {
            current.file.set_len(current.length)?;
            current.torn = false;
        }
        if current.nameless && self.durability == Durability::Power {
            self.disk.sync_directory(&self.directory)?;
        }
        current.nameless = false;
        Ok(())
    }

    /// The sync that is due, if any. None is begun after one failed, until `recover`.
    pub(crate) fn sync_job(&self) -> Option<SyncJob> {
        if self.is_sync_broken() { None } else { self.unsynced.job() }
    }

    /// Takes in how a job ended.
    pub(crate) fn finish_sync(&mut self, job: &SyncJob, result: &io::Result<()>) {
        match result {
            Ok(()) => {
                self.unsynced.settle(job);
                self.sync.durable_seq = self.sync.durable_seq.max(job.last_seq);
            }
            Err(_) => self.sync.failed_seq = self.written_seq,
        }
    }

    /// After a failure: cuts a torn line off, and writes again what a failed sync may have lost.
    pub(crate) fn recover(&mut self) -> io::Result<()> {
        self.repair()?;
        if self.is_sync_broken() {
            self.unsynced.rewrite()?;
            self.sync.durable_seq = self.written_seq;
        }
        Ok(())
    }

    fn is_sync_broken(&self) -> bool {
        self.sync.failed_seq > self.sync.durable_seq
    }

    /// How far records survive a loss of power.
    pub(crate) fn sync_state(&self) -> SyncState {
        self.sync
    }

    /// Last record that was written whole.
    pub(crate) fn written_seq(&self) -> u64 {
        self.written_seq
    }

    /// The file that is being written.
    pub(crate) fn current_file(&self) -> Option<Arc<dyn SegmentFile>> {
        self.current.as_ref().map(|current| Arc::clone(&current.file))
    }
}
