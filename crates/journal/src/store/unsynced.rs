//! Bytes that were written but are not yet known to survive a loss of power. They are kept, because after
//! a failed `fdatasync` the kernel may have dropped them: only writing them again makes them safe.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::store::disk::{SegmentFile, write_all_at};

/// What was written since the last sync, file by file, in the order of writing.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    pieces: VecDeque<Piece>,
}

#[derive(Debug)]
struct Piece {
    file: Arc<dyn SegmentFile>,
    start: u64,
    bytes: Vec<u8>,
    last_seq: u64,
}

/// One sync to do: it makes all records up to `last_seq` durable.
#[derive(Clone, Debug)]
pub(crate) struct SyncJob {
    pub(crate) file: Arc<dyn SegmentFile>,
    end: u64,
    pub(crate) last_seq: u64,
}

impl Unsynced {
    /// Notes that `bytes`, up to the record `last_seq`, were written to `file` at `start`.
    pub(crate) fn push(&mut self, file: &Arc<dyn SegmentFile>, start: u64, bytes: &[u8], last_seq: u64) {
        match self.pieces.back_mut().filter(|piece| Arc::ptr_eq(&piece.file, file)) {
            Some(piece) => {
                piece.bytes.extend_from_slice(bytes);
                piece.last_seq = last_seq;
            }
            None => {
                self.pieces.push_back(Piece {
                    file: Arc::clone(file),
                    start,
                    bytes: bytes.to_vec(),
                    last_seq,
                });
            }
        }
    }

    /// The next sync to do, oldest file first.
    pub(crate) fn job(&self) -> Option<SyncJob> {
        self.pieces.front().map(|piece| SyncJob {
            file: Arc::clone(&piece.file),
            end: piece.start + piece.bytes.len() as u64,
            last_seq: piece.last_seq,
        })
    }

    /// Forgets what a finished job made durable.
    pub(crate) fn settle(&mut self, job: &SyncJob) {
        let Some(piece) = self.pieces.front_mut().filter(|piece| Arc::ptr_eq(&piece.file, &job.file)) else {
            return;
        };
        let done = usize::try_from(job.end.saturating_sub(piece.start)).unwrap_or(usize::MAX);
        piece.bytes.drain(..done.min(piece.bytes.len()));
        piece.start = piece.start.max(job.end);
        if piece.bytes.is_empty() {
            self.pieces.pop_front();
        }
    }

    /// Writes everything once more and syncs it.
    pub(crate) fn rewrite(&mut self) -> io::Result<()> {
        while let Some(piece) = self.pieces.front() {
            write_all_at(&*piece.file, &piece.bytes, piece.start)?;
            piece.file.sync()?;
            self.pieces.pop_front();
        }
        Ok(())
    }
}
