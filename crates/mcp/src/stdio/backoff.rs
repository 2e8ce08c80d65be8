//! How long to wait before a server that ended is started again: a pure rule, time is a parameter.

use std::time::{Duration, Instant};

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(100);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(30);
/// A server that ran this long was healthy: its next failure counts as the first.
const HEALTHY: Duration = Duration::from_secs(60);

/// The waits between restarts of one server: 100 ms, doubled up to 30 s, and from the start again
/// once it has run for 60 s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    /// Failures since the server was last healthy.
    failures: u32,
    /// When the latest wait ends, and with it the server's latest start.
    started: Option<Instant>,
}

impl Backoff {
    /// A server that has not failed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells that the server ended at `now`; returns how long to wait before it is started again.
    pub fn next(&mut self, now: Instant) -> Duration {
        if self.started.is_some_and(|at| now.saturating_duration_since(at) >= HEALTHY) {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.started = now.checked_add(wait);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let mut now = origin();
        let waits: Vec<u128> = (0..12)
            .map(|_| {
                let wait = backoff.next(now);
                now += wait;
                wait.as_millis()
            })
            .collect();
        let expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
        assert_eq!(waits, expected);
    }

    #[test]
    fn health_is_counted_from_the_start_not_from_the_failure() {
        let mut backoff = Backoff::new();
        let mut now = origin();
        for _ in 0..10 {
            now += backoff.next(now);
        }
        now += Duration::from_millis(59_999);
        assert_eq!(backoff.next(now), LONGEST, "not quite healthy");
        now += LONGEST + HEALTHY;
        assert_eq!(backoff.next(now), FIRST, "healthy for 60 s");
        now += FIRST;
        assert_eq!(backoff.next(now), FIRST * 2);
    }

    #[test]
    fn a_thousand_failures_do_not_overflow() {
        let mut backoff = Backoff::new();
        let now = origin();
        assert!((0..1_000).all(|_| backoff.next(now) <= LONGEST));
    }
}
