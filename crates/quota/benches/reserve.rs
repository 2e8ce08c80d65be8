//! What a call pays for its limits: `cargo bench -p toolgate-quota`.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at its first mistake")]

use std::time::Duration;

use divan::Bencher;
use toolgate_quota::{
    Amount, CalendarUnit, Counters, Demand, LimitSpec, Mode, Now, SessionRef, Span, Window, Zone,
};

const KEY: &str = "team-policy/image.generate.replicate_rate/grant-7f3a2b@orders-server/";

fn main() {
    divan::main();
}

fn sliding(max: u32) -> LimitSpec {
    let minute = Span::new(Duration::from_secs(60)).unwrap();
    LimitSpec::new(Window::Sliding(minute), Amount::whole(max), true)
}

fn calendar() -> LimitSpec {
    let zone = Zone::named("Europe/Berlin").unwrap();
    LimitSpec::new(Window::Calendar { unit: CalendarUnit::Day, zone }, Amount::MAX, true)
}

fn demand<'a>(key: &'a str, spec: &'a LimitSpec) -> Demand<'a> {
    Demand { key, session: None, spec, amount: Amount::ONE, mode: Mode::Enforce }
}

/// Reserves and commits, each call a second after the one before, or `step` nanoseconds.
fn reserve_and_commit(bencher: Bencher<'_, '_>, demands: &[Demand<'_>], step: u64) {
    let counters = Counters::new();
    let mut mono = 0;
    bencher.bench_local(|| {
        mono += step;
        let now = Now { mono, wall: i64::try_from(mono / 1000).unwrap() };
        counters.reserve(divan::black_box(demands), now).map(toolgate_quota::Reservation::commit).is_ok()
    });
}

#[divan::bench]
fn exact(bencher: Bencher<'_, '_>) {
    reserve_and_commit(bencher, &[demand(KEY, &sliding(64))], 1_000_000_000);
}

#[divan::bench]
fn coarse(bencher: Bencher<'_, '_>) {
    reserve_and_commit(bencher, &[demand(KEY, &sliding(1_000_000))], 1_000_000);
}

#[divan::bench]
fn calendar_day(bencher: Bencher<'_, '_>) {
    reserve_and_commit(bencher, &[demand(KEY, &calendar())], 1_000_000);
}

#[divan::bench]
fn three_limits(bencher: Bencher<'_, '_>) {
    let (minute, day) = (sliding(1_000_000), calendar());
    let slots = LimitSpec::new(Window::Concurrent, Amount::whole(256), true);
    let demands = [demand(KEY, &minute), demand(KEY, &day), demand(KEY, &slots)];
    reserve_and_commit(bencher, &demands, 1_000_000);
}

#[divan::bench]
fn session(bencher: Bencher<'_, '_>) {
    let minute = sliding(1_000_000);
    let session = Some(SessionRef { group: "grant-7f3a2b@orders-server", session: "5cf3e5e0" });
    reserve_and_commit(bencher, &[Demand { session, ..demand(KEY, &minute) }], 1_000_000);
}

#[divan::bench]
fn refused(bencher: Bencher<'_, '_>) {
    reserve_and_commit(bencher, &[demand(KEY, &sliding(64))], 1);
}

/// As many threads as there are processors, all on one counter.
#[divan::bench(threads)]
fn contended(bencher: Bencher<'_, '_>) {
    let counters = Counters::new();
    let minute = sliding(1_000_000_000);
    bencher.bench(|| {
        let demands = [demand(KEY, &minute)];
        let now = Now { mono: 1, wall: 0 };
        counters.reserve(divan::black_box(&demands), now).map(toolgate_quota::Reservation::commit).is_ok()
    });
}
