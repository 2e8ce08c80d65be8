//! Sliding windows against the plain reference, in a million random sequences: never above the limit in any
//! interval, never freed early, freed late by less than 1/64 of the window, by nothing where times are kept exactly.

use std::time::Duration;

use toolgate_quota::{Amount, Counters, Demand, LimitSpec, Mode, Reservation, Span, Window};

use crate::plain::{Chance, Plain};
use crate::{at, scaled};

const SEQUENCES: u32 = 1_000_000;
const THREADS: u32 = 4;
/// Sequences that share a set of counters.
const BATCH: u32 = 500;

#[test]
fn a_million_sequences_agree_with_the_plain_reference() {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let mut counters = Counters::new();
                for number in (thread..scaled(SEQUENCES)).step_by(THREADS.try_into().unwrap()) {
                    if (number / THREADS).is_multiple_of(BATCH) {
                        counters = Counters::new();
                    }
                    Sequence::new(&counters, number).run();
                }
            });
        }
    });
}

/// One counter under random calls.
struct Sequence<'a> {
    counters: &'a Counters,
    seed: u32,
    key: String,
    chance: Chance,
    spec: LimitSpec,
    max: u64,
    highest_max: u64,
    unit: bool,
    /// How late an event may be freed: 0 as long as times were kept exactly.
    late: u64,
    now: u64,
    plain: Plain,
    open: Vec<(Reservation, usize)>,
}

impl<'a> Sequence<'a> {
    fn new(counters: &'a Counters, seed: u32) -> Sequence<'a> {
        let chance = Chance::new(u64::from(seed));
        let window = match chance.below(4) {
            0 => 1 + chance.below(200),
            1 => 64 * (1 + chance.below(50)),
            2 => 1000 + chance.below(5000),
            _ => chance.pick(&[1_000_000_000, 60_000_000_000, 2_592_000_000_000_000]),
        };
        let span = Span::new(Duration::from_nanos(window)).unwrap();
        let plain = Plain { window, events: Vec::new() };
        let unit = chance.below(2) == 0;
        let mut sequence = Sequence {
            counters,
            seed,
            key: seed.to_string(),
            spec: LimitSpec::new(Window::Sliding(span), Amount::ZERO, unit),
            max: 0,
            highest_max: 0,
            unit,
            late: 0,
            now: chance.below(3 * window),
            plain,
            open: Vec::new(),
            chance,
        };
        sequence.change_max();
        sequence
    }

    fn run(&mut self) {
        // Some are long enough to fill all that a counter can keep.
        let steps = if self.chance.below(64) == 0 { 400 } else { 4 + self.chance.below(24) };
        for _ in 0..steps {
            self.now += self.step();
            match self.chance.below(16) {
                0 => self.release(),
                1 if self.chance.below(4) == 0 => self.change_max(),
                _ => self.call(),
            }
        }
        assert!(self.plain.peak() <= self.highest_max, "sequence {}", self.seed);
    }

    /// A policy with another `max` comes into force.
    fn change_max(&mut self) {
        self.max = self.chance.pick(&[0, 1, 2, 3, 5, 8, 16, 64, 65, 200]);
        self.highest_max = self.highest_max.max(self.max);
        let max = Amount::whole(self.max.try_into().unwrap());
        self.spec = LimitSpec::new(self.spec.window().clone(), max, self.unit);
        if !self.unit || self.max > 64 {
            self.late = self.plain.window.div_ceil(64) - 1;
        }
    }

    /// Some time, often one at an edge.
    fn step(&self) -> u64 {
        let window = self.plain.window;
        match self.chance.below(12) {
            0..=2 => 0,
            3 => 1,
            4 => window / 64,
            5 => (window / 64).saturating_sub(1),
            6 => window.div_ceil(64),
            7 => self.chance.pick(&[window - 1, window, window + 1]),
            8 => self.chance.below(window) + 1,
            _ => self.chance.below(window / 8 + 1),
        }
    }

    fn call(&mut self) {
        let amount = if self.unit { 1 } else { self.chance.below(6) };
        let Some(wait) = self.reserve(amount) else { return };
        if self.chance.below(4) == 0 {
            let wait = u64::try_from(wait.as_nanos()).unwrap();
            self.now += wait - 1;
            assert!(self.reserve(amount).is_some(), "sequence {}: free before it was said", self.seed);
            self.now += 1;
            assert!(self.reserve(amount).is_none(), "sequence {}: not free as was said", self.seed);
        }
    }

    /// One call, held against the reference; if it is refused, the wait (none if waiting cannot help).
    fn reserve(&mut self, amount: u64) -> Option<Duration> {
        let Sequence { seed, now, max, late, ref plain, .. } = *self;
        let demand = Demand {
            key: &self.key,
            session: None,
            spec: &self.spec,
            amount: Amount::whole(amount.try_into().unwrap()),
            mode: Mode::Enforce,
        };
        match self.counters.reserve(&[demand], at(now)) {
            Ok(reservation) => {
                assert!(
                    plain.sum(now, plain.window) + amount <= max,
                    "sequence {seed}: above {max} at {now}"
                );
                self.plain.events.push((now, amount));
                self.open.push((reservation, self.plain.events.len() - 1));
                None
            }
            Err(refusal) => {
                let wait = refusal.retry_after();
                assert_eq!(wait.is_none(), amount > max, "sequence {seed}");
                let free = now + u64::try_from(wait?.as_nanos()).unwrap();
                let earliest = plain.fits_from(now, 0, amount, max);
                let latest = plain.fits_from(now, late, amount, max);
                assert!(free > now && Some(free) >= earliest, "sequence {seed}: early, {free} at {now}");
                assert!(Some(free) <= latest, "sequence {seed}: late, {free} at {now}");
                wait
            }
        }
    }

    fn release(&mut self) {
        if let Some((reservation, event)) = self.open.pop() {
            reservation.release(at(self.now));
            let (time, amount) = self.plain.events.get_mut(event).unwrap();
            // Once its time is over, it counts as long as the slot that it shares.
            if *time + self.plain.window > self.now {
                *amount = 0;
            }
        }
    }
}
