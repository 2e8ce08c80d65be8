//! What a call has counted, until it is known how the call ended.

use std::sync::Arc;

use crate::amount::Amount;
use crate::few::Few;
use crate::memory::unit::{Place, Unit};
use crate::now::Now;
use crate::tally::{Settlement, Taken};

/// What a call has counted. Dropped without a word it is committed: what is not known to be unused counts.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is committed, and frees its concurrent slots"]
pub struct Reservation {
    holds: Few<Hold>,
    would_refuse: Vec<usize>,
}

/// What was counted on one counter.
#[derive(Debug)]
pub(crate) struct Hold {
    /// The demand's place among the call's demands; of several on one counter, the first's.
    pub(crate) index: usize,
    pub(crate) unit: Arc<Unit>,
    pub(crate) place: Place,
    pub(crate) taken: Taken,
    pub(crate) amount: Amount,
}

impl Reservation {
    pub(crate) fn new(holds: Few<Hold>, would_refuse: Vec<usize>) -> Reservation {
        Reservation { holds, would_refuse }
    }

    /// The demands in shadow that would have refused, by index.
    #[must_use]
    pub fn would_refuse(&self) -> &[usize] {
        &self.would_refuse
    }

    /// The call counts. Concurrent slots are freed.
    pub fn commit(self) {
        // The drop does it.
    }

    /// The call does not count: what it took goes back to the windows from which it was taken, as far as they still
    /// last. Concurrent slots are freed.
    pub fn release(mut self, now: Now) {
        self.settle(Settlement::Release(now.into()));
    }

    /// Settles each demand by itself: those whose index `releases` picks are given back, the others count.
    pub fn settle_each(mut self, now: Now, releases: impl Fn(usize) -> bool) {
        for hold in self.holds.places().iter_mut().filter_map(Option::take) {
            let release = releases(hold.index);
            hold.settle(if release { Settlement::Release(now.into()) } else { Settlement::Commit });
        }
    }

    fn settle(&mut self, settlement: Settlement) {
        for hold in self.holds.places().iter_mut().filter_map(Option::take) {
            hold.settle(settlement);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.settle(Settlement::Commit);
    }
}

impl Hold {
    fn settle(&self, settlement: Settlement) {
        if self.is_settled_by(settlement) {
            return;
        }
        self.unit.lock().settle(&self.place, self.taken, self.amount, settlement);
    }

    /// Whether nothing is left to do: a shared window keeps what is committed.
    fn is_settled_by(&self, settlement: Settlement) -> bool {
        match (&self.place, self.taken, settlement) {
            (Place::Counter, Taken::At(_) | Taken::In(_), Settlement::Commit) => true,
            (Place::Seat(..), _, _) | (_, Taken::Held, _) | (_, _, Settlement::Release(_)) => false,
        }
    }
}
