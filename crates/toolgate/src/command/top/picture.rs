//! What is shown of a gateway: a plain state that news change. Time is given, never read.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;

use super::onlooker::Polled;

/// Over which time rates are told.
const WINDOW: Duration = Duration::from_secs(10);
/// Latencies that percentiles are of: the last ones.
const LATENCIES: usize = 2_000;
/// Events that are kept.
const EVENTS: usize = 500;

/// What is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    /// How the gateway was when it was asked last; none before it answered.
    pub(super) polled: Option<Polled>,
    /// Why it does not answer; none while it does.
    pub(super) lost: Option<String>,
    /// Why events are not seen; none while they are.
    pub(super) deaf: Option<String>,
    /// Times that it went away and came back.
    pub(super) came_back: u32,
    /// The last events, the newest first.
    pub(super) events: VecDeque<Happening>,
    /// Events that were not seen.
    pub(super) missed: u64,
    /// When a call was judged, and whether it was denied.
    judged: VecDeque<(Duration, bool)>,
    /// Since when events are seen; none while they are not.
    since: Option<Duration>,
    /// Microseconds that calls spent in the gateway.
    latencies: VecDeque<u64>,
}

/// An event as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    /// `HH:MM:SS`, UTC.
    pub(super) time: String,
    /// Its kind.
    pub(super) kind: String,
    /// What it came to: `allow`, `deny`, `ok` and the like.
    pub(super) outcome: String,
    /// All that is told of it.
    pub(super) text: String,
}

/// Of a record what is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    ts: String,
    outcome: String,
    grant: String,
    server: String,
    tool: String,
    method: String,
    rule: String,
    client: String,
    by: String,
    detail: String,
    count: u64,
    latency_us: Option<Latency>,
}

#[derive(Debug, Deserialize)]
struct Latency {
    gateway: u64,
}

/// Calls a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rates {
    /// That were judged.
    pub(super) calls: f64,
    /// That were denied.
    pub(super) denials: f64,
}

impl Picture {
    /// The gateway told how it is.
    pub(super) fn polled(&mut self, polled: Polled) {
        self.polled = Some(polled);
        if self.lost.take().is_some() {
            self.came_back += 1;
        }
    }

    /// The gateway does not answer.
    pub(super) fn lost(&mut self, reason: String) {
        self.lost = Some(reason);
    }

    /// Events are seen from now on.
    pub(super) fn listening(&mut self, now: Duration) {
        self.deaf = None;
        self.judged.clear();
        self.since = Some(now);
    }

    /// Events are not seen, so that no rate can be told.
    pub(super) fn deaf(&mut self, reason: String) {
        self.deaf = Some(reason);
        self.since = None;
    }

    /// Something happened. What cannot be read is passed over.
    pub(super) fn happened(&mut self, kind: &str, json: &[u8], now: Duration) {
        let Ok(record) = serde_json::from_slice::<Record>(json) else { return };
        if kind == "missed" {
            self.missed = self.missed.saturating_add(record.count);
            return;
        }
        if kind == "decision" {
            self.judged.push_back((now, record.outcome == "deny"));
        }
        if let Some(Latency { gateway }) = record.latency_us {
            self.latencies.push_back(gateway);
            self.latencies.drain(..self.latencies.len().saturating_sub(LATENCIES));
        }
        // A call that passes is told by its outcome.
        if kind != "decision" || record.outcome != "allow" {
            self.events.push_front(happening(kind, &record));
            self.events.truncate(EVENTS);
        }
    }

    /// Forgets what rates are no longer told of.
    pub(super) fn forget(&mut self, now: Duration) {
        let old = self.judged.partition_point(|(at, _)| *at + WINDOW <= now);
        self.judged.drain(..old);
    }

