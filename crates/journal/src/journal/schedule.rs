//! When a checkpoint is due.

use crate::options::Options;

/// Counts records and time since the last checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    records_due: u64,
    micros_due: u64,
    records: u64,
    /// Wall time of the last checkpoint, microseconds.
    last: i64,
}

impl Schedule {
    /// A schedule that begins with a checkpoint at `now`.
    pub(crate) fn new(options: &Options, now: i64) -> Schedule {
        let micros_due = u64::try_from(options.checkpoint_interval.as_micros()).unwrap_or(u64::MAX);
        Schedule { records_due: options.checkpoint_records.max(1), micros_due, records: 0, last: now }
    }

    /// Notes a record that is no checkpoint.
    pub(crate) fn count(&mut self) {
        self.records += 1;
    }

    /// Notes a checkpoint.
    pub(crate) fn done(&mut self, now: i64) {
        self.records = 0;
        self.last = now;
    }

    /// Whether so many records came that a checkpoint is due.
    pub(crate) fn is_due_by_count(&self) -> bool {
        self.records >= self.records_due
    }

    /// Whether a checkpoint is due at `now`. An idle journal needs none; a clock that was set back counts
    /// as time that went by.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        self.records > 0 && now.abs_diff(self.last) >= self.micros_due
    }
}
