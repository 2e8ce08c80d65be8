//! What the journal's lock protects: the chain, the lines that wait, and the end of the files. A line is
//! sealed into the chain first and written after; a decision whose write fails is taken back, other records
//! wait for the next write.

use std::io;
use std::sync::Arc;

use crate::chain::Chain;
use crate::error::AppendError;
use crate::hash::Hash;
use crate::journal::Urgency;
use crate::journal::schedule::Schedule;
use crate::journal::space::Space;
use crate::key::Signer;
use crate::lines::MAX_LINE;
use crate::record::{Kind, push_name, push_opening, push_text, text};
use crate::store::disk::SegmentFile;
use crate::store::writer::SegmentWriter;

/// Waiting lines are written without further delay once they pass this many bytes.
const PENDING_MOST: usize = 64 << 10;
/// Bytes of lines that are kept while they cannot be written.
const BACKLOG_MOST: usize = 2 * MAX_LINE;
/// What `seq`, `signature`, `prev` and `hash` add to a record's members, at most.
const FRAME: usize = 512;

/// The members of a record, spelled, and what the journal must know of it to append it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) members: &'a [u8],
    pub(crate) ts: i64,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) node: Arc<str>,
    pub(crate) signer: Signer,
    pub(crate) chain: Chain,
    /// Sealed lines that are not written yet.
    pub(crate) pending: Vec<u8>,
    pub(crate) writer: SegmentWriter,
    pub(crate) schedule: Schedule,
    pub(crate) space: Space,
    /// The first failure since writing last worked.
    pub(crate) failure: Option<String>,
    pub(crate) closed: bool,
}

impl State {
    /// Appends a record; see [`crate::Journal::append`].
    pub(crate) fn append(&mut self, entry: Entry<'_>, urgency: Urgency) -> Result<u64, AppendError> {
        self.admit(entry, urgency)?;
        if self.schedule.is_due_by_count() {
            self.seal_checkpoint(entry.ts, None);
        }
        let before = (self.chain, self.schedule, self.pending.len());
        let seq = self.seal(entry.members);
        match urgency {
            Urgency::Soon if self.failure.is_some() || self.pending.len() < PENDING_MOST => Ok(seq),
            // What cannot be written now stays for the next try, and the failure is remembered.
            Urgency::Soon => self.write_pending().map(|()| seq).or(Ok(seq)),
            Urgency::Now => match self.write_pending() {
                Ok(()) => Ok(seq),
                Err(error) => {
                    let length;
                    (self.chain, self.schedule, length) = before;
                    self.pending.truncate(length);
                    Err(AppendError::Write(error))
                }
            },
        }
    }

    fn admit(&mut self, entry: Entry<'_>, urgency: Urgency) -> Result<(), AppendError> {
        self.require_open()?;
        let bytes = entry.members.len() + FRAME;
        if bytes > MAX_LINE {
            return Err(AppendError::TooLong { bytes, most: MAX_LINE });
        }
        match urgency {
            Urgency::Now => self.require_healthy()?,
            Urgency::Soon if self.pending.len() + bytes > BACKLOG_MOST => {
                return Err(AppendError::Backlog { bytes: self.pending.len() });
            }
            Urgency::Soon => {}
        }
        if entry.kind == Kind::Decision { self.space.admit(entry.ts) } else { Ok(()) }
    }

    pub(crate) fn require_open(&self) -> Result<(), AppendError> {
        if self.closed { Err(AppendError::Closed) } else { Ok(()) }
    }

    /// Fails with the reason why no decision can be appended, as far as is known.
    pub(crate) fn require_writable(&self) -> Result<(), AppendError> {
        self.require_open()?;
        self.require_healthy()?;
        self.space.verdict()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.require_writable().is_ok()
    }

    pub(crate) fn require_healthy(&self) -> Result<(), AppendError> {
        match &self.failure {
            Some(reason) => Err(AppendError::Unhealthy { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Seals a record into the chain; it waits to be written.
    pub(crate) fn seal(&mut self, members: &[u8]) -> u64 {
        self.schedule.count();
        self.space.consume(members.len() + FRAME);
        self.chain.seal(&mut self.pending, members)
    }

    /// Seals a record of the journal's own with free text.
    pub(crate) fn seal_note(&mut self, ts: i64, kind: &str, detail: Option<&str>) -> u64 {
        let mut members = Vec::new();
        push_opening(&mut members, ts, &self.node, kind);
        push_text(&mut members, b"detail", detail);
        self.seal(&members)
    }

    /// Seals a checkpoint.
    pub(crate) fn seal_checkpoint(&mut self, ts: i64, counters: Option<&Hash>) -> u64 {
        let mut members = Vec::new();
        push_opening(&mut members, ts, &self.node, "checkpoint");
        push_text(&mut members, b"counters", counters.map(Hash::as_str));
        self.schedule.done(ts);
        self.seal_signed(members)
    }

    /// Seals a prune record: the records from `first_seq` up to where the journal `begins` are removed.
    pub(crate) fn seal_prune(&mut self, ts: i64, first_seq: u64, begins: &Chain) -> u64 {
        let mut members = Vec::new();
        push_opening(&mut members, ts, &self.node, "prune");
        push_name(&mut members, b"pruned");
        members.extend_from_slice(b"{\"first_seq\":");
        text::push_number(&mut members, first_seq);
        members.extend_from_slice(b",\"last_seq\":");
        text::push_number(&mut members, begins.next_seq.saturating_sub(1));
        push_text(&mut members, b"last_hash", Some(begins.prev.as_str()));
        members.push(b'}');
        self.schedule.count();
        self.seal_signed(members)
    }

    fn seal_signed(&mut self, mut members: Vec<u8>) -> u64 {
        push_text(&mut members, b"key_id", Some(self.signer.public().id()));
        self.chain.seal_signed(&mut self.pending, &members, &self.signer)
    }

    /// Writes the lines that wait. After a failure they go on waiting, and the journal is unhealthy.
    pub(crate) fn write_pending(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.writer.write(&self.pending, self.chain.next_seq - 1) {
            self.fail(&error);
            return Err(error);
        }
        self.pending.clear();
        self.pending.shrink_to(PENDING_MOST * 2);
        Ok(())
    }

    /// As `write_pending`, unless a failure was not made good yet.
    pub(crate) fn flush(&mut self) -> Result<(), AppendError> {
        self.require_healthy()?;
        self.write_pending().map_err(AppendError::Write)
    }

    /// Remembers a failure; the first one is what is told.
    pub(crate) fn fail(&mut self, error: &io::Error) {
        self.failure.get_or_insert_with(|| error.to_string());
    }

    /// Tries to get well again: repairs the files and writes what waits, or else a checkpoint, so that
    /// success is always proven by a write.
    pub(crate) fn retry(&mut self, now: i64) -> Result<(), AppendError> {
        self.space.check(now);
        if self.failure.is_some() {
            self.writer.recover().map_err(AppendError::Write)?;
            let before = (self.chain, self.schedule);
            let proof = self.pending.is_empty();
            if proof {
                self.seal_checkpoint(now, None);
            }
            if let Err(error) = self.write_pending() {
                if proof {
                    (self.chain, self.schedule) = before;
                    self.pending.clear();
                }
                return Err(AppendError::Write(error));
            }
            self.failure = None;
        }
        self.space.verdict()
    }

    /// The file that is being written.
    pub(crate) fn current_file(&self) -> Option<Arc<dyn SegmentFile>> {
        self.writer.current_file()
    }
}
