//! What can go wrong with a journal that is being written or read.

use std::io;
use std::path::PathBuf;

use crate::store::keys::KeyError;

/// Why a journal cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or folder cannot be used.
    #[error("cannot open the journal at `{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process writes to it.
    #[error("another process writes the journal at `{}`: stop it, or give this one a data directory of its own", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The last whole record was damaged or edited, so that nothing may be appended to it.
    #[error(
        "the last record of `{}` is damaged ({what}): run `toolgate audit verify` to see how far the journal \
         is good; to begin a new journal, move the folder `journal` away and keep it as evidence",
        path.display()
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The thread that syncs cannot be started.
    #[error("cannot start the thread that syncs the journal: {0}")]
    Thread(io::Error),
}

/// Why a record was not appended. A call whose decision was not appended must not be forwarded.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Writing failed just now. The record is not in the journal.
    #[error("cannot write to the journal: {0}")]
    Write(#[source] io::Error),
    /// Writing or syncing failed before, and no retry has succeeded since.
    #[error("the journal cannot be written since an earlier failure: {reason}")]
    Unhealthy {
        /// The first failure.
        reason: String,
    },
    /// The disk is almost full; only decisions are refused for this.
    #[error(
        "the journal's disk has {free} bytes free, below the low-water mark of {low_water}: make room on it"
    )]
    LowSpace {
        /// Bytes free.
        free: u64,
        /// The mark.
        low_water: u64,
    },
    /// The disk does not say how full it is; only decisions are refused for this.
    #[error("cannot tell how full the journal's disk is: {0}")]
    UnknownSpace(String),
    /// The record's line would pass the longest there may be.
    #[error("the record has {bytes} bytes, and a line of the journal holds at most {most}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most.
        most: usize,
    },
    /// Too much waits to be written. Cannot happen while calls in flight are bounded.
    #[error("{bytes} bytes wait to be written to the journal, and no more are kept")]
    Backlog {
        /// How much waits.
        bytes: usize,
    },
    /// The journal was closed, or broke off within an append.
    #[error("the journal is closed")]
    Closed,
}

/// Why the regular upkeep of a journal failed. Appending may still work.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Records could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Old segments could not be removed.
    #[error("cannot remove old segments of the journal: `{}`: {source}", path.display())]
    Retention {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file or folder cannot be read.
    #[error("cannot read the journal at `{}`: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A line is no record.
    #[error("a line after record {after} in `{}` is no record ({what}): run `toolgate audit verify`", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Last good record before it, 0 if there is none.
        after: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}
