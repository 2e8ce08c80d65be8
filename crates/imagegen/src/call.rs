//! One call's patience: until when it may take, what ends it early, and how far it is.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// What accompanies a call on its way. Clones are the same call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    cancel: CancellationToken,
    begun: Instant,
    patience: Duration,
    stage: watch::Sender<String>,
}

/// What ended a call before its picture was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The caller no longer wants it, or the server ends.
    Cancelled,
    /// Its time is up.
    Deadline(Duration),
}

impl Call {
    /// A call that begins now, may take `patience`, and ends early when `cancel` is cancelled.
    #[must_use]
    pub(crate) fn new(cancel: CancellationToken, patience: Duration) -> Self {
        Self { cancel, begun: Instant::now(), patience, stage: watch::Sender::default() }
    }

    /// How long it has taken.
    #[must_use]
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How long it may still take.
    #[must_use]
    pub(crate) fn remaining(&self) -> Duration {
        self.patience.saturating_sub(self.elapsed())
    }

    /// How long it may take in all.
    #[must_use]
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// The result of `work`, unless something ends the call first; then `work` is dropped.
    ///
    /// # Errors
    /// What ended the call.
    pub(crate) async fn race<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            stop = self.stopped() => Err(stop),
            done = work => Ok(done),
        }
    }

    /// Waits this long.
    ///
    /// # Errors
    /// What ended the call.
    pub(crate) async fn sleep(&self, pause: Duration) -> Result<(), Stop> {
        self.race(tokio::time::sleep(pause)).await
    }

    /// Whether nobody wants the call any more.
    #[must_use]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Waits for what ends the call early.
    pub(crate) async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Stop::Cancelled,
            () = tokio::time::sleep_until(self.begun + self.patience) => Stop::Deadline(self.patience),
        }
    }

    /// Says how far the call is, for progress notifications.
    pub(crate) fn say(&self, stage: impl Into<String>) {
        self.stage.send_replace(stage.into());
    }

    /// What was said last, and a way to wait for the next.
    #[must_use]
    pub(crate) fn stages(&self) -> watch::Receiver<String> {
        self.stage.subscribe()
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::new(
                "No picture was saved: the call was cancelled.",
                "cancelled",
                "call again if the picture is still wanted.",
            ),
            Stop::Deadline(patience) => Self::new(
                format!("No picture was saved: the call took longer than {} s.", patience.as_secs()),
                "deadline",
                "try again later or with a faster model, or set IMAGEGEN_TIMEOUT to more seconds.",
            ),
        }
        .perhaps_spent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_deadline_or_when_cancelled() {
        let cancel = CancellationToken::new();
        let call = Call::new(cancel.clone(), Duration::from_secs(10));
        assert_eq!(call.race(std::future::ready(7)).await, Ok(7));
        assert_eq!(call.sleep(Duration::from_secs(4)).await, Ok(()));
        assert_eq!(call.remaining(), Duration::from_secs(6));
        assert_eq!(call.sleep(Duration::from_secs(7)).await, Err(Stop::Deadline(Duration::from_secs(10))));
        assert_eq!(call.elapsed(), Duration::from_secs(10));
        cancel.cancel();
        assert_eq!(call.sleep(Duration::ZERO).await, Err(Stop::Cancelled));
    }
}
