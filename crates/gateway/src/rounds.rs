//! How long a connection may take for the head of a request, counted in rounds: the connection counts them while
//! something waits, and a wait only notes where the count stood. A timer of its own for each request would cost
//! two readings of the clock and a place in the runtime's wheel.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Rounds in the time limit: a wait ends after the limit, and at most a quarter of it later.
const ROUNDS: u32 = 4;

/// The rounds of one connection. Whoever holds them counts, and polls the connection after each.
#[derive(Clone, Debug)]
pub(crate) struct Rounds {
    state: Arc<State>,
    /// Waits are counted in rounds, so one moment does for all.
    began: Instant,
}

#[derive(Debug, Default)]
struct State {
    count: AtomicU32,
    waits: AtomicU32,
}

impl Rounds {
    /// The rounds of a connection that begins now.
    #[expect(clippy::disallowed_methods, reason = "hyper asks for a moment that only we read again")]
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), began: Instant::now() }
    }

    /// How long a round lasts where a wait may last `limit`.
    pub(crate) fn length(limit: Duration) -> Duration {
        limit / ROUNDS
    }

    /// One more is over.
    pub(crate) fn count(&self) {
        self.state.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether anything waits, so that rounds have to be counted.
    pub(crate) fn matter(&self) -> bool {
        self.state.waits.load(Ordering::Relaxed) > 0
    }

    fn wait(&self) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.state.waits.fetch_add(1, Ordering::Relaxed);
        Box::pin(Wait { from: self.state.count.load(Ordering::Relaxed), state: Arc::clone(&self.state) })
    }
}

impl hyper::rt::Timer for Rounds {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.wait()
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.wait()
    }

    fn now(&self) -> Instant {
        self.began
    }
}

/// Over when all rounds of the limit have passed, that in which it began not counted.
struct Wait {
    state: Arc<State>,
    from: u32,
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let passed = self.state.count.load(Ordering::Relaxed).wrapping_sub(self.from);
        if passed > ROUNDS { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.state.waits.fetch_sub(1, Ordering::Relaxed);
    }
}

impl hyper::rt::Sleep for Wait {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_over_after_the_limit_and_within_a_quarter_of_it() {
        let rounds = Rounds::new();
        rounds.count();
        let mut wait = rounds.wait();
        let mut over = || wait.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready();
        for _ in 0..ROUNDS {
            rounds.count();
            assert!(!over());
        }
        rounds.count();
        assert!(over());
        assert!(rounds.matter());
        drop(wait);
        assert!(!rounds.matter());
        assert_eq!(Rounds::length(Duration::from_secs(30)) * ROUNDS, Duration::from_secs(30));
    }
}
