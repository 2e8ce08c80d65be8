//! The sliding window: at most so much in any interval of its length. Pure: a state that is asked at a time.
//!
//! Events are kept in slots. Exactly kept, a slot holds the events of one nanosecond; otherwise those of one of
//! the 64 parts of the window. A slot is freed a window after its last event: never early, and at most a part late.

use std::collections::VecDeque;

use crate::amount::Amount;
use crate::now::Tick;
use crate::window::{Grain, Span};

/// The most slots that are kept: 65 parts touch a window, the few others serve events from before a restart,
/// whose slots lie across.
const SLOTS: usize = 68;
/// The most that an exactly kept limit lets through.
const EXACT_MAX: Amount = Amount::from_units(64_000_000_000);

/// The events of one sliding window.
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    span: Span,
    /// As the limit was when it was last asked.
    grain: Grain,
    /// The latest moment at which it was asked: threads may bring their times out of order.
    seen: Tick,
    /// INVARIANT: in order of `last`, at most `SLOTS`.
    slots: VecDeque<Slot>,
    /// INVARIANT: the sum over `slots`, as long as sums do not saturate.
    used: Amount,
}

/// What was taken by events close together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) first: Tick,
    pub(crate) last: Tick,
    pub(crate) amount: Amount,
}

impl Sliding {
    pub(crate) fn new(span: Span) -> Sliding {
        Sliding {
            span,
            grain: Grain::default(),
            seen: Tick::default(),
            slots: VecDeque::new(),
            used: Amount::ZERO,
        }
    }

    /// What counts now: an event at t counts up to, and not at, t + window.
    pub(crate) fn used(&mut self, now: Tick) -> Amount {
        self.forget(now);
        self.used
    }

    /// Counts `amount` now, whatever the limit; returns the time under which it was counted.
    pub(crate) fn take(&mut self, amount: Amount, grain: Grain, now: Tick) -> Tick {
        self.forget(now);
        self.grain = grain;
        let at = self.slots.back().map_or(self.seen, |newest| self.seen.max(newest.last));
        if amount.is_zero() {
            return at;
        }
        let width = self.span.slot(grain);
        self.used = self.used.plus(amount);
        match self.slots.back_mut() {
            Some(newest) if newest.first.slot(width) == at.slot(width) => newest.add(at, amount),
            Some(_) | None => {
                self.make_room();
                self.slots.push_back(Slot { first: at, last: at, amount });
                self.shrink();
            }
        }
        at
    }

    /// Gives back `amount` that was counted under the time `taken`, unless it no longer counts anyway.
    ///
    /// A time only ever moves later, so the first slot that ends at or after `taken` is the event's own or an
    /// earlier one: what is given back there is freed no earlier than the event itself would have been. Nothing is
    /// forgotten here, because a replay that releases may go on with what happened before now.
    pub(crate) fn give_back(&mut self, taken: Tick, amount: Amount, now: Tick) {
        if self.freed_at(taken) <= self.seen.max(now) {
            return;
        }
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.last >= taken) {
            let given = amount.min(slot.amount);
            slot.amount = slot.amount.minus(given);
            self.used = self.used.minus(given);
        }
        self.slots.retain(|slot| !slot.amount.is_zero());
    }

    /// What will be freed and when, in order of time.
    pub(crate) fn frees(&self) -> impl Iterator<Item = (Tick, Amount)> {
        self.slots.iter().map(|slot| (self.freed_at(slot.last), slot.amount))
    }

    /// Adds the events of another window of the same length.
    pub(crate) fn merge(&mut self, other: &Sliding) {
        self.seen = self.seen.max(other.seen);
        self.grain = if other.slots.is_empty() { self.grain } else { other.grain };
        let mut slots: Vec<Slot> = self.slots.iter().chain(&other.slots).copied().collect();
        slots.sort_by_key(|slot| (slot.last, slot.first));
        let width = self.span.slot(self.grain);
        self.slots = join(slots, |a, b| {
            a.first.slot(width) == b.first.slot(width) && a.last.slot(width) == b.last.slot(width)
        });
        self.used = self.used.plus(other.used);
        self.forget(self.seen);
        self.shrink();
    }

    /// The slots, for a checkpoint.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    /// Adds a slot from a checkpoint. Nothing is forgotten yet: older events may follow.
    pub(crate) fn restore(&mut self, slot: Slot) {
        let place = self.slots.partition_point(|kept| kept.last <= slot.last);
        self.slots.insert(place, slot);
        self.used = self.used.plus(slot.amount);
        self.shrink();
    }

    fn freed_at(&self, last: Tick) -> Tick {
        last.plus(self.span.nanoseconds())
    }

    /// Drops what no longer counts.
    fn forget(&mut self, now: Tick) {
        self.seen = self.seen.max(now);
        while let Some(oldest) = self.slots.front() {
            if self.freed_at(oldest.last) > self.seen {
                return;
            }
            self.used = self.used.minus(oldest.amount);
            self.slots.pop_front();
        }
        // Every sum is exact again once nothing is left.
        self.used = Amount::ZERO;
    }

    /// Grows in steps up to just the slots that can be needed.
    fn make_room(&mut self) {
        if self.slots.len() == self.slots.capacity() {
            let most = (SLOTS + 1).saturating_sub(self.slots.len());
            self.slots.reserve_exact(self.slots.len().max(4).min(most));
        }
    }

    /// Keeps the memory of a counter fixed.
    fn shrink(&mut self) {
        if self.slots.len() <= SLOTS {
            return;
        }
        if self.grain == Grain::Exact && self.used > EXACT_MAX {
            // While the joined oldest slots count, so do all later ones, and those alone exceed any exact limit.
            self.join_oldest();
            return;
        }
        let width = self.span.slot(Grain::Coarse);
        let slots = std::mem::take(&mut self.slots);
        self.slots = join(slots, |a, b| a.last.slot(width) == b.last.slot(width));
        while self.slots.len() > SLOTS {
            self.join_oldest();
        }
    }

    fn join_oldest(&mut self) {
        while self.slots.len() > SLOTS {
            let Some(oldest) = self.slots.pop_front() else { return };
            if let Some(next) = self.slots.front_mut() {
                next.first = next.first.min(oldest.first);
                next.amount = next.amount.plus(oldest.amount);
            }
        }
    }
}

