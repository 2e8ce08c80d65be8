//! The event stream of a legacy session: what the server says without being asked.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::Bridge;
use super::answer::Awaited;
use super::exchange::opens_stream;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How an attempt to listen ended.
enum Heard {
    /// The stream was there; it may be asked for again.
    Stream,
    /// Not now.
    Later,
    /// There is none.
    Never,
}

impl Bridge {
    /// Listens until the client closes its side or the session ends.
    pub(super) fn start_listening(self: &Arc<Self>) {
        let bridge = Arc::clone(self);
        self.background.spawn(async move {
            tokio::select! {
                () = bridge.listen() => {}
                () = bridge.closing.cancelled() => {}
            }
        });
    }

    async fn listen(&self) {
        let generation = self.session.generation();
        let mut awaited = Awaited::nothing();
        let mut pause = FIRST_PAUSE;
        while self.session.generation() == generation {
            let last_event = awaited.last_event.clone();
            match self.listen_once(last_event.as_ref(), &mut awaited).await {
                Heard::Stream => pause = awaited.retry.unwrap_or(FIRST_PAUSE).min(LONGEST_PAUSE),
                Heard::Later => pause = (pause * 2).min(LONGEST_PAUSE),
                Heard::Never => return,
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn listen_once(&self, last_event: Option<&Bytes>, awaited: &mut Awaited) -> Heard {
        let response = match self.get(last_event.map(|id| &**id)).await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(%error, "the session's event stream cannot be opened yet");
                return Heard::Later;
            }
        };
        if opens_stream(&response) {
            return match self.deliver_events(response.into_body(), awaited).await {
                Ok(()) => Heard::Stream,
                Err(fault) => {
                    tracing::warn!(?fault, "the session's event stream cannot be read");
                    Heard::Never
                }
            };
        }
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => Heard::Later,
            status if status.is_server_error() => Heard::Later,
            _ => Heard::Never,
        }
    }
}
