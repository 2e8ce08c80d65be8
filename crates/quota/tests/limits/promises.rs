//! Each promise of the policy reference about limits, by an example.

use std::time::Duration;

use toolgate_quota::{
    Amount, CalendarUnit, Counters, Demand, LimitSpec, Mode, Now, Refusal, RefusedLimit, Window, Zone,
};

use crate::{SECOND, at, one};

fn sliding(seconds: u64, max: u32) -> LimitSpec {
    crate::sliding(Duration::from_secs(seconds), max)
}

fn waits(refusal: &Refusal) -> Vec<(usize, Option<Duration>)> {
    refusal.limits.iter().map(|limit| (limit.index, limit.retry_after)).collect()
}

#[test]
fn an_event_is_freed_exactly_a_window_later() {
    let counters = Counters::new();
    let spec = sliding(60, 2);
    let demand = [one("calls", &spec)];
    counters.reserve(&demand, at(SECOND)).unwrap().commit();
    counters.reserve(&demand, at(2 * SECOND)).unwrap().commit();
    let refusal = counters.reserve(&demand, at(3 * SECOND)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(58)));
    assert!(counters.reserve(&demand, at(61 * SECOND - 1)).is_err());
    counters.reserve(&demand, at(61 * SECOND)).unwrap().commit();
    assert!(counters.reserve(&demand, at(61 * SECOND)).is_err());
}

#[test]
fn all_limits_of_a_call_count_or_none() {
    let counters = Counters::new();
    let (wide, narrow) = (sliding(60, 10), sliding(30, 1));
    let both = [one("wide", &wide), one("narrow", &narrow)];
    counters.reserve(&both, at(0)).unwrap().commit();
    let refusal = counters.reserve(&both, at(SECOND)).unwrap_err();
    assert_eq!(waits(&refusal), [(1, Some(Duration::from_secs(29)))]);
    assert_eq!(counters.remaining(&both, at(SECOND))[0].left, Amount::whole(9));
}

#[test]
fn two_demands_on_one_counter_add_up() {
    let counters = Counters::new();
    let spec = sliding(60, 3);
    let twice = [one("calls", &spec), one("calls", &spec)];
    counters.reserve(&twice, at(0)).unwrap().commit();
    let wait = Some(Duration::from_secs(59));
    let refusal = counters.reserve(&twice, at(SECOND)).unwrap_err();
    assert_eq!(waits(&refusal), [(0, wait), (1, wait)]);
    // Where they do not agree, the lower limit holds.
    let lower = sliding(60, 2);
    assert!(
        counters
            .reserve(&[Demand { amount: Amount::ZERO, ..twice[0] }, one("calls", &lower)], at(SECOND))
            .is_err()
    );
    counters.reserve(&twice[..1], at(SECOND)).unwrap().commit();
    assert!(counters.reserve(&twice[..1], at(SECOND)).is_err());
}

#[test]
fn waiting_does_not_help_where_nothing_is_freed() {
    let counters = Counters::new();
    let none = sliding(60, 0);
    let small = LimitSpec::new(none.window().clone(), Amount::whole(5), false);
    let slots = LimitSpec::new(Window::Concurrent, Amount::ONE, true);
    let large = Demand { amount: Amount::whole(6), ..one("small", &small) };
    let _held = counters.reserve(&[one("slots", &slots)], at(0)).unwrap();
    for demand in [one("none", &none), large, one("slots", &slots)] {
        let refusal = counters.reserve(&[demand], at(1)).unwrap_err();
        assert_eq!(refusal.limits, [RefusedLimit { index: 0, retry_after: None }]);
        assert_eq!(refusal.retry_after(), None);
    }
}

#[test]
fn the_wait_of_a_call_is_its_longest_and_none_if_one_cannot_end() {
    let counters = Counters::new();
    let (minute, hour, none) = (sliding(60, 1), sliding(3600, 1), sliding(60, 0));
    let both = [one("minute", &minute), one("hour", &hour)];
    counters.reserve(&both, at(0)).unwrap().commit();
    let refusal = counters.reserve(&both, at(0)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(3600)));
    let with_none = [both[0], one("none", &none)];
    assert_eq!(counters.reserve(&with_none, at(0)).unwrap_err().retry_after(), None);
}

