//! What the server has said to one request and its caller has not taken yet: bounded, so that a slow
//! caller hurts only itself.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::stdio::exchange::{Incoming, Written};
use crate::stdio::fault::{Fault, SendError};

/// The most that one mailbox holds besides the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Notifications.
    pub(crate) messages: usize,
    /// Bytes of notifications.
    pub(crate) bytes: usize,
}

/// A queue with one reader. The end, an answer or a fault, always finds room.
#[derive(Debug)]
pub(crate) struct Mailbox {
    room: Room,
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Bytes>,
    bytes: usize,
    written: Written,
    end: End,
}

#[derive(Debug)]
enum End {
    Open,
    Answered(Bytes),
    Failed(Fault),
    Taken,
}

impl Mailbox {
    pub(crate) fn new(room: Room) -> Self {
        let state = State { queue: VecDeque::new(), bytes: 0, written: Written::Nothing, end: End::Open };
        Self { room, state: Mutex::new(state), bell: Notify::new() }
    }

    /// Puts a notification in; false if there is no room for it, or the exchange is over.
    pub(crate) fn push(&self, message: Bytes) -> bool {
        let mut state = self.lock();
        let fits = state.queue.len() < self.room.messages
            && (state.queue.is_empty() || state.bytes.saturating_add(message.len()) <= self.room.bytes);
        if !fits || !matches!(state.end, End::Open) {
            return false;
        }
        state.bytes += message.len();
        state.queue.push_back(message);
        drop(state);
        self.bell.notify_one();
        true
    }

    /// Ends the exchange with the server's answer; the first end counts.
    pub(crate) fn answer(&self, response: Bytes) {
        self.end(End::Answered(response));
    }

    /// Ends the exchange without an answer; the first end counts.
    pub(crate) fn fail(&self, fault: Fault) {
        self.end(End::Failed(fault));
    }

    /// Notes how much of the request has been written.
    pub(crate) fn mark(&self, written: Written) {
        self.lock().written = written;
        self.bell.notify_one();
    }

    /// How much of the request has been written.
    pub(crate) fn written(&self) -> Written {
        self.lock().written
    }

    /// What came next; ends after the answer or the fault.
    pub(crate) async fn next(&self) -> Option<Result<Incoming, SendError>> {
        loop {
            if let Poll::Ready(next) = self.take() {
                return next;
            }
            self.bell.notified().await;
        }
    }

    /// Waits until the request is written whole, or cannot be any more.
    pub(crate) async fn sent(&self) -> Result<(), SendError> {
        loop {
            if let Poll::Ready(sent) = self.peek_sent() {
                return sent;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Poll<Option<Result<Incoming, SendError>>> {
        let mut state = self.lock();
        if let Some(message) = state.queue.pop_front() {
            state.bytes = state.bytes.saturating_sub(message.len());
            return Poll::Ready(Some(Ok(Incoming::Notification(message))));
        }
        if matches!(state.end, End::Open) {
            return Poll::Pending;
        }
        let next = match std::mem::replace(&mut state.end, End::Taken) {
            End::Open | End::Taken => None,
            End::Answered(response) => Some(Ok(Incoming::Response(response))),
            End::Failed(fault) => Some(Err(state.written.failed(fault))),
        };
        Poll::Ready(next)
    }

    fn peek_sent(&self) -> Poll<Result<(), SendError>> {
        let state = self.lock();
        match (&state.end, state.written) {
            (_, Written::Whole) | (End::Answered(_) | End::Taken, _) => Poll::Ready(Ok(())),
            (End::Failed(fault), written) => Poll::Ready(Err(written.failed(*fault))),
            (End::Open, Written::Nothing | Written::Part) => Poll::Pending,
        }
    }

    fn end(&self, end: End) {
        let mut state = self.lock();
        if matches!(state.end, End::Open) {
            state.end = end;
        }
        drop(state);
        self.bell.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
