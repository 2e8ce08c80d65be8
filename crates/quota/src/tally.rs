//! What has been taken under one limit, whichever its window; and when waiting helps.

use std::time::Duration;

use crate::amount::Amount;
use crate::calendar::Calendar;
use crate::in_flight::InFlight;
use crate::now::{Moment, Tick};
use crate::sliding::Sliding;
use crate::window::{Grain, Window};

/// What counts against a limit.
#[derive(Clone, Debug)]
pub(crate) enum Tally {
    Sliding(Sliding),
    Calendar(Calendar),
    InFlight(InFlight),
}

/// Under what an amount was counted, so that it can be given back there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    /// In a sliding window, at this time.
    At(Tick),
    /// In the calendar window with this start.
    In(i64),
    /// Until it is settled.
    Held,
}

/// How a call has ended for the counters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Settlement {
    /// It counts.
    Commit,
    /// It never was; the moment is now.
    Release(Moment),
}

impl Tally {
    pub(crate) fn new(window: &Window) -> Tally {
        match window {
            Window::Sliding(span) => Tally::Sliding(Sliding::new(*span)),
            Window::Calendar { unit, zone } => Tally::Calendar(Calendar::new(*unit, zone.clone())),
            Window::Concurrent => Tally::InFlight(InFlight::default()),
        }
    }

    /// What counts now.
    pub(crate) fn used(&mut self, now: Moment) -> Amount {
        match self {
            Tally::Sliding(sliding) => sliding.used(now.tick),
            Tally::Calendar(calendar) => calendar.used(now.wall),
            Tally::InFlight(in_flight) => in_flight.used(),
        }
    }

    /// Counts `amount`, whatever the limit.
    pub(crate) fn take(&mut self, amount: Amount, grain: Grain, now: Moment) -> Taken {
        match self {
            Tally::Sliding(sliding) => Taken::At(sliding.take(amount, grain, now.tick)),
            Tally::Calendar(calendar) => Taken::In(calendar.take(amount, now.wall)),
            Tally::InFlight(in_flight) => {
                in_flight.take(amount);
                Taken::Held
            }
        }
    }

    /// Ends what was `taken`. A window keeps what is committed; a slot in flight is freed either way.
    pub(crate) fn settle(&mut self, taken: Taken, amount: Amount, settlement: Settlement) {
        match (self, taken, settlement) {
            (Tally::InFlight(in_flight), Taken::Held, _) => in_flight.give_back(amount),
            (Tally::Sliding(sliding), Taken::At(tick), Settlement::Release(now)) => {
                sliding.give_back(tick, amount, now.tick);
            }
            (Tally::Calendar(calendar), Taken::In(start), Settlement::Release(_)) => {
                calendar.give_back(start, amount);
            }
            // Committed; or taken under another kind of window, which a counter's identity rules out.
            (Tally::Sliding(_) | Tally::Calendar(_) | Tally::InFlight(_), _, _) => {}
        }
    }

    /// Adds what counts in another tally of the same window.
    pub(crate) fn merge(&mut self, other: &Tally, now: Moment) {
        match (self, other) {
            (Tally::Sliding(sliding), Tally::Sliding(other)) => sliding.merge(other),
            (Tally::Calendar(calendar), Tally::Calendar(other)) => calendar.merge(other, now.wall),
            (Tally::InFlight(in_flight), Tally::InFlight(other)) => in_flight.take(other.used()),
            // Of another kind of window, which a counter's identity rules out.
            (Tally::Sliding(_) | Tally::Calendar(_) | Tally::InFlight(_), _) => {}
        }
    }

    /// Adds to `frees` what will be freed by waiting, with the wait from now.
    pub(crate) fn list_frees(&mut self, now: Moment, frees: &mut Vec<(Duration, Amount)>) {
        match self {
            Tally::Sliding(sliding) => {
                let waits = sliding.frees();
                frees.extend(waits.map(|(at, amount)| (Duration::from_nanos(at.since(now.tick)), amount)));
            }
            Tally::Calendar(calendar) => {
                let wait = u64::try_from(calendar.end(now.wall).saturating_sub(now.wall)).unwrap_or(0);
                frees.push((Duration::from_micros(wait), calendar.used(now.wall)));
            }
            Tally::InFlight(_) => {}
        }
    }
}

/// After what wait `excess` will have been freed; `None` if waiting does not free so much.
pub(crate) fn wait_for(excess: Amount, mut frees: Vec<(Duration, Amount)>) -> Option<Duration> {
    frees.sort_unstable();
    let mut freed = Amount::ZERO;
    for (wait, amount) in frees {
        freed = freed.plus(amount);
        if freed >= excess {
            return Some(wait);
        }
    }
    None
}
