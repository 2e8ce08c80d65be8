//! Tells a client that follows a call how far it is: at once when something happens, and every few seconds anyway.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RoleServer};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::secret::Secrets;

/// The longest silence: clients that wait for news give up after some 45 s.
const EVERY: Duration = Duration::from_secs(3);

/// Reports to one client about one call.
#[derive(Debug)]
pub(super) struct Reporter {
    peer: Peer<RoleServer>,
    token: ProgressToken,
    begun: Instant,
    last: f64,
}

impl Reporter {
    pub(super) fn new(peer: Peer<RoleServer>, token: ProgressToken) -> Self {
        Self { peer, token, begun: Instant::now(), last: 0.0 }
    }

    /// Waits for news or for the next time to speak, and reports. The progress is the seconds since the beginning.
    pub(super) async fn next(&mut self, stages: &mut watch::Receiver<String>, secrets: &Secrets) {
        tokio::select! {
            changed = stages.changed() => if changed.is_err() {
                // The call is over; its result follows.
                std::future::pending::<()>().await;
            },
            () = tokio::time::sleep(EVERY) => {}
        }
        let stage = stages.borrow_and_update().clone();
        let seconds = self.begun.elapsed().as_secs_f64();
        // It must grow from one report to the next.
        self.last = if seconds > self.last { seconds } else { self.last + 0.001 };
        let report = ProgressNotificationParam::new(self.token.clone(), self.last)
            .with_message(secrets.scrub(&format!("{stage} ({seconds:.0} s)")));
        if let Err(error) = self.peer.notify_progress(report).await {
            tracing::debug!(%error, "a report of progress did not arrive");
        }
    }
}
