//! What can be wrong with a journal, and where.

use std::fmt;

/// Where a fault was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the segment file; empty if the fault is of the journal as a whole.
    pub file: String,
    /// Line in that file, from 1; 0 if the fault is of the journal as a whole.
    pub line: u64,
    /// Sequence number that was to be read there.
    pub seq: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.is_empty() {
            return write!(f, "the journal");
        }
        write!(f, "`{}`, line {}, record {}", self.file, self.line, self.seq)
    }
}

/// What is wrong with a journal. Each text ends with what it means or what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The line cannot be read.
    #[error("this line is not a record ({reason}): it was edited or damaged")]
    NotARecord {
        /// What the reader stumbled on.
        reason: String,
    },
    /// The line's hash is not that of its bytes.
    #[error("the record's hash does not match its text: it was edited or damaged")]
    Edited,
    /// The record does not follow the one before it, though its number does.
    #[error("the record does not name the hash of the one before it: a record was replaced")]
    Unchained,
    /// The number is not the next one.
    #[error("record {found} stands where {expected} should: records were removed, inserted or reordered")]
    Sequence {
        /// The next number.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// A file does not begin with the record that its name promises.
    #[error(
        "the file's name promises record {promised}, and it begins with {found}: files were swapped or renamed"
    )]
    Misnamed {
        /// Number in the name.
        promised: u64,
        /// Number of the first record.
        found: u64,
    },
    /// A checkpoint or prune record without a good signature.
    #[error("the signature is missing or wrong: this record, or one before it, was replaced")]
    Unsigned,
    /// A checkpoint or prune record of another key.
    #[error("signed by key `{key_id}`, not by `{expected}`: give the key that this journal was written with")]
    OtherKey {
        /// What the record names.
        key_id: String,
        /// What the verifier was given.
        expected: String,
    },
    /// A file that is not the newest ends within a line.
    #[error("the file ends within this line, and others follow it: it was cut or damaged")]
    Torn,
    /// A line passes the longest that the journal writes.
    #[error("the line is longer than any record: the file is damaged")]
    TooLong,
    /// The beginning is missing, and no signed record says that it was removed.
    #[error(
        "begins with record {first_seq}, and no signed prune record says that those before it were removed"
    )]
    NoBeginning {
        /// First record there is.
        first_seq: u64,
    },
    /// The journal ends before a record that is known to have been written.
    #[error("ends with record {last_seq}, and {expected} was expected: its end was cut off")]
    CutShort {
        /// Last record there is.
        last_seq: u64,
        /// What was expected.
        expected: u64,
    },
}
