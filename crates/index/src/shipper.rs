//! Follows the journal on a thread of its own and copies records into the index. Calls never wait for it:
//! it reads the journal's files, runs at low priority, and rests between batches. Whatever fails is told
//! and tried again; nothing is lost, because the journal is the source.

mod courtesy;
mod source;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use toolgate_journal::ReadError;

use crate::database;
use crate::error::ShipError;
use crate::options::{Clock, Options};
use crate::retention::Retention;
use crate::status::{State, Status};
use crate::writer::{Position, Writer};
use courtesy::Courtesy;
use source::Source;

/// Waits after failures: the first, and the longest, to which they double.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Looks without a new record, though the journal has some, before its files are looked for anew.
const STALLS_MOST: u32 = 3;

/// What the thread shares with those who ask.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) status: watch::Sender<Status>,
    /// Counts up with each new database file, so that readers leave the old one.
    pub(crate) generation: Arc<AtomicU64>,
    stopping: AtomicBool,
    wake: Notify,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared {
            status: watch::Sender::new(Status::default()),
            generation: Arc::new(AtomicU64::new(0)),
            stopping: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Asks the thread to end after its batch.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// Copies records.
pub(crate) struct Shipper {
    options: Options,
    clock: Clock,
    shared: Arc<Shared>,
    retention: Retention,
    courtesy: Courtesy,
    session: Option<Session>,
}

/// A database and a place in the journal that belong together.
struct Session {
    writer: Writer,
    source: Source,
    /// Which file the database is.
    file: Option<(u64, u64)>,
    stalls: u32,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is more to do.
    More,
    /// All is done for now.
    Current,
}

/// Whether the place in the journal is still the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Kept,
    Lost,
}

impl Shipper {
    pub(crate) fn new(options: Options, clock: Clock, shared: Arc<Shared>) -> Shipper {
        let retention = Retention::new(&options);
        let courtesy = Courtesy::new(options.fast_records);
        Shipper { options, clock, shared, retention, courtesy, session: None }
    }

    /// Follows until it is stopped.
    pub(crate) fn run(mut self, runtime: &tokio::runtime::Runtime) {
        lower_priority();
        runtime.block_on(self.follow());
        self.shared.status.send_modify(|status| status.state = State::Stopped);
    }

    async fn follow(&mut self) {
        let mut wait = FIRST_WAIT;
        while !self.shared.is_stopping() {
            let rest = match self.step_in_turn().await {
                Ok(step) => {
                    wait = FIRST_WAIT;
                    self.tell(step);
                    if step == Step::More { self.options.pause } else { self.options.interval }
                }
                Err(error) => {
                    self.recover(&error);
                    let now = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    now
                }
            };
            // Ends early when stopped; that it ended in time is no news.
            drop(tokio::time::timeout(rest, self.shared.wake.notified()).await);
        }
        if let Some(session) = self.session.take() {
            session.writer.close().await;
        }
    }

    /// A step, unless calls go first just now.
    async fn step_in_turn(&mut self) -> Result<Step, ShipError> {
        let now = (self.clock)();
        let last = toolgate_journal::last_seq(&self.options.data_directory).ok();
        if self.session.is_some()
            && let Some(last) = last
            && self.courtesy.holds_back(last, now)
        {
            self.shared.status.send_modify(|status| status.reached(Some(last), now));
            return Ok(Step::Current);
        }
        self.step().await
    }

