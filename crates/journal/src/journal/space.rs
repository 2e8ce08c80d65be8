//! The low-water mark: whether the disk has room for more decisions. Asked of the disk at most once a
//! second of the caller's time or every few megabytes, whichever comes first.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::AppendError;
use crate::store::disk::Disk;

const CHECK_MICROS: u64 = 1_000_000;
const CHECK_BYTES: u64 = 8 << 20;

/// What is known of the room on the disk.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) low_water: u64,
    pub(crate) checked: Option<Checked>,
}

#[derive(Debug)]
pub(crate) struct Checked {
    /// Wall time of the check, microseconds.
    at: i64,
    /// Bytes written since.
    bytes: u64,
    /// Bytes that were free, or why that is not known.
    free: Result<u64, String>,
}

impl Space {
    /// Notes that `bytes` were appended.
    pub(crate) fn consume(&mut self, bytes: usize) {
        if let Some(checked) = &mut self.checked {
            checked.bytes = checked.bytes.saturating_add(bytes as u64);
        }
    }

    /// Whether a decision may be appended at `now`.
    pub(crate) fn admit(&mut self, now: i64) -> Result<(), AppendError> {
        let fresh =
            |checked: &Checked| now.abs_diff(checked.at) < CHECK_MICROS && checked.bytes < CHECK_BYTES;
        if !self.checked.as_ref().is_some_and(fresh) {
            self.check(now);
        }
        self.verdict()
    }

    /// Asks the disk.
    pub(crate) fn check(&mut self, now: i64) {
        let free = self.disk.free_bytes(&self.directory).map_err(|error| error.to_string());
        self.checked = Some(Checked { at: now, bytes: 0, free });
    }

    /// What the last check said.
    pub(crate) fn verdict(&self) -> Result<(), AppendError> {
        let low_water = self.low_water;
        match self.checked.as_ref().map(|checked| &checked.free) {
            None => Ok(()),
            Some(Ok(free)) if *free >= low_water => Ok(()),
            Some(Ok(free)) => Err(AppendError::LowSpace { free: *free, low_water }),
            Some(Err(reason)) => Err(AppendError::UnknownSpace(reason.clone())),
        }
    }
}
