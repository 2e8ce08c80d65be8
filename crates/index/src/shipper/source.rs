//! The journal as the shipper sees it: where to go on, and the records from there as batches.

use std::io;
use std::path::Path;

use toolgate_journal::{ReadError, RecordLine, Records};

use crate::batch::Batch;
use crate::error::ShipError;
use crate::ledger::Ledger;
use crate::options::Options;
use crate::writer::Position;

/// Bytes of records in one batch, at most one record more.
const BATCH_BYTES: usize = 32 << 20;

/// Reads the journal on.
#[derive(Debug)]
pub(super) struct Source {
    records: Records,
}

/// Records to store.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) batch: Batch,
    /// How far the journal is copied with them.
    pub(super) to: Position,
    /// There may be more at once.
    pub(super) is_full: bool,
}

/// Finds where to go on after `position`; `None` if this is not the journal that the index was made from.
pub(super) fn resume(data_directory: &Path, position: &Position) -> Result<Option<Source>, ShipError> {
    if position.seq == 0 {
        return Ok(Some(Source { records: open(data_directory, 1)? }));
    }
    let mut records = open(data_directory, position.seq)?;
    let same = match records.next_record() {
        Ok(Some(record)) => follows(&record, position),
        Ok(None) if toolgate_journal::last_seq(data_directory)? == 0 => return Err(ShipError::NoJournal),
        Ok(None) => false,
        // Nothing to compare with: the record is counted as unreadable, and the others are copied.
        Err(ReadError::Damaged { .. }) => true,
        Err(error) => return Err(error.into()),
    };
    if !same {
        return Ok(None);
    }
    Ok(Some(Source { records: open(data_directory, position.seq + 1)? }))
}

fn open(data_directory: &Path, from_seq: u64) -> Result<Records, ShipError> {
    Records::open(data_directory, from_seq).map_err(|error| match error {
        ReadError::File { source, .. } if source.kind() == io::ErrorKind::NotFound => ShipError::NoJournal,
        error => error.into(),
    })
}

/// Whether a record, the first from `position` on, can stand in the journal that the position is of.
fn follows(record: &RecordLine<'_>, position: &Position) -> bool {
    let Ok(view) = record.view() else { return true };
    let hash = match record.seq.checked_sub(position.seq) {
        Some(0) => view.hash,
        Some(1) => view.prev,
        // Those between were removed by retention.
        Some(_) => return true,
        None => return false,
    };
    position.hash.is_empty() || hash == position.hash
}

impl Source {
    /// The next records after `position`; `None` if there are none yet.
    pub(super) fn read(
        &mut self,
        position: &Position,
        ledger: &mut Ledger,
        options: &Options,
    ) -> Result<Option<Read>, ShipError> {
        let (mut batch, mut to) = (Batch::default(), position.clone());
        let (mut count, mut bytes, mut damaged) = (0, 0, 0);
        let is_full = loop {
            if count >= options.batch_records || bytes >= BATCH_BYTES {
                break true;
            }
            let record = match self.records.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => break false,
                Err(ReadError::Damaged { .. }) => {
                    damaged += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if record.seq <= to.seq {
                continue;
            }
            count += 1;
            bytes += record.bytes.len();
            let missing = record.seq - to.seq - 1;
            to.skipped += missing.saturating_sub(damaged);
            to.unreadable += std::mem::take(&mut damaged);
            take_in(&record, &mut batch, &mut to, ledger);
        };
        Ok((to.seq > position.seq).then_some(Read { batch, to, is_full }))
    }
}

/// Adds a record to a batch and moves on.
fn take_in(record: &RecordLine<'_>, batch: &mut Batch, to: &mut Position, ledger: &mut Ledger) {
    to.seq = record.seq;
    to.hash.clear();
    match record.view() {
        Ok(view) => {
            to.hash.push_str(&view.hash);
            to.ts = view.ts_micros().unwrap_or(to.ts);
            batch.add(&view, ledger);
        }
        Err(_) => to.unreadable += 1,
    }
}
