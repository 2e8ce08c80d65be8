//! Counters by session: what a new session inherits, by examples and against a plain reference.

use std::collections::HashMap;
use std::time::Duration;

use toolgate_quota::{
    Amount, CalendarUnit, Counters, Demand, LimitSpec, Mode, Reservation, SessionRef, Window, Zone,
};

use crate::plain::Chance;
use crate::{SECOND, at, scaled, sliding};

const RUNS: u32 = 10_000;

fn of<'a>(session: &'a str, spec: &'a LimitSpec) -> [Demand<'a>; 1] {
    let session = Some(SessionRef { group: "grant@server", session });
    [Demand { key: "calls", session, spec, amount: Amount::ONE, mode: Mode::Enforce }]
}

fn named(session: &str) -> SessionRef<'_> {
    SessionRef { group: "grant@server", session }
}

/// Calls until refused.
fn use_up(counters: &Counters, session: &str, spec: &LimitSpec, now: u64) -> usize {
    let calls = std::iter::from_fn(|| counters.reserve(&of(session, spec), at(now)).ok());
    calls.map(Reservation::commit).count()
}

#[test]
fn sessions_opened_after_used_up_ones_have_ended_start_full() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 10);
    for session in ["a", "b"] {
        counters.open_session(named(session), at(0));
    }
    assert_eq!((use_up(&counters, "a", &spec, 1), use_up(&counters, "b", &spec, 2)), (10, 10));
    counters.open_session(named("early"), at(3));
    for session in ["a", "b"] {
        counters.end_session(named(session), at(4));
    }
    for session in ["c", "d", "e"] {
        counters.open_session(named(session), at(5 * SECOND));
        assert_eq!(use_up(&counters, session, &spec, 6 * SECOND), 0);
    }
    assert_eq!(use_up(&counters, "early", &spec, 6 * SECOND), 10, "it was open before they ended");
    assert_eq!(use_up(&counters, "c", &spec, 60 * SECOND + 1), 0, "b's calls still count");
    assert_eq!(use_up(&counters, "c", &spec, 60 * SECOND + 2), 10);
}

#[test]
fn an_inherited_event_counts_once_through_generations() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 10);
    for generation in 0..4 {
        let session = generation.to_string();
        counters.open_session(named(&session), at(generation));
        counters.reserve(&of(&session, &spec), at(generation)).unwrap().commit();
        counters.end_session(named(&session), at(generation));
    }
    assert_eq!(use_up(&counters, "last", &spec, 10), 6);
}

#[test]
fn sessions_of_another_group_share_nothing() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 1);
    assert_eq!(use_up(&counters, "a", &spec, 0), 1);
    counters.end_session(named("a"), at(1));
    let other = Some(SessionRef { group: "another", session: "a" });
    assert!(counters.reserve(&[Demand { session: other, ..of("a", &spec)[0] }], at(2)).is_ok());
    assert!(counters.reserve(&of("a", &spec), at(2)).is_err());
}

#[test]
fn a_session_that_nobody_opened_inherits() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 3);
    assert_eq!(use_up(&counters, "a", &spec, 0), 3);
    counters.end_session(named("a"), at(1));
    assert_eq!(counters.remaining(&of("b", &spec), at(2))[0].left, Amount::ZERO);
    assert_eq!(use_up(&counters, "b", &spec, 2), 0);
}

#[test]
fn an_ended_session_is_inherited_also_if_its_calls_settle_later() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 2);
    let in_flight = counters.reserve(&of("a", &spec), at(0)).unwrap();
    counters.reserve(&of("a", &spec), at(0)).unwrap().commit();
    counters.end_session(named("a"), at(1));
    for session in ["b", "c"] {
        counters.open_session(named(session), at(2));
    }
    counters.sweep(at(3));
    assert_eq!(use_up(&counters, "b", &spec, 4), 0);
    in_flight.release(at(5));
    counters.sweep(at(6));
    assert_eq!(use_up(&counters, "b", &spec, 7), 1);
    assert_eq!(use_up(&counters, "c", &spec, 7), 1);
}

#[test]
fn groups_are_dropped_once_empty() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), 3);
    use_up(&counters, "a", &spec, 0);
    counters.sweep(at(SECOND));
    assert_eq!(counters.occupancy(at(SECOND)).len(), 1);
    counters.end_session(named("a"), at(SECOND));
    counters.sweep(at(59 * SECOND));
    assert_eq!(use_up(&counters, "b", &spec, 59 * SECOND), 0);
    counters.end_session(named("b"), at(59 * SECOND));
    counters.sweep(at(60 * SECOND));
    counters.open_session(named("c"), at(60 * SECOND));
    assert!(counters.occupancy(at(60 * SECOND)).is_empty());
    assert_eq!(use_up(&counters, "c", &spec, 60 * SECOND), 3);
}

#[test]
fn random_sessions_agree_with_the_plain_reference() {
    for seed in 0..scaled(RUNS) {
        Run::new(seed).run();
    }
}

/// Random sessions of one group on one counter, and all that they did.
struct Run {
    seed: u32,
    chance: Chance,
    counters: Counters,
    spec: LimitSpec,
    max: u64,
    largest: u64,
    now: u64,
    order: u64,
    /// By name, when it opened.
    live: Vec<(String, u64)>,
    /// By when it opened, when it ended.
    ended: HashMap<u64, u64>,
    events: Vec<Event>,
    open: Vec<(Reservation, usize)>,
}

