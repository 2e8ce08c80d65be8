//! The result of a verification.

use crate::hash::Hash;
use crate::verify::{Fault, Place};

/// What a verification found, up to the first fault.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Segment files read.
    pub segments: u64,
    /// Good records.
    pub records: u64,
    /// First record, 0 if there is none: greater than 1 where retention removed the beginning.
    pub first_seq: u64,
    /// Last good record, 0 if there is none.
    pub last_seq: u64,
    /// Hash of the last good record.
    pub last_hash: Option<Hash>,
    /// Checkpoints with a good signature.
    pub checkpoints: u64,
    /// Last record with a good signature: nothing up to it can have been changed without the key.
    pub last_signed_seq: Option<u64>,
    /// Bytes of a torn last line: a crash in mid-write. The next start removes it, and says so.
    pub torn_bytes: u64,
    /// The first fault, and where.
    pub fault: Option<(Place, Fault)>,
}

impl Report {
    /// Whether no fault was found. A torn last line and an unsigned tail are none.
    pub fn is_ok(&self) -> bool {
        self.fault.is_none()
    }

    /// Good records after the last signed one: whoever can write the files could have changed these.
    pub fn unsigned_tail(&self) -> u64 {
        self.last_signed_seq.map_or(self.records, |signed| self.last_seq - signed)
    }

    pub(super) fn advance(&mut self, seq: u64, hash: Hash) {
        if self.records == 0 {
            self.first_seq = seq;
        }
        self.records += 1;
        self.last_seq = seq;
        self.last_hash = Some(hash);
    }
}
