//! Crashes at random points: what a checkpoint and the journal's tail bring back is never less than the truth.

use std::time::Duration;

use toolgate_quota::{
    Amount, CalendarUnit, Counters, Demand, LimitSpec, Mode, Now, Reservation, RestoreError, SessionRef,
    Window, Zone,
};

use crate::plain::Chance;
use crate::{SECOND, at, one, scaled, sliding};

const RUNS: u32 = 10_000;
const MINUTE: u64 = 60 * SECOND;

#[test]
fn a_checkpoint_brings_back_what_counts_and_leaves_what_does_not() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 3);
    let day = Window::Calendar { unit: CalendarUnit::Day, zone: Zone::named("Asia/Tokyo").unwrap() };
    let day = LimitSpec::new(day, "2.5".parse().unwrap(), false);
    let slots = LimitSpec::new(Window::Concurrent, Amount::ONE, true);
    let half = Demand { amount: "0.5".parse().unwrap(), ..one("day", &day) };
    let demands = [one("calls", &spec), half, one("slots", &slots)];
    let _in_flight = counters.reserve(&demands, at(0)).unwrap();
    counters.reserve(&demands[..2], at(30 * SECOND)).unwrap().commit();
    let bytes = counters.checkpoint(at(40 * SECOND));

    // The next process: its monotonic clock starts anew, 10 seconds later.
    let now = |seconds: u64| Now { mono: 77 + (seconds - 50) * SECOND, ..at(seconds * SECOND) };
    let restored = Counters::new();
    restored.restore(&bytes, now(50)).unwrap();
    let left = |seconds| {
        let remaining = restored.remaining(&demands, now(seconds)).into_iter();
        remaining.map(|remaining| remaining.left.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(left(50), ["1", "1.5", "1"]);
    assert_eq!(left(61), ["2", "1.5", "1"]);
    assert_eq!(left(91), ["3", "1.5", "1"]);
    assert_eq!(left(15 * 3600), ["3", "2.5", "1"]);
}

#[test]
fn times_later_than_now_count_as_now() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 1);
    counters.reserve(&[one("calls", &spec)], at(1000 * SECOND)).unwrap().commit();
    let bytes = counters.checkpoint(at(1000 * SECOND));
    let restored = Counters::new();
    restored.restore(&bytes, at(500 * SECOND)).unwrap();
    restored.replay(&[one("tail", &spec)], 1_000_000_000, at(500 * SECOND)).commit();
    for key in ["calls", "tail"] {
        let refusal = restored.reserve(&[one(key, &spec)], at(500 * SECOND)).unwrap_err();
        assert_eq!(refusal.retry_after(), Some(Duration::from_secs(60)), "{key}");
    }
    let minute = Window::Calendar { unit: CalendarUnit::Minute, zone: Zone::utc() };
    let minute = LimitSpec::new(minute, Amount::ONE, true);
    restored.replay(&[one("minute", &minute)], 550_000_000, at(500 * SECOND)).commit();
    let refusal = restored.reserve(&[one("minute", &minute)], at(500 * SECOND)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(40)));
}

#[test]
fn a_replayed_reservation_can_be_released() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 1);
    let slots = LimitSpec::new(Window::Concurrent, Amount::ONE, true);
    let demands = [one("calls", &spec), one("slots", &slots)];
    let first = counters.replay(&demands, 1_000_000, at(10 * SECOND));
    let second = counters.replay(&demands, 2_000_000, at(10 * SECOND));
    first.release(at(10 * SECOND));
    second.commit();
    let refusal = counters.reserve(&demands, at(10 * SECOND)).unwrap_err();
    assert_eq!(refusal.limits.len(), 1, "nothing is in flight");
    assert_eq!(refusal.retry_after(), Some(Duration::from_nanos(52 * SECOND + 1000)));
}

#[test]
fn sessions_have_ended_at_a_restart() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 3);
    let of = |session| {
        let session = Some(SessionRef { group: "grant@server", session });
        [Demand { session, ..one("calls", &spec) }]
    };
    let _open = counters.reserve(&of("a"), at(0)).unwrap();
    counters.reserve(&of("b"), at(0)).unwrap().commit();
    let bytes = counters.checkpoint(at(SECOND));
    let restored = Counters::new();
    restored.restore(&bytes, at(2 * SECOND)).unwrap();
    restored.replay(&of("a"), 1_500_000, at(2 * SECOND)).commit();
    assert_eq!(restored.remaining(&of("a"), at(2 * SECOND))[0].left, Amount::ZERO);
    assert!(restored.reserve(&of("c"), at(2 * SECOND)).is_err());
}

