//! The counters of one process, kept in memory and shared by all its threads.
//!
//! A counter, or a group of sessions, is a unit with a lock of its own. A call locks the units of all its limits
//! at once, in order of their addresses, so that it counts on all of them or on none.

mod claim;
pub(crate) mod reservation;
mod store;
mod unit;

use std::sync::Arc;
use std::time::Duration;

use crate::amount::Amount;
use crate::checkpoint::{self, RestoreError};
use crate::demand::{CounterKey, Demand, KeyParts, Mode, SessionRef};
use crate::memory::reservation::Reservation;
use crate::memory::store::Store;
use crate::memory::unit::{State, Unit};
use crate::now::{Moment, Now};
use crate::refusal::Refusal;

/// All counters of a process.
#[derive(Debug, Default)]
pub struct Counters {
    shared: Store<Arc<CounterKey>>,
    groups: Store<Arc<str>>,
}

/// How full a counter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The counter's name.
    pub key: String,
    /// For a counter by session: its group and the session.
    pub session: Option<(String, String)>,
    /// Whether the counter is in shadow.
    pub mode: Mode,
    /// What counts now.
    pub used: Amount,
    /// The limit as of the last call; zero after a restart until the first call.
    pub max: Amount,
}

/// What a limit still lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// How much.
    pub left: Amount,
    /// After what wait all of `max` is there again, if nothing else comes; for a calendar window its end; `None`
    /// for a concurrent limit that is in use.
    pub resets_in: Option<Duration>,
}

impl Counters {
    /// No counters yet; they are made as calls come.
    #[must_use]
    pub fn new() -> Counters {
        Counters::default()
    }

    /// Counts a call on all counters that it demands, or on none.
    ///
    /// # Errors
    /// When a limit refuses; then nothing is counted, in shadow neither.
    pub fn reserve(&self, demands: &[Demand<'_>], now: Now) -> Result<Reservation, Refusal> {
        claim::reserve(self, demands, now.into())
    }

    /// Counts again, without refusing, a call that the journal shows: one that the wall clock saw at `at_wall`
    /// (the [`Now::wall`] of its reservation, in microseconds). What had been in flight is not held.
    ///
    /// After [`Counters::restore`] and before the first call; in the journal's order. Release what is returned if the
    /// journal shows the release too, drop it if not. A release whose reservation lies before the checkpoint is
    /// ignored: the checkpoint may know it already.
    pub fn replay(&self, demands: &[Demand<'_>], at_wall: i64, now: Now) -> Reservation {
        claim::replay(self, demands, Moment::from(now).past(at_wall))
    }

    /// Opens a session: it inherits the usage of those of its group that have ended. One that is open stays as it is.
    ///
    /// A demand opens a session that is not open.
    pub fn open_session(&self, session: SessionRef<'_>, now: Now) {
        let group = self.group(session.group);
        if let State::Group(group) = &mut *group.lock() {
            group.open(session.session, now.into());
        }
    }

    /// Ends a session: its usage counts for those that open later. Calls in flight still settle.
    pub fn end_session(&self, session: SessionRef<'_>, now: Now) {
        if let Some(group) = self.groups.find(session.group)
            && let State::Group(group) = &mut *group.lock()
        {
            group.end(session.session, now.into());
        }
    }

    /// What is left of each demand's limit.
    #[must_use]
    pub fn remaining(&self, demands: &[Demand<'_>], now: Now) -> Vec<Remaining> {
        demands.iter().map(|demand| self.remaining_of(demand, now.into())).collect()
    }

    /// Every counter in use, for metrics.
    #[must_use]
    pub fn occupancy(&self, now: Now) -> Vec<Occupancy> {
        let mut occupancy = Vec::new();
        self.for_each_unit(|state| state.occupancy(now.into(), &mut occupancy));
        occupancy
    }

    /// Forgets counters on which nothing counts. Locks a small part of them at a time.
    pub fn sweep(&self, now: Now) {
        self.shared.sweep(now.into());
        self.groups.sweep(now.into());
    }

    /// The sliding and calendar counters as bytes that [`Counters::restore`] reads.
    ///
    /// For a replay that misses nothing, note the journal's last sequence number before this call, and replay the
    /// records after it.
    #[must_use]
    pub fn checkpoint(&self, now: Now) -> Vec<u8> {
        let mut images = Vec::new();
        self.for_each_unit(|state| state.checkpoint(now.into(), &mut images));
        checkpoint::write(images)
    }

    /// Adds the counters of a checkpoint. All sessions have ended; nothing is in flight. Times later than now count
    /// as now.
    ///
    /// # Errors
    /// When the bytes are not a checkpoint of a known version; then nothing is changed.
    pub fn restore(&self, bytes: &[u8], now: Now) -> Result<(), RestoreError> {
        for saved in checkpoint::read(bytes, now.into())? {
            match &saved.group {
                None => self.counter(&saved.key).lock().restore(&saved, now.into()),
                Some(group) => self.group(group).lock().restore(&saved, now.into()),
            }
        }
        Ok(())
    }

    fn remaining_of(&self, demand: &Demand<'_>, now: Moment) -> Remaining {
        let unit = match demand.session {
            None => self.shared.find(&demand.counter() as &dyn KeyParts),
            Some(session) => self.groups.find(session.group),
        };
        match unit {
            Some(unit) => unit.lock().remaining(demand, now),
            None => State::fresh(demand).remaining(demand, now),
        }
    }

    /// The unit that holds a demand's counter; made if it is not there.
    fn unit_of(&self, demand: &Demand<'_>) -> Arc<Unit> {
        match demand.session {
            None => self.counter(&demand.counter()),
            Some(session) => self.group(session.group),
        }
    }

    fn counter(&self, key: &dyn KeyParts) -> Arc<Unit> {
        self.shared.find_or_make(key, || {
            let key = key.parts().to_key();
            (Arc::clone(&key), State::counter(key))
        })
    }

    fn group(&self, name: &str) -> Arc<Unit> {
        self.groups.find_or_make(name, || {
            let name = Arc::<str>::from(name);
            (Arc::clone(&name), State::group(name))
        })
    }

    fn for_each_unit(&self, mut each: impl FnMut(&mut State)) {
        self.shared.for_each(&mut each);
        self.groups.for_each(&mut each);
    }
}
