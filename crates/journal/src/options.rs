//! How a journal is to be kept.

use std::path::PathBuf;
use std::time::Duration;

/// What a record must survive before the call it tells of may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the process: the record was handed to the operating system.
    #[default]
    Process,
    /// A loss of power, too: the record was synced to the disk, together with others (group commit).
    Power,
}

/// When old segments are removed; whole files only, and never the newest. By default nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retention {
    /// Remove the oldest while all together hold more bytes than this.
    pub max_bytes: Option<u64>,
    /// Remove those whose records are all older than this.
    pub max_age: Option<Duration>,
}

/// How a journal is to be kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory; the journal uses `journal/`, `journal.key` and `journal.pub` inside it.
    pub data_directory: PathBuf,
    /// Name of this gateway process in every record.
    pub node: String,
    /// Said in the `start` record, such as the product's version.
    pub about: Option<String>,
    /// A segment that would pass this many bytes is followed by a new one. Default 256 MB.
    pub rotate_bytes: u64,
    /// When old segments are removed.
    pub retention: Retention,
    /// With fewer free bytes than this on the disk, decisions are refused. Default 256 MiB.
    pub low_water_bytes: u64,
    /// What a decision must survive.
    pub durability: Durability,
    /// A checkpoint is written after this many records. Default 10,000.
    pub checkpoint_records: u64,
    /// A checkpoint is written after this time, if there are records since the last. Default 10 s.
    pub checkpoint_interval: Duration,
}

impl Options {
    /// The defaults for a data directory.
    pub fn new(data_directory: impl Into<PathBuf>, node: impl Into<String>) -> Options {
        Options {
            data_directory: data_directory.into(),
            node: node.into(),
            about: None,
            rotate_bytes: 256_000_000,
            retention: Retention::default(),
            low_water_bytes: 256 << 20,
            durability: Durability::Process,
            checkpoint_records: 10_000,
            checkpoint_interval: Duration::from_secs(10),
        }
    }
}
