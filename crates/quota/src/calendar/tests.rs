//! Windows of the calendar at the turns of clocks, weeks and months, and by chance in all years and many zones.

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 10] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Beirut",
];

const UNITS: [CalendarUnit; 6] = [
    CalendarUnit::Second,
    CalendarUnit::Minute,
    CalendarUnit::Hour,
    CalendarUnit::Day,
    CalendarUnit::Week,
    CalendarUnit::Month,
];

fn wall(time: &str) -> i64 {
    time.parse::<Timestamp>().unwrap().as_microsecond()
}

fn check(unit: CalendarUnit, zone: &str, now: &str, expected: [&str; 2]) {
    let found = bounds(unit, Zone::named(zone).unwrap().rules(), wall(now));
    let [start, end] = expected.map(wall);
    assert_eq!(found, Bounds { start, end }, "{unit:?} of {now} in {zone}");
}

#[test]
fn days_begin_at_local_midnight() {
    let day = CalendarUnit::Day;
    check(day, "UTC", "2026-11-22T23:59:59.999999Z", ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]);
    check(day, "UTC", "2026-11-22T00:00:00Z", ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]);
    check(day, "Asia/Tokyo", "2026-11-22T15:00:00Z", ["2026-11-23T00:00:00+09", "2026-11-24T00:00:00+09"]);
}

#[test]
fn a_day_is_as_long_as_the_clocks_make_it() {
    let day = CalendarUnit::Day;
    let berlin = "Europe/Berlin";
    check(day, berlin, "2026-03-29T12:00:00Z", ["2026-03-29T00:00:00+01", "2026-03-30T00:00:00+02"]);
    check(day, berlin, "2026-10-25T12:00:00Z", ["2026-10-25T00:00:00+02", "2026-10-26T00:00:00+01"]);
    // Midnight does not exist on the day on which Lebanon's clocks are put forward.
    check(day, "Asia/Beirut", "2026-03-29T12:00:00Z", ["2026-03-29T01:00:00+03", "2026-03-30T00:00:00+03"]);
    // Samoa left out 30 December 2011.
    check(day, "Pacific/Apia", "2011-12-30T09:00:00Z", ["2011-12-29T00:00:00-10", "2011-12-31T00:00:00+14"]);
    // Newfoundland's clocks were set back a minute after midnight: the new day does not begin twice.
    let next = ["2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"];
    check(day, "America/St_Johns", "2010-11-07T00:00:30-02:30", next);
    check(day, "America/St_Johns", "2010-11-06T23:30:00-03:30", next);
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first() {
    let berlin = "Europe/Berlin";
    let week = ["2026-11-16T00:00:00+01", "2026-11-23T00:00:00+01"];
    check(CalendarUnit::Week, berlin, "2026-11-22T22:59:59Z", week);
    check(CalendarUnit::Week, berlin, "2026-11-15T23:00:00Z", week);
    let across = ["2026-03-23T00:00:00+01", "2026-03-30T00:00:00+02"];
    check(CalendarUnit::Week, berlin, "2026-03-29T12:00:00Z", across);
    let month = ["2026-10-01T00:00:00+02", "2026-11-01T00:00:00+01"];
    check(CalendarUnit::Month, berlin, "2026-10-31T22:59:59Z", month);
    let february = ["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"];
    check(CalendarUnit::Month, "UTC", "2028-02-29T12:00:00Z", february);
    let december = ["2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"];
    check(CalendarUnit::Month, "UTC", "2026-12-31T23:59:59Z", december);
}

#[test]
fn hours_are_those_of_the_local_clock() {
    let hour = CalendarUnit::Hour;
    let nepal = ["2026-11-22T10:15:00Z", "2026-11-22T11:15:00Z"];
    check(hour, "Asia/Kathmandu", "2026-11-22T11:00:00Z", nepal);
    // The hour that comes twice is two hours.
    let second = ["2026-10-25T02:00:00+01", "2026-10-25T03:00:00+01"];
    check(hour, "Europe/Berlin", "2026-10-25T01:30:00Z", second);
}

#[test]
fn usage_ends_with_its_window_and_not_before() {
    let mut day = Calendar::new(CalendarUnit::Day, Zone::named("Europe/Berlin").unwrap());
    day.take(Amount::ONE, wall("2026-10-25T00:00:00+02"));
    assert_eq!(day.used(wall("2026-10-25T23:59:59.999999+01")), Amount::ONE);
    assert_eq!(day.used(wall("2026-10-26T00:00:00+01")), Amount::ZERO);
}

#[test]
fn beyond_the_calendar_nothing_is_freed() {
    for now in [i64::MIN, i64::MAX] {
        for unit in UNITS {
            let mut calendar = Calendar::new(unit, Zone::utc());
            calendar.take(Amount::ONE, now);
            assert_eq!(calendar.used(now), Amount::ONE);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn windows_follow_on_each_other_and_begin_with_their_unit(
        zone in 0..ZONES.len(), unit in 0..UNITS.len(), seconds in -800_000_000..6_000_000_000_i64, micros in 0..3_i64,
    ) {
        let (zone, unit) = (Zone::named(ZONES[zone]).unwrap(), UNITS[unit]);
        let now = seconds * 1_000_000 + micros;
        let Bounds { start, end } = bounds(unit, zone.rules(), now);
        prop_assert!(start <= now && now < end);
        let local = |wall| {
            let time = zone.rules().to_datetime(Timestamp::from_microsecond(wall).unwrap());
            let date = time.date();
            let week = date.iso_week_date();
            match unit {
                CalendarUnit::Second => (date.to_string(), time.hour(), time.minute(), time.second()),
                CalendarUnit::Minute => (date.to_string(), time.hour(), time.minute(), 0),
                CalendarUnit::Hour => (date.to_string(), time.hour(), 0, 0),
                CalendarUnit::Day => (date.to_string(), 0, 0, 0),
                CalendarUnit::Week => (format!("{} {}", week.year(), week.week()), 0, 0, 0),
                CalendarUnit::Month => (format!("{} {}", date.year(), date.month()), 0, 0, 0),
            }
        };
        // Where the clock is set anew, a part of an hour can come twice or never.
        let set_anew = |wall: i64| {
            let offset = |wall| zone.rules().to_offset(Timestamp::from_microsecond(wall).unwrap()).seconds();
            offset(wall - 7_200_000_000) != offset(wall + 7_200_000_000)
        };
        let plain = ![start, now, end].into_iter().any(set_anew);
        if plain || matches!(unit, CalendarUnit::Day | CalendarUnit::Week | CalendarUnit::Month) {
            for within in [start, end - 1] {
                prop_assert_eq!(bounds(unit, zone.rules(), within), Bounds { start, end });
            }
        }
        if plain {
            prop_assert_eq!(local(start), local(now));
            prop_assert_eq!(local(end - 1), local(now));
            prop_assert_ne!(local(start - 1), local(now));
            prop_assert_ne!(local(end), local(now));
        }
    }
}