impl Slot {
    fn add(&mut self, at: Tick, amount: Amount) {
        self.last = self.last.max(at);
        self.amount = self.amount.plus(amount);
    }
}

/// Joins neighbours that belong `together`.
fn join(slots: impl IntoIterator<Item = Slot>, together: impl Fn(&Slot, &Slot) -> bool) -> VecDeque<Slot> {
    let mut joined: VecDeque<Slot> = VecDeque::new();
    for slot in slots {
        match joined.back_mut() {
            Some(newest) if together(newest, &slot) => {
                newest.first = newest.first.min(slot.first);
                newest.add(slot.last, slot.amount);
            }
            Some(_) | None => joined.push_back(slot),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn tick(time: u64) -> Tick {
        Tick::default().plus(1_000_000 + time)
    }

    fn window(nanoseconds: u64) -> Sliding {
        Sliding::new(Span::new(Duration::from_nanos(nanoseconds)).unwrap())
    }

    /// What counts at each of the times, if each of the events counts 1 for `length`.
    fn plain(events: &[u64], length: u64, times: &[u64]) -> Vec<Amount> {
        let count = |now: &u64| events.iter().filter(|time| *time <= now && *time + length > *now).count();
        times.iter().map(|now| Amount::whole(count(now).try_into().unwrap())).collect()
    }

    #[test]
    fn a_slot_is_freed_a_window_after_its_last_event() {
        let mut sliding = window(640);
        for time in [0, 4, 9, 10] {
            sliding.take(Amount::ONE, Grain::Coarse, tick(time));
        }
        assert_eq!(sliding.slots.len(), 2);
        assert_eq!(sliding.used(tick(648)), Amount::whole(4));
        assert_eq!(sliding.used(tick(649)), Amount::ONE);
        assert_eq!(sliding.used(tick(650)), Amount::ZERO);
    }

    #[test]
    fn an_earlier_time_counts_as_the_latest_seen() {
        let mut sliding = window(100);
        sliding.used(tick(50));
        assert_eq!(sliding.take(Amount::ONE, Grain::Exact, tick(20)), tick(50));
        assert_eq!(sliding.used(tick(149)), Amount::ONE);
        assert_eq!(sliding.used(tick(150)), Amount::ZERO);
    }

    #[test]
    fn a_release_touches_no_later_event() {
        let mut sliding = window(100);
        let old = sliding.take(Amount::ONE, Grain::Exact, tick(0));
        sliding.take(Amount::whole(5), Grain::Exact, tick(60));
        sliding.give_back(old, Amount::ONE, tick(99));
        assert_eq!(sliding.used(tick(99)), Amount::whole(5));
        sliding.give_back(old, Amount::ONE, tick(100));
        assert_eq!(sliding.used(tick(100)), Amount::whole(5));
    }

    #[test]
    fn memory_is_fixed() {
        for grain in [Grain::Exact, Grain::Coarse] {
            let mut sliding = window(1_000_000);
            for time in 0..100_000 {
                sliding.take(Amount::ONE, grain, tick(time * 37));
                assert!(sliding.slots.len() <= SLOTS && sliding.slots.capacity() <= SLOTS + 1);
            }
        }
    }

    #[test]
    fn above_any_exact_limit_exact_times_stay_exact_where_they_matter() {
        let mut sliding = window(1000);
        let events: Vec<u64> = (0..500).map(|number| number * 2).collect();
        for time in &events {
            sliding.take(Amount::ONE, Grain::Exact, tick(*time));
        }
        for now in 998..2000 {
            let (used, truth) = (sliding.used(tick(now)), plain(&events, 1000, &[now])[0]);
            assert!(used == truth || truth > EXACT_MAX && used > truth, "at {now}");
        }
    }

    proptest! {
        /// Merged windows count like one that saw all: never less, late by less than a part, exact ones exactly.
        #[test]
        fn merged_windows_count_all_of_each(
            length in 1..2000_u64,
            mut all in prop::collection::vec((0..3000_u64, 0..3_usize), 0..300),
            coarse in any::<bool>(),
            times in prop::collection::vec(0..6000_u64, 20),
        ) {
            all.sort_unstable();
            let grain = if coarse { Grain::Coarse } else { Grain::Exact };
            let mut windows = [window(length), window(length), window(length)];
            for (time, place) in &all {
                windows[*place].take(Amount::ONE, grain, tick(*time));
            }
            let mut sum = window(length);
            windows.iter().for_each(|window| sum.merge(window));
            let latest = all.last().map_or(0, |(time, _)| *time);
            let mut times: Vec<u64> = times.into_iter().filter(|time| *time >= latest).collect();
            times.sort_unstable();
            let events: Vec<u64> = all.iter().map(|(time, _)| *time).collect();
            let late = if coarse { length.div_ceil(64) - 1 } else { 0 };
            let least = plain(&events, length, &times);
            let most = plain(&events, length + late, &times);
            for (place, now) in times.iter().enumerate() {
                let used = sum.used(tick(*now));
                prop_assert!(least[place] <= used);
                // What is above any exact limit need not be told apart.
                prop_assert!(used <= most[place] || !coarse && most[place] > EXACT_MAX);
            }
        }
    }
}
