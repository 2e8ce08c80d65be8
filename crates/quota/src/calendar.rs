//! The calendar window: at most so much between two starts of a unit of the calendar. Pure: a state that is asked
//! at a time. The bounds of the present window are kept, so that time zone rules are consulted once per window.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::amount::Amount;
use crate::window::{CalendarUnit, Zone};

/// The end of a window that does not end.
const NEVER: i64 = i64::MAX;

/// What was taken in the present unit of the calendar.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    unit: CalendarUnit,
    zone: Zone,
    bounds: Bounds,
    used: Amount,
}

/// A calendar window: from its start up to, and not including, its end; microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Calendar {
    pub(crate) fn new(unit: CalendarUnit, zone: Zone) -> Calendar {
        let before_all = Bounds { start: i64::MIN, end: i64::MIN };
        Calendar { unit, zone, bounds: before_all, used: Amount::ZERO }
    }

    /// What counts now.
    pub(crate) fn used(&mut self, wall: i64) -> Amount {
        self.turn(wall);
        self.used
    }

    /// Counts `amount` now, whatever the limit; returns the start of the window in which it was counted.
    pub(crate) fn take(&mut self, amount: Amount, wall: i64) -> i64 {
        self.turn(wall);
        self.used = self.used.plus(amount);
        self.bounds.start
    }

    /// Gives back `amount` that was counted in the window with this start, unless that window is over.
    pub(crate) fn give_back(&mut self, start: i64, amount: Amount) {
        if self.bounds.start == start {
            self.used = self.used.minus(amount);
        }
    }

    /// When everything is freed: the end of the present window.
    pub(crate) fn end(&mut self, wall: i64) -> i64 {
        self.turn(wall);
        self.bounds.end
    }

    /// Adds what another counter of the same unit and zone has taken in the window of now.
    pub(crate) fn merge(&mut self, other: &Calendar, wall: i64) {
        let mut other = other.clone();
        other.turn(wall);
        self.turn(wall);
        if other.bounds.start > self.bounds.start {
            self.bounds = other.bounds;
        }
        self.used = self.used.plus(other.used);
    }

    /// The present window and what was taken in it, for a checkpoint.
    pub(crate) fn state(&self) -> (Bounds, Amount) {
        (self.bounds, self.used)
    }

    /// Adds what a checkpoint knows of a window, unless that is over.
    ///
    /// The clock is turned no further than to that window: what the journal shows since then may lie in it.
    pub(crate) fn restore(&mut self, bounds: Bounds, used: Amount, wall: i64) {
        if wall < bounds.end {
            self.bounds = if bounds.start > self.bounds.start { bounds } else { self.bounds };
            self.used = self.used.plus(used);
        }
    }

    /// Turns to the window of now.
    ///
    /// A wall clock that steps back never makes the counter fresh: the later window stays, and after a step of
    /// more than a window's length (the clock had been far ahead) its usage moves to the window of now.
    fn turn(&mut self, wall: i64) {
        let Bounds { start, end } = self.bounds;
        if wall >= end && end != NEVER {
            self.bounds = bounds(self.unit, self.zone.rules(), wall);
            self.used = Amount::ZERO;
        } else if wall < start && start.saturating_sub(wall) > end.saturating_sub(start) {
            self.bounds = bounds(self.unit, self.zone.rules(), wall);
        }
    }
}

/// The window in which the moment `wall` lies.
fn bounds(unit: CalendarUnit, rules: &TimeZone, wall: i64) -> Bounds {
    let known = match unit {
        CalendarUnit::Second => within_day(1, rules, wall),
        CalendarUnit::Minute => within_day(60, rules, wall),
        CalendarUnit::Hour => within_day(3600, rules, wall),
        CalendarUnit::Day => from_midnight(unit, rules, wall),
        CalendarUnit::Week => from_midnight(unit, rules, wall),
        CalendarUnit::Month => from_midnight(unit, rules, wall),
    };
    // Beyond the calendar (the year 9999) there is no next window in which anything could be freed.
    known.unwrap_or(Bounds { start: i64::MIN, end: NEVER })
}

/// A window of so many seconds, counted from full hours of the local clock.
fn within_day(seconds: i64, rules: &TimeZone, wall: i64) -> Option<Bounds> {
    let now = Timestamp::from_microsecond(wall).ok()?;
    let length = seconds * 1_000_000;
    let offset = i64::from(rules.to_offset(now).seconds()) * 1_000_000;
    let start = (wall + offset).div_euclid(length) * length - offset;
    Some(Bounds { start, end: start + length })
}

/// A window that starts with a local day.
fn from_midnight(unit: CalendarUnit, rules: &TimeZone, wall: i64) -> Option<Bounds> {
    let now = Timestamp::from_microsecond(wall).ok()?;
    let mut first = first_day(unit, rules.to_datetime(now).date())?;
    let mut start = midnight(first, rules)?;
    loop {
        first = next_first_day(unit, first)?;
        let end = midnight(first, rules)?;
        // Where the clock is set back over midnight, the next day has begun although the date is still the old one.
        if wall < end {
            return Some(Bounds { start, end });
        }
        start = end;
    }
}

fn first_day(unit: CalendarUnit, date: Date) -> Option<Date> {
    match unit {
        CalendarUnit::Week => {
            let since_monday = date.weekday().to_monday_zero_offset();
            date.checked_sub(i64::from(since_monday).days()).ok()
        }
        CalendarUnit::Month => Some(date.first_of_month()),
        CalendarUnit::Second | CalendarUnit::Minute | CalendarUnit::Hour | CalendarUnit::Day => Some(date),
    }
}

fn next_first_day(unit: CalendarUnit, first: Date) -> Option<Date> {
    let step = match unit {
        CalendarUnit::Week => 1.week(),
        CalendarUnit::Month => 1.month(),
        CalendarUnit::Second | CalendarUnit::Minute | CalendarUnit::Hour | CalendarUnit::Day => 1.day(),
    };
    first.checked_add(step).ok()
}

/// The first moment of a local day.
fn midnight(date: Date, rules: &TimeZone) -> Option<i64> {
    let zoned = date.to_zoned(rules.clone()).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests;
