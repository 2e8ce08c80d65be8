//! What is locked as one: a counter, or a group of sessions with all of its counters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::amount::Amount;
use crate::checkpoint::Saved;
use crate::demand::{CounterKey, Demand, KeyParts, KeyRef};
use crate::family::{Family, Seat};
use crate::group::Group;
use crate::memory::{Occupancy, Remaining};
use crate::now::Moment;
use crate::tally::{Settlement, Taken, Tally, wait_for};

/// A lock and what it guards.
#[derive(Debug)]
pub(crate) struct Unit(Mutex<State>);

#[derive(Debug)]
pub(crate) enum State {
    Counter(Counter),
    Group(Group),
}

/// A counter on which all calls count together.
#[derive(Debug)]
pub(crate) struct Counter {
    key: Arc<CounterKey>,
    /// The limit as of the last call.
    max: Amount,
    tally: Tally,
}

/// Where in a unit a demand counts.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// On its only counter.
    Counter,
    /// On this counter of the group, at this seat.
    Seat(Arc<CounterKey>, Seat),
}

/// The counter of one demand, in a unit that is locked.
#[derive(Debug)]
pub(crate) enum Account<'a> {
    Counter(&'a mut Counter),
    Seat(&'a mut Family, Seat),
}

impl Unit {
    pub(crate) fn new(state: State) -> Unit {
        Unit(Mutex::new(state))
    }

    /// Locks; a thread that panicked elsewhere has left the state whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn counter(key: Arc<CounterKey>) -> State {
        let tally = Tally::new(&key.window);
        State::Counter(Counter { key, max: Amount::ZERO, tally })
    }

    pub(crate) fn group(name: Arc<str>) -> State {
        State::Group(Group::new(name))
    }

    /// A counter that nobody has used.
    pub(crate) fn fresh(demand: &Demand<'_>) -> State {
        State::counter(demand.counter().to_key())
    }

    /// Where `demand` counts; opens its session if that is not open.
    pub(crate) fn account(&mut self, demand: &Demand<'_>, now: Moment) -> Account<'_> {
        match self {
            State::Counter(counter) => Account::Counter(counter),
            State::Group(group) => {
                let session = demand.session.map_or("", |session| session.session);
                let opened = group.open(session, now);
                Account::Seat(group.family(demand.counter()), Seat::Session(opened))
            }
        }
    }

    /// Where what happened before a restart counts.
    pub(crate) fn past_account(&mut self, key: KeyRef<'_>) -> Account<'_> {
        match self {
            State::Counter(counter) => Account::Counter(counter),
            State::Group(group) => Account::Seat(group.family(key), Seat::Past),
        }
    }

    /// Ends what was taken at `place`.
    pub(crate) fn settle(&mut self, place: &Place, taken: Taken, amount: Amount, settlement: Settlement) {
        match (self, place) {
            (State::Counter(counter), Place::Counter) => counter.tally.settle(taken, amount, settlement),
            (State::Group(group), Place::Seat(key, seat)) => {
                if let Some(family) = group.known_family(key.parts()) {
                    family.settle(*seat, taken, amount, settlement);
                }
            }
            // A place in another kind of unit; a reservation is settled on the unit that gave it.
            (State::Counter(_) | State::Group(_), _) => {}
        }
    }

    /// What is left for `demand`, without leaving a trace.
    pub(crate) fn remaining(&mut self, demand: &Demand<'_>, now: Moment) -> Remaining {
        match self {
            State::Counter(counter) => Account::Counter(counter).remaining(demand, now),
            State::Group(group) => {
                let seat = group.seat(demand.session.map_or("", |session| session.session));
                match group.known_family(demand.counter()) {
                    Some(family) => Account::Seat(family, seat).remaining(demand, now),
                    None => State::fresh(demand).remaining(demand, now),
                }
            }
        }
    }

    /// Adds each counter and how full it is.
    pub(crate) fn occupancy(&mut self, now: Moment, occupancy: &mut Vec<Occupancy>) {
        match self {
            State::Counter(Counter { key, max, tally }) => {
                let used = tally.used(now);
                let (key, mode) = (key.name.to_string(), key.mode);
                occupancy.push(Occupancy { key, session: None, mode, used, max: *max });
            }
            State::Group(group) => {
                let name = group.name.to_string();
                let (sessions, families) = group.contents();
                for family in families {
                    for (session, opened) in sessions {
                        let used = family.used(Seat::Session(*opened), now);
                        let (key, mode) = (family.key.name.to_string(), family.key.mode);
                        let session = Some((name.clone(), session.to_string()));
                        occupancy.push(Occupancy { key, session, mode, used, max: family.max });
                    }
                }
            }
        }
    }

    /// Adds what a restart has to remember.
    pub(crate) fn checkpoint(&mut self, now: Moment, images: &mut Vec<crate::checkpoint::Image>) {
        match self {
            State::Counter(counter) => {
                images.extend(crate::checkpoint::image(&counter.key, None, &mut counter.tally, now));
            }
            State::Group(group) => {
                let name = Arc::clone(&group.name);
                for family in group.contents().1 {
                    let mut sum = family.sum(now);
                    images.extend(crate::checkpoint::image(&family.key, Some(&name), &mut sum, now));
                }
            }
        }
    }

    /// Adds what a checkpoint has remembered.
    pub(crate) fn restore(&mut self, saved: &Saved, now: Moment) {
        let tally = match self {
            State::Counter(counter) => &mut counter.tally,
            State::Group(group) => group.family(saved.key.parts()).past(),
        };
        saved.add_to(tally, now);
    }

    /// Drops what no longer counts; says whether anything is left.
    pub(crate) fn sweep(&mut self, now: Moment) -> bool {
        match self {
            State::Counter(counter) => !counter.tally.used(now).is_zero(),
            State::Group(group) => group.sweep(now),
        }
    }
}

impl Account<'_> {
    /// Whether `amount` more fits under `max`.
    pub(crate) fn fits(&mut self, amount: Amount, max: Amount, now: Moment) -> bool {
        self.used(now).plus(amount) <= max
    }

    /// After what wait `amount` would fit under `max`; `None` where waiting cannot help. An amount above `max` is
    /// such a case: it does not fit even if all is freed.
    pub(crate) fn retry_after(&mut self, amount: Amount, max: Amount, now: Moment) -> Option<Duration> {
        let excess = self.used(now).plus(amount).minus(max);
        wait_for(excess, self.frees(now))
    }

    /// Counts `amount`, whatever the limit.
    pub(crate) fn take(&mut self, demand: &Demand<'_>, amount: Amount, now: Moment) -> (Place, Taken) {
        let (max, grain) = (demand.spec.max(), demand.spec.grain());
        match self {
            Account::Counter(counter) => {
                counter.max = max;
                (Place::Counter, counter.tally.take(amount, grain, now))
            }
            Account::Seat(family, seat) => {
                family.max = max;
                let taken = family.take(*seat, amount, grain, now);
                (Place::Seat(Arc::clone(&family.key), *seat), taken)
            }
        }
    }

    fn remaining(&mut self, demand: &Demand<'_>, now: Moment) -> Remaining {
        let used = self.used(now);
        let left = demand.spec.max().minus(used);
        let frees = self.frees(now);
        let last = frees.iter().map(|(wait, _)| *wait).max();
        let resets_in = if used.is_zero() { Some(last.unwrap_or(Duration::ZERO)) } else { last };
        Remaining { left, resets_in }
    }

    fn used(&mut self, now: Moment) -> Amount {
        match self {
            Account::Counter(counter) => counter.tally.used(now),
            Account::Seat(family, seat) => family.used(*seat, now),
        }
    }

    fn frees(&mut self, now: Moment) -> Vec<(Duration, Amount)> {
        match self {
            Account::Counter(counter) => {
                let mut frees = Vec::new();
                counter.tally.list_frees(now, &mut frees);
                frees
            }
            Account::Seat(family, seat) => family.frees(*seat, now),
        }
    }
}
