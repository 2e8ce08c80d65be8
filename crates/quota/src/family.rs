//! One counter that counts by session, with what a new session inherits from those that have ended.
//!
//! A session's usage is its own events and those of sessions that ended before it opened, each counted once. A
//! session that ends is added to a sum of fixed size, of which a session that opens takes a copy.

use std::sync::Arc;
use std::time::Duration;

use crate::amount::Amount;
use crate::demand::CounterKey;
use crate::now::Moment;
use crate::tally::{Settlement, Taken, Tally};
use crate::window::Grain;

/// Openings and endings of a group's sessions, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Order(pub(crate) u64);

/// The usage of all sessions of a group under one counter.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) key: Arc<CounterKey>,
    /// The limit as of the last call.
    pub(crate) max: Amount,
    /// The sum of sessions that have ended.
    ended: Tally,
    members: Vec<Member>,
}

/// A session that has used the counter or inherited something.
#[derive(Debug)]
struct Member {
    opened: Order,
    /// Set while a session that has ended still has calls in flight: until then its sum can change.
    ended: Option<Order>,
    /// How many reservations are not settled yet.
    open: u32,
    own: Tally,
    inherited: Tally,
}

/// Who counts: a session, or the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seat {
    /// The session that opened at this point.
    Session(Order),
    /// Sessions that have ended.
    Past,
}

impl Family {
    pub(crate) fn new(key: Arc<CounterKey>) -> Family {
        let ended = Tally::new(&key.window);
        Family { key, max: Amount::ZERO, ended, members: Vec::new() }
    }

    /// A session opens: it inherits what has ended so far.
    pub(crate) fn open(&mut self, opened: Order, now: Moment) {
        let lingering = self.members.iter().any(|member| member.ended.is_some());
        if lingering || !self.ended.used(now).is_zero() {
            let inherited = self.ended.clone();
            self.members.push(Member { inherited, ..Member::new(opened, &self.key) });
        }
    }

    /// The session that opened at `opened` ends.
    pub(crate) fn end(&mut self, opened: Order, ended: Order, now: Moment) {
        if let Some(member) = self.members.iter_mut().find(|member| member.opened == opened) {
            member.ended = Some(ended);
        }
        self.compact(now);
    }

    /// What counts against the one at `seat`.
    pub(crate) fn used(&mut self, seat: Seat, now: Moment) -> Amount {
        let mut used = Amount::ZERO;
        self.for_tallies(seat, |tally| used = used.plus(tally.used(now)));
        used
    }

    /// What will be freed for the one at `seat`, with the waits.
    pub(crate) fn frees(&mut self, seat: Seat, now: Moment) -> Vec<(Duration, Amount)> {
        let mut frees = Vec::new();
        self.for_tallies(seat, |tally| tally.list_frees(now, &mut frees));
        frees
    }

    /// Counts `amount` for the one at `seat`; a session's reservation is then open until it is settled.
    pub(crate) fn take(&mut self, seat: Seat, amount: Amount, grain: Grain, now: Moment) -> Taken {
        match seat {
            Seat::Past => self.ended.take(amount, grain, now),
            Seat::Session(opened) => {
                let member = self.member(opened);
                member.open = member.open.saturating_add(1);
                member.own.take(amount, grain, now)
            }
        }
    }

    /// Ends a reservation of the one at `seat`.
    pub(crate) fn settle(&mut self, seat: Seat, taken: Taken, amount: Amount, settlement: Settlement) {
        match seat {
            Seat::Past => self.ended.settle(taken, amount, settlement),
            Seat::Session(opened) => {
                if let Some(member) = self.members.iter_mut().find(|member| member.opened == opened) {
                    member.open = member.open.saturating_sub(1);
                    member.own.settle(taken, amount, settlement);
                }
            }
        }
    }

    /// Drops what no longer counts; says whether anything is left.
    pub(crate) fn sweep(&mut self, now: Moment) -> bool {
        self.compact(now);
        // As long as one lingers, its heirs must be there to receive its sum.
        if self.members.iter().all(|member| member.ended.is_none()) {
            self.members.retain_mut(|member| member.open > 0 || !member.is_unused(now));
        }
        !self.members.is_empty() || !self.ended.used(now).is_zero()
    }

    /// All that a restart has to remember: the sessions end with the process.
    pub(crate) fn sum(&self, now: Moment) -> Tally {
        let mut sum = self.ended.clone();
        self.members.iter().for_each(|member| sum.merge(&member.own, now));
        sum
    }

    /// The sum of sessions that have ended.
    pub(crate) fn past(&mut self) -> &mut Tally {
        &mut self.ended
    }

    /// Adds sessions that have ended to the sum, once their calls are settled.
    fn compact(&mut self, now: Moment) {
        let settled = |member: &mut Member| member.open == 0 && member.ended.is_some();
        for past in self.members.extract_if(.., settled).collect::<Vec<_>>() {
            self.ended.merge(&past.own, now);
            for heir in self.members.iter_mut().filter(|heir| past.counts_for(heir.opened)) {
                heir.inherited.merge(&past.own, now);
            }
        }
    }

    /// Each tally that counts for the one at `seat`, once.
    fn for_tallies(&mut self, seat: Seat, mut each: impl FnMut(&mut Tally)) {
        match seat {
            Seat::Past => {
                each(&mut self.ended);
                self.members
                    .iter_mut()
                    .filter(|member| member.ended.is_some())
                    .for_each(|m| each(&mut m.own));
            }
            Seat::Session(opened) => {
                for member in &mut self.members {
                    if member.opened == opened {
                        each(&mut member.own);
                        each(&mut member.inherited);
                    } else if member.counts_for(opened) {
                        each(&mut member.own);
                    }
                }
            }
        }
    }

    /// The member of a session; one that opened when there was nothing to inherit becomes a member here.
    fn member(&mut self, opened: Order) -> &mut Member {
        let place = self.members.iter().position(|member| member.opened == opened);
        let place = place.unwrap_or_else(|| {
            self.members.push(Member::new(opened, &self.key));
            self.members.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place was found or made just above")]
        &mut self.members[place]
    }
}

impl Member {
    fn new(opened: Order, key: &CounterKey) -> Member {
        let (own, inherited) = (Tally::new(&key.window), Tally::new(&key.window));
        Member { opened, ended: None, open: 0, own, inherited }
    }

    fn is_unused(&mut self, now: Moment) -> bool {
        self.own.used(now).is_zero() && self.inherited.used(now).is_zero()
    }

    /// Whether a session that opened at `opened` came after this one had ended.
    fn counts_for(&self, opened: Order) -> bool {
        self.ended.is_some_and(|ended| ended < opened)
    }
}
