//! The client leg over a child process: newline-delimited JSON-RPC on its standard input and output.
//!
//! One process serves any number of callers: each request travels under a number of the leg's own, and
//! its answer, progress and subscription come back with the caller's id and token, byte for byte. A
//! server that floods, hangs, lies or dies hurts only those who wait for it. When to start one, and
//! who may call it, is for others.

pub mod backoff;
mod compose;
pub mod counts;
pub mod event;
pub mod exchange;
pub mod fault;
mod inbound;
mod leg;
mod line;
pub mod logs;
mod mailbox;
mod outbox;
pub mod probe;
mod process;
mod route;
pub mod spec;
mod supervise;
mod table;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use toolgate_json::Span;

use crate::revision::Era;
use crate::stdio::counts::Counts;
use crate::stdio::event::Event;
use crate::stdio::exchange::{Exchange, Outgoing, RequestKey};
use crate::stdio::fault::{Exit, Fault, SendError};
use crate::stdio::leg::Leg;
use crate::stdio::logs::{LogSink, Source};
use crate::stdio::process::Process;
use crate::stdio::spec::{ChildSpec, Limits, SpawnError};

/// A server's process. All methods may be called from any thread or runtime; none blocks. Dropping it
/// stops the process as [`StdioChild::close`] does, and ends the exchanges that are still open.
#[derive(Debug)]
pub struct StdioChild {
    leg: Arc<Leg>,
}

impl StdioChild {
    /// Starts a server. Its tasks run on the current Tokio runtime, which needs I/O and time, and are
    /// tracked by `tracker`; should the runtime end before them, the process group is killed. Events
    /// come through the receiver until the process has ended.
    ///
    /// # Errors
    ///
    /// The command was not found, or the operating system refused.
    pub fn spawn(
        spec: &ChildSpec,
        limits: Limits,
        sink: LogSink,
        tracker: &TaskTracker,
    ) -> Result<(Self, mpsc::Receiver<Event>), SpawnError> {
        let (process, pipes) = Process::start(spec)?;
        let leg = Arc::new(Leg::new(spec.label.clone(), process.pid(), limits, sink));
        let (sender, receiver) = mpsc::channel(limits.events.max(1));
        tracing::info!(server = leg.label, pid = leg.pid, "started the server");
        supervise::supervise(&leg, process, pipes, sender, tracker);
        Ok((Self { leg }, receiver))
    }

    /// The server's name in logs.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.leg.label
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.leg.pid
    }

    /// The server's era, once it is known.
    #[must_use]
    pub fn era(&self) -> Option<Era> {
        self.leg.era.get().copied()
    }

    /// Tells the server's era; the first word counts. Until it is known, and when it is modern, requests
    /// of the server are dropped and nothing is answered to it.
    pub fn set_era(&self, era: Era) {
        self.leg.era.set(era).ok();
    }

    /// Puts a request on its way. It is written whole or, when taken back in time, not at all.
    ///
    /// # Errors
    ///
    /// Always [`SendError::NotWritten`]: the queue is full, the server has ended or is being stopped, or
    /// a span is wrong. What fails later is told by the exchange.
    pub fn request(&self, outgoing: &Outgoing) -> Result<Exchange, SendError> {
        self.leg.request(outgoing)
    }

    /// Puts a notification of the client on its way, unchanged but for line breaks.
    ///
    /// # Errors
    ///
    /// Always [`SendError::NotWritten`].
    pub fn notify(&self, body: &[u8]) -> Result<(), SendError> {
        self.leg.post(compose::line(body.to_vec())).map_err(SendError::NotWritten)
    }

    /// Puts the answer to a request of the server on its way, unchanged but for line breaks.
    ///
    /// # Errors
    ///
    /// Always [`SendError::NotWritten`]; among others when the server is not known to be legacy.
    pub fn respond(&self, body: &[u8]) -> Result<(), SendError> {
        match self.era() {
            Some(Era::Legacy) => self.notify(body),
            Some(Era::Modern) | None => Err(SendError::NotWritten(Fault::NoResponses)),
        }
    }

    /// Cancels a request: its exchange ends with [`Fault::Cancelled`], a late answer is swallowed. The
    /// server gets a `notifications/cancelled` if it may have seen the request. False, and nothing is
    /// sent, if the request is not in flight.
    pub fn cancel(&self, key: RequestKey, reason: &str) -> bool {
        self.leg.cancel(key.0, || compose::cancelled(key.0, reason))
    }

    /// Cancels a request by the client's own `notifications/cancelled`, which keeps its bytes but for
    /// the value of `params.requestId` at `request_id`; else as [`StdioChild::cancel`].
    ///
    /// # Errors
    ///
    /// The span does not lie within the body; the request goes on.
    pub fn cancel_by(&self, key: RequestKey, body: &Bytes, request_id: Span) -> Result<bool, SendError> {
        self.leg.cancel_by(key.0, body, request_id).map_err(SendError::NotWritten)
    }

    /// Requests in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.leg.table().len()
    }

    /// Begins to stop the server: no more messages are taken, those that wait are written, its input is
    /// closed; after [`Limits::grace`] its group gets SIGTERM, after [`Limits::term`] SIGKILL.
    pub fn close(&self) {
        self.leg.close();
    }

    /// How the process ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        *self.leg.exit.borrow()
    }

    /// Waits until the process and its group have ended, its last output was read and all exchanges are
    /// over.
    pub async fn exited(&self) -> Exit {
        self.exit_watch().await
    }

    /// As [`StdioChild::exited`], without keeping the process: dropping the last handle still stops it.
    pub fn exit_watch(&self) -> impl Future<Output = Exit> + Send + use<> {
        let mut watch = self.leg.exit.subscribe();
        async move {
            let exit = watch.wait_for(Option::is_some).await.map(|exit| *exit);
            exit.ok().flatten().unwrap_or(Exit::Unknown)
        }
    }

    /// The last `count` lines of standard error, redacted, oldest first.
    #[must_use]
    pub fn stderr_tail(&self, count: usize) -> Vec<String> {
        self.leg.logs.tail(Source::Stderr, count)
    }

    /// The last `count` lines of standard output that were no messages, redacted, oldest first.
    #[must_use]
    pub fn noise_tail(&self, count: usize) -> Vec<String> {
        self.leg.logs.tail(Source::Stdout, count)
    }

    /// What the server did that went no further.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.leg.counters.snapshot()
    }
}

impl Drop for StdioChild {
    fn drop(&mut self) {
        self.leg.close();
    }
}