    /// Copies one batch, or does what is due while there is none.
    async fn step(&mut self) -> Result<Step, ShipError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match self.open().await? {
                Some(session) => session,
                None => return Ok(Step::More),
            },
        };
        if database::identity(&self.options.file()) != session.file {
            session.writer.close().await;
            self.rebuild("its file was deleted")?;
            return Ok(Step::More);
        }
        let went = self.work(&mut session).await;
        match went {
            Ok((step, Place::Kept)) => {
                self.session = Some(session);
                Ok(step)
            }
            Ok((step, Place::Lost)) => {
                session.writer.close().await;
                Ok(step)
            }
            Err(error) => {
                session.writer.close().await;
                Err(error)
            }
        }
    }

    async fn work(&mut self, session: &mut Session) -> Result<(Step, Place), ShipError> {
        let (position, ledger) = session.writer.parts();
        let read = session.source.read(position, ledger, &self.options)?;
        let step = match read {
            Some(read) => {
                session.writer.store(read.batch, read.to).await?;
                session.stalls = 0;
                if read.is_full { Step::More } else { Step::Current }
            }
            None if self.retention.step(&mut session.writer.connection, (self.clock)()).await? => Step::More,
            None => Step::Current,
        };
        Ok((step, self.look(session)?))
    }

    /// Compares the index with the end of the journal. A journal that goes on where its reader finds nothing
    /// has lost a file to retention; one that ends earlier was replaced.
    fn look(&self, session: &mut Session) -> Result<Place, ShipError> {
        let position = session.writer.position();
        let last = match toolgate_journal::last_seq(&self.options.data_directory) {
            // Counted as unreadable, once there is a record after it.
            Err(ReadError::Damaged { .. }) => position.seq,
            last => last?,
        };
        self.tell_position(position, Some(last));
        if last == position.seq {
            session.stalls = 0;
        } else {
            session.stalls += 1;
        }
        let kept = last >= position.seq && session.stalls <= STALLS_MOST;
        Ok(if kept { Place::Kept } else { Place::Lost })
    }

    /// Tells how far the index is, and the journal, as far as is known.
    fn tell_position(&self, position: &Position, last: Option<u64>) {
        let now = (self.clock)();
        self.shared.status.send_modify(|status| {
            status.indexed_seq = position.seq;
            status.indexed_ts = position.ts;
            status.skipped = position.skipped;
            status.unreadable = position.unreadable;
            status.reached(last, now);
        });
    }

    /// Opens the database and finds its place in the journal; `None` if it must be built anew.
    async fn open(&mut self) -> Result<Option<Session>, ShipError> {
        let path = self.options.file();
        if !path.exists() {
            // What a deleted database left behind does not belong to the new one.
            database::remove(&path)?;
        }
        let writer = Writer::open(&self.options).await?;
        let file = database::identity(&path);
        self.tell_position(writer.position(), None);
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
        match source::resume(&self.options.data_directory, writer.position()) {
            Ok(Some(source)) => Ok(Some(Session { writer, source, file, stalls: 0 })),
            Ok(None) => {
                writer.close().await;
                self.rebuild("the journal was replaced, or lost its end")?;
                Ok(None)
            }
            Err(error) => {
                writer.close().await;
                Err(error)
            }
        }
    }

    /// Begins a new database.
    fn rebuild(&self, because: &'static str) -> Result<(), ShipError> {
        database::remove(&self.options.file())?;
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
        tracing::warn!(because, "the audit index is built again from the journal");
        self.shared.status.send_modify(|status| {
            status.rebuilds += 1;
            status.rebuilt_because = Some(because.to_owned());
            (status.indexed_seq, status.indexed_ts) = (0, 0);
        });
        Ok(())
    }

    /// After a failure: tells, and does what helps.
    fn recover(&self, error: &ShipError) {
        let told = error.to_string();
        let again = self.shared.status.borrow().trouble.as_deref() == Some(&told);
        if !again {
            tracing::warn!(error = told, "the audit index does not follow the journal just now");
        }
        let rebuilt = match error {
            ShipError::Damaged(_) => self.rebuild("its file was damaged").err(),
            // It is the journal's, not its own: what an earlier version made is made again.
            ShipError::Format { found, known, .. } if found < known => {
                self.rebuild("an earlier version made its file").err()
            }
            ShipError::Locked
            | ShipError::Full(_)
            | ShipError::Database(_)
            | ShipError::Format { .. }
            | ShipError::Overtaken
            | ShipError::File { .. }
            | ShipError::NoJournal
            | ShipError::Journal(_) => None,
        };
        let told = rebuilt.map_or(told, |error| error.to_string());
        let last = toolgate_journal::last_seq(&self.options.data_directory).ok();
        let now = (self.clock)();
        self.shared.status.send_modify(|status| {
            status.state = State::Troubled;
            status.trouble = Some(told);
            status.reached(last, now);
        });
    }

    /// Tells how a step went.
    fn tell(&self, step: Step) {
        self.shared.status.send_modify(|status| {
            status.trouble = None;
            status.state = match step {
                Step::More => State::Behind,
                Step::Current if status.lag_records() > 0 => State::Behind,
                Step::Current => State::Current,
            };
        });
    }
}

/// Lets every other thread go first. The database's own thread is begun by this one and takes over its
/// priority. Elsewhere than on Linux the priority belongs to the process and stays.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 10) {
        tracing::debug!(%error, "the audit index runs at the priority of calls");
    }
}
