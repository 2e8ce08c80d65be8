//! The protocol over a pair of byte streams, one message a line. The end of the input, or a request to stop, lets
//! the calls in progress finish and their answers out.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ClientNotification, JsonRpcMessage, RequestId};
use rmcp::service::{RoleServer, RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage, serve_server};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Server;

/// The longest line, in bytes; longer ones are dropped with a log line.
const LONGEST_LINE: usize = 4 * 1024 * 1024;
/// How long calls in progress may take after the end of the input.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the streams could not be served to their end.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The client's opening was not understood, or could not be answered.
    #[error("the session did not start: {0}")]
    Start(#[source] Box<ServerInitializeError>),
    /// The server's own loop failed.
    #[error("the session ended with a fault: {0}")]
    Fault(#[from] tokio::task::JoinError),
}

/// Serves one client of any protocol revision until its input ends or `stop` is cancelled.
///
/// # Errors
/// The session did not start, or broke off. An input that ends early is no error.
pub async fn serve<R, W>(
    server: Server,
    input: R,
    output: W,
    stop: CancellationToken,
) -> Result<(), StdioError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let lines = AsyncRwTransport::new_server(input, output).with_max_line_length(LONGEST_LINE);
    match serve_server(server, Draining::new(lines, stop)).await {
        Ok(session) => {
            session.waiting().await?;
            Ok(())
        }
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(StdioError::Start(Box::new(error))),
    }
}

/// A transport that ends only when every request has its answer.
struct Draining<T> {
    inner: T,
    stop: CancellationToken,
    opening: Opening,
    ended: bool,
    /// Requests that were read and not yet answered or cancelled.
    unanswered: Arc<watch::Sender<HashSet<RequestId>>>,
}

/// Whether a request has come yet.
#[derive(PartialEq)]
enum Opening {
    Awaited,
    Seen,
}

impl<T> Draining<T> {
    fn new(inner: T, stop: CancellationToken) -> Self {
        let unanswered = Arc::new(watch::Sender::default());
        Self { inner, stop, opening: Opening::Awaited, ended: false, unanswered }
    }

    fn note(&mut self, message: &RxJsonRpcMessage<RoleServer>) {
        match message {
            JsonRpcMessage::Request(request) => {
                self.opening = Opening::Seen;
                self.unanswered.send_modify(|ids| {
                    ids.insert(request.id.clone());
                });
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.unanswered.send_modify(|ids| {
                        ids.remove(id);
                    });
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Draining<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let answered = match &message {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        let unanswered = Arc::clone(&self.unanswered);
        let sent = self.inner.send(message);
        async move {
            let outcome = sent.await;
            if let Some(id) = answered {
                unanswered.send_modify(|ids| {
                    ids.remove(&id);
                });
            }
            outcome
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        while !self.ended {
            let message = tokio::select! {
                message = self.inner.receive() => message,
                () = self.stop.cancelled() => None,
            };
            let Some(message) = message else {
                self.ended = true;
                break;
            };
            self.note(&message);
            // A session opens with a request; what comes before it has no one to answer, and must not end it.
            if self.opening == Opening::Seen {
                return Some(message);
            }
        }
        let mut unanswered = self.unanswered.subscribe();
        // An error of `wait_for` would mean that the sender is gone, but `self` holds it.
        if tokio::time::timeout(PATIENCE, unanswered.wait_for(HashSet::is_empty)).await.is_err() {
            tracing::warn!("calls in progress did not finish within {PATIENCE:?} and are given up");
        }
        None
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}
