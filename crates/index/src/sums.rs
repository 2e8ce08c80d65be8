//! Calls summed up per series and hour, and per series and day. Pure: `writer` adds the sums of a batch to
//! those that are stored.

use foldhash::HashMap;

use crate::batch::Ending;
use crate::dimension::Class;
use crate::series::Series;
use crate::sketch::{Latencies, bin};

const MICROS: i64 = 1_000_000;
/// Length of an hour and of a day in seconds. Both begin where UTC's do.
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 86_400;

/// What one batch adds to one sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addition {
    calls: u64,
    errors: u64,
    last_ts: i64,
    /// Calls in minutes, counted since 1970; in any order, and a minute may stand more than once.
    minutes: Vec<(i64, u64)>,
    /// Latencies of calls, by their bins.
    latencies: Vec<i32>,
}

impl Addition {
    fn add(&mut self, other: &Addition) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.last_ts = self.last_ts.max(other.last_ts);
        self.minutes.extend_from_slice(&other.minutes);
        self.latencies.extend_from_slice(&other.latencies);
    }
}

/// Additions by series and by the second in which the hour or day begins.
pub(crate) type Additions = HashMap<(Series, i64), Addition>;

/// What one batch adds to all sums.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// By finest series and hour.
    finest: Additions,
}

impl Sums {
    /// Counts a call.
    pub(crate) fn call(&mut self, class: &Class, ts: i64) {
        let sum = self.sum(class, ts);
        sum.calls += 1;
        sum.last_ts = sum.last_ts.max(ts);
        let minute = ts.div_euclid(60 * MICROS);
        match sum.minutes.last_mut() {
            Some((last, calls)) if *last == minute => *calls += 1,
            Some(_) | None => sum.minutes.push((minute, 1)),
        }
    }

    /// Counts how a call at `ts` ended.
    pub(crate) fn ending(&mut self, class: &Class, ts: i64, ending: &Ending) {
        let sum = self.sum(class, ts);
        sum.errors += u64::from(ending.is_error);
        let latency =
            ending.gateway_us.map(|gateway| gateway.saturating_add(ending.upstream_us.unwrap_or(0)));
        sum.latencies.extend(latency.map(bin));
    }

    fn sum(&mut self, class: &Class, ts: i64) -> &mut Addition {
        self.finest.entry((Series::finest(class), begins(ts.div_euclid(MICROS), HOUR))).or_default()
    }

    /// The additions on all levels, per hour and per day.
    pub(crate) fn expand(&self) -> (Additions, Additions) {
        let (mut hourly, mut daily) = (Additions::default(), Additions::default());
        for ((series, start), sum) in &self.finest {
            for series in series.each_level() {
                hourly.entry((series, *start)).or_default().add(sum);
                daily.entry((series, begins(*start, DAY))).or_default().add(sum);
            }
        }
        (hourly, daily)
    }
}

/// Where the hour or day begins that a second lies in.
pub(crate) fn begins(second: i64, length: i64) -> i64 {
    second.div_euclid(length) * length
}

/// A sum as it is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    /// Time of the last call.
    pub(crate) last_ts: i64,
    /// Most calls in one minute. Calls of one minute that a clock set back tears apart count apart.
    pub(crate) peak: u64,
    /// The newest minute, and the calls in it so far.
    pub(crate) minute: i64,
    pub(crate) minute_calls: u64,
    pub(crate) latency: Option<Latency>,
}

/// Latencies as they are stored: the sketch, and the percentiles that it comes to, so that who asks for one sum alone need
/// not read the sketch.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    pub(crate) sketch: Vec<u8>,
    /// In microseconds.
    pub(crate) percentiles: [u64; 3],
}

impl Sum {
    /// Adds what a batch adds.
    pub(crate) fn add(&mut self, mut addition: Addition) {
        self.calls += addition.calls;
        self.errors += addition.errors;
        self.last_ts = self.last_ts.max(addition.last_ts);
        addition.minutes.sort_unstable();
        for minute in addition.minutes.chunk_by(|a, b| a.0 == b.0) {
            self.add_minute(minute);
        }
        if addition.latencies.is_empty() {
            return;
        }
        let mut latencies = Latencies::default();
        if let Some(stored) = &self.latency {
            // What cannot be read is left out: counts matter more than percentiles.
            latencies.add_stored(&stored.sketch);
        }
        for bin in &addition.latencies {
            latencies.add(*bin);
        }
        let percentiles = latencies.percentiles().unwrap_or_default();
        self.latency = Some(Latency { sketch: latencies.into_bytes(), percentiles });
    }

    /// Adds calls of one minute. Those of one before the newest are not added to what was counted in it then.
    fn add_minute(&mut self, parts: &[(i64, u64)]) {
        let Some((minute, _)) = parts.first().copied() else { return };
        let calls: u64 = parts.iter().map(|(_, calls)| calls).sum();
        let known = if minute == self.minute { self.minute_calls } else { 0 };
        self.peak = self.peak.max(known + calls);
        if minute >= self.minute {
            (self.minute, self.minute_calls) = (minute, known + calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(tool: u32) -> Class {
        Class { server: 1, grant: 2, decision: 3, tool, ..Class::default() }
    }

    #[test]
    fn peaks_go_on_from_batch_to_batch() {
        let minute = 60 * MICROS;
        let mut stored = Sum::default();
        for batch in [&[0, 1, 2, minute][..], &[minute + 1, minute + 2, minute + 3, minute + 4][..], &[5]] {
            let mut sums = Sums::default();
            for ts in batch {
                sums.call(&class(4), *ts);
            }
            let (hourly, daily) = sums.expand();
            assert_eq!((hourly.len(), daily.len()), (6, 6));
            stored.add(hourly.into_values().next().unwrap());
        }
        assert_eq!((stored.calls, stored.peak, stored.last_ts), (9, 5, minute + 4));
    }

    #[test]
    fn levels_add_up() {
        let mut sums = Sums::default();
        for tool in 1..=4 {
            sums.call(&class(tool), 3_600_000_000 * i64::from(tool));
        }
        let (hourly, daily) = sums.expand();
        let of = |sums: &Additions, level| {
            let counts: Vec<u64> =
                sums.iter().filter(|((s, _), _)| s.level == level).map(|(_, sum)| sum.calls).collect();
            (counts.len(), counts.iter().sum::<u64>())
        };
        assert_eq!((of(&hourly, 0), of(&hourly, 5)), ((4, 4), (4, 4)));
        assert_eq!((of(&daily, 0), of(&daily, 5)), ((1, 4), (4, 4)));
    }

    #[test]
    fn hours_before_1970_begin_before_what_lies_in_them() {
        assert_eq!(begins(-1, HOUR), -HOUR);
        assert_eq!(begins(DAY + 5, DAY), DAY);
    }
}
