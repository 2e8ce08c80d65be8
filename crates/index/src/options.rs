//! How an index is to be kept, and the clock it goes by.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Tells the wall time in microseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How an index is to be kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory: holds the folder `journal`, and gets the file `index.db`.
    pub data_directory: PathBuf,
    /// Events older than this are removed. Default: never.
    pub keep_events: Option<Duration>,
    /// Sums per hour and day older than this are removed. Default: never.
    pub keep_sums: Option<Duration>,
    /// The database takes no more bytes than this; when it is full the index says so and stands still.
    pub max_bytes: Option<u64>,
    /// Connections that answer questions at the same time. Default 2.
    pub readers: usize,
    /// A question that takes longer is broken off. Default 2 s.
    pub query_timeout: Duration,
    /// Most records that are copied in one transaction. Default 50,000.
    pub batch_records: usize,
    /// How often the journal is looked at while there is nothing new. Default 250 ms.
    pub interval: Duration,
    /// While the journal grows by at least so many records a second, calls go first: the index holds back until they
    /// have been calm for 10 s, and after a minute goes on with a batch every 5 s. `None` never. Default 5,000.
    pub fast_records: Option<u64>,
    /// Rest between two batches while there is more, for calls to go first. Default 2 ms.
    pub pause: Duration,
}

impl Options {
    /// The defaults for a data directory.
    pub fn new(data_directory: impl Into<PathBuf>) -> Options {
        Options {
            data_directory: data_directory.into(),
            keep_events: None,
            keep_sums: None,
            max_bytes: None,
            readers: 2,
            query_timeout: Duration::from_secs(2),
            batch_records: 50_000,
            interval: Duration::from_millis(250),
            fast_records: Some(5000),
            pause: Duration::from_millis(2),
        }
    }

    /// Where the database is.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        database_file(&self.data_directory)
    }
}

/// The database of a data directory.
pub(crate) fn database_file(data_directory: &Path) -> PathBuf {
    data_directory.join("index.db")
}
