//! A few connections that answer questions, beside the one that writes. A question that takes too long, or
//! that nobody waits for any more, is broken off within the database, too.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::database;
use crate::error::QueryError;
use crate::options::Options;

/// Steps of the database's machine between two looks whether to go on: some 100 µs.
const LOOK_EVERY: i32 = 10_000;

/// The connections.
#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    timeout: Duration,
    places: Semaphore,
    idle: Mutex<Vec<Reader>>,
    /// Counts up with each new database file.
    generation: Arc<AtomicU64>,
    /// Whether there is nothing to ask.
    is_off: bool,
}

#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    generation: u64,
    /// Set when what it does is to be broken off.
    cancelled: Arc<AtomicBool>,
}

/// A connection for one question.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
    _place: SemaphorePermit<'a>,
}

impl Readers {
    pub(crate) fn new(options: &Options, generation: Arc<AtomicU64>) -> Readers {
        Readers {
            file: options.file(),
            timeout: options.query_timeout,
            places: Semaphore::new(options.readers.max(1)),
            idle: Mutex::default(),
            generation,
            is_off: false,
        }
    }

    /// Those of an index that nobody fills: every question is refused.
    pub(crate) fn off(options: &Options) -> Readers {
        Readers { is_off: true, ..Readers::new(options, Arc::default()) }
    }

    /// A connection, as soon as one is free.
    pub(crate) async fn lease(&self) -> Result<Lease<'_>, QueryError> {
        if self.is_off {
            return Err(QueryError::Off);
        }
        let place =
            self.in_time(async { self.places.acquire().await.map_err(|_| QueryError::Stopped) }).await?;
        let generation = self.generation.load(Ordering::Acquire);
        if generation == 0 {
            return Err(QueryError::NotReady);
        }
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle.filter(|reader| reader.generation == generation) {
            Some(reader) => reader,
            None => self.open(generation).await?,
        };
        Ok(Lease { readers: self, reader: Some(reader), _place: place })
    }

    /// Waits for an answer no longer than is allowed.
    pub(crate) async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let seconds = self.timeout.as_secs();
        tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(QueryError::TimedOut { seconds }))
    }

    async fn open(&self, generation: u64) -> Result<Reader, QueryError> {
        let mut connection = database::open_reader(&self.file).await?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&cancelled);
        connection
            .lock_handle()
            .await?
            .set_progress_handler(LOOK_EVERY, move || !flag.load(Ordering::Relaxed));
        Ok(Reader { connection, generation, cancelled })
    }
}

impl Lease<'_> {
    /// The connection.
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, QueryError> {
        self.reader.as_mut().map(|reader| &mut reader.connection).ok_or(QueryError::Stopped)
    }

    /// Gives the connection back after an answer that came whole.
    pub(crate) fn give_back(mut self) {
        let idle = &self.readers.idle;
        idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.reader.take());
    }
}

impl Drop for Lease<'_> {
    /// One that was not given back is in the middle of something: it is broken off and closed.
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.cancelled.store(true, Ordering::Relaxed);
        }
    }
}
