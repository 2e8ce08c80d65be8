//! The journal that a gateway writes: many threads append, one lock orders them. Knows nothing of what the
//! records mean; times are given by the caller.

mod opening;
mod schedule;
mod space;
mod state;
mod sync;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use opening::Recovery;
pub use sync::OnSynced;

use crate::error::{AppendError, OpenError, UpkeepError};
use crate::hash::Hash;
use crate::key::PublicKey;
use crate::lock::Lock;
use crate::options::{Durability, Options, Retention};
use crate::record::Record;
use crate::store::disk::{Disk, LocalDisk, SegmentFile};
use crate::store::retention;
use crate::store::writer::SyncState;
use state::{Entry, State};

/// How often old segments are looked for, in microseconds of the caller's time.
const RETENTION_MICROS: u64 = 60_000_000;

/// When a record must be in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Before `append` returns: decisions.
    Now,
    /// With the next record that is urgent, or the next `flush` or `tick`: outcomes.
    Soon,
}

/// A record that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence number.
    pub seq: u64,
}

/// A journal open for writing.
///
/// With [`Durability::Power`] a decision may be acted on only once [`SyncState::durable_seq`] has reached
/// its number, which the callback given to [`Journal::open`] tells, and [`Journal::wait_durable`] waits for.
/// Once `failed_seq` has reached it first, the call must be refused; its decision stands in the journal all
/// the same, so an outcome `unreached` should follow.
pub struct Journal {
    shared: Arc<Shared>,
    node: Arc<str>,
    durability: Durability,
    retention: Retention,
    key: PublicKey,
    /// Wall time of the last look for old segments.
    pruned_at: AtomicI64,
    pruning: Mutex<()>,
    thread: Option<JoinHandle<()>>,
    /// Holds the lock on the folder.
    _lock: Lock,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something was written, or the journal is ending.
    written: Condvar,
    /// A sync ended.
    synced: Condvar,
    healthy: AtomicBool,
    last_seq: AtomicU64,
    ending: AtomicBool,
}

impl Shared {
    fn new(state: State) -> Shared {
        Shared {
            healthy: AtomicBool::new(state.is_healthy()),
            last_seq: AtomicU64::new(state.chain.next_seq - 1),
            ending: AtomicBool::new(false),
            written: Condvar::new(),
            synced: Condvar::new(),
            state: Mutex::new(state),
        }
    }

    /// Makes what the lock protects visible to those who ask without it.
    fn publish(&self, state: &State) {
        self.healthy.store(state.is_healthy(), Ordering::Release);
        self.last_seq.store(state.chain.next_seq - 1, Ordering::Release);
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }
}

impl Journal {
    /// Opens the journal of a data directory, or begins one, at the wall time `now` (microseconds), and
    /// writes a `start` record and a checkpoint. If these cannot be written the journal opens unhealthy.
    /// `on_synced` is called after each sync, with [`Durability::Power`] only.
    pub fn open(
        options: &Options,
        now: i64,
        on_synced: Option<OnSynced>,
    ) -> Result<(Journal, Recovery), OpenError> {
        Journal::open_on(options, Arc::new(LocalDisk), now, on_synced)
    }

    /// As `open`, on a given disk.
    pub fn open_on(
        options: &Options,
        disk: Arc<dyn Disk>,
        now: i64,
        on_synced: Option<OnSynced>,
    ) -> Result<(Journal, Recovery), OpenError> {
        let (mut state, recovery, lock) = opening::open(options, disk, now)?;
        // A failure is remembered in the state: the journal is unhealthy, and `retry` tries again.
        if state.write_pending().is_ok() {
            state.space.check(now);
        }
        let (node, key) = (Arc::clone(&state.node), state.signer.public().clone());
        let shared = Arc::new(Shared::new(state));
        let thread = match options.durability {
            Durability::Process => None,
            Durability::Power => Some(spawn_sync(Arc::clone(&shared), on_synced)?),
        };
        let journal = Journal {
            shared,
            node,
            durability: options.durability,
            retention: options.retention,
            key,
            pruned_at: AtomicI64::new(now),
            pruning: Mutex::new(()),
            thread,
            _lock: lock,
        };
        Ok((journal, recovery))
    }

