//! What a server did that has no other trace, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts one more. Returns whether it is worth a line in the log: the first, second, fourth,
    /// eighth … time, so that a flood stays readable.
    pub(crate) fn one(&self) -> bool {
        (self.0.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two()
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one server's process.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) noise: Counter,
    pub(crate) long_lines: Counter,
    pub(crate) refused: Counter,
    pub(crate) unmatched: Counter,
    pub(crate) dropped_notifications: Counter,
    pub(crate) dropped_requests: Counter,
    pub(crate) lost_messages: Counter,
}

/// What one server's process has done so far that went no further.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines of standard output that were not JSON.
    pub noise: u64,
    /// Lines beyond the limit.
    pub long_lines: u64,
    /// Lines that were JSON-like, but not strict JSON or no JSON-RPC 2.0 message.
    pub refused: u64,
    /// Answers to no request in flight: late, repeated or invented.
    pub unmatched: u64,
    /// Notifications for nobody, not wanted, or not taken in time.
    pub dropped_notifications: u64,
    /// Requests of the server's own that were not passed on.
    pub dropped_requests: u64,
    /// Messages of the leg's own that found no room on their way to the server.
    pub lost_messages: u64,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> Counts {
        Counts {
            noise: self.noise.get(),
            long_lines: self.long_lines.get(),
            refused: self.refused.get(),
            unmatched: self.unmatched.get(),
            dropped_notifications: self.dropped_notifications.get(),
            dropped_requests: self.dropped_requests.get(),
            lost_messages: self.lost_messages.get(),
        }
    }
}
