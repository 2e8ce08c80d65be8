//! How events lie in time. Their order is that of the journal, and the clock may have been set back in
//! between, so a range of time is turned into ranges of events by stretches in which the clock went
//! forward, and by marks within them. Pure; `search::range` asks the database with it.

/// Within a stretch a time may be this much (microseconds) before the highest one so far: records are
/// stamped by many threads before they are put in order.
pub(crate) const SLACK: i64 = 2_000_000;
/// A mark is set at the latest after this many records.
const MARK_RECORDS: u64 = 8192;
/// A mark is set at the latest after this time, in microseconds.
const MARK_MICROS: i64 = 60_000_000;

/// Events from `id` up to the next stretch: each is at `high` as it was then minus [`SLACK`], or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Its first event.
    pub(crate) id: u64,
    /// Time of its first event.
    pub(crate) first_ts: i64,
    /// Highest time in it.
    pub(crate) high: i64,
}

/// The highest time in a stretch up to and with the event `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: u64,
    pub(crate) stretch: u64,
    pub(crate) high: i64,
}

/// Follows events in the journal's order.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    current: Option<Stretch>,
    /// The last mark, or where the stretch began.
    marked: (u64, i64),
    /// Stretches that began or grew since they were stored last, by their first event.
    pub(crate) changed: Vec<Stretch>,
    /// Marks that are not stored yet.
    pub(crate) fresh: Vec<Mark>,
}

impl Timeline {
    /// Goes on from what is stored: the last stretch, and the last mark if it has one.
    pub(crate) fn resume(stretch: Option<Stretch>, mark: Option<Mark>) -> Timeline {
        let begun = stretch.map_or((0, 0), |stretch| (stretch.id, stretch.first_ts));
        let own = mark.filter(|mark| stretch.is_some_and(|stretch| stretch.id == mark.stretch));
        Timeline {
            current: stretch,
            marked: own.map_or(begun, |mark| (mark.id, mark.high)),
            changed: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// Takes in the next event.
    pub(crate) fn note(&mut self, id: u64, ts: i64) {
        match &mut self.current {
            Some(stretch) if ts >= stretch.high.saturating_sub(SLACK) => {
                stretch.high = stretch.high.max(ts);
            }
            current => {
                self.changed.extend(*current);
                *current = Some(Stretch { id, first_ts: ts, high: ts });
                self.marked = (id, ts);
            }
        }
        let Some(Stretch { id: stretch, high, .. }) = self.current else { return };
        let (marked_id, marked_high) = self.marked;
        let due = id - marked_id.min(id) >= MARK_RECORDS || high.saturating_sub(marked_high) >= MARK_MICROS;
        if due {
            self.marked = (id, high);
            self.fresh.push(Mark { id, stretch, high });
        }
    }

    /// The stretches to store, and the marks; nothing waits afterwards.
    pub(crate) fn take(&mut self) -> (Vec<Stretch>, Vec<Mark>) {
        let mut changed = std::mem::take(&mut self.changed);
        changed.extend(self.current);
        (changed, std::mem::take(&mut self.fresh))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_clock_set_back_begins_a_stretch_and_a_late_thread_does_not() {
        let mut line = Timeline::default();
        for (id, seconds) in [(1, 100), (2, 99), (3, 101), (5, 50), (6, 51)] {
            line.note(id, seconds * SECOND);
        }
        let (stretches, marks) = line.take();
        let first = Stretch { id: 1, first_ts: 100 * SECOND, high: 101 * SECOND };
        let second = Stretch { id: 5, first_ts: 50 * SECOND, high: 51 * SECOND };
        assert_eq!((stretches, marks), (vec![first, second], vec![]));
    }

    #[test]
    fn extreme_times_do_no_harm() {
        let mut line = Timeline::default();
        for (id, ts) in [(1, i64::MAX), (2, i64::MIN), (3, 0), (4, i64::MAX)] {
            line.note(id, ts);
        }
        assert_eq!(line.take().0.len(), 2);
    }

    proptest! {
        /// Marks bound where an event of some time can be.
        #[test]
        fn marks_hold(steps in proptest::collection::vec((1u64..20_000, -30i64..90), 1..200)) {
            let (mut id, mut ts, mut line, mut events) = (0, 1_000 * SECOND, Timeline::default(), Vec::new());
            let (mut stretches, mut marks) = (Vec::new(), Vec::new());
            for (position, (gap, seconds)) in steps.into_iter().enumerate() {
                id += gap;
                ts += seconds * SECOND;
                line.note(id, ts);
                events.push((id, ts));
                if position % 7 == 0 {
                    let (some, more) = line.take();
                    stretches.extend(some);
                    marks.extend(more);
                    let last = stretches.last().copied();
                    line = Timeline::resume(last, marks.last().copied());
                }
            }
            let (some, more) = line.take();
            stretches.extend(some);
            marks.extend(more);
            for mark in &marks {
                let end = stretches.iter().map(|s| s.id).filter(|start| *start > mark.stretch).min().unwrap_or(u64::MAX);
                for (id, ts) in events.iter().filter(|(id, _)| *id >= mark.stretch && *id < end) {
                    if *id <= mark.id { prop_assert!(*ts <= mark.high) }
                    else { prop_assert!(*ts >= mark.high - SLACK) }
                }
            }
        }
    }
}