#[test]
fn nothing_fits_where_there_is_room_for_nothing() {
    let counters = Counters::new();
    let (none, three, one_only) = (sliding(60, 0), sliding(60, 3), sliding(60, 1));
    let nothing = |spec| Demand { amount: Amount::ZERO, ..one("calls", spec) };
    counters.reserve(&[nothing(&none)], at(0)).unwrap().commit();
    for _ in 0..3 {
        counters.reserve(&[one("calls", &three)], at(0)).unwrap().commit();
    }
    counters.reserve(&[nothing(&three)], at(0)).unwrap().commit();
    // Lowered below what was used: even nothing waits until the usage is within the limit.
    let refusal = counters.reserve(&[nothing(&one_only)], at(SECOND)).unwrap_err();
    assert_eq!(refusal.retry_after(), Some(Duration::from_secs(59)));
}

#[test]
fn a_release_gives_back_and_a_drop_does_not() {
    let counters = Counters::new();
    let spec = sliding(60, 1);
    let demand = [one("calls", &spec)];
    counters.reserve(&demand, at(0)).unwrap().release(at(SECOND));
    drop(counters.reserve(&demand, at(2 * SECOND)).unwrap());
    assert!(counters.reserve(&demand, at(3 * SECOND)).is_err());
}

#[test]
fn a_late_release_gives_nothing_back_to_a_newer_window() {
    let counters = Counters::new();
    let hour = Window::Calendar { unit: CalendarUnit::Hour, zone: Zone::utc() };
    for spec in [sliding(3600, 2), LimitSpec::new(hour, Amount::whole(2), true)] {
        let demand = [one("calls", &spec)];
        let old = counters.reserve(&demand, at(0)).unwrap();
        counters.reserve(&demand, at(4000 * SECOND)).unwrap().commit();
        counters.reserve(&demand, at(4000 * SECOND)).unwrap().commit();
        old.release(at(4001 * SECOND));
        assert!(counters.reserve(&demand, at(4002 * SECOND)).is_err());
    }
}

#[test]
fn slots_are_held_until_settled_in_any_way() {
    let counters = Counters::new();
    let spec = LimitSpec::new(Window::Concurrent, Amount::whole(3), true);
    let demand = [one("slots", &spec)];
    let reserve = || counters.reserve(&demand, at(0));
    let (first, second, third) = (reserve().unwrap(), reserve().unwrap(), reserve().unwrap());
    assert!(reserve().is_err());
    first.commit();
    second.release(at(1));
    drop(third);
    let held: Vec<_> = (0..3).map(|_| reserve().unwrap()).collect();
    assert!(reserve().is_err());
    drop(held);
}

#[test]
fn a_limit_in_shadow_counts_apart_and_never_refuses() {
    let counters = Counters::new();
    let spec = sliding(60, 1);
    let shadow = Demand { mode: Mode::Shadow, ..one("calls", &spec) };
    assert!(counters.reserve(&[shadow], at(0)).unwrap().would_refuse().is_empty());
    assert_eq!(counters.reserve(&[shadow], at(0)).unwrap().would_refuse(), [0]);
    let both = [one("calls", &spec), shadow];
    assert_eq!(counters.reserve(&both, at(0)).unwrap().would_refuse(), [1]);
    let refusal = counters.reserve(&both, at(0)).unwrap_err();
    assert_eq!((waits(&refusal)[0].0, refusal.would_refuse), (0, vec![1]));
    // The refused call was not counted in shadow either.
    let used: Vec<_> = counters.occupancy(at(0)).into_iter().map(|seen| (seen.mode, seen.used)).collect();
    assert!(used.contains(&(Mode::Shadow, Amount::whole(3))) && used.contains(&(Mode::Enforce, Amount::ONE)));
}

