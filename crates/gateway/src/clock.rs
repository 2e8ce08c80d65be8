//! Time as a value that is passed in: the system's clocks in production, a hand-moved one in tests.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use toolgate_quota::Now;

/// Where the gateway reads the time.
pub trait Clock: Debug + Send + Sync {
    /// The monotonic and the wall clock, read together.
    fn now(&self) -> Now;

    /// The monotonic clock alone, in nanoseconds.
    fn mono(&self) -> u64 {
        self.now().mono
    }
}

/// A duration as monotonic time counts it.
#[must_use]
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The clocks of the system.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system's clock")]
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { mono: self.mono(), wall: i64::try_from(wall.as_micros()).unwrap_or(i64::MAX) }
    }

    fn mono(&self) -> u64 {
        nanos(self.origin.elapsed())
    }
}

/// A clock that stands until it is moved; both of its times move together.
#[derive(Debug)]
pub struct ManualClock {
    micros: AtomicU64,
}

impl ManualClock {
    /// Stands at the given Unix time in microseconds.
    #[must_use]
    pub fn new(wall_micros: u64) -> Self {
        Self { micros: AtomicU64::new(wall_micros) }
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.micros.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        let micros = self.micros.load(Ordering::SeqCst);
        Now { mono: micros.saturating_mul(1000), wall: i64::try_from(micros).unwrap_or(i64::MAX) }
    }
}
