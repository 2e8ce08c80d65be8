//! The index as the rest of the program knows it: a handle that asks, and a thread that follows the journal.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;
use toolgate_journal::Records;

use crate::dimension::Dimension;
use crate::error::QueryError;
use crate::event::Event;
use crate::options::{Clock, Options};
use crate::plot::{Chart, Plot, chart};
use crate::readers::Readers;
use crate::search::{Cursor, Page, Search, all_names, one, page};
use crate::series::{By, Scope};
use crate::shipper::{Shared, Shipper};
use crate::status::{State, Status};
use crate::usage::{Usage, usage};

/// The audit index of a data directory. Clones are of the same index.
#[derive(Clone, Debug)]
pub struct Index {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    data_directory: PathBuf,
    shared: Arc<Shared>,
    readers: Readers,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// An event with its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The event.
    pub event: Event,
    /// Its record in the journal as it stands there; `None` if retention removed it.
    pub record: Option<Vec<u8>>,
    /// The record of its outcome; `None` if there is none, or retention removed it.
    pub outcome_record: Option<Vec<u8>>,
}

impl Index {
    /// Begins to follow the journal on a thread of its own. One process only may do so for a data directory.
    ///
    /// # Errors
    ///
    /// The thread cannot be started. Everything else is told by [`Index::status`], and tried again.
    pub fn start(options: Options, clock: Clock) -> io::Result<Index> {
        let shared = Arc::new(Shared::new());
        let readers = Readers::new(&options, Arc::clone(&shared.generation));
        let data_directory = options.data_directory.clone();
        let shipper = Shipper::new(options, clock, Arc::clone(&shared));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new()
            .name("audit-index".to_owned())
            .spawn(move || shipper.run(&runtime))?;
        let thread = Mutex::new(Some(thread));
        Ok(Index { inner: Arc::new(Inner { data_directory, shared, readers, thread }) })
    }

    /// An index that does not follow the journal and answers nothing. What is in its file stays, and is gone on from
    /// when it is started again.
    #[must_use]
    pub fn off(options: &Options) -> Index {
        let shared = Arc::new(Shared::new());
        shared.status.send_modify(|status| status.state = State::Off);
        let (data_directory, readers) = (options.data_directory.clone(), Readers::off(options));
        Index { inner: Arc::new(Inner { data_directory, shared, readers, thread: Mutex::default() }) }
    }

    /// How far it has come, and what keeps it.
    #[must_use]
    pub fn status(&self) -> Status {
        self.inner.shared.status.borrow().clone()
    }

    /// How far it has come, whenever that changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Status> {
        self.inner.shared.status.subscribe()
    }

    /// Waits until the record `seq` is in the index, or the index was stopped or is off. Tells which.
    pub async fn reached(&self, seq: u64) -> bool {
        let mut status = self.changes();
        let ended = |status: &Status| matches!(status.state, State::Stopped | State::Off);
        let end = status.wait_for(|status| status.indexed_seq >= seq || ended(status)).await;
        end.is_ok_and(|status| status.indexed_seq >= seq)
    }

    /// A page of at most `limit` (1 to 500) events, newest first, after `cursor` if there is one.
    ///
    /// # Errors
    ///
    /// The limit or the cursor cannot be used, or the index cannot answer.
    pub async fn search(
        &self,
        search: &Search,
        limit: usize,
        cursor: Option<&Cursor>,
    ) -> Result<Page, QueryError> {
        let mut lease = self.inner.readers.lease().await?;
        let answer = self.inner.readers.in_time(page(lease.connection()?, search, limit, cursor)).await?;
        lease.give_back();
        Ok(answer)
    }

    /// An event with its records; `None` if there is no such event.
    ///
    /// # Errors
    ///
    /// The index or the journal cannot be read.
    pub async fn event(&self, seq: u64) -> Result<Option<Detail>, QueryError> {
        let mut lease = self.inner.readers.lease().await?;
        let event = self.inner.readers.in_time(one(lease.connection()?, seq)).await?;
        lease.give_back();
        let Some(event) = event else { return Ok(None) };
        let data_directory = self.inner.data_directory.clone();
        let read = tokio::task::spawn_blocking(move || {
            let record = record_at(&data_directory, event.seq)?;
            let outcome_record = match event.outcome_seq {
                Some(seq) if seq != event.seq => record_at(&data_directory, seq)?,
                Some(_) | None => None,
            };
            Ok(Some(Detail { event, record, outcome_record }))
        });
        read.await.unwrap_or(Err(QueryError::Stopped))
    }

    /// Lines over time.
    ///
    /// # Errors
    ///
    /// The range cannot be used, or the index cannot answer.
    pub async fn plot(&self, plot: &Plot) -> Result<Chart, QueryError> {
        let mut lease = self.inner.readers.lease().await?;
        let answer = self.inner.readers.in_time(chart(lease.connection()?, plot)).await?;
        lease.give_back();
        Ok(answer)
    }

    /// Calls, denials, errors, last use and peaks since the day that `from` (wall time, microseconds) lies
    /// in, the most calls first.
    ///
    /// # Errors
    ///
    /// The index cannot answer.
    pub async fn usage(&self, by: By, scope: &Scope, from: i64) -> Result<Vec<Usage>, QueryError> {
        let mut lease = self.inner.readers.lease().await?;
        let answer = self.inner.readers.in_time(usage(lease.connection()?, by, scope, from)).await?;
        lease.give_back();
        Ok(answer)
    }

    /// All names of a dimension that the index knows, in order: what a search can be narrowed by.
    ///
    /// # Errors
    ///
    /// The index cannot answer.
    pub async fn names(&self, dimension: Dimension) -> Result<Vec<String>, QueryError> {
        let mut lease = self.inner.readers.lease().await?;
        let answer = self.inner.readers.in_time(all_names(lease.connection()?, dimension)).await?;
        lease.give_back();
        Ok(answer)
    }

    /// Stops following, after the batch that is being copied, and waits for it.
    pub async fn stop(&self) {
        self.inner.shared.stop();
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that panicked has told so; there is nothing left to stop.
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// The line of the record `seq`, if it is still in the journal.
fn record_at(data_directory: &std::path::Path, seq: u64) -> Result<Option<Vec<u8>>, QueryError> {
    let mut records = Records::open(data_directory, seq)?;
    let found = records.next_record()?;
    Ok(found.filter(|record| record.seq == seq).map(|record| record.bytes.to_vec()))
}
