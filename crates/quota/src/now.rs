//! The moment at which a question is asked, on two clocks.

/// How far inside the number range the monotonic clock's zero lies, so that what happened before it has a tick too.
/// In nanoseconds: 146 years.
const ORIGIN: u64 = 1 << 62;

/// A moment, read by the caller from both of its clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Nanoseconds on a monotonic clock, since any moment that stays the same while the process runs.
    pub mono: u64,
    /// Microseconds since the Unix epoch on the wall clock, which may step.
    pub wall: i64,
}

/// A moment as the counters keep it: now, or one of the past that is counted late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) tick: Tick,
    pub(crate) wall: i64,
}

/// A moment on the monotonic line, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u64);

impl From<Now> for Moment {
    fn from(now: Now) -> Moment {
        Moment { tick: Tick(ORIGIN.saturating_add(now.mono)), wall: now.wall }
    }
}

impl Moment {
    /// The moment at which the wall clock read `wall`, seen from `self`; later than now counts as now.
    ///
    /// What happened in that microsecond happened at the latest at its end, so that is its tick.
    pub(crate) fn past(self, wall: i64) -> Moment {
        let age = self.wall.saturating_sub(wall).saturating_sub(1);
        let nanoseconds = u64::try_from(age).unwrap_or(0).saturating_mul(1000);
        Moment { tick: Tick(self.tick.0.saturating_sub(nanoseconds)), wall: wall.min(self.wall) }
    }

    /// What the wall clock read at `tick`, or up to a microsecond later, never earlier. A tick may be later than
    /// this moment: other threads go on counting while one looks.
    pub(crate) fn wall_at(self, tick: Tick) -> i64 {
        let (age, ahead) = (self.tick.since(tick) / 1000, tick.since(self.tick).div_ceil(1000));
        let micros = |nanoseconds| i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        self.wall.saturating_sub(micros(age)).saturating_add(micros(ahead))
    }
}

impl Tick {
    /// The tick so many nanoseconds later.
    pub(crate) fn plus(self, nanoseconds: u64) -> Tick {
        Tick(self.0.saturating_add(nanoseconds))
    }

    /// The tick so many nanoseconds earlier.
    pub(crate) fn minus(self, nanoseconds: u64) -> Tick {
        Tick(self.0.saturating_sub(nanoseconds))
    }

    /// Nanoseconds from `earlier` to this one; zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The number of the slot, `width` nanoseconds long, in which this tick lies.
    pub(crate) fn slot(self, width: u64) -> u64 {
        self.0 / width.max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What both clocks show at a true time in nanoseconds, in a process that started at `started`.
    fn seen(time: u64, started: u64) -> Moment {
        Moment::from(Now { mono: time - started, wall: i64::try_from(time / 1000).unwrap() })
    }

    proptest! {
        /// Through the wall clock to the next process, an event is never seen earlier than it was, nor much later.
        #[test]
        fn an_event_keeps_its_age_over_a_restart(
            event in 1_000_000..2_000_000_u64, look in 1_000_000..2_000_000_u64, start in 2_000_000..3_000_000_u64,
        ) {
            let tick = seen(event, 500_000).tick;
            let wall = seen(look, 500_000).wall_at(tick);
            let next = seen(start + 10_000, start);
            let (found, truth) = (next.past(wall).tick, next.tick.minus(start + 10_000 - event));
            prop_assert!(truth <= found && found <= truth.plus(3000), "{}", found.since(truth));
        }

        #[test]
        fn what_is_later_than_now_counts_as_now(wall in 1_000..i64::MAX) {
            let now = seen(1_000_000, 0);
            prop_assert_eq!(now.past(wall).tick, now.tick);
            prop_assert_eq!(now.past(wall).wall, now.wall);
        }
    }
}