#[test]
fn what_is_not_a_checkpoint_is_refused_whole() {
    let counters = Counters::new();
    let restore = |text: &str| counters.restore(text.as_bytes(), at(0)).unwrap_err();
    for text in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":1,"counters":[],"more":1}"#] {
        assert!(matches!(restore(text), RestoreError::Unreadable(_)), "{text}");
    }
    assert!(matches!(restore(r#"{"version":2,"lists":[]}"#), RestoreError::UnknownVersion(2)));
    let empty = r#"{"version":1,"counters":[{"key":"a","mode":"enforce","usage":{"sliding":{"span":0,"slots":[]}}}]}"#;
    assert!(matches!(restore(empty), RestoreError::Window(_)));
    let good = Counters::new();
    good.reserve(&[one("calls", &sliding(Duration::from_secs(60), 3))], at(0)).unwrap().commit();
    let bytes = good.checkpoint(at(0));
    for length in 0..bytes.len() {
        assert!(counters.restore(&bytes[..length], at(0)).is_err());
    }
    assert!(counters.occupancy(at(0)).is_empty());
}

#[test]
fn random_crashes_never_lower_the_usage() {
    for seed in 0..scaled(RUNS) {
        Life::new(seed).run();
    }
}

/// A counter through several processes, and all that really happened.
struct Life {
    seed: u32,
    chance: Chance,
    spec: LimitSpec,
    session: bool,
    max: u64,
    /// True time, in nanoseconds. The wall clock shows it in microseconds.
    now: u64,
    /// The true time at which the monotonic clock of this process was zero.
    started: u64,
    counters: Counters,
    /// The journal: true time, amount, and whether the journal shows its release.
    journal: Vec<(u64, u64, bool)>,
    open: Vec<(Reservation, usize)>,
    checkpoint: Option<(usize, Vec<u8>)>,
    /// Released, but reserved before a checkpoint: a replay may not give it back.
    kept: Vec<usize>,
}

impl Life {
    fn new(seed: u32) -> Life {
        let chance = Chance::new(u64::from(seed) + 77_777);
        let calendar = Window::Calendar { unit: CalendarUnit::Minute, zone: Zone::utc() };
        let (spec, max) = match chance.below(3) {
            0 => (sliding(Duration::from_secs(60), 6), 6),
            1 => (
                LimitSpec::new(
                    sliding(Duration::from_secs(60), 0).window().clone(),
                    Amount::whole(200),
                    false,
                ),
                200,
            ),
            _ => (LimitSpec::new(calendar, Amount::whole(30), false), 30),
        };
        let now = 1_000_000 * SECOND + chance.below(MINUTE);
        Life {
            seed,
            session: chance.below(2) == 0,
            chance,
            spec,
            max,
            now,
            started: now - 500,
            counters: Counters::new(),
            journal: Vec::new(),
            open: Vec::new(),
            checkpoint: None,
            kept: Vec::new(),
        }
    }

    fn run(&mut self) {
        for _ in 0..120 {
            self.now += match self.chance.below(8) {
                0 => self.chance.below(20 * SECOND),
                1..=3 => self.chance.below(SECOND),
                _ => self.chance.below(3),
            };
            match self.chance.below(20) {
                0 => self.checkpoint = Some((self.journal.len(), self.counters.checkpoint(self.now()))),
                1 if self.chance.below(2) == 0 => self.crash(),
                2 => self.settle(),
                3 => self.counters.sweep(self.now()),
                _ => self.call(),
            }
        }
    }

    fn now(&self) -> Now {
        Now { mono: self.now - self.started, ..at(self.now) }
    }

    fn demand(&self, amount: u64) -> Demand<'_> {
        let session = self.session.then_some(SessionRef { group: "grant@server", session: "only" });
        let amount = Amount::whole(amount.try_into().unwrap());
        Demand { key: "calls", session, spec: &self.spec, amount, mode: Mode::Enforce }
    }

    fn call(&mut self) {
        let amount = if self.max == 6 { 1 } else { 1 + self.chance.below(8) };
        let truth = self.truth(0, false);
        match self.counters.reserve(&[self.demand(amount)], self.now()) {
            Ok(reservation) => {
                assert!(truth + amount <= self.max, "life {}: {truth} and {amount} more", self.seed);
                self.journal.push((self.now, amount, false));
                self.open.push((reservation, self.journal.len() - 1));
            }
            Err(_) => {
                // A part of the window late, and a microsecond for each time a clock was read.
                let late = if self.max == 200 { MINUTE / 64 } else { 0 } + 10_000;
                assert!(self.truth(late, true) + amount > self.max, "life {}: refused early", self.seed);
            }
        }
    }

    fn settle(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let place = self.chance.place(self.open.len());
        let (reservation, event) = self.open.remove(place);
        if self.chance.below(2) == 0 {
            reservation.release(self.now());
            self.journal[event].2 = true;
            // Once its time is over, it counts as long as the slot that it shares.
            if self.journal[event].0 + MINUTE <= self.now {
                self.kept.push(event);
            }
        }
    }

    fn crash(&mut self) {
        self.open.drain(..).for_each(|(reservation, _)| reservation.commit());
        self.now += self.chance.below(3) * self.chance.below(10 * SECOND);
        self.started = self.now - self.chance.below(5);
        self.counters = Counters::new();
        let now = self.now();
        let from = self.checkpoint.as_ref().map_or(0, |(from, bytes)| {
            self.counters.restore(bytes, now).unwrap();
            *from
        });
        let released = (0..from).filter(|event| self.journal[*event].2);
        self.kept.extend(released);
        for (time, amount, released) in self.journal.iter().skip(from) {
            let wall = i64::try_from(time / 1000).unwrap();
            let replayed = self.counters.replay(&[self.demand(*amount)], wall, now);
            if *released { replayed.release(now) } else { replayed.commit() }
        }
    }

    /// What counts by the plain rule; `with_kept` also what was released and may have come back with a checkpoint.
    fn truth(&self, late: u64, with_kept: bool) -> u64 {
        let counts = |time: u64| match self.spec.window() {
            Window::Sliding(_) => time + MINUTE + late > self.now,
            Window::Calendar { .. } => time / MINUTE == self.now / MINUTE,
            Window::Concurrent => false,
        };
        let events = self.journal.iter().enumerate().filter(|(_, (time, ..))| counts(*time));
        let valid =
            events.filter(|(event, (.., released))| !released || with_kept && self.kept.contains(event));
        valid.map(|(_, (_, amount, _))| amount).sum()
    }
}