    /// How many calls there were a second, lately; none before a second has been seen.
    pub(super) fn rates(&self, now: Duration) -> Option<Rates> {
        let seen = now.saturating_sub(self.since?).min(WINDOW);
        if seen < Duration::from_secs(1) {
            return None;
        }
        let rate = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seen.as_secs_f64();
        let denied = self.judged.iter().filter(|(_, denied)| *denied).count();
        Some(Rates { calls: rate(self.judged.len()), denials: rate(denied) })
    }

    /// Microseconds that this many of a hundred calls spent in the gateway at most.
    pub(super) fn latency(&self, of_hundred: usize) -> Option<u64> {
        let mut sorted: Vec<u64> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * of_hundred).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied()
    }
}

fn happening(kind: &str, record: &Record) -> Happening {
    let what = if record.tool.is_empty() { &record.method } else { &record.tool };
    let count = if record.count > 1 { format!("{} times", record.count) } else { String::new() };
    let Record { grant, server, rule, by, client, detail, .. } = record;
    let parts = [grant, server, what, rule, by, client, detail, &count];
    let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let time = record.ts.split_once('T').and_then(|(_, time)| time.get(..8)).unwrap_or_default();
    Happening {
        time: time.to_owned(),
        kind: kind.to_owned(),
        outcome: record.outcome.clone(),
        text: parts.join("  "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn decision(picture: &mut Picture, outcome: &str, now: Duration) {
        let json = format!(r#"{{"ts":"2026-10-01T12:34:56.789012Z","outcome":"{outcome}","tool":"t"}}"#);
        picture.happened("decision", json.as_bytes(), now);
    }

    #[test]
    fn rates_are_of_the_last_seconds() {
        let mut picture = Picture::default();
        assert_eq!(picture.rates(at(100)), None);
        picture.listening(at(0));
        for second in 0..20 {
            decision(&mut picture, "allow", at(second));
            decision(&mut picture, "deny", at(second));
        }
        picture.forget(at(20));
        // 11 to 19: what is ten seconds old no longer counts.
        assert_eq!(picture.rates(at(20)), Some(Rates { calls: 1.8, denials: 0.9 }));
        picture.forget(at(60));
        assert_eq!(picture.rates(at(60)), Some(Rates { calls: 0.0, denials: 0.0 }));
        assert_eq!(picture.events.len(), 20, "calls that pass are told by their outcomes");
        assert_eq!(picture.events[0].time, "12:34:56");
    }

    #[test]
    fn percentiles_are_those_of_a_sorted_list() {
        let mut picture = Picture::default();
        assert_eq!(picture.latency(50), None);
        for micros in (1..=100_u64).rev() {
            let json = format!(r#"{{"outcome":"ok","latency_us":{{"gateway":{micros},"upstream":9}}}}"#);
            picture.happened("outcome", json.as_bytes(), at(0));
        }
        let percentiles = [50, 99, 100].map(|of| picture.latency(of));
        assert_eq!(percentiles, [Some(50), Some(99), Some(100)]);
        for _ in 0..10_000 {
            picture.happened("outcome", br#"{"latency_us":{"gateway":7}}"#, at(0));
        }
        let kept = (picture.latency(1), picture.latencies.len(), picture.events.len());
        assert_eq!(kept, (Some(7), LATENCIES, EVENTS));
    }

    #[test]
    fn what_is_missed_or_lost_is_told() {
        let mut picture = Picture::default();
        picture.happened("missed", br#"{"count":3}"#, at(0));
        picture.happened("decision", b"nothing", at(0));
        assert_eq!((picture.missed, picture.events.len()), (3, 0));
        picture.listening(at(0));
        assert!(picture.rates(at(9)).is_some());
        picture.lost("gone".to_owned());
        picture.deaf("gone".to_owned());
        assert!(picture.lost.is_some() && picture.rates(at(9)).is_none());
        picture.polled(Polled::default());
        picture.listening(at(10));
        assert_eq!((picture.lost, picture.deaf, picture.came_back), (None, None, 1));
    }
}
