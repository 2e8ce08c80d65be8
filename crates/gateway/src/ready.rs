//! Waiting with a time limit, at no cost where there is nothing to wait for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::error::Elapsed;

/// As [`tokio::time::timeout`], but the clock is not read when the future is ready at once.
///
/// # Errors
///
/// The time is over.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let first = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    match first {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => tokio::time::timeout(limit, future).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_is_taken_and_what_is_not_is_limited() {
        assert_eq!(within(Duration::ZERO, async { 7 }).await.unwrap(), 7);
        assert!(within(Duration::from_secs(5), std::future::pending::<()>()).await.is_err());
        let late = within(Duration::from_secs(5), tokio::time::sleep(Duration::from_secs(4))).await;
        assert!(late.is_ok());
    }
}
