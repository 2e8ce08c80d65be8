//! Many threads on the same counters: not one call too many, not one refused too early, and none waits for ever.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use toolgate_quota::{Amount, CalendarUnit, Counters, Demand, LimitSpec, Reservation, Window, Zone};

use crate::plain::Chance;
use crate::{SECOND, at, one, scaled, sliding};

const THREADS: u64 = 64;
const RUNS: u32 = 200;
const LIMIT: u32 = 1000;
const MILLISECOND: u64 = 1_000_000;

/// Each thread calls `each` with its number, all at once.
fn together(each: impl Fn(u64) + Sync) {
    let start = Barrier::new(THREADS.try_into().unwrap());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, each) = (&start, &each);
            scope.spawn(move || {
                start.wait();
                each(thread);
            });
        }
    });
}

#[test]
fn exactly_a_thousand_pass_in_every_run() {
    for run in 0..scaled(RUNS) {
        let chance = Chance::new(u64::from(run));
        let counters = Counters::new();
        let spec = sliding(Duration::from_secs(60), LIMIT);
        // Anywhere in a minute, or within 5 ms of its edge; the clock goes on while the threads call.
        let edge = 60 * SECOND + chance.below(10 * MILLISECOND) - 5 * MILLISECOND;
        let start = if run % 2 == 0 { chance.below(120 * SECOND) } else { edge };
        let (clock, passed) = (AtomicU64::new(start), AtomicU64::new(0));
        together(|_| {
            for _ in 0..25 {
                let now = at(clock.fetch_add(5000, Ordering::Relaxed));
                let call = counters.reserve(&[one("calls", &spec)], now);
                passed.fetch_add(call.map(Reservation::commit).is_ok().into(), Ordering::Relaxed);
            }
        });
        assert_eq!(passed.into_inner(), u64::from(LIMIT), "run {run}");
    }
}

#[test]
fn exactly_a_thousand_pass_in_a_calendar_window() {
    let minute = Window::Calendar { unit: CalendarUnit::Minute, zone: Zone::utc() };
    for run in 0..scaled(RUNS) {
        let counters = Counters::new();
        let spec = LimitSpec::new(minute.clone(), Amount::whole(LIMIT), true);
        // Anywhere in the minute, at its very start and end too, after a full minute before it.
        let start = 60 * SECOND + Chance::new(run.into()).pick(&[0, 1000, 30 * SECOND, 60 * SECOND - 1000]);
        let before = [Demand { amount: spec.max(), ..one("calls", &spec) }];
        counters.reserve(&before, at(60 * SECOND - 1000)).unwrap().commit();
        let passed = AtomicU64::new(0);
        together(|_| {
            for _ in 0..25 {
                let call = counters.reserve(&[one("calls", &spec)], at(start));
                passed.fetch_add(call.map(Reservation::commit).is_ok().into(), Ordering::Relaxed);
            }
        });
        assert_eq!(passed.into_inner(), u64::from(LIMIT), "run {run}");
    }
}

#[test]
fn a_full_counter_opens_at_its_time_for_exactly_a_thousand() {
    for run in 0..scaled(RUNS) {
        let counters = Counters::new();
        let spec = sliding(Duration::from_secs(60), LIMIT);
        let start = Chance::new(u64::from(run)).below(120 * SECOND);
        let demand = [Demand { amount: spec.max(), ..one("calls", &spec) }];
        counters.reserve(&demand, at(start)).unwrap().commit();
        let freed = start + 60 * SECOND;
        // No two threads at the same time; none after the edge before those that come before it have called.
        let apart = |thread| thread * 5 * MILLISECOND / THREADS;
        let passed = AtomicU64::new(0);
        together(|thread| {
            let now = at(freed - 1 - apart(thread));
            (0..10)
                .for_each(|_| assert!(counters.reserve(&[one("calls", &spec)], now).is_err(), "run {run}"));
        });
        together(|thread| {
            let now = at(freed + apart(thread));
            for _ in 0..25 {
                let call = counters.reserve(&[one("calls", &spec)], now);
                passed.fetch_add(call.map(Reservation::commit).is_ok().into(), Ordering::Relaxed);
            }
        });
        assert_eq!(passed.into_inner(), u64::from(LIMIT), "run {run}");
    }
}

#[test]
fn a_refused_call_takes_nothing_from_others_even_for_a_moment() {
    let counters = Counters::new();
    let spec = sliding(Duration::from_secs(60), LIMIT);
    let none = sliding(Duration::from_secs(60), 0);
    together(|thread| {
        // Half of the threads ask for too much, each time. The others together for just what there is.
        let demands = [one("calls", &spec), one("none", &none)];
        for _ in 0..u64::from(LIMIT) / (THREADS / 2) {
            if thread % 2 == 0 {
                counters.reserve(&demands[..1], at(0)).unwrap().commit();
            } else {
                (0..10).for_each(|_| assert!(counters.reserve(&demands, at(0)).is_err()));
            }
        }
    });
}

#[test]
fn overlapping_demands_in_any_order_end_and_add_up() {
    let counters = Counters::new();
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    let spec = sliding(Duration::from_secs(3600), 40_000);
    let slots = LimitSpec::new(Window::Concurrent, Amount::whole(50), true);
    let taken: Vec<AtomicU64> = names.iter().map(|_| AtomicU64::new(0)).collect();
    together(|thread| {
        let chance = Chance::new(thread);
        for turn in 0..500 {
            let mut picked: Vec<usize> = (0..chance.below(7) + 1).map(|_| chance.place(8)).collect();
            if turn % 2 == 0 {
                picked.reverse();
            }
            let mut demands: Vec<_> = picked.iter().map(|name| one(&names[*name], &spec)).collect();
            demands.push(one("slots", &slots));
            let Ok(reservation) = counters.reserve(&demands, at(turn)) else { continue };
            if chance.below(4) == 0 {
                reservation.release(at(turn));
            } else {
                drop(reservation);
                for name in &picked {
                    taken[*name].fetch_add(1, Ordering::Relaxed);
                }
            }
            if turn % 100 == 0 {
                counters.sweep(at(turn));
            }
        }
    });
    for (name, taken) in names.iter().zip(taken) {
        let left = counters.remaining(&[one(name, &spec)], at(500))[0].left;
        let taken = u32::try_from(taken.into_inner()).unwrap();
        assert_eq!(left.plus(Amount::whole(taken)), spec.max());
    }
    assert_eq!(counters.remaining(&[one("slots", &slots)], at(500))[0].left, slots.max());
}

#[test]
fn a_sweep_takes_no_counter_out_of_anybodys_hands() {
    let counters = Counters::new();
    let spec = LimitSpec::new(Window::Concurrent, Amount::ONE, true);
    let names: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    // Many counters beside the one that matters: long between finding it and locking it.
    let beside = names.iter().map(|name| Demand { amount: Amount::ZERO, ..one(name, &spec) });
    let demands: Vec<Demand<'_>> = [one("slot", &spec)].into_iter().chain(beside).collect();
    let in_flight = AtomicU64::new(0);
    together(|thread| {
        for _ in 0..300 {
            // Unused again and again, the counter is dropped again and again: never while it is being taken.
            if thread % 4 == 0 {
                counters.sweep(at(0));
            } else if let Ok(slot) = counters.reserve(&demands, at(0)) {
                assert_eq!(in_flight.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                in_flight.fetch_sub(1, Ordering::SeqCst);
                slot.commit();
            }
        }
    });
}
