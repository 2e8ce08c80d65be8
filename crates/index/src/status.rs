//! How far the index has come, and what keeps it.

use std::time::Duration;

/// What the index is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum State {
    /// It is opening the database and finding its place in the journal.
    #[default]
    Starting,
    /// It is copying records.
    Behind,
    /// It holds all that the journal holds.
    Current,
    /// Something keeps it, told in [`Status::trouble`]; it tries again by itself.
    Troubled,
    /// It was stopped.
    Stopped,
    /// It was never begun: nobody is to follow the journal.
    Off,
}

/// How far the index has come.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Last record of the journal that is in the index.
    pub indexed_seq: u64,
    /// Its time: wall time in microseconds since 1970.
    pub indexed_ts: i64,
    /// Last record of the journal when it was last looked at.
    pub journal_seq: u64,
    /// Age of the last record copied while there are more; zero when there are none.
    pub lag: Duration,
    /// Records that retention removed from the journal before they were copied.
    pub skipped: u64,
    /// Lines of the journal that are no records.
    pub unreadable: u64,
    /// Times that the index was built anew since the start: its file was deleted or damaged, or the journal
    /// was replaced.
    pub rebuilds: u64,
    /// Why it was built anew the last time.
    pub rebuilt_because: Option<String>,
    /// What keeps it just now.
    pub trouble: Option<String>,
}

impl Status {
    /// Records of the journal that are not in the index yet.
    #[must_use]
    pub fn lag_records(&self) -> u64 {
        self.journal_seq.saturating_sub(self.indexed_seq)
    }

    /// Takes in how far the journal goes, if that is known, at the wall time `now`.
    pub(crate) fn reached(&mut self, last: Option<u64>, now: i64) {
        self.journal_seq = last.unwrap_or(self.journal_seq);
        // Nothing if the clock was set back since, and nothing before the first record.
        let age = u64::try_from(now.saturating_sub(self.indexed_ts)).unwrap_or(0);
        let is_behind = self.lag_records() > 0 && self.indexed_seq > 0;
        self.lag = if is_behind { Duration::from_micros(age) } else { Duration::ZERO };
    }
}