#[test]
fn a_changed_max_keeps_the_history_and_a_changed_window_does_not() {
    let counters = Counters::new();
    let small = sliding(60, 30);
    for second in 0..30 {
        counters.reserve(&[one("calls", &small)], at(second * SECOND)).unwrap().commit();
    }
    for (max, left) in [(50, 20), (500, 470), (31, 1), (10, 0)] {
        let changed = sliding(60, max);
        assert!(changed.continues(&small));
        let remaining = counters.remaining(&[one("calls", &changed)], at(30 * SECOND));
        assert_eq!(remaining[0].left, Amount::whole(left), "max {max}");
    }
    let hour = sliding(3600, 30);
    assert!(!hour.continues(&small));
    assert_eq!(counters.remaining(&[one("calls", &hour)], at(30 * SECOND))[0].left, Amount::whole(30));
    // A call judged by the old policy still counts on the old counter.
    assert!(counters.reserve(&[one("calls", &small)], at(30 * SECOND)).is_err());
}

#[test]
fn a_budget_tells_what_is_left_and_when_all_is_back() {
    let counters = Counters::new();
    let spec = sliding(60, 5);
    let day = Window::Calendar { unit: CalendarUnit::Day, zone: Zone::utc() };
    let day = LimitSpec::new(day, Amount::whole(7), true);
    let slots = LimitSpec::new(Window::Concurrent, Amount::whole(2), true);
    let demands = [one("minute", &spec), one("day", &day), one("slots", &slots)];
    let seen = |now| {
        let remaining = counters.remaining(&demands, now).into_iter();
        remaining
            .map(|left| (left.left.to_string(), left.resets_in.map(|wait| wait.as_secs())))
            .collect::<Vec<_>>()
    };
    let expect = |list: [(&str, Option<u64>); 3]| list.map(|(left, wait)| (left.to_owned(), wait)).to_vec();
    assert_eq!(seen(at(0)), expect([("5", Some(0)), ("7", Some(86_400)), ("2", Some(0))]));
    assert!(counters.occupancy(at(0)).is_empty(), "asking makes no counter");
    let _held = counters.reserve(&demands, at(0)).unwrap();
    counters.reserve(&demands[..1], at(10 * SECOND)).unwrap().commit();
    assert_eq!(seen(at(20 * SECOND)), expect([("3", Some(50)), ("6", Some(86_380)), ("1", None)]));
}

#[test]
fn counters_in_use_stay_and_unused_ones_are_dropped() {
    let counters = Counters::new();
    let spec = sliding(60, 5);
    let slots = LimitSpec::new(Window::Concurrent, Amount::ONE, true);
    let names: Vec<String> = (0..1000).map(|number| format!("counter {number}")).collect();
    for name in &names {
        counters.reserve(&[one(name, &spec)], at(0)).unwrap().commit();
    }
    let held = counters.reserve(&[one("slots", &slots)], at(0)).unwrap();
    counters.sweep(at(60 * SECOND - 1));
    assert_eq!(counters.occupancy(at(60 * SECOND - 1)).len(), 1001);
    counters.sweep(at(60 * SECOND));
    assert_eq!(counters.occupancy(at(60 * SECOND)).len(), 1);
    drop(held);
    counters.sweep(at(60 * SECOND));
    assert!(counters.occupancy(at(60 * SECOND)).is_empty());
}

#[test]
fn a_step_back_of_the_wall_clock_never_makes_a_counter_fresh() {
    let counters = Counters::new();
    let minute = Window::Calendar { unit: CalendarUnit::Minute, zone: Zone::utc() };
    let spec = LimitSpec::new(minute, Amount::ONE, true);
    let demand = [one("calls", &spec)];
    let wall = |seconds: i64| Now { mono: 0, wall: seconds * 1_000_000 };
    counters.reserve(&demand, wall(600)).unwrap().commit();
    // Within a window's length the later window stays, and is not begun twice.
    assert_eq!(
        counters.reserve(&demand, wall(599)).unwrap_err().retry_after(),
        Some(Duration::from_secs(61))
    );
    assert!(counters.reserve(&demand, wall(600)).is_err());
    // From far ahead the usage moves along, and is freed at the end of the window of now.
    counters.reserve(&demand, wall(1_000_000)).unwrap().commit();
    assert_eq!(
        counters.reserve(&demand, wall(650)).unwrap_err().retry_after(),
        Some(Duration::from_secs(10))
    );
    counters.reserve(&demand, wall(660)).unwrap().commit();
}

#[test]
fn counters_and_reservations_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Counters>();
    check::<toolgate_quota::Reservation>();
}