    /// Appends a record. With [`Urgency::Now`] it is in the file when this returns, or it is not in the
    /// journal at all; with [`Urgency::Soon`] it is in the chain, and is kept until it can be written.
    pub fn append(&self, record: &Record<'_>, urgency: Urgency) -> Result<Appended, AppendError> {
        let mut members = Vec::with_capacity(1024);
        record.push_members(&self.node, &mut members);
        let entry = Entry { members: &members, ts: record.ts, kind: record.kind };
        self.update(|state| state.append(entry, urgency)).map(|seq| Appended { seq })
    }

    /// Appends a signed checkpoint now; `counters` is the hash of a snapshot of the counters that reflects
    /// all records before it.
    pub fn checkpoint(&self, now: i64, counters: Option<&Hash>) -> Result<Appended, AppendError> {
        self.update(|state| {
            state.require_open()?;
            state.require_healthy()?;
            let seq = state.seal_checkpoint(now, counters);
            state.write_pending().map_err(AppendError::Write)?;
            Ok(Appended { seq })
        })
    }

    /// Writes the records that wait. To be called about every 100 ms.
    pub fn flush(&self) -> Result<(), AppendError> {
        self.update(State::flush)
    }

    /// Regular upkeep at the wall time `now`, to be called about once a second: writes what waits, writes a
    /// checkpoint if one is due, and removes old segments as retention says, which may block for a while.
    /// Does nothing while the journal cannot be written.
    pub fn tick(&self, now: i64) -> Result<(), UpkeepError> {
        let works = self.update(|state| {
            if state.closed || state.failure.is_some() {
                return Ok(false);
            }
            state.space.check(now);
            if state.schedule.is_due(now) {
                state.seal_checkpoint(now, None);
            }
            state.write_pending().map_err(AppendError::Write)?;
            Ok(true)
        })?;
        if works && now.abs_diff(self.pruned_at.load(Ordering::Relaxed)) >= RETENTION_MICROS {
            self.pruned_at.store(now, Ordering::Relaxed);
            self.prune(now)?;
        }
        Ok(())
    }

    /// Removes old segments as retention says, after a signed record that tells which. `tick` calls this
    /// once a minute.
    pub fn prune(&self, now: i64) -> Result<(), UpkeepError> {
        let _one = self.pruning.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = self.lock()?.space.directory.clone();
        let Some(removal) = retention::choose(&directory, &self.retention, now)? else { return Ok(()) };
        let Some(first) = removal.segments.first() else { return Ok(()) };
        let last = self.update(|state| {
            state.require_open()?;
            state.require_healthy()?;
            let seq = state.seal_prune(now, first.first_seq, &removal.begins);
            state.write_pending().map_err(AppendError::Write)?;
            Ok((seq, state.current_file()))
        })?;
        // The files may go only once their removal is certain to be remembered.
        self.sync(last)?;
        retention::remove(&removal.segments)
    }

    /// Tries to write again after a failure, at the wall time `now`; returns whether the journal is healthy.
    /// To be called once a second while it is not.
    pub fn retry(&self, now: i64) -> bool {
        self.update(|state| {
            state.require_open()?;
            state.retry(now)
        })
        .is_ok()
    }

    /// Whether decisions can be appended, as far as is known. Takes no lock.
    pub fn healthy(&self) -> bool {
        self.shared.healthy.load(Ordering::Acquire)
    }

    /// Why the journal is not healthy.
    pub fn ailment(&self) -> Option<AppendError> {
        self.lock().and_then(|state| state.require_writable()).err()
    }