struct Event {
    time: u64,
    /// When its session opened.
    by: u64,
    amount: u64,
    in_flight: bool,
}

impl Run {
    fn new(seed: u32) -> Run {
        let chance = Chance::new(u64::from(seed) + 1_000_000_007);
        let minute = Duration::from_secs(60);
        let calendar = Window::Calendar { unit: CalendarUnit::Minute, zone: Zone::utc() };
        let (spec, max, largest) = match chance.below(4) {
            0 => (sliding(minute, 5), 5, 1),
            1 => (LimitSpec::new(sliding(minute, 0).window().clone(), Amount::whole(40), false), 40, 9),
            2 => (LimitSpec::new(calendar, Amount::whole(20), false), 20, 5),
            _ => (LimitSpec::new(Window::Concurrent, Amount::whole(3), true), 3, 1),
        };
        Run {
            seed,
            chance,
            counters: Counters::new(),
            spec,
            max,
            largest,
            now: 0,
            order: 0,
            live: Vec::new(),
            ended: HashMap::new(),
            events: Vec::new(),
            open: Vec::new(),
        }
    }

    fn run(&mut self) {
        for _ in 0..80 {
            match self.chance.below(12) {
                0 => self.now += self.chance.below(70 * SECOND),
                1 => self.now += self.chance.below(3 * SECOND),
                2 => self.now += self.chance.below(SECOND / 10),
                3 => self.seek_edge(),
                4 if self.live.len() < 5 => self.open(),
                5 if !self.live.is_empty() => self.end(),
                6 => self.settle(),
                7 => self.counters.sweep(at(self.now)),
                _ if !self.live.is_empty() => self.call(),
                _ => {}
            }
        }
    }

    /// Goes to the moment at which some event is freed, or just before.
    fn seek_edge(&mut self) {
        if !self.events.is_empty() {
            let place = self.chance.place(self.events.len());
            let freed = self.events[place].time + 60 * SECOND;
            self.now = self.now.max(freed - self.chance.below(2));
        }
    }

    fn open(&mut self) {
        self.order += 1;
        let name = format!("session {}", self.order);
        self.counters.open_session(named(&name), at(self.now));
        self.live.push((name, self.order));
    }

    fn end(&mut self) {
        self.order += 1;
        let place = self.chance.place(self.live.len());
        let (name, opened) = self.live.remove(place);
        self.counters.end_session(named(&name), at(self.now));
        self.ended.insert(opened, self.order);
    }

    fn call(&mut self) {
        let place = self.chance.place(self.live.len());
        let (name, opened) = self.live.get(place).unwrap().clone();
        let amount = 1 + self.chance.below(self.largest);
        let mut demand = of(&name, &self.spec);
        demand[0].amount = Amount::whole(amount.try_into().unwrap());
        let late = if self.max == 40 { 60 * SECOND / 64 } else { 0 };
        match self.counters.reserve(&demand, at(self.now)) {
            Ok(reservation) => {
                assert!(self.used(opened, self.now, 0) + amount <= self.max, "run {}: above", self.seed);
                self.events.push(Event { time: self.now, by: opened, amount, in_flight: true });
                self.open.push((reservation, self.events.len() - 1));
            }
            Err(refusal) => {
                assert!(self.used(opened, self.now, late) + amount > self.max, "run {}: refused", self.seed);
                let Some(wait) = refusal.retry_after() else {
                    return assert_eq!(*self.spec.window(), Window::Concurrent, "run {}", self.seed);
                };
                let free = self.now + u64::try_from(wait.as_nanos()).unwrap();
                assert!(self.used(opened, free, 0) + amount <= self.max, "run {}: early", self.seed);
                // The wall clock, by which calendar windows go, shows microseconds.
                let before = if matches!(self.spec.window(), Window::Calendar { .. }) { 1000 } else { 1 };
                assert!(
                    self.used(opened, free - before, late) + amount > self.max,
                    "run {}: late",
                    self.seed
                );
            }
        }
    }

    fn settle(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let place = self.chance.place(self.open.len());
        let (reservation, event) = self.open.remove(place);
        let event = self.events.get_mut(event).unwrap();
        event.in_flight = false;
        match self.chance.below(3) {
            0 => reservation.commit(),
            1 => drop(reservation),
            _ => {
                reservation.release(at(self.now));
                // Once its time is over, it counts as long as the slot that it shares.
                if event.time + 60 * SECOND > self.now {
                    event.amount = 0;
                }
            }
        }
    }

    /// What counts at `now` against the session that opened at `opened`.
    fn used(&self, opened: u64, now: u64, late: u64) -> u64 {
        let is_mine = |by| by == opened || self.ended.get(&by).is_some_and(|ended| *ended < opened);
        let counts = |event: &&Event| match self.spec.window() {
            Window::Sliding(_) => event.time + 60 * SECOND + late > now,
            Window::Calendar { .. } => event.time / (60 * SECOND) == now / (60 * SECOND),
            Window::Concurrent => event.in_flight,
        };
        let mine = self.events.iter().filter(|event| is_mine(event.by));
        mine.filter(counts).map(|event| event.amount).sum()
    }
}