    /// As [`Journal::ailment`], without taking the lock while all is well.
    pub fn ailment_if_unhealthy(&self) -> Option<AppendError> {
        if self.healthy() { None } else { self.ailment() }
    }

    /// The name of this node in every record.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The last record appended, written or still waiting. Takes no lock.
    pub fn last_seq(&self) -> u64 {
        self.shared.last_seq.load(Ordering::Acquire)
    }

    /// Key that checks this journal's signatures.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// How far records survive a loss of power, with [`Durability::Power`].
    pub fn sync_state(&self) -> SyncState {
        self.lock().map_or(SyncState::default(), |state| state.writer.sync_state())
    }

    /// Blocks until the record `seq` is as durable as the journal promises.
    pub fn wait_durable(&self, seq: u64) -> Result<(), AppendError> {
        self.update(|state| if state.writer.written_seq() < seq { state.flush() } else { Ok(()) })?;
        if self.durability == Durability::Process {
            return Ok(());
        }
        let mut state = self.lock()?;
        loop {
            let progress = state.writer.sync_state();
            if progress.durable_seq >= seq {
                return Ok(());
            }
            if progress.failed_seq >= seq {
                state.require_healthy()?;
            }
            state = self.shared.synced.wait(state).map_err(|_| AppendError::Closed)?;
        }
    }

    /// Ends the journal at the wall time `now` with a `stop` record and a checkpoint, and syncs it. Later
    /// appends are refused. `detail` says why it stops. If writing fails it may be tried again.
    pub fn close(&self, now: i64, detail: Option<&str>) -> Result<(), AppendError> {
        let last = self.update(|state| {
            state.require_open()?;
            if state.failure.is_some() {
                state.writer.recover().map_err(AppendError::Write)?;
            }
            state.seal_note(now, "stop", detail);
            let seq = state.seal_checkpoint(now, None);
            state.write_pending().map_err(AppendError::Write)?;
            state.closed = true;
            Ok((seq, state.current_file()))
        })?;
        self.sync(last)
    }

    /// Makes a record, written to `file`, survive a loss of power. Where a thread does the syncing, it is
    /// left to it: a failed sync is reported once only, and has to reach the one who writes again.
    fn sync(&self, (seq, file): (u64, Option<Arc<dyn SegmentFile>>)) -> Result<(), AppendError> {
        match self.durability {
            Durability::Process => file.map_or(Ok(()), |file| file.sync()).map_err(AppendError::Write),
            Durability::Power => self.wait_durable(seq),
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, AppendError> {
        // A thread that panicked inside may have left half a line behind: nothing may follow it.
        self.shared.state.lock().map_err(|_| AppendError::Closed)
    }

    /// Changes the state, and tells those who ask without the lock and the thread that syncs.
    fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T, AppendError>) -> Result<T, AppendError> {
        let mut state = self.lock()?;
        let result = change(&mut state);
        self.shared.publish(&state);
        drop(state);
        if self.durability == Durability::Power {
            self.shared.written.notify_one();
        }
        result
    }
}

fn spawn_sync(shared: Arc<Shared>, on_synced: Option<OnSynced>) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name("journal-sync".to_owned())
        .spawn(move || sync::run(&shared, on_synced.as_ref()))
        .map_err(OpenError::Thread)
}

impl Drop for Journal {
    /// Writes what waits, if it can. [`Journal::close`] says more, and says it in the journal.
    fn drop(&mut self) {
        let flushed = self.update(|state| {
            if state.closed { Ok(()) } else { state.write_pending().map_err(AppendError::Write) }
        });
        self.shared.ending.store(true, Ordering::Release);
        // Under the lock, so that the thread cannot miss it between its look and its wait.
        drop(self.shared.state.lock());
        self.shared.written.notify_all();
        let joined = self.thread.take().map(JoinHandle::join);
        drop((flushed, joined));
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("node", &self.node)
            .field("last_seq", &self.last_seq())
            .finish_non_exhaustive()
    }
}
